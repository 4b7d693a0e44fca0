/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Readers with 128-bit loads: the x86-64 baseline.
 */
#include "../simd/hide.h"
#include "../simd/sse2.h"

#define READ_VECTOR __m128i
#define READ_ZERO _mm_setzero_si128()
#define READ_LOAD(p) _mm_load_si128((const __m128i *)(const void *)(p))
#define READ_ADD(a, b) _mm_add_epi64(a, b)
#define READ_SUM(v) kvr_sum128_u64(v)
#define READ_HIDE(v) KVR_HIDE_VECTOR(v)
#define READ_NAME "read128"
#define READ_SYMBOL(suffix) kvr_peak_read_base_##suffix
#define READ_ISA_NAME "scalar"
#define READ_ISA 0
#define READ_BITS 128

#include "read_body.inc"
