/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dense_f16 in portable C: float16 values are converted with integer operations, one by one; four
 * partial sums per key hide the latency of the additions.
 */
#include "dense.h"
#include "dot_scalar.h"

enum { PAIR = 2 };

/* Two keys are d / 16 whole lines. */
KVR_INLINE void score(const struct kvr_shape *shape, const struct kvr_segments *segments,
                      uint32_t i, const void *prepared, float *scores, const int prefetch)
{
    const struct kvr_prepared_dense *p = prepared;
    const uint32_t d = shape->head_dim, tokens = segments->tokens;
    const size_t key_bytes = kvr_dense_key_bytes(shape), bytes = kvr_dense_bytes(shape, tokens);
    uint32_t key = 0;
    for (size_t offset = 0; offset < bytes;) {
        struct kvr_run run = kvr_next_run(segments, i, offset, bytes, PAIR * key_bytes);
        for (size_t o = 0, at = 0; o < run.bytes;
             o += PAIR * key_bytes, at = kvr_next_at(&run, at, PAIR * key_bytes), key += PAIR) {
            if (prefetch)
                kvr_prefetch(run.ahead + at, PAIR * key_bytes);
            float first = kvr_dot_scalar(run.codes + at, p->query, d);
            float second = kvr_dot_scalar(run.codes + at + key_bytes, p->query, d);
            if (key < tokens)
                scores[key] = first;
            if (key + 1 < tokens)
                scores[key + 1] = second;
        }
        offset += run.bytes;
    }
}

KVR_INLINE void score_row(void *context, uint32_t key, const unsigned char *row)
{
    const struct kvr_row_scores *x = context;
    x->scores[key] = kvr_dot_scalar(row, x->query, x->chunks);
}

static void score_dense_f16(const struct kvr_shape *shape, const struct kvr_segments *segments,
                            uint32_t i, const void *side, const void *prepared, float *scores)
{
    struct kvr_row_scores x = {((const struct kvr_prepared_dense *)prepared)->query,
                               shape->head_dim, scores};
    (void)side;
    if (segments->tokens < KVR_DENSE_BLOCK_KEYS)
        kvr_each_row(segments, i, kvr_dense_key_bytes(shape), score_row, &x);
    else if (segments->ahead_segments || segments->ahead_bytes)
        score(shape, segments, i, prepared, scores, 1);
    else
        score(shape, segments, i, prepared, scores, 0);
}

const struct kvr_kernel kvr_kernel_dense_f16_fused_scalar = {
    .variant = "fused",
    .isa_name = "scalar",
    .format = &kvr_format_dense_f16,
    .score = score_dense_f16,
};
