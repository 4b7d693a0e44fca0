/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookup4_u8 with AVX-512BW: a table of 16 bytes, broadcast to every lane, is the first operand of
 * a byte shuffle, which looks 64 nibbles up at once. A line gives two such results, of two
 * subspaces of the same 64 keys. The bytes are summed in 16 bits without unpacking: pairs as 16-bit
 * words into one sum, the words shifted right by 8 (the odd bytes) into another; at the end the
 * even bytes' sum is the first minus 256 times the second.
 *
 * Limits: a line (128 look-ups) is eleven vector operations, 2 of them shuffles and 3 shifts, and
 * three loads. Where two ports take 512 bits (Intel: 0 and 5) that is 5.5 cycles a line, 0.043 a
 * look-up, and the loads, 1.5 cycles, hide: so tables are loaded (broadcast by the load port) for
 * every block and may be as many as there are. L1 gives a line in half a cycle: it is no limit. A
 * block costs 18 operations more, its scores.
 */
#include "../simd/inject.h"
#include "../simd/x86_avx512.h"
#include "lookup.h"

enum { TABLES = 16, LANES = 16 };

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

/* Of 16-bit sums that are widened in place; no multiply-add, because the reference rounds the
 * product. */
KVR_INLINE __m512 scores16(__m512i sums, __m512 step, __m512 bias)
{
    return _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sums), step), bias);
}

KVR_INLINE void store_scores(const struct kvr_prepared_lookup_u8 *p, struct sums s, float *scores,
                             uint32_t left)
{
    const __m512i low = _mm512_set1_epi32(0xffff);
    const __m512 step = _mm512_set1_ps(p->step), bias = _mm512_set1_ps(p->bias);
    const __m512i even = _mm512_sub_epi16(s.words, _mm512_slli_epi16(s.odd, 8));
    __m512 a = scores16(_mm512_and_si512(even, low), step, bias);
    __m512 b = scores16(_mm512_and_si512(s.odd, low), step, bias);
    __m512 c = scores16(_mm512_srli_epi32(even, 16), step, bias);
    __m512 d = scores16(_mm512_srli_epi32(s.odd, 16), step, bias);
    if (left >= KVR_LOOKUP_BLOCK_KEYS) {
        _mm512_storeu_ps(scores, a);
        _mm512_storeu_ps(scores + LANES, b);
        _mm512_storeu_ps(scores + 2 * LANES, c);
        _mm512_storeu_ps(scores + 3 * LANES, d);
    } else {
        kvr_store_tail64(scores, left, a, b, c, d);
    }
}

KVR_INLINE void score_block(const struct kvr_prepared_lookup_u8 *p, const unsigned char *codes,
                            const unsigned char *ahead, const uint32_t lines, float *scores,
                            uint32_t left, const int prefetch)
{
    const uint8_t *tables = p->tables;
    const __m512i nibbles = _mm512_set1_epi8(15);
    struct sums s = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    KVR_INJECT(KVR_INJECT_TIMES(lines, TABLES / 2));
    for (uint32_t i = 0; i < lines; i++) {
        __m512i both = _mm512_loadu_si512(codes + (size_t)i * KVR_LINE_BYTES);
        KVR_KEEP(both);
        if (prefetch)
            kvr_prefetch(ahead + (size_t)i * KVR_LINE_BYTES, KVR_LINE_BYTES);
        __m512i first = _mm512_and_si512(both, nibbles);
        __m512i second = _mm512_and_si512(_mm512_srli_epi16(both, 4), nibbles);
        add_bytes(&s, _mm512_shuffle_epi8(load_table(tables), first));
        add_bytes(&s, _mm512_shuffle_epi8(load_table(tables + KVR_LOOKUP4_ENTRIES), second));
        tables += 2 * KVR_LOOKUP4_ENTRIES;
        /* the next line after these sums; its tables not kept across blocks: they are spilled */
        __asm__ volatile("" : "+r"(tables), "+v"(s.words), "+v"(s.odd));
    }
    store_scores(p, s, scores, left);
}

#define SCAN score_lookup4_u8
#define QUERY struct kvr_prepared_lookup_u8
#define LINES(count) kvr_lookup4_lines(count)
#define LEFT uint32_t
#define BLOCK(codes, ahead)                                                                        \
    score_block(query, codes, ahead, LINES(count), scores + key, left, prefetch)
#include "lookup_walk.inc"

const struct kvr_kernel kvr_kernel_lookup4_u8_u8_avx512 = {
    .variant = "u8",
    .isa_name = "avx512",
    .format = &kvr_format_lookup4_u8,
    .isa = KVR_ISA_AVX512,
    .work = {.block_keys = 64, .loads = 27, .stores = 4, .shuffles = 16, .vector_alu = 84,
             .converts = 4, .uops = 150, .convert_rate = "convert.i32"},
    .work_once = {.stores = 4, .vector_alu = 14, .converts = 4, .uops = 34},
    .work_head_dim = 64,
    .work_tables = TABLES,
    .score = score_lookup4_u8,
};
