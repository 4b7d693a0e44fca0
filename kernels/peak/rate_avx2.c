/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rates of 256-bit instructions.
 */
#include <immintrin.h>

#define RATE_FLOATS __m256
#define RATE_INTS __m256i
#define RATE_HALF_INTS __m128i
#define RATE_QUARTER_INTS __m128i /* 8 of the 16 bytes are converted */
#define RATE_SET(x) _mm256_set1_ps(x)
#define RATE_ZERO _mm256_setzero_si256()
#define RATE_HALF_ZERO _mm_setzero_si128()
#define RATE_QUARTER_ZERO _mm_setzero_si128()
#define RATE_XOR "vpxor"
#define RATE_MASK __m256
#define RATE_MASK_ALL _mm256_castsi256_ps(_mm256_set1_epi32(-1))
#define RATE_HIDE_MASK(mask) KVR_HIDE_VECTOR(mask)
#define RATE_GATHER(base, index, mask)                                                             \
    _mm256_mask_i32gather_ps(_mm256_setzero_ps(), base, index, mask, 4)
#define RATE_SYMBOL(id) kvr_peak_##id##_avx2
#define RATE_ISA_NAME "avx2"
#define RATE_ISA (KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C)
#define RATE_BITS 256

#include "rate_body.inc"
