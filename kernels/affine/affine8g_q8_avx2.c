/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8g_q8 with AVX2, FMA and F16C, without VNNI (affine8_q8_pairs.inc in groups,
 * q8_groups.inc).
 *
 * Limits, d = 64, 16 keys: 72 multiplications, 68 additions, 8 conversions, 4 multiply-adds and 77
 * loads. Three 256-bit ALU ports are full after 51 cycles, four instructions a cycle after 67, and
 * the one port that multiplies integers on the oldest cores with AVX2 after 72: a line takes 3 to
 * 4.3.
 */
#include "ints_avx2.h"

#include "affine8_q8_pairs.inc"
#define SCAN score_affine8g_q8
#define KIND KVR_AFFINE8G
#include "q8_groups.inc"

const struct kvr_kernel kvr_kernel_affine8g_q8_q8_avx2 = {
    .variant = "q8",
    .isa_name = "avx2",
    .format = &kvr_format_affine8g_q8,
    .isa = KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C,
    .work = {.block_keys = 16, .loads = 77, .stores = 2, .vector_alu = 68,
             .fma = 4, .int_dots = 72, .converts = 8, .uops = 269, .convert_rate = "convert.i32"},
    .work_once = {.stores = 2, .uops = 14}, /* all else is of a group */
    .work_head_dim = 64,
    .score = score_affine8g_q8,
};
