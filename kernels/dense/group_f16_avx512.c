/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dense_f16 with AVX-512 for two and four queries at once: a key's chunk is converted once and
 * multiplied with the chunks of all queries, which come from L1. Two queries take eight keys a
 * step, four take four, so that the tree across lanes always ends in one register of 16 scores.
 *
 * Limits, d = 64, four queries: 16 conversions, 64 multiply-adds and 30 shuffles for four keys.
 * Where a 512-bit conversion takes both ports that also multiply-add (Intel), 70 cycles for 16 keys
 * and a query, 87 with two queries; by one alone 118.
 */
#include "../simd/x86_avx512.h"
#include "group_f16.h"

enum { LANES = 16, CHUNK_BYTES = 32, TREE_KEYS = 4 };

#define STEP_KEYS(count) ((count) == 4 ? TREE_KEYS : 2 * TREE_KEYS)

/* Four keys and `count` queries: merged[q] as kvr_merge4 leaves it, by the multiply-adds of
 * kvr_dot4 in their order. */
KVR_INLINE void dot4(const unsigned char *keys, const struct queries *x, uint32_t chunks,
                     const int count, const unsigned char *ahead, const int prefetch,
                     __m512 *merged)
{
    const size_t key_bytes = (size_t)chunks * CHUNK_BYTES;
    __m512 sums[MAX_QUERIES][TREE_KEYS];
    KVR_UNROLL
    for (int q = 0; q < count; q++)
        sums[q][0] = sums[q][1] = sums[q][2] = sums[q][3] = _mm512_setzero_ps();
    for (uint32_t j = 0; j < chunks; j++) {
        const unsigned char *p = keys + j * CHUNK_BYTES;
        __m512 key[TREE_KEYS];
        if (prefetch)
            kvr_prefetch(ahead + j * 2 * KVR_LINE_BYTES, 2 * KVR_LINE_BYTES);
        KVR_UNROLL
        for (int k = 0; k < TREE_KEYS; k++)
            key[k] = kvr_load_half16(p + k * key_bytes);
        KVR_UNROLL
        for (int q = 0; q < count; q++) {
            __m512 chunk = _mm512_loadu_ps(x->query[q] + j * LANES);
            KVR_KEEP(chunk);
            KVR_UNROLL
            for (int k = 0; k < TREE_KEYS; k++)
                sums[q][k] = _mm512_fmadd_ps(key[k], chunk, sums[q][k]);
        }
    }
    KVR_UNROLL
    for (int q = 0; q < count; q++)
        merged[q] = kvr_merge4(sums[q][0], sums[q][1], sums[q][2], sums[q][3]);
}

/* Lane l of `sums`: query l's four scores. */
KVR_INLINE void store4(const struct queries *x, uint32_t key, int64_t left, __m512 sums)
{
    const __m128 lanes[] = {_mm512_castps512_ps128(sums), _mm512_extractf32x4_ps(sums, 1),
                            _mm512_extractf32x4_ps(sums, 2), _mm512_extractf32x4_ps(sums, 3)};
    KVR_UNROLL
    for (int q = 0; q < 4; q++) {
        if (left >= TREE_KEYS)
            _mm_storeu_ps(x->scores[q] + key, lanes[q]);
        else if (left > 0)
            _mm_mask_storeu_ps(x->scores[q] + key, (__mmask8)((1u << left) - 1), lanes[q]);
    }
}

/* The first half of `sums`: the first query's eight scores. */
KVR_INLINE void store8(const struct queries *x, uint32_t key, int64_t left, __m512 sums)
{
    const __m256 halves[] = {_mm512_castps512_ps256(sums), _mm512_extractf32x8_ps(sums, 1)};
    KVR_UNROLL
    for (int q = 0; q < 2; q++) {
        if (left >= 2 * TREE_KEYS)
            _mm256_storeu_ps(x->scores[q] + key, halves[q]);
        else if (left > 0)
            _mm256_mask_storeu_ps(x->scores[q] + key, (__mmask8)((1u << left) - 1), halves[q]);
    }
}

KVR_INLINE void step(const unsigned char *codes, const unsigned char *ahead, uint32_t key,
                     int64_t left, const struct queries *x, const uint32_t head_dim,
                     const int count, const int prefetch)
{
    const uint32_t chunks = head_dim / LANES;
    const size_t bytes = (size_t)chunks * CHUNK_BYTES * TREE_KEYS;
    __m512 first[MAX_QUERIES], second[MAX_QUERIES];
    dot4(codes, x, chunks, count, ahead, prefetch, first);
    if (count == 4) {
        store4(x, key, left, kvr_merge_lanes(first[0], first[1], first[2], first[3]));
        return;
    }
    dot4(codes + bytes, x, chunks, count, ahead + bytes, prefetch, second);
    store8(x, key, left, kvr_merge_lanes(first[0], second[0], first[1], second[1]));
}

KVR_INLINE float dot_row(const unsigned char *row, const float *query, uint32_t head_dim)
{
    __m512 sum = _mm512_setzero_ps();
    for (uint32_t j = 0; j < head_dim / LANES; j++)
        sum = _mm512_fmadd_ps(kvr_load_half16(row + j * CHUNK_BYTES),
                              _mm512_loadu_ps(query + j * LANES), sum);
    return _mm512_reduce_add_ps(sum);
}

#include "group_f16.inc"

const struct kvr_score_group kvr_groups_dense_f16_avx512[] = {
    {.queries = 4, .converts_once = 1, .score = score4_dense_f16,
     .work = {.block_keys = 4, .loads = 35, .stores = 4, .shuffles = 33, .vector_alu = 15,
              .fma = 64, .converts = 16, .uops = 186},
     .work_once = {.loads = 3, .stores = 4, .shuffles = 33, .vector_alu = 15, .uops = 90}},
    {.queries = 2, .converts_once = 1, .score = score2_dense_f16,
     .work = {.block_keys = 8, .loads = 50, .stores = 2, .shuffles = 31, .vector_alu = 15,
              .fma = 64, .converts = 32, .uops = 202},
     .work_once = {.loads = 2, .stores = 2, .shuffles = 31, .vector_alu = 15, .uops = 90}},
    {.queries = 0},
};
