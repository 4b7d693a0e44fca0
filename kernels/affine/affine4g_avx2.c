/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4g with AVX2, FMA and F16C and a float query (groups_avx2.inc).
 *
 * Limits, d = 64, 16 keys: 132 conversions and 132 multiply-adds, 16 shifts, 116 masks and
 * additions. Two 256-bit ports for the first three are full after 140 cycles, three ALU ports after
 * 132: a line of codes takes 17.5 cycles.
 */
#include "low_parts_avx2.h"

#define LINE_CHANNELS KVR_AFFINE4_LINE_CHANNELS
#define KIND KVR_AFFINE4G
#define ZERO KVR_AFFINE4_ZERO
#define SCAN score_affine4g
#define PARTS kvr_low_parts4
#define ADD_LINE kvr_add_line4
#include "groups_avx2.inc"

const struct kvr_kernel kvr_kernel_affine4g_fused_avx2 = {
    .variant = "fused",
    .isa_name = "avx2",
    .format = &kvr_format_affine4g,
    .isa = KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C,
    .work = {.block_keys = 16, .loads = 86, .stores = 2, .vector_alu = 132, .fma = 132,
             .converts = 132, .uops = 505, .convert_rate = "convert.i32"},
    .work_once = {.stores = 2, .uops = 16},
    .work_head_dim = 64,
    .score = score_affine4g,
};
