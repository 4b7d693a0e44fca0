/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8g with AVX-512 and a float query: lines as those of affine8 (bytes_avx512.h) in groups
 * (groups_avx512.inc).
 *
 * Limits, per group of 8 lines: 44 integer operations, additions and multiplications, 33
 * conversions and 33 multiply-adds. Two 512-bit ALU ports are full after 55 cycles: some 6 % more
 * than affine8.
 */
#include "../simd/unroll.h"
#include "affine.h"
#include "bytes_avx512.h"

#define LINE_CHANNELS KVR_AFFINE8_LINE_CHANNELS
#define KIND KVR_AFFINE8G
#define SCAN score_affine8g
#define SUMS struct kvr_byte_sums
#define ZERO_SUMS kvr_bytes_zero
#define CONSTANTS struct kvr_byte_places
#define LOAD_CONSTANTS kvr_byte_places
#define ADD_LINE kvr_bytes_add_line
#define SUMS_TOTAL kvr_bytes_total
#include "groups_avx512.inc"

const struct kvr_kernel kvr_kernel_affine8g_fused_avx512 = {
    .variant = "fused",
    .isa_name = "avx512",
    .format = &kvr_format_affine8g,
    .isa = KVR_ISA_AVX512 | KVR_ISA_FMA | KVR_ISA_F16C,
    .work = {.block_keys = 16, .loads = 74, .stores = 1, .shuffles = 32, .vector_alu = 56,
             .fma = 66, .converts = 66, .uops = 216, .convert_rate = "convert.i32"},
    .work_once = {.stores = 1, .uops = 14}, /* all else is of a group */
    .work_head_dim = 64,
    .score = score_affine8g,
};
