/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Readers with 512-bit loads.
 */
#include "../simd/hide.h"
#include "../simd/avx512.h"

#define READ_VECTOR __m512i
#define READ_ZERO _mm512_setzero_si512()
#define READ_LOAD(p) _mm512_load_si512((const void *)(p))
#define READ_ADD(a, b) _mm512_add_epi64(a, b)
#define READ_SUM(v) kvr_sum512_u64(v)
#define READ_HIDE(v) KVR_HIDE_VECTOR(v)
#define READ_NAME "read512"
#define READ_SYMBOL(suffix) kvr_peak_read_avx512_##suffix
#define READ_ISA_NAME "avx512"
#define READ_ISA KVR_ISA_AVX512
#define READ_BITS 512

#include "read_body.inc"
