/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4g with AVX-512 and a float query: lines as those of affine4 (nibbles_avx512.h) in
 * groups (groups_avx512.inc).
 *
 * Limits, per group of 4 lines: 28 shifts, 32 permutes, 32 multiply-adds, each with a broadcast
 * load, and for the scales a conversion, 3 additions and a multiply-add: some 4 % more than
 * affine4.
 */
#include "../simd/unroll.h"
#include "affine.h"
#include "nibbles_avx512.h"

#define LINE_CHANNELS KVR_AFFINE4_LINE_CHANNELS
#define KIND KVR_AFFINE4G
#define SCAN score_affine4g
#define SUMS struct kvr_nibble_sums
#define ZERO_SUMS kvr_nibbles_zero
#define CONSTANTS __m512
#define LOAD_CONSTANTS kvr_nibble_values
#define ADD_LINE(sums, line, query, k) kvr_nibbles_add_line(sums, line, query, *(k))
#define SUMS_TOTAL kvr_nibbles_total
#include "groups_avx512.inc"

const struct kvr_kernel kvr_kernel_affine4g_fused_avx512 = {
    .variant = "fused",
    .isa_name = "avx512",
    .format = &kvr_format_affine4g,
    .isa = KVR_ISA_AVX512 | KVR_ISA_FMA | KVR_ISA_F16C,
    .work = {.block_keys = 16, .loads = 74, .stores = 1, .shuffles = 64, .vector_alu = 62,
             .fma = 66, .converts = 2, .uops = 216},
    .work_once = {.stores = 1, .uops = 14}, /* all else is of a group */
    .work_head_dim = 64,
    .score = score_affine4g,
};
