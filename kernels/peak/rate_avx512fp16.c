/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rate of fused multiply-adds of 32 half-precision lanes (AVX512_FP16). x = x * 1/2 + 1/2 stays 1,
 * as in single precision; the lanes are written as bits, so that no half type is needed.
 */
#include <immintrin.h>

#include "rate.h"

enum { FP16_LANES = 32, FP16_ONE = 0x3c00, FP16_HALF = 0x3800 };

KVR_RATE_CHAINS(rate_fma_f16, __m512i, _mm512_set1_epi16(FP16_ONE), __m512i,
                _mm512_set1_epi16(FP16_HALF), _mm512_set1_epi16(FP16_HALF),
                "vfmadd213ph %2, %1, %0")
KVR_RATE(kvr_peak_fma_f16_avx512fp16, "fma.f16", "avx512fp16", KVR_ISA_AVX512 | KVR_ISA_FP16, 512,
         "fma", KVR_CHAIN_OPERATIONS, KVR_CHAIN_OPERATIONS *FP16_LANES * 2, rate_fma_f16)
