/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8_q8 with AVX-512 without VNNI (affine8_q8_pairs.inc).
 *
 * Limits, d = 64, 16 keys: 36 multiplications, 33 additions and 48 loads. Two 512-bit ALU ports are
 * full after 35 cycles, four instructions a cycle after 41: a line takes 2.2 to 2.6 cycles.
 */
#include "ints_avx512.h"

#include "affine8_q8_pairs.inc"
#define SCAN score_affine8_q8
#include "q8_blocks.inc"

const struct kvr_kernel kvr_kernel_affine8_q8_fused_avx512 = {
    .variant = "fused",
    .isa_name = "avx512",
    .format = &kvr_format_affine8_q8,
    .isa = KVR_ISA_AVX512,
    .work = {.block_keys = 16, .loads = 48, .stores = 1, .vector_alu = 33, .int_dots = 36,
             .converts = 1, .uops = 136, .convert_rate = "convert.i32"},
    .work_once = {.stores = 1, .vector_alu = 1, .converts = 1, .uops = 16},
    .work_head_dim = 64,
    .score = score_affine8_q8,
};
