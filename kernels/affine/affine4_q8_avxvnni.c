/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4_q8 with AVX-VNNI (affine4_q8_dots.inc). 16 registers do not hold the query: its dwords
 * are broadcast from memory, once for both halves of a line.
 *
 * Limits, d = 64, 16 keys: 32 dot products, 32 masks and 36 loads. Three ALU ports are full after
 * 26 cycles, two load ports after 18: a line takes 3.2 cycles.
 */
#include "ints_avx2.h"

#include "affine4_q8_dots.inc"
#define SCAN score_affine4_q8
#include "q8_blocks.inc"

const struct kvr_kernel kvr_kernel_affine4_q8_fused_avxvnni = {
    .variant = "fused",
    .isa_name = "avxvnni",
    .format = &kvr_format_affine4_q8,
    .isa = KVR_ISA_AVX2 | KVR_ISA_AVXVNNI,
    .work = {.block_keys = 16, .loads = 36, .stores = 2, .vector_alu = 42, .int_dots = 32,
             .converts = 2, .uops = 142, .convert_rate = "convert.i32"},
    .work_once = {.loads = 2, .stores = 2, .vector_alu = 10, .converts = 2, .uops = 40},
    .work_head_dim = 64,
    .score = score_affine4_q8,
};
