/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Horizontal sums of AVX2 registers.
 */
#ifndef KVR_SIMD_AVX2_H
#define KVR_SIMD_AVX2_H

#include <immintrin.h>

#include "sse2.h"

/* Sum modulo 2^64 of the four 64-bit lanes. */
static inline __attribute__((always_inline)) uint64_t kvr_sum256_u64(__m256i x)
{
    return kvr_sum128_u64(_mm_add_epi64(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1)));
}

#endif
