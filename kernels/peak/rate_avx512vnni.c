/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rate of the 4-way byte dot product of AVX512_VNNI.
 */
#include <immintrin.h>

#include "rate.h"

KVR_RATE_CHAINS(rate_intdot, __m512i, _mm512_setzero_si512(), __m512i, _mm512_setzero_si512(),
                _mm512_setzero_si512(), "vpdpbusd %1, %2, %0")
KVR_RATE(kvr_peak_intdot_avx512vnni, "intdot", "avx512vnni", KVR_ISA_AVX512 | KVR_ISA_VNNI, 512,
         "intdot", KVR_CHAIN_OPERATIONS, 0, rate_intdot)
