/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dense_f16 with AVX2, FMA and F16C for two and four queries at once: eight channels of a key are
 * converted once and multiplied with those of all queries. 16 registers hold eight sums: two
 * queries take four keys a step, four take two, so that the tree across lanes always ends in one
 * register of eight scores.
 *
 * Limits, d = 64, 16 keys: 128 conversions and 256 or 512 multiply-adds on the same two ports: 96
 * cycles a query with two queries, 80 with four; alone a query needs 128.
 */
#include "dot_avx2.h"
#include "group_f16.h"

#define STEP_KEYS(count) (8 / (count))

/* The sums of STEP_KEYS(count) keys and a query, by the multiply-adds of kvr_dot8 in their
 * order: sums[q * keys + k]. */
KVR_INLINE void add_step(const unsigned char *codes, const struct queries *x,
                         const uint32_t head_dim, const int count, const unsigned char *ahead,
                         const int prefetch, __m256 *sums)
{
    const size_t key_bytes = head_dim * sizeof(uint16_t);
    const int keys = STEP_KEYS(count);
    KVR_UNROLL
    for (int n = 0; n < 8; n++)
        sums[n] = _mm256_setzero_ps();
    for (uint32_t c = 0; c < head_dim; c += KVR_DOT8_LANES) {
        __m256 key[4];
        if (prefetch && c % KVR_DOT8_STEP == 0)
            kvr_prefetch(ahead + (size_t)c * keys * sizeof(uint16_t),
                         (size_t)keys * KVR_DOT8_STEP_BYTES);
        KVR_UNROLL
        for (int k = 0; k < keys; k++)
            key[k] = kvr_load_half8(codes + k * key_bytes + c * sizeof(uint16_t));
        KVR_UNROLL
        for (int q = 0; q < count; q++) {
            __m256 chunk = _mm256_loadu_ps(x->query[q] + c);
            KVR_HIDE_VECTOR(chunk); /* or it is loaded for every key */
            KVR_UNROLL
            for (int k = 0; k < keys; k++)
                sums[q * keys + k] = _mm256_fmadd_ps(key[k], chunk, sums[q * keys + k]);
        }
    }
}

/* The first `left` of the keys of a step, of query q. */
KVR_INLINE void store(float *scores, int64_t left, __m128 four, const int keys)
{
    if (left >= keys && keys == 4)
        _mm_storeu_ps(scores, four);
    else if (left >= keys)
        _mm_storel_pi((__m64 *)(void *)scores, four);
    else if (left > 0)
        _mm_maskstore_ps(scores, _mm_cmpgt_epi32(_mm_set1_epi32((int)left),
                                                 _mm_setr_epi32(0, 1, 2, 3)), four);
}

KVR_INLINE void step(const unsigned char *codes, const unsigned char *ahead, uint32_t key,
                     int64_t left, const struct queries *x, const uint32_t head_dim,
                     const int count, const int prefetch)
{
    __m256 sums[8];
    add_step(codes, x, head_dim, count, ahead, prefetch, sums);
    __m256 low = kvr_merge4_avx2(sums[0], sums[1], sums[2], sums[3]);
    __m256 high = kvr_merge4_avx2(sums[4], sums[5], sums[6], sums[7]);
    __m256 scores = _mm256_add_ps(_mm256_permute2f128_ps(low, high, 0x20),
                                  _mm256_permute2f128_ps(low, high, 0x31));
    __m128 first = _mm256_castps256_ps128(scores), second = _mm256_extractf128_ps(scores, 1);
    if (count == 2) {
        store(x->scores[0] + key, left, first, 4);
        store(x->scores[1] + key, left, second, 4);
        return;
    }
    store(x->scores[0] + key, left, first, 2);
    store(x->scores[1] + key, left, _mm_movehl_ps(first, first), 2);
    store(x->scores[2] + key, left, second, 2);
    store(x->scores[3] + key, left, _mm_movehl_ps(second, second), 2);
}

KVR_INLINE float dot_row(const unsigned char *row, const float *query, uint32_t head_dim)
{
    return kvr_dot1_avx2(KVR_DENSE_F16, row, query, head_dim);
}

#include "group_f16.inc"

const struct kvr_score_group kvr_groups_dense_f16_avx2[] = {
    {.queries = 4, .converts_once = 1, .score = score4_dense_f16,
     .work = {.block_keys = 2, .loads = 53, .stores = 4, .shuffles = 17, .vector_alu = 7,
              .fma = 64, .converts = 16, .uops = 166},
     .work_once = {.loads = 5, .stores = 4, .shuffles = 17, .vector_alu = 7, .uops = 54}},
    {.queries = 2, .converts_once = 1, .score = score2_dense_f16,
     .work = {.block_keys = 4, .loads = 50, .stores = 2, .shuffles = 15, .vector_alu = 7,
              .fma = 64, .converts = 32, .uops = 158},
     .work_once = {.loads = 2, .stores = 2, .shuffles = 15, .vector_alu = 7, .uops = 46}},
    {.queries = 0},
};
