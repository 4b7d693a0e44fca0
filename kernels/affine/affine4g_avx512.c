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

KVR_INLINE __m512 block_score(const unsigned char *block, const float *query,
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

KVR_INLINE void score(const struct kvr_segments *segments, uint32_t i, const void *prepared,
                      float *scores, const uint32_t groups, const int prefetch)
{
    const struct kvr_prepared_dense *p = prepared;
    const __m512 values = kvr_nibble_values();
    const uint32_t lines = kvr_affine_block_lines(KVR_AFFINE4G, groups * KVR_AFFINE4G_GROUP);
    const size_t bytes = kvr_affine_bytes(lines, segments->tokens);
    const size_t block_bytes = (size_t)lines * KVR_LINE_BYTES;
    uint32_t left = segments->tokens;
    for (size_t offset = 0; offset < bytes;) {
        struct kvr_run run = kvr_next_run(segments, i, offset, bytes, block_bytes);
        for (size_t o = 0, at = 0; o < run.bytes;
             o += block_bytes, at = kvr_next_at(&run, at, block_bytes)) {
            const unsigned char *block = run.codes + at, *ahead = run.ahead + at;
            kvr_store16(scores, left,
                        block_score(block, p->query, ahead, groups, values, prefetch));
            scores += KVR_AFFINE_BLOCK_KEYS;
            left -= KVR_AFFINE_BLOCK_KEYS; /* wraps after the last block only */
        }
        offset += run.bytes;
    }
}

KVR_INLINE void score_groups(const struct kvr_segments *segments, uint32_t i, const void *prepared,
                             float *scores, const uint32_t groups)
{
    if (segments->ahead_segments || segments->ahead_bytes)
        score(segments, i, prepared, scores, groups, 1);
    else
        score(segments, i, prepared, scores, groups, 0);
}

static void score_affine4g(const struct kvr_shape *shape, const struct kvr_segments *segments,
                           uint32_t i, const void *side, const void *prepared, float *scores)
{
    (void)side;
    if (shape->head_dim == 64)
        score_groups(segments, i, prepared, scores, 64 / KVR_AFFINE4G_GROUP);
    else
        score_groups(segments, i, prepared, scores, shape->head_dim / KVR_AFFINE4G_GROUP);
}

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
