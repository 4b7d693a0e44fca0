/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8g_q8 with AVX-VNNI, FMA and F16C (affine8_q8_dots.inc in groups, q8_groups.inc).
 *
 * Limits, d = 64, 16 keys: 32 dot products and 62 loads, 158 instructions. Two load ports are full
 * after 31 cycles, three after 21, six instructions a cycle after 27: a line takes 1.6 to 1.9.
 */
#include "ints_avx2.h"

#include "affine8_q8_dots.inc"
#define SCAN score_affine8g_q8
#define KIND KVR_AFFINE8G
#include "q8_groups.inc"

const struct kvr_kernel kvr_kernel_affine8g_q8_q8_avxvnni = {
    .variant = "q8",
    .isa_name = "avxvnni",
    .format = &kvr_format_affine8g_q8,
    .isa = KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C | KVR_ISA_AVXVNNI,
    .work = {.block_keys = 16, .loads = 62, .stores = 3, .vector_alu = 16, .fma = 4,
             .int_dots = 32, .converts = 8, .uops = 158, .convert_rate = "convert.i32"},
    .work_once = {.stores = 2, .uops = 14}, /* all else is of a group */
    .work_head_dim = 64,
    .score = score_affine8g_q8,
};
