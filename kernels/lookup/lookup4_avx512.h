/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sums of bytes looked up by nibbles with AVX-512BW, for the formats whose lines are those of
 * lookup4_u8. The file has defined TABLES, the number that is compiled for itself, and
 *   LOOK_UP(table, codes)   64 entries of a table that load_table has loaded, for the low nibbles
 *                           of codes' bytes
 */
#ifndef KVR_LOOKUP4_AVX512_H
#define KVR_LOOKUP4_AVX512_H

#include "../simd/inject.h"
#include "../simd/x86_avx512.h"
#include "lookup.h"

enum { LANES = 16 };

struct sums {
    __m512i words, odd;
};

KVR_INLINE void add_bytes(struct sums *s, __m512i bytes)
{
    s->words = _mm512_add_epi16(s->words, bytes);
    s->odd = _mm512_add_epi16(s->odd, _mm512_srli_epi16(bytes, 8));
}

KVR_INLINE __m512i load_table(const uint8_t *table)
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)table));
}

/* `lines` lines of a block, each of two tables, whose 64 keys' sums come back. */
KVR_INLINE struct sums sum_lines(const uint8_t *tables, const unsigned char *codes,
                                 const unsigned char *ahead, const uint32_t lines,
                                 const int prefetch)
{
    struct sums s = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    KVR_INJECT(KVR_INJECT_TIMES(lines, TABLES / 2));
    for (uint32_t i = 0; i < lines; i++) {
        __m512i both = _mm512_loadu_si512(codes + (size_t)i * KVR_LINE_BYTES);
        KVR_KEEP(both);
        if (prefetch)
            kvr_prefetch(ahead + (size_t)i * KVR_LINE_BYTES, KVR_LINE_BYTES);
        add_bytes(&s, LOOK_UP(load_table(tables), both));
        add_bytes(&s, LOOK_UP(load_table(tables + KVR_LOOKUP4_ENTRIES),
                              _mm512_srli_epi16(both, 4)));
        tables += 2 * KVR_LOOKUP4_ENTRIES;
        /* the next line after these sums; its tables not kept across blocks: they are spilled */
        __asm__ volatile("" : "+r"(tables), "+v"(s.words), "+v"(s.odd));
    }
    return s;
}

/* Sums of 16 keys each, in the order of keys, as 32-bit integers. */
struct quarters {
    __m512i a, b, c, d;
};

KVR_INLINE struct quarters quarters_of(struct sums s)
{
    const __m512i low = _mm512_set1_epi32(0xffff);
    const __m512i even = _mm512_sub_epi16(s.words, _mm512_slli_epi16(s.odd, 8));
    return (struct quarters){_mm512_and_si512(even, low), _mm512_and_si512(s.odd, low),
                             _mm512_srli_epi32(even, 16), _mm512_srli_epi32(s.odd, 16)};
}

/* No multiply-add, because the reference rounds the product. */
KVR_INLINE __m512 scores16(__m512i sums, __m512 step, __m512 bias)
{
    return _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sums), step), bias);
}

#endif
