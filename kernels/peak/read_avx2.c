/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Readers with 256-bit loads.
 */
#include "../simd/hide.h"
#include "../simd/avx2.h"

#define READ_VECTOR __m256i
#define READ_ZERO _mm256_setzero_si256()
#define READ_LOAD(p) _mm256_load_si256((const __m256i *)(const void *)(p))
#define READ_ADD(a, b) _mm256_add_epi64(a, b)
#define READ_SUM(v) kvr_sum256_u64(v)
#define READ_HIDE(v) KVR_HIDE_VECTOR(v)
#define READ_NAME "read256"
#define READ_SYMBOL(suffix) kvr_peak_read_avx2_##suffix
#define READ_ISA_NAME "avx2"
#define READ_ISA KVR_ISA_AVX2
#define READ_BITS 256

#include "read_body.inc"
