/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4g in portable C: a line is 8 channels of 16 keys, whose sums stay side by side, so that
 * compilers may vectorise over the keys; a group's sums are multiplied by the keys' scales.
 */
#include "../half.h"
#include "affine.h"

/* Adds 8 channels of 16 keys. */
KVR_INLINE void add_line(float *sums, const unsigned char *line, const float *query)
{
    for (int k = 0; k < KVR_AFFINE_BLOCK_KEYS; k++) {
        uint32_t dword;
        memcpy(&dword, line + k * sizeof dword, sizeof dword);
        for (int j = 0; j < KVR_AFFINE4_LINE_CHANNELS; j++)
            sums[k] += (float)((int)(dword >> 4 * j & 15) - KVR_AFFINE4_ZERO) * query[j];
    }
}

/* Adds a group of 16 keys: its scales, its four lines, the lines to prefetch for them. */
KVR_INLINE void add_group(float *totals, const unsigned char *scales, const unsigned char *lines,
                          const float *query, const unsigned char *ahead, const int prefetch)
{
    float sums[KVR_AFFINE_BLOCK_KEYS] = {0};
    for (int l = 0; l < KVR_AFFINE4G_GROUP_LINES; l++) {
        if (prefetch)
            kvr_prefetch(ahead + l * KVR_LINE_BYTES, KVR_LINE_BYTES);
        add_line(sums, lines + l * KVR_LINE_BYTES, query + l * KVR_AFFINE4_LINE_CHANNELS);
    }
    for (int k = 0; k < KVR_AFFINE_BLOCK_KEYS; k++) {
        uint16_t half;
        memcpy(&half, scales + k * sizeof half, sizeof half);
        totals[k] += sums[k] * kvr_widen_half(half);
    }
}

KVR_INLINE void score(const struct kvr_shape *shape, const struct kvr_segments *segments,
                      uint32_t i, const void *prepared, float *scores, const int prefetch)
{
    const struct kvr_prepared_dense *p = prepared;
    const uint32_t tokens = segments->tokens, groups = shape->head_dim / KVR_AFFINE4G_GROUP;
    const uint32_t lines = kvr_affine_block_lines(KVR_AFFINE4G, shape->head_dim);
    const size_t bytes = kvr_affine_bytes(lines, tokens);
    const size_t block_bytes = (size_t)lines * KVR_LINE_BYTES;
    const size_t scales_bytes = kvr_affine4g_scale_lines(shape->head_dim) * (size_t)KVR_LINE_BYTES;
    uint32_t key = 0;
    for (size_t offset = 0; offset < bytes;) {
        struct kvr_run run = kvr_next_run(segments, i, offset, bytes, block_bytes);
        for (size_t o = 0, at = 0; o < run.bytes;
             o += block_bytes, at = kvr_next_at(&run, at, block_bytes)) {
            const unsigned char *block = run.codes + at, *ahead = run.ahead + at;
            float totals[KVR_AFFINE_BLOCK_KEYS] = {0};
            if (prefetch)
                kvr_prefetch(ahead, scales_bytes);
            for (uint32_t g = 0; g < groups; g++) {
                size_t line = scales_bytes + (size_t)g * KVR_AFFINE4G_GROUP_LINES * KVR_LINE_BYTES;
                add_group(totals, block + (size_t)g * KVR_AFFINE4G_SCALES_BYTES, block + line,
                          p->query + g * KVR_AFFINE4G_GROUP, ahead + line, prefetch);
            }
            for (uint32_t k = 0; k < KVR_AFFINE_BLOCK_KEYS && key + k < tokens; k++)
                scores[key + k] = totals[k];
            key += KVR_AFFINE_BLOCK_KEYS;
        }
        offset += run.bytes;
    }
}

static void score_affine4g(const struct kvr_shape *shape, const struct kvr_segments *segments,
                           uint32_t i, const void *side, const void *prepared, float *scores)
{
    (void)side;
    if (segments->ahead_segments || segments->ahead_bytes)
        score(shape, segments, i, prepared, scores, 1);
    else
        score(shape, segments, i, prepared, scores, 0);
}

const struct kvr_kernel kvr_kernel_affine4g_fused_scalar = {
    .variant = "fused",
    .isa_name = "scalar",
    .format = &kvr_format_affine4g,
    .score = score_affine4g,
};
