/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4_q8 with AVX-512 without VNNI (affine4_q8_pairs.inc).
 *
 * Limits, d = 64, 16 keys: 18 multiplications, 41 masks, shifts and additions, 25 loads. Two
 * 512-bit ALU ports are full after 30 cycles: a line takes 3.7 cycles.
 */
#include "ints_avx512.h"

#include "affine4_q8_pairs.inc"
#define SCAN score_affine4_q8
#include "q8_blocks.inc"

const struct kvr_kernel kvr_kernel_affine4_q8_fused_avx512 = {
    .variant = "fused",
    .isa_name = "avx512",
    .format = &kvr_format_affine4_q8,
    .isa = KVR_ISA_AVX512,
    .work = {.block_keys = 16, .loads = 25, .stores = 1, .vector_alu = 41, .int_dots = 18,
             .converts = 1, .uops = 101, .convert_rate = "convert.i32"},
    .work_once = {.stores = 1, .vector_alu = 1, .converts = 1, .uops = 16},
    .work_head_dim = 64,
    .score = score_affine4_q8,
};
