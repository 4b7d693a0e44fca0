/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Integers in 512-bit registers: what the kernels of an 8-bit query are written in. A line is one
 * of them, 16 keys.
 */
#ifndef KVR_INTS_AVX512_H
#define KVR_INTS_AVX512_H

#include "../simd/hide.h"
#include "../simd/inject.h"
#include "../simd/unroll.h"
#include "../simd/x86_avx512.h"
#include "affine.h"

typedef __m512i kvr_ints;
typedef __m512 kvr_floats;

enum { KVR_INTS_KEYS = 16, KVR_INTS_PARTS = KVR_AFFINE_BLOCK_KEYS / KVR_INTS_KEYS };

/* How many dwords of a query registers can hold: at least the 16 of d = 64, or none. */
#define KVR_QUERY_REGISTERS 20
/* v is used from a register: its load is not folded into every use. */
#define KVR_KEEP_INTS(v) KVR_KEEP(v)

#define KVR_INTS(operation) _mm512_##operation
#define KVR_INTS_AND _mm512_and_si512
#define KVR_INTS_ANDNOT _mm512_andnot_si512
#define KVR_INTS_XOR _mm512_xor_si512
#define KVR_INTS_ZERO _mm512_setzero_si512()

/* Sums of 16 keys. */
struct sums16 {
    kvr_ints part[KVR_INTS_PARTS];
};

KVR_INLINE kvr_ints kvr_load_ints(const void *p)
{
    return _mm512_loadu_si512(p);
}

KVR_INLINE void kvr_put_ints(void *p, kvr_ints v)
{
    _mm512_storeu_si512(p, v);
}

KVR_INLINE kvr_floats kvr_load_halves(const void *p)
{
    return kvr_load_half16(p);
}

KVR_INLINE void kvr_put_floats(float *scores, uint32_t left, kvr_floats v)
{
    kvr_store16(scores, left, v);
}

KVR_INLINE void kvr_put_scores(float *scores, uint32_t left, kvr_ints sums, kvr_floats scale)
{
    kvr_put_floats(scores, left, _mm512_mul_ps(_mm512_cvtepi32_ps(sums), scale));
}

#define KVR_INTS_DOT _mm512_dpbusd_epi32 /* with AVX512_VNNI */

#endif
