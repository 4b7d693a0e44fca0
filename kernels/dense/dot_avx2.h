/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of float16 with AVX2, FMA and F16C: the products of eight keys with a query.
 */
#ifndef KVR_DOT_AVX2_H
#define KVR_DOT_AVX2_H

#include "../simd/inject.h"
#include "../simd/x86_avx2.h"

enum { KVR_DOT8_LANES = 8, KVR_DOT8_CHUNK_BYTES = 16, KVR_DOT8_KEYS = 8 };

/* Partial sums of four keys -> in each 128-bit lane the four keys' sums over that lane. */
KVR_INLINE __m256 kvr_merge4_avx2(__m256 a, __m256 b, __m256 c, __m256 d)
{
    __m256 ab = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    __m256 cd = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
    __m256d low = _mm256_unpacklo_pd(_mm256_castps_pd(ab), _mm256_castps_pd(cd));
    __m256d high = _mm256_unpackhi_pd(_mm256_castps_pd(ab), _mm256_castps_pd(cd));
    return _mm256_add_ps(_mm256_castpd_ps(low), _mm256_castpd_ps(high));
}

/* Eight keys: as many chunks a key as there are pairs of lines in all eight. */
KVR_INLINE __m256 kvr_dot8(const unsigned char *keys, const float *query, uint32_t chunks,
                           const unsigned char *ahead, const int prefetch)
{
    const size_t key_bytes = (size_t)chunks * KVR_DOT8_CHUNK_BYTES;
    KVR_INJECT(KVR_INJECT_TIMES(chunks, 64 / KVR_DOT8_LANES));
    __m256 a = _mm256_setzero_ps(), b = a, c = a, d = a, e = a, f = a, g = a, h = a;
    for (uint32_t j = 0; j < chunks; j++) {
        const unsigned char *p = keys + j * KVR_DOT8_CHUNK_BYTES, *q = p + 4 * key_bytes;
        __m256 x = _mm256_loadu_ps(query + j * KVR_DOT8_LANES);
        if (prefetch)
            kvr_prefetch(ahead + j * 2 * KVR_LINE_BYTES, 2 * KVR_LINE_BYTES);
        a = _mm256_fmadd_ps(kvr_load_half8(p), x, a);
        b = _mm256_fmadd_ps(kvr_load_half8(p + key_bytes), x, b);
        c = _mm256_fmadd_ps(kvr_load_half8(p + 2 * key_bytes), x, c);
        d = _mm256_fmadd_ps(kvr_load_half8(p + 3 * key_bytes), x, d);
        e = _mm256_fmadd_ps(kvr_load_half8(q), x, e);
        f = _mm256_fmadd_ps(kvr_load_half8(q + key_bytes), x, f);
        g = _mm256_fmadd_ps(kvr_load_half8(q + 2 * key_bytes), x, g);
        h = _mm256_fmadd_ps(kvr_load_half8(q + 3 * key_bytes), x, h);
    }
    __m256 low = kvr_merge4_avx2(a, b, c, d), high = kvr_merge4_avx2(e, f, g, h);
    return _mm256_add_ps(_mm256_permute2f128_ps(low, high, 0x20),
                         _mm256_permute2f128_ps(low, high, 0x31));
}

/* One key. */
KVR_INLINE float kvr_dot1_avx2(const unsigned char *key, const float *query, uint32_t chunks)
{
    __m256 a = _mm256_setzero_ps(), b = a;
    for (uint32_t j = 0; j < chunks; j += 2) { /* head dims are multiples of 16 */
        const unsigned char *p = key + j * KVR_DOT8_CHUNK_BYTES;
        const float *x = query + j * KVR_DOT8_LANES;
        a = _mm256_fmadd_ps(kvr_load_half8(p), _mm256_loadu_ps(x), a);
        b = _mm256_fmadd_ps(kvr_load_half8(p + KVR_DOT8_CHUNK_BYTES),
                            _mm256_loadu_ps(x + KVR_DOT8_LANES), b);
    }
    __m256 sum = _mm256_add_ps(a, b);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}

#endif
