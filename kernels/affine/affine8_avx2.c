/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8 with AVX2 and FMA and a float query (tensor_avx2.inc).
 *
 * Limits, d = 64, 16 keys: 128 conversions and 128 multiply-adds, 32 shifts, 96 masks, 97 loads.
 * Two 256-bit ports for the first three are full after 144 cycles, three ALU ports after 129, four
 * instructions a cycle after 133: a line takes 9 cycles, 7 bytes a cycle.
 */
#include "low_parts_avx2.h"

#define LINE_CHANNELS KVR_AFFINE8_LINE_CHANNELS
#define SCAN score_affine8
#define PARTS kvr_low_parts8
#define ADD_LINE kvr_add_line8
#include "tensor_avx2.inc"

const struct kvr_kernel kvr_kernel_affine8_fused_avx2 = {
    .variant = "fused",
    .isa_name = "avx2",
    .format = &kvr_format_affine8,
    .isa = KVR_ISA_AVX2 | KVR_ISA_FMA,
    .work = {.block_keys = 16, .loads = 97, .stores = 2, .vector_alu = 130, .fma = 128,
             .converts = 128, .uops = 532, .convert_rate = "convert.i32"},
    .work_once = {.loads = 1, .stores = 2, .vector_alu = 2, .uops = 20},
    .work_head_dim = 64,
    .score = score_affine8,
};
