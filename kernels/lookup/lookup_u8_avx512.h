/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookup_u8 with AVX-512: from the 16-bit sums of a block, those of the even and those of the odd
 * keys, to its scores.
 */
#ifndef KVR_LOOKUP_U8_AVX512_H
#define KVR_LOOKUP_U8_AVX512_H

#include "../simd/x86_avx512.h"
#include "lookup.h"

/* What turns sums into scores. */
struct finish {
    __m512i order[4]; /* for 16 keys in order: words of (even keys' sums, odd keys' sums) */
    __m512 step, bias;
};

KVR_INLINE struct finish load_finish(const struct kvr_prepared_lookup_u8 *p)
{
    /* key j is word j / 2 of the even or (+ 32) of the odd keys' sums */
    __m512i first = _mm512_setr_epi32(0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38, 7, 39);
    KVR_KEEP(first); /* made anew in each pass, not kept on the stack across passes */
    return (struct finish){
        .order = {first, _mm512_add_epi32(first, _mm512_set1_epi32(8)),
                  _mm512_add_epi32(first, _mm512_set1_epi32(16)),
                  _mm512_add_epi32(first, _mm512_set1_epi32(24))},
        .step = _mm512_set1_ps(p->step),
        .bias = _mm512_set1_ps(p->bias),
    };
}

/* 16 scores: 16-bit sums widened by the permute's zeroing mask; no multiply-add, because the
 * reference rounds the product. */
KVR_INLINE __m512 scores16(__m512i even, __m512i odd, __m512i order, const struct finish *f)
{
    __m512i sum = _mm512_maskz_permutex2var_epi16(0x55555555, even, order, odd);
    return _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sum), f->step), f->bias);
}

/* Of the sums of 64 keys, the even ones' and the odd ones'. */
KVR_INLINE void store_scores(__m512i even, __m512i odd, const struct finish *f, float *scores,
                             uint32_t left)
{
    __m512 a = scores16(even, odd, f->order[0], f), b = scores16(even, odd, f->order[1], f);
    __m512 c = scores16(even, odd, f->order[2], f), d = scores16(even, odd, f->order[3], f);
    kvr_store64(scores, left, a, b, c, d);
}

#endif
