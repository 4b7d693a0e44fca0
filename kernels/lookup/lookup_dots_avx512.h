/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sums of looked-up bytes by dot products, for kernels with AVX512_VNNI: entries of one key lie
 * side by side in a dword, and vpdpbusd adds them to the key's 32-bit sum. A sum starts as the bits
 * of the float 2^23, whose unit in the last place is 1: so it is the float 2^23 + sum, and nothing
 * is converted.
 */
#ifndef KVR_LOOKUP_DOTS_AVX512_H
#define KVR_LOOKUP_DOTS_AVX512_H

#include "../simd/x86_avx512.h"
#include "lookup.h"

enum { LANES = 16 };
#define ZERO 0x1p23f

/* Of keys 0 to 15, 16 to 31 and so on of a block, each ZERO more. */
struct sums {
    __m512i a, b, c, d;
};

/* What makes sums into scores. */
struct finish {
    __m512 step, zero_score, bias;
};

/* step is below 2^100 (kernel.h), so zero_score is finite; it is exact. */
KVR_INLINE struct finish load_finish(const struct kvr_prepared_lookup_u8 *p)
{
    return (struct finish){_mm512_set1_ps(p->step), _mm512_set1_ps(ZERO * p->step),
                           _mm512_set1_ps(p->bias)};
}

/* (ZERO + sum) * step - ZERO * step, rounded once, is sum * step rounded, as in the reference, to
 * which bias is added. */
KVR_INLINE __m512 scores16(__m512i sum, const struct finish *f)
{
    const __m512 product = _mm512_fmsub_ps(_mm512_castsi512_ps(sum), f->step, f->zero_score);
    return _mm512_add_ps(product, f->bias);
}

KVR_INLINE void store_sums(const struct sums *s, const struct finish *f, float *scores,
                           uint32_t left)
{
    __m512 a = scores16(s->a, f), b = scores16(s->b, f);
    __m512 c = scores16(s->c, f), d = scores16(s->d, f);
    kvr_store64(scores, left, a, b, c, d);
}

#endif
