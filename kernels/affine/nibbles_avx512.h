/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lines of 4-bit codes with AVX-512: 8 channels of 16 keys, a dword is one key's. A permute looks
 * the low nibble of each dword up in a register of the values -8..7 as floats, which replaces mask,
 * conversion and offset: 7 shifts, 8 permutes and 8 multiply-adds, each with a broadcast load.
 */
#ifndef KVR_NIBBLES_AVX512_H
#define KVR_NIBBLES_AVX512_H

#include "../simd/x86_avx512.h"

struct kvr_nibble_sums {
    __m512 a, b, c, d;
};

KVR_INLINE __m512 kvr_nibbles_add_channel(__m512 sum, __m512i dwords, __m512 values,
                                          const float *query)
{
    return _mm512_fmadd_ps(_mm512_permutexvar_ps(dwords, values), _mm512_set1_ps(*query), sum);
}

KVR_INLINE void kvr_nibbles_add_line(struct kvr_nibble_sums *s, const unsigned char *line,
                                     const float *q, __m512 values)
{
    __m512i v = _mm512_loadu_si512(line);
    KVR_KEEP(v);
    s->a = kvr_nibbles_add_channel(s->a, v, values, q);
    s->b = kvr_nibbles_add_channel(s->b, _mm512_srli_epi32(v, 4), values, q + 1);
    s->c = kvr_nibbles_add_channel(s->c, _mm512_srli_epi32(v, 8), values, q + 2);
    s->d = kvr_nibbles_add_channel(s->d, _mm512_srli_epi32(v, 12), values, q + 3);
    s->a = kvr_nibbles_add_channel(s->a, _mm512_srli_epi32(v, 16), values, q + 4);
    s->b = kvr_nibbles_add_channel(s->b, _mm512_srli_epi32(v, 20), values, q + 5);
    s->c = kvr_nibbles_add_channel(s->c, _mm512_srli_epi32(v, 24), values, q + 6);
    s->d = kvr_nibbles_add_channel(s->d, _mm512_srli_epi32(v, 28), values, q + 7);
}

KVR_INLINE __m512 kvr_nibble_values(void)
{
    return _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
}

KVR_INLINE struct kvr_nibble_sums kvr_nibbles_zero(void)
{
    return (struct kvr_nibble_sums){_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
                                    _mm512_setzero_ps()};
}

KVR_INLINE __m512 kvr_nibbles_total(const struct kvr_nibble_sums *s)
{
    return _mm512_add_ps(_mm512_add_ps(s->a, s->b), _mm512_add_ps(s->c, s->d));
}

#endif
