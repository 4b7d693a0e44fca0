/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dense_f16 with AVX-512: convert from memory, multiply-add with the query in registers, 16 keys
 * at a time, summed across lanes by a tree that yields the 16 scores in order.
 *
 * Limits, d = 64: 64 loads with conversion, 64 multiply-adds and 30 shuffles for 16 keys (2 KiB).
 * Where a 512-bit conversion takes the shuffle port too (Intel), that port is full; where it shares
 * its pipes with the multiply-adds (Zen 4: two cycles for the pair), those are, and the AVX2 kernel
 * is the faster one in cache.
 */
#include "../groups.h"
#include "dot_avx512.h"

KVR_INLINE void score(const struct kvr_segments *segments, uint32_t i, const void *prepared,
                      float *scores, size_t bytes, const uint32_t chunks, const int prefetch,
                      const int one)
{
    const struct kvr_prepared_dense *p = prepared;
    const size_t group_bytes = (size_t)chunks * KVR_DOT_CHUNK_BYTES * KVR_DOT_KEYS;
    const size_t block_bytes = KVR_DOT_KEYS * group_bytes;
    __m512 query[KVR_DOT_MAX_CHUNKS];
    for (uint32_t j = 0; j < chunks; j++) {
        __m512 chunk = _mm512_loadu_ps(p->query + j * KVR_DOT_LANES);
        KVR_KEEP(chunk); /* or the loop becomes a call of memcpy where chunks is no constant */
        query[j] = chunk;
    }
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
                kvr_dot_block(query, codes, ahead, b, tokens, scores, chunks, prefetch);
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
        kvr_dot_block(query, run.codes, run.ahead, b, tokens, scores, chunks, prefetch);
    }
}

KVR_INLINE void score_chunks(const struct kvr_segments *segments, uint32_t i, const void *prepared,
                             float *scores, size_t bytes, const uint32_t chunks)
{
    const int prefetch = segments->ahead_segments || segments->ahead_bytes;
    if (segments->streams > 1 && prefetch)
        score(segments, i, prepared, scores, bytes, chunks, 1, 0);
    else if (segments->streams > 1)
        score(segments, i, prepared, scores, bytes, chunks, 0, 0);
    else if (prefetch)
        score(segments, i, prepared, scores, bytes, chunks, 1, 1);
    else
        score(segments, i, prepared, scores, bytes, chunks, 0, 1);
}

KVR_INLINE void score_row(void *context, uint32_t key, const unsigned char *row)
{
    const struct kvr_row_scores *x = context;
    x->scores[key] = kvr_dot1(row, x->query, x->chunks);
}

static void score_dense_f16(const struct kvr_shape *shape, const struct kvr_segments *segments,
                            uint32_t i, const void *side, const void *prepared, float *scores)
{
    const size_t bytes = kvr_dense_bytes(shape, segments->tokens);
    struct kvr_row_scores x = {((const struct kvr_prepared_dense *)prepared)->query,
                               shape->head_dim / KVR_DOT_LANES, scores};
    (void)side;
    if (segments->tokens < KVR_DENSE_BLOCK_KEYS)
        kvr_each_row(segments, i, kvr_dense_key_bytes(shape), score_row, &x);
    else if (shape->head_dim == 64)
        score_chunks(segments, i, prepared, scores, bytes, 4);
    else if (shape->head_dim == 128)
        score_chunks(segments, i, prepared, scores, bytes, 8);
    else
        score_chunks(segments, i, prepared, scores, bytes, shape->head_dim / KVR_DOT_LANES);
}

const struct kvr_kernel kvr_kernel_dense_f16_fused_avx512 = {
    .variant = "fused",
    .isa_name = "avx512",
    .format = &kvr_format_dense_f16,
    .isa = KVR_ISA_AVX512 | KVR_ISA_FMA | KVR_ISA_F16C,
    .work = {.block_keys = 16, .loads = 64, .stores = 1, .shuffles = 30, .vector_alu = 15,
             .fma = 64, .converts = 64, .uops = 190},
    .work_once = {.stores = 1, .shuffles = 30, .vector_alu = 15, .uops = 62},
    .work_head_dim = 64,
    .score = score_dense_f16,
    .groups = kvr_groups_dense_f16_avx512,
};
