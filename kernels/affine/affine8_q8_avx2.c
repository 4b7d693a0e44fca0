/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8_q8 with AVX2, without VNNI (affine8_q8_pairs.inc).
 *
 * Limits, d = 64, 16 keys: 72 multiplications, 66 additions and 68 loads. Three 256-bit ALU ports
 * are full after 47 cycles, four instructions a cycle after 55, and the one port that multiplies
 * integers on the oldest cores with AVX2 after 72: a line takes 3 to 4.5 cycles, 14 to 21 bytes a
 * cycle.
 */
#include "ints_avx2.h"

#include "affine8_q8_pairs.inc"
#define SCAN score_affine8_q8
#include "q8_blocks.inc"

const struct kvr_kernel kvr_kernel_affine8_q8_fused_avx2 = {
    .variant = "fused",
    .isa_name = "avx2",
    .format = &kvr_format_affine8_q8,
    .isa = KVR_ISA_AVX2,
    .work = {.block_keys = 16, .loads = 68, .stores = 2, .vector_alu = 66, .int_dots = 72,
             .converts = 2, .uops = 238, .convert_rate = "convert.i32"},
    .work_once = {.loads = 2, .stores = 2, .vector_alu = 2, .converts = 2, .uops = 26},
    .work_head_dim = 64,
    .score = score_affine8_q8,
};
