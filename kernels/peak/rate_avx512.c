/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rates of 512-bit instructions.
 */
#include <immintrin.h>

#define RATE_FLOATS __m512
#define RATE_INTS __m512i
#define RATE_HALF_INTS __m256i
#define RATE_QUARTER_INTS __m128i
#define RATE_SET(x) _mm512_set1_ps(x)
#define RATE_ZERO _mm512_setzero_si512()
#define RATE_HALF_ZERO _mm256_setzero_si256()
#define RATE_QUARTER_ZERO _mm_setzero_si128()
#define RATE_XOR "vpxord"
#define RATE_MASK __mmask16
#define RATE_MASK_ALL 0xffff
#define RATE_HIDE_MASK(mask) KVR_HIDE(mask)
#define RATE_GATHER(base, index, mask)                                                             \
    _mm512_mask_i32gather_ps(_mm512_setzero_ps(), mask, index, base, 4)
#define RATE_SYMBOL(id) kvr_peak_##id##_avx512
#define RATE_ISA_NAME "avx512"
#define RATE_ISA KVR_ISA_AVX512
#define RATE_BITS 512

#include "rate_body.inc"

/* Two tables of 16 dwords, the first one overwritten. */
KVR_RATE_CHAINS(rate_shuffle_two, __m512i, _mm512_setzero_si512(), __m512i, _mm512_setzero_si512(),
                _mm512_setzero_si512(), "vpermt2d %1, %2, %0")
RATE_DEFINE(shuffle_two, "shuffle.two", "shuffle", KVR_CHAIN_OPERATIONS, 0)

/* Of 32 words, which is several operations where that of dwords is one. */
KVR_RATE_CHAINS(rate_shuffle_word, __m512i, _mm512_setzero_si512(), __m512i, _mm512_setzero_si512(),
                _mm512_setzero_si512(), "vpermt2w %1, %2, %0")
RATE_DEFINE(shuffle_word, "shuffle.word", "shuffle", KVR_CHAIN_OPERATIONS, 0)
