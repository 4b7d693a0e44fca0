/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sums of bytes looked up by nibbles with AVX2, for the formats whose lines are those of
 * lookup4_u8. The file has defined TABLES, the number that is compiled for itself.
 */
#ifndef KVR_LOOKUP4_AVX2_H
#define KVR_LOOKUP4_AVX2_H

#include "../simd/inject.h"
#include "../simd/unroll.h"
#include "../simd/x86_avx2.h"
#include "lookup.h"

enum { LANES = 8, APART_KEYS = 16, HALF_BYTES = KVR_LINE_BYTES / 2 };

struct sums {
    __m256i words, odd;
};

KVR_INLINE void add_bytes(struct sums *s, __m256i bytes)
{
    s->words = _mm256_add_epi16(s->words, bytes);
    s->odd = _mm256_add_epi16(s->odd, _mm256_srli_epi16(bytes, 8));
}

KVR_INLINE void add_half_line(struct sums *s, __m256i first, __m256i second,
                              const unsigned char *codes)
{
    const __m256i nibbles = _mm256_set1_epi8(15);
    __m256i both = _mm256_loadu_si256((const __m256i *)(const void *)codes);
    __asm__ volatile("" : "+x"(both)); /* loaded once, not by each of its two uses */
    add_bytes(s, _mm256_shuffle_epi8(first, _mm256_and_si256(both, nibbles)));
    both = _mm256_and_si256(_mm256_srli_epi16(both, 4), nibbles);
    add_bytes(s, _mm256_shuffle_epi8(second, both));
}

KVR_INLINE __m256i load_table(const uint8_t *table)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)table));
}

/* Of the keys of both halves of a line. */
struct block_sums {
    struct sums low, high;
};

/* `lines` lines of a block, each of two tables, whose 64 keys' sums come back. */
KVR_INLINE struct block_sums sum_lines(const uint8_t *tables, const unsigned char *codes,
                                       const unsigned char *ahead, const uint32_t lines,
                                       const int prefetch)
{
    const __m256i zero = _mm256_setzero_si256();
    struct block_sums s = {{zero, zero}, {zero, zero}};
    KVR_INJECT(KVR_INJECT_TIMES(lines, TABLES / 2));
    for (uint32_t i = 0; i < lines; i++) {
        const unsigned char *line = codes + (size_t)i * KVR_LINE_BYTES;
        const __m256i first = load_table(tables);
        const __m256i second = load_table(tables + KVR_LOOKUP4_ENTRIES);
        if (prefetch)
            kvr_prefetch(ahead + (size_t)i * KVR_LINE_BYTES, KVR_LINE_BYTES);
        add_half_line(&s.low, first, second, line);
        add_half_line(&s.high, first, second, line + HALF_BYTES);
        tables += 2 * KVR_LOOKUP4_ENTRIES;
        /* the next line after these sums; its tables not kept across blocks: they are spilled */
        __asm__ volatile("" : "+r"(tables), "+x"(s.low.words), "+x"(s.low.odd),
                         "+x"(s.high.words), "+x"(s.high.odd));
    }
    return s;
}

/* Of 16-bit sums the even ones. */
KVR_INLINE __m256i even_words(const struct sums *s)
{
    return _mm256_sub_epi16(s->words, _mm256_slli_epi16(s->odd, 8));
}

/* Eight keys of quarter t of a block as 32-bit integers. */
KVR_INLINE __m256i quarter(__m256i even, __m256i odd, const int t)
{
    const __m256i words = t % 2 ? odd : even;
    return t < 2 ? _mm256_and_si256(words, _mm256_set1_epi32(0xffff))
                 : _mm256_srli_epi32(words, 16);
}

/* No multiply-add, because the reference rounds the product. */
KVR_INLINE __m256 scores8(__m256i sums, __m256 step, __m256 bias)
{
    return _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sums), step), bias);
}

#endif
