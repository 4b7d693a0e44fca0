/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Readers that write, with 512-bit accesses.
 */
#include <immintrin.h>

#include "../simd/hide.h"

#define EXPAND_VECTOR __m512i
#define EXPAND_ZERO _mm512_setzero_si512()
#define EXPAND_LOAD(p) _mm512_load_si512((const void *)(p))
#define EXPAND_ADD(a, b) _mm512_add_epi64(a, b)
#define EXPAND_HIDE(v) KVR_HIDE_VECTOR(v)

#include "expand_body.inc"

EXPAND_DEFINE(kvr_peak_expand_512, "expand512", "avx512", KVR_ISA_AVX512, 512, 0,
              _mm512_store_si512)
EXPAND_DEFINE(kvr_peak_expand_512nt, "expand512nt", "avx512", KVR_ISA_AVX512, 512, 1,
              _mm512_stream_si512)
