/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * AVX-512 (F, BW, DQ, VL) helpers of the score kernels.
 */
#ifndef KVR_SIMD_X86_AVX512_H
#define KVR_SIMD_X86_AVX512_H

#include <immintrin.h>

#include "../ahead.h"

/* The 512-bit vector v is used from a register (any of the 32): without it gcc folds its load into
 * every use and reads the line several times. */
#define KVR_KEEP(v) __asm__ volatile("" : "+v"(v))

KVR_INLINE __m512 kvr_load_half16(const void *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

/* Partial sums of four keys -> 128-bit lane l holds the four keys' sums over the channels of lane
 * l. 6 shuffles, 3 additions. */
KVR_INLINE __m512 kvr_merge4(__m512 a, __m512 b, __m512 c, __m512 d)
{
    __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    __m512d low = _mm512_unpacklo_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd));
    __m512d high = _mm512_unpackhi_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd));
    return _mm512_add_ps(_mm512_castpd_ps(low), _mm512_castpd_ps(high));
}

/* Four results of kvr_merge4 -> the sums of 16 keys in order. 6 shuffles, 3 additions. */
KVR_INLINE __m512 kvr_merge_lanes(__m512 a, __m512 b, __m512 c, __m512 d)
{
    __m512 ab = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
    __m512 cd = _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x88), _mm512_shuffle_f32x4(c, d, 0xdd));
    return _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
}

/* Stores the first min(left, 16) floats. A branch, because a masked store of every block would
 * cost more than the one mispredicted tail. */
KVR_INLINE void kvr_store16(float *scores, uint32_t left, __m512 values)
{
    if (left >= 16)
        _mm512_storeu_ps(scores, values);
    else
        _mm512_mask_storeu_ps(scores, (__mmask16)((1u << left) - 1), values);
}

/* Stores the first min(left, 64) of 64 floats, by a branch for the same reason. */
KVR_INLINE void kvr_store64(float *scores, uint32_t left, __m512 a, __m512 b, __m512 c, __m512 d)
{
    if (left >= 64) {
        _mm512_storeu_ps(scores, a);
        _mm512_storeu_ps(scores + 16, b);
        _mm512_storeu_ps(scores + 32, c);
        _mm512_storeu_ps(scores + 48, d);
    } else {
        const uint64_t mask = ((uint64_t)1 << left) - 1;
        _mm512_mask_storeu_ps(scores, (__mmask16)mask, a);
        _mm512_mask_storeu_ps(scores + 16, (__mmask16)(mask >> 16), b);
        _mm512_mask_storeu_ps(scores + 32, (__mmask16)(mask >> 32), c);
        _mm512_mask_storeu_ps(scores + 48, (__mmask16)(mask >> 48), d);
    }
}

#endif
