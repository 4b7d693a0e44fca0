/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4_q8 with AVX-512 VNNI (affine4_q8_dots.inc).
 *
 * Limits, d = 64: 8 loads, 16 masks and 16 dot products for 16 keys: ALU ports, 2 cycles a line.
 * Beyond L1 the memory is the limit.
 */
#include "../groups.h"
#include "ints_avx512.h"

#include "affine4_q8_dots.inc"
#define SCAN score_affine4_q8
#include "q8_blocks.inc"

const struct kvr_kernel kvr_kernel_affine4_q8_fused_avx512vnni = {
    .variant = "fused",
    .isa_name = "avx512vnni",
    .format = &kvr_format_affine4_q8,
    .isa = KVR_ISA_AVX512 | KVR_ISA_VNNI,
    .work = {.block_keys = 16, .loads = 9, .stores = 1, .vector_alu = 21, .int_dots = 16,
             .converts = 1, .uops = 72, .convert_rate = "convert.i32"},
    .work_once = {.stores = 1, .vector_alu = 5, .converts = 1, .uops = 29},
    .work_head_dim = 64,
    .score = score_affine4_q8,
    .groups = kvr_groups_affine4_q8_avx512vnni,
};
