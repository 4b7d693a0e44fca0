/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4 with AVX2 and FMA and a float query (tensor_avx2.inc).
 *
 * Limits, d = 64, 16 keys: 128 conversions and 128 multiply-adds, 16 shifts, 112 masks, 81 loads.
 * Two 256-bit ports for the first three are full after 136 cycles, three ALU ports after 129: a
 * line takes 17 cycles, 3.8 bytes a cycle.
 */
#include "low_parts_avx2.h"

#define LINE_CHANNELS KVR_AFFINE4_LINE_CHANNELS
#define SCAN score_affine4
#define PARTS kvr_low_parts4
#define ADD_LINE kvr_add_line4
#include "tensor_avx2.inc"

const struct kvr_kernel kvr_kernel_affine4_fused_avx2 = {
    .variant = "fused",
    .isa_name = "avx2",
    .format = &kvr_format_affine4,
    .isa = KVR_ISA_AVX2 | KVR_ISA_FMA,
    .work = {.block_keys = 16, .loads = 81, .stores = 2, .vector_alu = 130, .fma = 128,
             .converts = 128, .uops = 492, .convert_rate = "convert.i32"},
    .work_once = {.loads = 1, .stores = 2, .vector_alu = 2, .uops = 20},
    .work_head_dim = 64,
    .score = score_affine4,
};
