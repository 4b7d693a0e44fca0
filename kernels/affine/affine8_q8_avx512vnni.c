/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8_q8 with AVX-512 VNNI (affine8_q8_dots.inc). The first 20 query dwords stay in registers,
 * all of d = 64; further ones are broadcast from memory.
 *
 * Limits, d = 64: 16 loads and 16 dot products for 16 keys: a line a cycle where two lines can be
 * loaded and one or two dot products issued a cycle. Beyond L1 the memory is the limit.
 */
#include "../groups.h"
#include "ints_avx512.h"

#include "affine8_q8_dots.inc"
#define SCAN score_affine8_q8
#include "q8_blocks.inc"

const struct kvr_kernel kvr_kernel_affine8_q8_fused_avx512vnni = {
    .variant = "fused",
    .isa_name = "avx512vnni",
    .format = &kvr_format_affine8_q8,
    .isa = KVR_ISA_AVX512 | KVR_ISA_VNNI,
    .work = {.block_keys = 16, .loads = 17, .stores = 1, .vector_alu = 4, .int_dots = 16,
             .converts = 1, .uops = 60, .convert_rate = "convert.i32"},
    .work_once = {.stores = 1, .vector_alu = 4, .converts = 1, .uops = 44},
    .work_head_dim = 64,
    .score = score_affine8_q8,
    .groups = kvr_groups_affine8_q8_avx512vnni,
};
