/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lines of 8-bit codes with AVX-512: 4 channels of 16 keys. Byte j of each dword, with its sign bit
 * flipped (code - 128), is moved to the top of the dword, so that the conversion gives 2^24 times
 * the value, exactly, and no offset needs subtracting: 5 integer operations, 4 conversions and 4
 * multiply-adds, each with a broadcast load.
 */
#ifndef KVR_BYTES_AVX512_H
#define KVR_BYTES_AVX512_H

#include "../simd/x86_avx512.h"

struct kvr_byte_places {
    __m512i sign, top, byte1, byte2;
};

KVR_INLINE struct kvr_byte_places kvr_byte_places(void)
{
    /* vpshufb: byte j of a dword to its top, zeros below */
    const __m512i lane = _mm512_broadcast_i32x4(_mm_setr_epi32(0x00808080, 0x04808080, 0x08808080,
                                                               0x0c808080));
    return (struct kvr_byte_places){
        .sign = _mm512_set1_epi8((char)0x80),
        .top = _mm512_set1_epi32((int)0xff000000),
        .byte1 = _mm512_add_epi32(lane, _mm512_set1_epi32(0x01000000)),
        .byte2 = _mm512_add_epi32(lane, _mm512_set1_epi32(0x02000000)),
    };
}

struct kvr_byte_sums {
    __m512 a, b, c, d;
};

KVR_INLINE void kvr_bytes_add_line(struct kvr_byte_sums *s, const unsigned char *line,
                                   const float *query, const struct kvr_byte_places *k)
{
    __m512i v = _mm512_xor_si512(_mm512_loadu_si512(line), k->sign);
    __m512 a = _mm512_cvtepi32_ps(_mm512_slli_epi32(v, 24));
    __m512 b = _mm512_cvtepi32_ps(_mm512_shuffle_epi8(v, k->byte1));
    __m512 c = _mm512_cvtepi32_ps(_mm512_shuffle_epi8(v, k->byte2));
    __m512 d = _mm512_cvtepi32_ps(_mm512_and_si512(v, k->top));
    s->a = _mm512_fmadd_ps(a, _mm512_set1_ps(query[0]), s->a);
    s->b = _mm512_fmadd_ps(b, _mm512_set1_ps(query[1]), s->b);
    s->c = _mm512_fmadd_ps(c, _mm512_set1_ps(query[2]), s->c);
    s->d = _mm512_fmadd_ps(d, _mm512_set1_ps(query[3]), s->d);
}

KVR_INLINE struct kvr_byte_sums kvr_bytes_zero(void)
{
    return (struct kvr_byte_sums){_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
                                  _mm512_setzero_ps()};
}

KVR_INLINE __m512 kvr_bytes_total(const struct kvr_byte_sums *s)
{
    __m512 sum = _mm512_add_ps(_mm512_add_ps(s->a, s->b), _mm512_add_ps(s->c, s->d));
    return _mm512_mul_ps(sum, _mm512_set1_ps(0x1p-24f));
}

#endif
