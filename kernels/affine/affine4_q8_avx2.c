/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4_q8 with AVX2, without VNNI (affine4_q8_pairs.inc).
 *
 * Limits, d = 64, 16 keys: 36 multiplications, 16 shifts, 66 masks and additions, 37 loads. Three
 * 256-bit ALU ports are full after 40 cycles, four instructions a cycle after 46, and the one port
 * that multiplies and shifts on the oldest cores with AVX2 after 52: a line takes 5 to 6.5 cycles,
 * 10 to 13 bytes a cycle.
 */
#include "ints_avx2.h"

#include "affine4_q8_pairs.inc"
#define SCAN score_affine4_q8
#include "q8_blocks.inc"

const struct kvr_kernel kvr_kernel_affine4_q8_fused_avx2 = {
    .variant = "fused",
    .isa_name = "avx2",
    .format = &kvr_format_affine4_q8,
    .isa = KVR_ISA_AVX2,
    .work = {.block_keys = 16, .loads = 37, .stores = 2, .vector_alu = 82, .int_dots = 36,
             .converts = 2, .uops = 188, .convert_rate = "convert.i32"},
    .work_once = {.loads = 2, .stores = 2, .vector_alu = 2, .converts = 2, .uops = 26},
    .work_head_dim = 64,
    .score = score_affine4_q8,
};
