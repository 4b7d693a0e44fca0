/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4g_q8 with AVX-512 VNNI (affine4_q8_dots.inc in groups, q8_groups.inc).
 *
 * Limits, d = 64, 16 keys: 16 dot products, 26 masks, shifts and additions, 4 conversions, 2
 * multiply-adds. Two 512-bit ALU ports are full after 24 cycles: a line takes 2.7.
 */
#include "ints_avx512.h"

#include "affine4_q8_dots.inc"
#define SCAN score_affine4g_q8
#define KIND KVR_AFFINE4G
#include "q8_groups.inc"

const struct kvr_kernel kvr_kernel_affine4g_q8_q8_avx512vnni = {
    .variant = "q8",
    .isa_name = "avx512vnni",
    .format = &kvr_format_affine4g_q8,
    .isa = KVR_ISA_AVX512 | KVR_ISA_FMA | KVR_ISA_F16C | KVR_ISA_VNNI,
    .work = {.block_keys = 16, .loads = 11, .stores = 1, .vector_alu = 26, .fma = 2,
             .int_dots = 16, .converts = 4, .uops = 83, .convert_rate = "convert.i32"},
    .work_once = {.stores = 1, .uops = 14}, /* all else is of a group */
    .work_head_dim = 64,
    .score = score_affine4g_q8,
};
