/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dense_f16 with AVX2, FMA and F16C: eight keys at a time, one register of partial sums each; a
 * query chunk is loaded once for the eight (16 registers hold no whole query of d = 128).
 *
 * Limit, d = 64: 128 conversions for 16 keys, one a cycle where a 256-bit conversion also takes
 * the shuffle port, which the sums across lanes share.
 */
#include "dense.h"
#include "dot_avx2.h"

KVR_INLINE void score(const struct kvr_segments *segments, uint32_t i, const void *prepared,
                      float *scores, size_t bytes, const uint32_t chunks, const int prefetch,
                      const int one)
{
    const struct kvr_prepared_dense *p = prepared;
    const size_t group_bytes = (size_t)chunks * KVR_DOT8_CHUNK_BYTES * KVR_DOT8_KEYS;
    const int64_t tokens = segments->tokens;
    const uint32_t blocks = (uint32_t)(bytes / group_bytes);
    const struct kvr_split split = kvr_split(segments, blocks, group_bytes);
    uint32_t first = 0;
    for (size_t offset = 0; offset < split.part_bytes;) {
        struct kvr_run run = kvr_next_run(segments, i, offset, split.part_bytes, group_bytes);
        for (size_t o = 0, at = 0; o < run.bytes;
             o += group_bytes, at = kvr_next_at(&run, at, group_bytes), first++) {
            const unsigned char *codes = run.codes + at, *ahead = run.ahead + at;
            uint32_t key = first * KVR_DOT8_KEYS;
            for (uint32_t s = one ? 1 : split.streams; s; s--) {
                kvr_store8(scores + key, tokens - key,
                           kvr_dot8(codes, p->query, chunks, ahead, prefetch));
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
                   kvr_dot8(run.codes, p->query, chunks, run.ahead, prefetch));
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
    x->scores[key] = kvr_dot1_avx2(row, x->query, x->chunks);
}

static void score_dense_f16(const struct kvr_shape *shape, const struct kvr_segments *segments,
                            uint32_t i, const void *side, const void *prepared, float *scores)
{
    const size_t bytes = kvr_dense_bytes(shape, segments->tokens);
    struct kvr_row_scores x = {((const struct kvr_prepared_dense *)prepared)->query,
                               shape->head_dim / KVR_DOT8_LANES, scores};
    (void)side;
    if (segments->tokens < KVR_DENSE_BLOCK_KEYS)
        kvr_each_row(segments, i, kvr_dense_key_bytes(shape), score_row, &x);
    else if (shape->head_dim == 64)
        score_chunks(segments, i, prepared, scores, bytes, 8);
    else
        score_chunks(segments, i, prepared, scores, bytes, shape->head_dim / KVR_DOT8_LANES);
}

const struct kvr_kernel kvr_kernel_dense_f16_fused_avx2 = {
    .variant = "fused",
    .isa_name = "avx2",
    .format = &kvr_format_dense_f16,
    .isa = KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C,
    .work = {.block_keys = 8, .loads = 74, .stores = 1, .shuffles = 14, .vector_alu = 7, .fma = 64,
             .converts = 64, .uops = 181},
    .work_once = {.stores = 1, .shuffles = 14, .vector_alu = 7, .uops = 36},
    .work_head_dim = 64,
    .score = score_dense_f16,
};
