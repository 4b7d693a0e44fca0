/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4g with AVX-512 and a float query: lines as those of affine4 (nibbles_avx512.h); the sums
 * of a group of 32 channels are multiplied by the scales of its 16 keys, which lie side by side as
 * float16.
 *
 * Limits, per group of 4 lines: 28 shifts, 32 permutes, 32 multiply-adds, each with a broadcast
 * load, and for the scales a conversion, 3 additions and a multiply-add: some 4 % more than
 * affine4.
 */
#include "../simd/unroll.h"
#include "affine.h"
#include "nibbles_avx512.h"

/* Adds group g of 16 keys to their scores. */
KVR_INLINE __m512 add_group(__m512 total, const unsigned char *block, uint32_t g,
                            size_t scales_bytes, const float *query, const unsigned char *ahead,
                            __m512 values, const int prefetch)
{
    const size_t first = scales_bytes + (size_t)g * KVR_AFFINE4G_GROUP_LINES * KVR_LINE_BYTES;
    const void *scales = block + (size_t)g * KVR_AFFINE4G_SCALES_BYTES;
    struct kvr_nibble_sums s = kvr_nibbles_zero();
    KVR_UNROLL
    for (size_t l = 0; l < KVR_AFFINE4G_GROUP_LINES; l++) {
        if (prefetch)
            kvr_prefetch(ahead + first + l * KVR_LINE_BYTES, KVR_LINE_BYTES);
        kvr_nibbles_add_line(&s, block + first + l * KVR_LINE_BYTES,
                             query + g * KVR_AFFINE4G_GROUP + l * KVR_AFFINE4_LINE_CHANNELS,
                             values);
    }
    return _mm512_fmadd_ps(kvr_nibbles_total(&s), kvr_load_half16(scales), total);
}

KVR_INLINE __m512 block_total(const unsigned char *block, const float *query,
                              const unsigned char *ahead, const uint32_t groups, __m512 values,
                              const int prefetch)
{
    const size_t scales_bytes =
        kvr_affine4g_scale_lines(groups * KVR_AFFINE4G_GROUP) * (size_t)KVR_LINE_BYTES;
    __m512 total = _mm512_setzero_ps();
    if (prefetch)
        kvr_prefetch(ahead, scales_bytes);
    if (groups == 2) { /* d = 64: no loop */
        total = add_group(total, block, 0, scales_bytes, query, ahead, values, prefetch);
        return add_group(total, block, 1, scales_bytes, query, ahead, values, prefetch);
    }
    for (uint32_t g = 0; g < groups; g++)
        total = add_group(total, block, g, scales_bytes, query, ahead, values, prefetch);
    return total;
}

KVR_INLINE void load_constants(__m512 *k, const void *prepared, uint32_t head_dim)
{
    (void)prepared;
    (void)head_dim;
    *k = kvr_nibble_values();
}

#define PREPARED struct kvr_prepared_dense
#define SCAN score_affine4g
#define UNIT_CHANNELS KVR_AFFINE4G_GROUP
#define LINES(units) kvr_affine_block_lines(KVR_AFFINE4G, (units) * KVR_AFFINE4G_GROUP)
#define CONSTANTS __m512
#define TOTAL(block, query, ahead) block_total(block, query, ahead, units, k, prefetch)
#define SCORES __m512
#define STORE kvr_store16
#include "blocks.inc"

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
