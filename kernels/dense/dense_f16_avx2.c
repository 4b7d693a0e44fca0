/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dense_f16 with AVX2, FMA and F16C: eight keys at a time, one register of partial sums each; a
 * query chunk is loaded once for the eight (16 registers hold no whole query of d = 128).
 *
 * Limit, d = 64: 128 conversions for 16 keys, one a cycle where a 256-bit conversion also takes
 * the shuffle port, which the sums across lanes share.
 */
#include <immintrin.h>

#include "../simd/inject.h"
#include "dense.h"

enum { LANES = 8, CHUNK_BYTES = 16, GROUP_KEYS = 8 };

KVR_INLINE __m256 load_half(const unsigned char *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

/* Partial sums of four keys -> in each 128-bit lane the four keys' sums over that lane. */
KVR_INLINE __m256 merge4(__m256 a, __m256 b, __m256 c, __m256 d)
{
    __m256 ab = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    __m256 cd = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
    __m256d low = _mm256_unpacklo_pd(_mm256_castps_pd(ab), _mm256_castps_pd(cd));
    __m256d high = _mm256_unpackhi_pd(_mm256_castps_pd(ab), _mm256_castps_pd(cd));
    return _mm256_add_ps(_mm256_castpd_ps(low), _mm256_castpd_ps(high));
}

/* Eight keys: as many chunks a key as there are pairs of lines in all eight. */
KVR_INLINE __m256 dot8(const unsigned char *keys, const float *query, uint32_t chunks,
                       const unsigned char *ahead, const int prefetch)
{
    const size_t key_bytes = (size_t)chunks * CHUNK_BYTES;
    KVR_INJECT(KVR_INJECT_TIMES(chunks, 64 / LANES));
    __m256 a = _mm256_setzero_ps(), b = a, c = a, d = a, e = a, f = a, g = a, h = a;
    for (uint32_t j = 0; j < chunks; j++) {
        const unsigned char *p = keys + j * CHUNK_BYTES, *q = p + 4 * key_bytes;
        __m256 x = _mm256_loadu_ps(query + j * LANES);
        if (prefetch)
            kvr_prefetch(ahead + j * 2 * KVR_LINE_BYTES, 2 * KVR_LINE_BYTES);
        a = _mm256_fmadd_ps(load_half(p), x, a);
        b = _mm256_fmadd_ps(load_half(p + key_bytes), x, b);
        c = _mm256_fmadd_ps(load_half(p + 2 * key_bytes), x, c);
        d = _mm256_fmadd_ps(load_half(p + 3 * key_bytes), x, d);
        e = _mm256_fmadd_ps(load_half(q), x, e);
        f = _mm256_fmadd_ps(load_half(q + key_bytes), x, f);
        g = _mm256_fmadd_ps(load_half(q + 2 * key_bytes), x, g);
        h = _mm256_fmadd_ps(load_half(q + 3 * key_bytes), x, h);
    }
    __m256 low = merge4(a, b, c, d), high = merge4(e, f, g, h);
    return _mm256_add_ps(_mm256_permute2f128_ps(low, high, 0x20),
                         _mm256_permute2f128_ps(low, high, 0x31));
}

static const int32_t tail_masks[2 * LANES] = {-1, -1, -1, -1, -1, -1, -1, -1};

/* Stores the first min(left, 8) floats; left may be 0 or negative. */
KVR_INLINE void store8(float *scores, int64_t left, __m256 values)
{
    if (left >= LANES) {
        _mm256_storeu_ps(scores, values);
    } else if (left > 0) {
        const void *mask = tail_masks + LANES - left;
        _mm256_maskstore_ps(scores, _mm256_loadu_si256((const __m256i *)mask), values);
    }
}

KVR_INLINE void score(const struct kvr_segments *segments, uint32_t i, const void *prepared,
                      float *scores, size_t bytes, const uint32_t chunks, const int prefetch,
                      const int one)
{
    const struct kvr_prepared_dense *p = prepared;
    const size_t group_bytes = (size_t)chunks * CHUNK_BYTES * GROUP_KEYS;
    const int64_t tokens = segments->tokens;
    const uint32_t blocks = (uint32_t)(bytes / group_bytes);
    const struct kvr_split split = kvr_split(segments, blocks, group_bytes);
    uint32_t first = 0;
    for (size_t offset = 0; offset < split.part_bytes;) {
        struct kvr_run run = kvr_next_run(segments, i, offset, split.part_bytes, group_bytes);
        for (size_t o = 0, at = 0; o < run.bytes;
             o += group_bytes, at = kvr_next_at(&run, at, group_bytes), first++) {
            const unsigned char *codes = run.codes + at, *ahead = run.ahead + at;
            uint32_t key = first * GROUP_KEYS;
            for (uint32_t s = one ? 1 : split.streams; s; s--) {
                store8(scores + key, tokens - key,
                       dot8(codes, p->query, chunks, ahead, prefetch));
                codes += split.apart_bytes;
                ahead += split.apart_bytes;
                key += split.part_blocks * GROUP_KEYS;
            }
        }
        offset += run.bytes;
    }
    /* what the streams do not divide; one stream leaves nothing, and its loop all registers */
    for (uint32_t b = split.streams * split.part_blocks; !one && b < blocks; b++) {
        struct kvr_run run = kvr_next_run(segments, i, b * group_bytes, bytes, group_bytes);
        store8(scores + b * GROUP_KEYS, tokens - b * GROUP_KEYS,
               dot8(run.codes, p->query, chunks, run.ahead, prefetch));
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

static void score_dense_f16(const struct kvr_shape *shape, const struct kvr_segments *segments,
                            uint32_t i, const void *side, const void *prepared, float *scores)
{
    const size_t bytes = kvr_dense_bytes(shape, segments->tokens);
    (void)side;
    if (shape->head_dim == 64)
        score_chunks(segments, i, prepared, scores, bytes, 8);
    else
        score_chunks(segments, i, prepared, scores, bytes, shape->head_dim / LANES);
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
