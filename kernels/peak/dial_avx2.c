/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The dial with 256-bit instructions.
 */
#include <immintrin.h>

#define DIAL_VECTOR __m256i
#define DIAL_LOAD(p) _mm256_load_si256((const __m256i *)(const void *)(p))
#define DIAL_HIDE(v) KVR_HIDE_VECTOR(v)
#define DIAL_SYMBOL(id) kvr_dial_##id##_avx2
#define DIAL_ISA_NAME "avx2"
#define DIAL_ISA (KVR_ISA_AVX2 | KVR_ISA_FMA)
#define DIAL_BITS 256

#include "dial_body.inc"

DIAL_DEFINE(fma, "fma", __m256, _mm256_setzero_ps(), __m256, _mm256_setzero_ps(),
            "vfmadd231ps %1, %1, %0")
DIAL_DEFINE(load, "load", __m256, _mm256_setzero_ps(), __m256, _mm256_setzero_ps(),
            "vmovaps (%2), %0")
DIAL_DEFINE(shuffle, "shuffle", __m256i, _mm256_setzero_si256(), __m256i, _mm256_setzero_si256(),
            "vpshufb %1, %0, %0")
