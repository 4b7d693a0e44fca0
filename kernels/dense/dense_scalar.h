/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The dense formats in portable C: values are widened with integer operations, one by one; four
 * partial sums per key hide the latency of the additions.
 */
#ifndef KVR_DENSE_SCALAR_H
#define KVR_DENSE_SCALAR_H

#include "dot_scalar.h"

/* Two keys are d / 16 whole lines. */
KVR_INLINE void kvr_dense_pairs(const enum kvr_dense_type type, const struct kvr_shape *shape,
                                const struct kvr_segments *segments, uint32_t i,
                                const void *prepared, float *scores, const int prefetch)
{
    const struct kvr_prepared_dense *p = prepared;
    const uint32_t d = shape->head_dim, tokens = segments->tokens;
    const size_t key_bytes = kvr_dense_key_bytes(shape), bytes = kvr_dense_bytes(shape, tokens);
    const size_t pair_bytes = 2 * key_bytes;
    uint32_t key = 0;
    for (size_t offset = 0; offset < bytes;) {
        struct kvr_run run = kvr_next_run(segments, i, offset, bytes, pair_bytes);
        for (size_t o = 0, at = 0; o < run.bytes;
             o += pair_bytes, at = kvr_next_at(&run, at, pair_bytes), key += 2) {
            if (prefetch)
                kvr_prefetch(run.ahead + at, pair_bytes);
            float first = kvr_dot_scalar(type, run.codes + at, p->query, d);
            float second = kvr_dot_scalar(type, run.codes + at + key_bytes, p->query, d);
            if (key < tokens)
                scores[key] = first;
            if (key + 1 < tokens)
                scores[key + 1] = second;
        }
        offset += run.bytes;
    }
}

KVR_INLINE void kvr_score_row(void *context, uint32_t key, const unsigned char *row)
{
    const struct kvr_row_scores *x = context;
    x->scores[key] = kvr_dot_scalar(x->type, row, x->query, x->head_dim);
}

KVR_INLINE void kvr_dense_scalar(const enum kvr_dense_type type, const struct kvr_shape *shape,
                                 const struct kvr_segments *segments, uint32_t i,
                                 const void *prepared, float *scores)
{
    struct kvr_row_scores x = {type, ((const struct kvr_prepared_dense *)prepared)->query,
                               shape->head_dim, scores};
    if (segments->tokens < KVR_DENSE_BLOCK_KEYS)
        kvr_each_row(segments, i, kvr_dense_key_bytes(shape), kvr_score_row, &x);
    else if (segments->ahead_segments || segments->ahead_bytes)
        kvr_dense_pairs(type, shape, segments, i, prepared, scores, 1);
    else
        kvr_dense_pairs(type, shape, segments, i, prepared, scores, 0);
}

/* The kernel kvr_kernel_dense_<type>_fused_scalar. */
#define KVR_DENSE_SCALAR(name, value_type)                                                         \
    static void score_dense_##name(const struct kvr_shape *shape,                                  \
                                   const struct kvr_segments *segments, uint32_t i,                \
                                   const void *side, const void *prepared, float *scores)          \
    {                                                                                              \
        (void)side;                                                                                \
        kvr_dense_scalar(value_type, shape, segments, i, prepared, scores);                        \
    }                                                                                              \
    const struct kvr_kernel kvr_kernel_dense_##name##_fused_scalar = {                             \
        .variant = "fused",                                                                        \
        .isa_name = "scalar",                                                                      \
        .format = &kvr_format_dense_##name,                                                        \
        .score = score_dense_##name,                                                               \
    };

#endif
