/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4g_q8 with AVX-VNNI, FMA and F16C (affine4_q8_dots.inc in groups, q8_groups.inc).
 *
 * Limits, d = 64, 16 keys: 32 dot products, 44 masks, shifts and additions, 8 conversions, 4
 * multiply-adds. Three 256-bit ALU ports are full after 30 cycles, six instructions a cycle after
 * 32: a line takes 3.5.
 */
#include "ints_avx2.h"

/* One line a step: with the sums of two and the totals of groups, registers spill. */
#define STEP_LINES 1
#include "affine4_q8_dots.inc"
#define SCAN score_affine4g_q8
#define KIND KVR_AFFINE4G
#include "q8_groups.inc"

const struct kvr_kernel kvr_kernel_affine4g_q8_q8_avxvnni = {
    .variant = "q8",
    .isa_name = "avxvnni",
    .format = &kvr_format_affine4g_q8,
    .isa = KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C | KVR_ISA_AVXVNNI,
    .work = {.block_keys = 16, .loads = 47, .stores = 3, .vector_alu = 44, .fma = 4,
             .int_dots = 32, .converts = 8, .uops = 187, .convert_rate = "convert.i32"},
    .work_once = {.stores = 2, .uops = 14}, /* all else is of a group */
    .work_head_dim = 64,
    .score = score_affine4g_q8,
};
