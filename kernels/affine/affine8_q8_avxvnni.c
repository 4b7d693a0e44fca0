/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8_q8 with AVX-VNNI (affine8_q8_dots.inc). 16 registers do not hold the query: its dwords
 * are broadcast from memory, once for both halves of a line.
 *
 * Limits, d = 64, 16 keys: 32 dot products and 52 loads. Two load ports are full after 26 cycles,
 * three after 17, two ports for dot products after 16: a line takes 1 to 1.7 cycles.
 */
#include "ints_avx2.h"

#include "affine8_q8_dots.inc"
#define SCAN score_affine8_q8
#include "q8_blocks.inc"

const struct kvr_kernel kvr_kernel_affine8_q8_fused_avxvnni = {
    .variant = "fused",
    .isa_name = "avxvnni",
    .format = &kvr_format_affine8_q8,
    .isa = KVR_ISA_AVX2 | KVR_ISA_AVXVNNI,
    .work = {.block_keys = 16, .loads = 52, .stores = 2, .vector_alu = 8, .int_dots = 32,
             .converts = 2, .uops = 124, .convert_rate = "convert.i32"},
    .work_once = {.loads = 2, .stores = 2, .vector_alu = 8, .converts = 2, .uops = 38},
    .work_head_dim = 64,
    .score = score_affine8_q8,
};
