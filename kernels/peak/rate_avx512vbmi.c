/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rate of the two-source byte permute of AVX512_VBMI: 128 bytes of table, the index overwritten.
 */
#include <immintrin.h>

#include "rate.h"

KVR_RATE_CHAINS(rate_shuffle_two, __m512i, _mm512_setzero_si512(), __m512i, _mm512_setzero_si512(),
                _mm512_setzero_si512(), "vpermi2b %1, %2, %0")
KVR_RATE(kvr_peak_shuffle_two_avx512vbmi, "shuffle.two", "avx512vbmi",
         KVR_ISA_AVX512 | KVR_ISA_VBMI, 512, "shuffle", KVR_CHAIN_OPERATIONS, 0, rate_shuffle_two)
