/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4g_q8 with AVX2, FMA and F16C, without VNNI (affine4_q8_pairs.inc in groups,
 * q8_groups.inc).
 *
 * Limits, d = 64, 16 keys: 36 multiplications, 84 masks, shifts and additions, 8 conversions, 4
 * multiply-adds. Three 256-bit ALU ports are full after 44 cycles, four instructions a cycle after
 * 52: a line takes 4.9 to 5.8.
 */
#include "ints_avx2.h"

#include "affine4_q8_pairs.inc"
#define SCAN score_affine4g_q8
#define KIND KVR_AFFINE4G
#include "q8_groups.inc"

const struct kvr_kernel kvr_kernel_affine4g_q8_q8_avx2 = {
    .variant = "q8",
    .isa_name = "avx2",
    .format = &kvr_format_affine4g_q8,
    .isa = KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C,
    .work = {.block_keys = 16, .loads = 47, .stores = 2, .vector_alu = 84,
             .fma = 4, .int_dots = 36, .converts = 8, .uops = 208, .convert_rate = "convert.i32"},
    .work_once = {.stores = 2, .uops = 14}, /* all else is of a group */
    .work_head_dim = 64,
    .score = score_affine4g_q8,
};
