/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * AVX2 helpers of the score kernels and steps.
 */
#ifndef KVR_SIMD_X86_AVX2_H
#define KVR_SIMD_X86_AVX2_H

#include <immintrin.h>

#include "../ahead.h"

static const int32_t kvr_tail_masks[16] = {-1, -1, -1, -1, -1, -1, -1, -1};

/* Of the first `left` (1 to 7) of 8 lanes. */
KVR_INLINE __m256i kvr_tail_mask8(int64_t left)
{
    const void *mask = kvr_tail_masks + 8 - left;
    return _mm256_loadu_si256((const __m256i *)mask);
}

/* Stores the first min(left, 8) floats; left may be 0 or negative. */
KVR_INLINE void kvr_store8(float *scores, int64_t left, __m256 values)
{
    if (left >= 8)
        _mm256_storeu_ps(scores, values);
    else if (left > 0)
        _mm256_maskstore_ps(scores, kvr_tail_mask8(left), values);
}

KVR_INLINE float kvr_lowest8(__m256 x)
{
    __m128 y = _mm_min_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    y = _mm_min_ps(y, _mm_movehl_ps(y, y));
    return _mm_cvtss_f32(_mm_min_ss(y, _mm_movehdup_ps(y)));
}

KVR_INLINE float kvr_highest8(__m256 x)
{
    __m128 y = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    y = _mm_max_ps(y, _mm_movehl_ps(y, y));
    return _mm_cvtss_f32(_mm_max_ss(y, _mm_movehdup_ps(y)));
}

KVR_INLINE float kvr_sum8(__m256 x)
{
    __m128 y = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    y = _mm_add_ps(y, _mm_movehl_ps(y, y));
    return _mm_cvtss_f32(_mm_add_ss(y, _mm_movehdup_ps(y)));
}

KVR_INLINE __m256 kvr_load_half8(const unsigned char *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

#endif
