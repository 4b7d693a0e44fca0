/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookup_u8 with AVX-512BW and no VBMI, K = 256: shuffles of bytes reach 16 of them, those of words
 * (vpermi2w) 64 words of two registers, so a table is 128 words in four registers. Of a code bits 1
 * to 6 choose a word of each pair of registers, bit 7 between the pairs, bit 0 between the bytes of
 * the word. 32 codes are looked up at once, first those in the even bytes of a line, then those in
 * the odd ones, so that the sums have 16 bits from the start.
 *
 * Limits: a line (64 look-ups) is four vpermi2w of three micro-ops, two of them on the one shuffle
 * port (Intel), three tests for masks on the same port, and eleven other operations: 26 micro-ops,
 * two a cycle, 13 cycles, of which the shuffle port is busy 11. The loads, one of codes and eight
 * of tables, hide: so the tables may be as many as there are.
 */
#include "../simd/hide.h"
#include "../simd/inject.h"
#include "lookup_u8_avx512.h"

enum { TABLES = 4 };

/* 32 words of entries; bits 0 to 5 of `words` choose a word, whatever is above. The masks are the
 * codes' bits 7 and 0. */
KVR_INLINE __m512i look_up(const uint8_t *table, __m512i words, __mmask32 bit7, __mmask32 bit0)
{
    __m512i low = _mm512_permutex2var_epi16(_mm512_loadu_si512(table), words,
                                            _mm512_loadu_si512(table + 64));
    __m512i high = _mm512_permutex2var_epi16(_mm512_loadu_si512(table + 128), words,
                                             _mm512_loadu_si512(table + 192));
    __m512i found = _mm512_mask_blend_epi16(bit7, low, high);
    found = _mm512_mask_srli_epi16(found, bit0, found, 8);
    return _mm512_and_si512(found, _mm512_set1_epi16(255));
}

KVR_INLINE void score_block(const struct kvr_prepared_lookup_u8 *p, const unsigned char *codes,
                            const unsigned char *ahead, const uint32_t count, float *scores,
                            uint32_t left, const int prefetch)
{
    const struct finish f = load_finish(p);
    const uint8_t *table = p->tables;
    __m512i even = _mm512_setzero_si512(), odd = _mm512_setzero_si512();
    KVR_INJECT(KVR_INJECT_TIMES(count, TABLES));
    KVR_HIDE(table); /* or the first tables are kept across blocks, and spilled */
    for (uint32_t i = 0; i < count; i++) {
        __m512i c = _mm512_loadu_si512(codes + (size_t)i * KVR_LINE_BYTES);
        KVR_KEEP(c);
        if (prefetch)
            kvr_prefetch(ahead + (size_t)i * KVR_LINE_BYTES, KVR_LINE_BYTES);
        __mmask32 even7 = _mm512_test_epi16_mask(c, _mm512_set1_epi16(0x80));
        __mmask32 even0 = _mm512_test_epi16_mask(c, _mm512_set1_epi16(1));
        __mmask32 odd7 = _mm512_movepi16_mask(c);
        __mmask32 odd0 = _mm512_test_epi16_mask(c, _mm512_set1_epi16(0x100));
        even = _mm512_add_epi16(even, look_up(table, _mm512_srli_epi16(c, 1), even7, even0));
        odd = _mm512_add_epi16(odd, look_up(table, _mm512_srli_epi16(c, 9), odd7, odd0));
        table += KVR_LOOKUP_ENTRIES;
        /* the next line only after these sums */
        __asm__ volatile("" : "+r"(table), "+v"(even), "+v"(odd));
    }
    store_scores(even, odd, &f, scores, left);
}

#define SCAN score_lookup_u8
#define QUERY struct kvr_prepared_lookup_u8
#define LINES(count) (count)
#define LEFT uint32_t
#define BLOCK(codes, ahead)                                                                        \
    score_block(query, codes, ahead, count, scores + key, left, prefetch)
#include "lookup_walk.inc"

const struct kvr_kernel kvr_kernel_lookup_u8_u8_avx512 = {
    .variant = "u8",
    .isa_name = "avx512",
    .format = &kvr_format_lookup_u8,
    .isa = KVR_ISA_AVX512,
    .max_tables = KVR_MAX_TABLES,
    .work = {.block_keys = 64, .loads = 35, .stores = 4, .shuffles = 20, .vector_alu = 65,
             .converts = 4, .uops = 128, .shuffle_rate = "shuffle.word",
             .convert_rate = "convert.i32"},
    .work_once = {.loads = 2, .stores = 4, .shuffles = 4, .vector_alu = 8, .converts = 4,
                  .uops = 37},
    .work_head_dim = 64,
    .work_tables = TABLES,
    .score = score_lookup_u8,
};
