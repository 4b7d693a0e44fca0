/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Readers that write, with 256-bit accesses.
 */
#include <immintrin.h>

#include "../simd/hide.h"

#define EXPAND_VECTOR __m256i
#define EXPAND_ZERO _mm256_setzero_si256()
#define EXPAND_LOAD(p) _mm256_load_si256((const __m256i *)(const void *)(p))
#define EXPAND_ADD(a, b) _mm256_add_epi64(a, b)
#define EXPAND_HIDE(v) KVR_HIDE_VECTOR(v)

#include "expand_body.inc"

EXPAND_DEFINE(kvr_peak_expand_256, "expand256", "avx2", KVR_ISA_AVX2, 256, 0, _mm256_store_si256)
EXPAND_DEFINE(kvr_peak_expand_256nt, "expand256nt", "avx2", KVR_ISA_AVX2, 256, 1,
              _mm256_stream_si256)
