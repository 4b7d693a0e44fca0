/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The dial with 512-bit instructions.
 */
#include <immintrin.h>

#define DIAL_VECTOR __m512i
#define DIAL_LOAD(p) _mm512_load_si512((const void *)(p))
#define DIAL_HIDE(v) KVR_HIDE_VECTOR(v)
#define DIAL_SYMBOL(id) kvr_dial_##id##_avx512
#define DIAL_ISA_NAME "avx512"
#define DIAL_ISA KVR_ISA_AVX512
#define DIAL_BITS 512

#include "dial_body.inc"

DIAL_DEFINE(fma, "fma", __m512, _mm512_setzero_ps(), __m512, _mm512_setzero_ps(),
            "vfmadd231ps %1, %1, %0")
DIAL_DEFINE(load, "load", __m512, _mm512_setzero_ps(), __m512, _mm512_setzero_ps(),
            "vmovaps (%2), %0")
DIAL_DEFINE(shuffle, "shuffle", __m512i, _mm512_setzero_si512(), __m512i, _mm512_setzero_si512(),
            "vpshufb %1, %0, %0")
