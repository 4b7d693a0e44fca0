/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The dense formats with AVX2, FMA and F16C: eight keys at a time, one register of partial sums
 * each; a query chunk is loaded once for the eight (16 registers hold no whole query of d = 128).
 */
#ifndef KVR_DENSE_AVX2_H
#define KVR_DENSE_AVX2_H

#include "../simd/hide.h"
#include "dot_avx2.h"

KVR_INLINE void kvr_dense_streams(const enum kvr_dense_type type,
                                  const struct kvr_segments *segments, uint32_t i,
                                  const float *query, float *scores, size_t bytes,
                                  const uint32_t head_dim, const int prefetch, const int one)
{
    const size_t group_bytes = (size_t)head_dim * sizeof(uint16_t) * KVR_DOT8_KEYS;
    const int64_t tokens = segments->tokens;
    const uint32_t blocks = (uint32_t)(bytes / group_bytes);
    const struct kvr_split split = kvr_split(segments, blocks, group_bytes);
    uint32_t first = 0;
    for (size_t offset = 0; offset < split.part_bytes;) {
        struct kvr_run run = kvr_next_run(segments, i, offset, split.part_bytes, group_bytes);
        for (size_t o = 0, at = 0; o < run.bytes;
             o += group_bytes, at = kvr_next_at(&run, at, group_bytes), first += KVR_DOT8_KEYS) {
            const unsigned char *codes = run.codes + at, *ahead = run.ahead + at;
            uint32_t key = first;
            for (uint32_t s = one ? 1 : split.streams; s; s--) {
                kvr_store8(scores + key, tokens - key,
                           kvr_dot8(type, codes, query, head_dim, ahead, prefetch));
                codes += split.apart_bytes;
                ahead += split.apart_bytes;
                key += split.part_blocks * KVR_DOT8_KEYS;
            }
        }
        offset += run.bytes;
    }
    /* what the streams do not divide; one stream leaves nothing, and its loop all registers */
    for (uint32_t b = split.streams * split.part_blocks; !one && b < blocks; b++) {
        struct kvr_run run = kvr_next_run(segments, i, b * group_bytes, bytes, group_bytes);
        kvr_store8(scores + b * KVR_DOT8_KEYS, tokens - b * KVR_DOT8_KEYS,
                   kvr_dot8(type, run.codes, query, head_dim, run.ahead, prefetch));
    }
}

KVR_INLINE void kvr_dense_dim(const enum kvr_dense_type type, const struct kvr_segments *segments,
                              uint32_t i, const float *query, float *scores, size_t bytes,
                              const uint32_t head_dim)
{
    const int prefetch = segments->ahead_segments || segments->ahead_bytes;
    if (segments->streams > 1 && prefetch)
        kvr_dense_streams(type, segments, i, query, scores, bytes, head_dim, 1, 0);
    else if (segments->streams > 1)
        kvr_dense_streams(type, segments, i, query, scores, bytes, head_dim, 0, 0);
    else if (prefetch)
        kvr_dense_streams(type, segments, i, query, scores, bytes, head_dim, 1, 1);
    else
        kvr_dense_streams(type, segments, i, query, scores, bytes, head_dim, 0, 1);
}

KVR_INLINE void kvr_score_row(void *context, uint32_t key, const unsigned char *row)
{
    const struct kvr_row_scores *x = context;
    x->scores[key] = kvr_dot1_avx2(x->type, row, x->query, x->head_dim);
}

KVR_INLINE void kvr_dense_avx2(const enum kvr_dense_type type, const struct kvr_shape *shape,
                               const struct kvr_segments *segments, uint32_t i,
                               const struct kvr_prepared_dense *p, float *scores)
{
    const size_t bytes = kvr_dense_bytes(shape, segments->tokens);
    float array[KVR_MAX_HEAD_DIM], *ordered = array;
    if (type == KVR_DENSE_BF16)
        KVR_HIDE(ordered); /* what is written there is no spill */
    const float *query = kvr_dot8_query(type, p->query, shape->head_dim, ordered);
    struct kvr_row_scores x = {type, query, shape->head_dim, scores};
    if (type == KVR_DENSE_BF16)
        KVR_HIDE(query); /* in a register, or each use would add to the stack's pointer */
    if (segments->tokens < KVR_DENSE_BLOCK_KEYS)
        kvr_each_row(segments, i, kvr_dense_key_bytes(shape), kvr_score_row, &x);
    else if (shape->head_dim == 64)
        kvr_dense_dim(type, segments, i, query, scores, bytes, 64);
    else
        kvr_dense_dim(type, segments, i, query, scores, bytes, shape->head_dim);
}

#endif
