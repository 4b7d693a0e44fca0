/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Integers in 256-bit registers: what the kernels of an 8-bit query are written in. A line is two
 * of them, 8 keys each.
 */
#ifndef KVR_INTS_AVX2_H
#define KVR_INTS_AVX2_H

#include "../simd/hide.h"
#include "../simd/inject.h"
#include "../simd/unroll.h"
#include "../simd/x86_avx2.h"
#include "affine.h"

typedef __m256i kvr_ints;
typedef __m256 kvr_floats;

enum { KVR_INTS_KEYS = 8, KVR_INTS_PARTS = KVR_AFFINE_BLOCK_KEYS / KVR_INTS_KEYS };

/* How many dwords of a query registers can hold: at least the 16 of d = 64, or none. */
#define KVR_QUERY_REGISTERS 0
/* v is used from a register: its load is not folded into every use. */
#define KVR_KEEP_INTS(v) KVR_HIDE_VECTOR(v)

#define KVR_INTS(operation) _mm256_##operation
#define KVR_INTS_AND _mm256_and_si256
#define KVR_INTS_ANDNOT _mm256_andnot_si256
#define KVR_INTS_XOR _mm256_xor_si256
#define KVR_INTS_ZERO _mm256_setzero_si256()

/* Sums of 16 keys. */
struct sums16 {
    kvr_ints part[KVR_INTS_PARTS];
};

KVR_INLINE kvr_ints kvr_load_ints(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

KVR_INLINE void kvr_put_ints(void *p, kvr_ints v)
{
    _mm256_storeu_si256((__m256i *)p, v);
}

KVR_INLINE kvr_floats kvr_load_halves(const void *p)
{
    return kvr_load_half8(p);
}

KVR_INLINE void kvr_put_floats(float *scores, uint32_t left, kvr_floats v)
{
    kvr_store8(scores, (int32_t)left, v);
}

KVR_INLINE void kvr_put_scores(float *scores, uint32_t left, kvr_ints sums, kvr_floats scale)
{
    kvr_put_floats(scores, left, _mm256_mul_ps(_mm256_cvtepi32_ps(sums), scale));
}

#ifdef __AVXVNNI__
#define KVR_INTS_DOT _mm256_dpbusd_avx_epi32
#elif defined(__AVX512VNNI__) /* the same operation, by another encoding */
#define KVR_INTS_DOT _mm256_dpbusd_epi32
#endif

#endif
