/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The dense formats with AVX-512: widen from memory, multiply-add with the query in registers, 16
 * keys at a time, summed across lanes by a tree that yields the 16 scores in order.
 */
#ifndef KVR_DENSE_AVX512_H
#define KVR_DENSE_AVX512_H

#include "dot_avx512.h"

KVR_INLINE void kvr_dense_streams(const enum kvr_dense_type type,
                                  const struct kvr_segments *segments, uint32_t i,
                                  const struct kvr_prepared_dense *p, float *scores, size_t bytes,
                                  const uint32_t chunks, const int prefetch, const int one)
{
    const size_t group_bytes = (size_t)chunks * KVR_DOT_CHUNK_BYTES * KVR_DOT_KEYS;
    const size_t block_bytes = KVR_DOT_KEYS * group_bytes;
    __m512 query[KVR_DOT_MAX_CHUNKS];
    kvr_dot_query(type, p->query, chunks, query);
    const uint32_t blocks = (uint32_t)(bytes / block_bytes), tokens = segments->tokens;
    const struct kvr_split split = kvr_split(segments, blocks, block_bytes);
    uint32_t first = 0;
    for (size_t offset = 0; offset < split.part_bytes;) {
        struct kvr_run run = kvr_next_run(segments, i, offset, split.part_bytes, block_bytes);
        for (size_t o = 0, at = 0; o < run.bytes;
             o += block_bytes, at = kvr_next_at(&run, at, block_bytes), first++) {
            const unsigned char *codes = run.codes + at, *ahead = run.ahead + at;
            uint32_t b = first;
            for (uint32_t s = one ? 1 : split.streams; s; s--) {
                kvr_dot_block(type, query, codes, ahead, b, tokens, scores, chunks, prefetch);
                codes += split.apart_bytes;
                ahead += split.apart_bytes;
                b += split.part_blocks;
            }
        }
        offset += run.bytes;
    }
    /* what the streams do not divide; one stream leaves nothing, and its loop all registers */
    for (uint32_t b = split.streams * split.part_blocks; !one && b < blocks; b++) {
        struct kvr_run run = kvr_next_run(segments, i, b * block_bytes, bytes, block_bytes);
        kvr_dot_block(type, query, run.codes, run.ahead, b, tokens, scores, chunks, prefetch);
    }
}

KVR_INLINE void kvr_dense_chunks(const enum kvr_dense_type type,
                                 const struct kvr_segments *segments, uint32_t i,
                                 const struct kvr_prepared_dense *p, float *scores, size_t bytes,
                                 const uint32_t chunks)
{
    const int prefetch = segments->ahead_segments || segments->ahead_bytes;
    if (segments->streams > 1 && prefetch)
        kvr_dense_streams(type, segments, i, p, scores, bytes, chunks, 1, 0);
    else if (segments->streams > 1)
        kvr_dense_streams(type, segments, i, p, scores, bytes, chunks, 0, 0);
    else if (prefetch)
        kvr_dense_streams(type, segments, i, p, scores, bytes, chunks, 1, 1);
    else
        kvr_dense_streams(type, segments, i, p, scores, bytes, chunks, 0, 1);
}

KVR_INLINE void kvr_score_row(void *context, uint32_t key, const unsigned char *row)
{
    const struct kvr_row_scores *x = context;
    x->scores[key] = kvr_dot1(x->type, row, x->query, x->head_dim);
}

KVR_INLINE void kvr_dense_avx512(const enum kvr_dense_type type, const struct kvr_shape *shape,
                                 const struct kvr_segments *segments, uint32_t i,
                                 const struct kvr_prepared_dense *p, float *scores)
{
    const size_t bytes = kvr_dense_bytes(shape, segments->tokens);
    struct kvr_row_scores x = {type, p->query, shape->head_dim, scores};
    if (segments->tokens < KVR_DENSE_BLOCK_KEYS)
        kvr_each_row(segments, i, kvr_dense_key_bytes(shape), kvr_score_row, &x);
    else if (shape->head_dim == 64)
        kvr_dense_chunks(type, segments, i, p, scores, bytes, 4);
    else if (shape->head_dim == 128)
        kvr_dense_chunks(type, segments, i, p, scores, bytes, 8);
    else
        kvr_dense_chunks(type, segments, i, p, scores, bytes, shape->head_dim / KVR_DOT_LANES);
}

#endif
