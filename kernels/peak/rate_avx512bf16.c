/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rate of the pairwise dot product of AVX512_BF16: 32 products of bfloat16, added in pairs to 16
 * float lanes, so 64 floating-point operations. The second factor is 0: the sums stay 0.
 */
#include <immintrin.h>

#include "rate.h"

enum { BF16_PRODUCTS = 32, BF16_ONE = 0x3f80 };

KVR_RATE_CHAINS(rate_fma_bf16, __m512, _mm512_setzero_ps(), __m512i, _mm512_set1_epi16(BF16_ONE),
                _mm512_setzero_si512(), "vdpbf16ps %2, %1, %0")
KVR_RATE(kvr_peak_fma_bf16_avx512bf16, "fma.bf16", "avx512bf16", KVR_ISA_AVX512 | KVR_ISA_BF16, 512,
         "fma", KVR_CHAIN_OPERATIONS, KVR_CHAIN_OPERATIONS *BF16_PRODUCTS * 2, rate_fma_bf16)
