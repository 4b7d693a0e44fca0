/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Horizontal sums of AVX-512 registers.
 */
#ifndef KVR_SIMD_AVX512_H
#define KVR_SIMD_AVX512_H

#include "avx2.h"

/* Sum modulo 2^64 of the eight 64-bit lanes. */
static inline __attribute__((always_inline)) uint64_t kvr_sum512_u64(__m512i x)
{
    return kvr_sum256_u64(
        _mm256_add_epi64(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1)));
}

#endif
