/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of 16-bit floats with AVX2, FMA and F16C: the products of eight keys with a query, 16
 * channels a step (every head dim is a multiple).
 */
#ifndef KVR_DOT_AVX2_H
#define KVR_DOT_AVX2_H

#include "../simd/hide.h"
#include "../simd/inject.h"
#include "../simd/x86_avx2.h"
#include "dense.h"

enum { KVR_DOT8_LANES = 8, KVR_DOT8_KEYS = 8, KVR_DOT8_STEP = 16, KVR_DOT8_STEP_BYTES = 32 };

/* A query as kvr_dot8 wants it: that of bfloat16 with the even ones of 16 channels before the odd
 * ones, in `ordered`. */
KVR_INLINE const float *kvr_dot8_query(const enum kvr_dense_type type, const float *query,
                                       uint32_t head_dim, float *ordered)
{
    if (type == KVR_DENSE_F16)
        return query;
    for (uint32_t c = 0; c < head_dim; c += KVR_DOT8_STEP) {
        __m256 low = _mm256_loadu_ps(query + c), high = _mm256_loadu_ps(query + c + KVR_DOT8_LANES);
        __m256d even = _mm256_castps_pd(_mm256_shuffle_ps(low, high, 0x88));
        __m256d odd = _mm256_castps_pd(_mm256_shuffle_ps(low, high, 0xdd));
        _mm256_storeu_pd((double *)(void *)(ordered + c), _mm256_permute4x64_pd(even, 0xd8));
        _mm256_storeu_pd((double *)(void *)(ordered + c + KVR_DOT8_LANES),
                         _mm256_permute4x64_pd(odd, 0xd8));
    }
    return ordered;
}

/* 16 channels of a key, times the query's: sum + ... A bfloat16 is the upper half of a float, so
 * that of 16 in a register the odd ones are a mask away and the even ones a shift, where widening
 * moves would need the shuffle port. */
KVR_INLINE __m256 kvr_add16(const enum kvr_dense_type type, const unsigned char *key, __m256 first,
                            __m256 second, __m256 sum)
{
    if (type == KVR_DENSE_F16) {
        sum = _mm256_fmadd_ps(kvr_load_half8(key), first, sum);
        return _mm256_fmadd_ps(kvr_load_half8(key + KVR_DOT8_STEP_BYTES / 2), second, sum);
    }
    __m256i pairs = _mm256_loadu_si256((const __m256i *)(const void *)key);
    KVR_HIDE_VECTOR(pairs); /* or it is loaded for each of the two */
    __m256i odd = _mm256_and_si256(pairs, _mm256_set1_epi32((int)0xffff0000u));
    sum = _mm256_fmadd_ps(_mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16)), first, sum);
    return _mm256_fmadd_ps(_mm256_castsi256_ps(odd), second, sum);
}

/* Partial sums of four keys -> in each 128-bit lane the four keys' sums over that lane. */
KVR_INLINE __m256 kvr_merge4_avx2(__m256 a, __m256 b, __m256 c, __m256 d)
{
    __m256 ab = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    __m256 cd = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
    __m256d low = _mm256_unpacklo_pd(_mm256_castps_pd(ab), _mm256_castps_pd(cd));
    __m256d high = _mm256_unpackhi_pd(_mm256_castps_pd(ab), _mm256_castps_pd(cd));
    return _mm256_add_ps(_mm256_castpd_ps(low), _mm256_castpd_ps(high));
}

/* Eight keys: a step of all eight is four lines. */
KVR_INLINE __m256 kvr_dot8(const enum kvr_dense_type type, const unsigned char *keys,
                           const float *query, const uint32_t head_dim, const unsigned char *ahead,
                           const int prefetch)
{
    const size_t key_bytes = head_dim * sizeof(uint16_t);
    KVR_INJECT(KVR_INJECT_TIMES(head_dim, 64));
    __m256 a = _mm256_setzero_ps(), b = a, c = a, d = a, e = a, f = a, g = a, h = a;
    for (uint32_t j = 0; j < head_dim / KVR_DOT8_STEP; j++) {
        const unsigned char *p = keys + j * KVR_DOT8_STEP_BYTES, *q = p + 4 * key_bytes;
        __m256 x = _mm256_loadu_ps(query + j * KVR_DOT8_STEP);
        __m256 y = _mm256_loadu_ps(query + j * KVR_DOT8_STEP + KVR_DOT8_LANES);
        if (prefetch)
            kvr_prefetch(ahead + j * 4 * KVR_LINE_BYTES, 4 * KVR_LINE_BYTES);
        a = kvr_add16(type, p, x, y, a);
        b = kvr_add16(type, p + key_bytes, x, y, b);
        c = kvr_add16(type, p + 2 * key_bytes, x, y, c);
        d = kvr_add16(type, p + 3 * key_bytes, x, y, d);
        e = kvr_add16(type, q, x, y, e);
        f = kvr_add16(type, q + key_bytes, x, y, f);
        g = kvr_add16(type, q + 2 * key_bytes, x, y, g);
        h = kvr_add16(type, q + 3 * key_bytes, x, y, h);
    }
    __m256 low = kvr_merge4_avx2(a, b, c, d), high = kvr_merge4_avx2(e, f, g, h);
    return _mm256_add_ps(_mm256_permute2f128_ps(low, high, 0x20),
                         _mm256_permute2f128_ps(low, high, 0x31));
}

/* One key, with a query as kvr_dot8 wants it. */
KVR_INLINE float kvr_dot1_avx2(const enum kvr_dense_type type, const unsigned char *key,
                               const float *query, uint32_t head_dim)
{
    __m256 sum = _mm256_setzero_ps();
    for (uint32_t j = 0; j < head_dim / KVR_DOT8_STEP; j++)
        sum = kvr_add16(type, key + j * KVR_DOT8_STEP_BYTES,
                        _mm256_loadu_ps(query + j * KVR_DOT8_STEP),
                        _mm256_loadu_ps(query + j * KVR_DOT8_STEP + KVR_DOT8_LANES), sum);
    return kvr_sum8(sum);
}

#endif
