/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8_q8 in portable C: a line is 4 channels of 16 keys, whose sums stay side by side, so that
 * compilers may vectorise over the keys.
 */
#include "../simd/inject.h"
#include "affine.h"

/* Adds 4 channels of 16 keys. */
KVR_INLINE void add_line(int32_t *sums, const unsigned char *line, const int8_t *query)
{
    for (int k = 0; k < KVR_AFFINE_BLOCK_KEYS; k++) {
        const unsigned char *codes = line + k * KVR_AFFINE8_LINE_CHANNELS;
        for (int j = 0; j < KVR_AFFINE8_LINE_CHANNELS; j++)
            sums[k] += (int)codes[j] * query[j];
    }
}

KVR_INLINE void score(const struct kvr_shape *shape, const struct kvr_segments *segments,
                      uint32_t i, const void *prepared, float *scores, const int prefetch)
{
    const struct kvr_prepared_affine_q8 *p = prepared;
    const uint32_t tokens = segments->tokens;
    const uint32_t lines = shape->head_dim / KVR_AFFINE8_LINE_CHANNELS;
    const size_t bytes = kvr_affine_bytes(lines, tokens);
    const size_t block_bytes = (size_t)lines * KVR_LINE_BYTES;
    uint32_t key = 0;
    for (size_t offset = 0; offset < bytes;) {
        struct kvr_run run = kvr_next_run(segments, i, offset, bytes, block_bytes);
        for (size_t o = 0, at = 0; o < run.bytes;
             o += block_bytes, at = kvr_next_at(&run, at, block_bytes)) {
            int32_t sums[KVR_AFFINE_BLOCK_KEYS] = {0};
            KVR_INJECT(KVR_INJECT_TIMES(shape->head_dim, 64));
            for (uint32_t l = 0; l < lines; l++) {
                size_t line = at + (size_t)l * KVR_LINE_BYTES;
                if (prefetch)
                    kvr_prefetch(run.ahead + line, KVR_LINE_BYTES);
                add_line(sums, run.codes + line, p->query8 + l * KVR_AFFINE8_LINE_CHANNELS);
            }
            for (uint32_t k = 0; k < KVR_AFFINE_BLOCK_KEYS && key + k < tokens; k++)
                scores[key + k] = (float)(sums[k] - p->offset_sum) * p->scale;
            key += KVR_AFFINE_BLOCK_KEYS;
        }
        offset += run.bytes;
    }
}

static void score_affine8_q8(const struct kvr_shape *shape, const struct kvr_segments *segments,
                             uint32_t i, const void *side, const void *prepared, float *scores)
{
    (void)side;
    if (segments->ahead_segments || segments->ahead_bytes)
        score(shape, segments, i, prepared, scores, 1);
    else
        score(shape, segments, i, prepared, scores, 0);
}

const struct kvr_kernel kvr_kernel_affine8_q8_fused_scalar = {
    .variant = "fused",
    .isa_name = "scalar",
    .format = &kvr_format_affine8_q8,
    .score = score_affine8_q8,
};
