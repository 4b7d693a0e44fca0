/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8g_q8 with AVX-512 without VNNI (affine8_q8_pairs.inc in groups, q8_groups.inc).
 *
 * Limits, d = 64, 16 keys: 36 multiplications, 34 additions, 4 conversions, 2 multiply-adds. Two
 * 512-bit ALU ports are full after 38 cycles, four instructions a cycle after 37: a line takes
 * 2.2.
 */
#include "ints_avx512.h"

#include "affine8_q8_pairs.inc"
#define SCAN score_affine8g_q8
#define KIND KVR_AFFINE8G
#include "q8_groups.inc"

const struct kvr_kernel kvr_kernel_affine8g_q8_q8_avx512 = {
    .variant = "q8",
    .isa_name = "avx512",
    .format = &kvr_format_affine8g_q8,
    .isa = KVR_ISA_AVX512 | KVR_ISA_FMA | KVR_ISA_F16C,
    .work = {.block_keys = 16, .loads = 52, .stores = 1, .vector_alu = 34, .fma = 2,
             .int_dots = 36, .converts = 4, .uops = 147, .convert_rate = "convert.i32"},
    .work_once = {.stores = 1, .uops = 14}, /* all else is of a group */
    .work_head_dim = 64,
    .score = score_affine8g_q8,
};
