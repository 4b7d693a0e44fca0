/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Horizontal sums of SSE2 registers (the x86-64 baseline).
 */
#ifndef KVR_SIMD_SSE2_H
#define KVR_SIMD_SSE2_H

#include <emmintrin.h>
#include <stdint.h>

/* Sum modulo 2^64 of the two 64-bit lanes. */
static inline __attribute__((always_inline)) uint64_t kvr_sum128_u64(__m128i x)
{
    return (uint64_t)_mm_cvtsi128_si64(_mm_add_epi64(x, _mm_unpackhi_epi64(x, x)));
}

#endif
