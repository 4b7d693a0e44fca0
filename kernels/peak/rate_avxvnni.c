/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rate of the 4-way byte dot product of AVX-VNNI.
 */
#include <immintrin.h>

#include "rate.h"

KVR_RATE_CHAINS(rate_intdot, __m256i, _mm256_setzero_si256(), __m256i, _mm256_setzero_si256(),
                _mm256_setzero_si256(), "%{vex%} vpdpbusd %1, %2, %0")
KVR_RATE(kvr_peak_intdot_avxvnni, "intdot", "avxvnni", KVR_ISA_AVX2 | KVR_ISA_AVXVNNI, 256,
         "intdot", KVR_CHAIN_OPERATIONS, 0, rate_intdot)
