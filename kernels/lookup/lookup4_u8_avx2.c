/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookup4_u8 with AVX2: a table of 16 bytes, broadcast to both lanes, is the first operand of a
 * byte shuffle, which looks 32 nibbles up at once; a line is two halves of 32 bytes, each with its
 * own sums, in 16 bits without unpacking: pairs of bytes as words into one sum, the words shifted
 * right by 8 (the odd bytes) into another; at the end the even bytes' sum is the first minus 256
 * times the second.
 *
 * Limits: half a line (64 look-ups) is eleven vector operations, 2 of them shuffles and 3 shifts:
 * 3.7 cycles with three vector ports, 2.75 with four. The loads of a line, two of codes and two of
 * tables (broadcast by the load port), take 1 cycle of each half and hide: tables are loaded for
 * every block and may be as many as there are.
 */
#include "../simd/inject.h"
#include "../simd/unroll.h"
#include "../simd/x86_avx2.h"
#include "lookup.h"

enum { TABLES = 16, LANES = 8, APART_KEYS = 16, HALF_BYTES = KVR_LINE_BYTES / 2 };

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

/* What turns sums into scores; read before any score is written, which might lie there. */
struct finish {
    __m256 step, bias;
};

/* Eight keys of each quarter of a block, of 16-bit sums that are widened in place; no multiply-add,
 * because the reference rounds the product. whole: all are stored, else min(left, 8) of the first
 * quarter and so on. */
KVR_INLINE void store_half(const struct finish *f, const struct sums *s, float *scores,
                           int64_t left, const int whole)
{
    const __m256i low = _mm256_set1_epi32(0xffff);
    const __m256i even = _mm256_sub_epi16(s->words, _mm256_slli_epi16(s->odd, 8));
    const __m256i quarters[] = {_mm256_and_si256(even, low), _mm256_and_si256(s->odd, low),
                                _mm256_srli_epi32(even, 16), _mm256_srli_epi32(s->odd, 16)};
    KVR_UNROLL
    for (int t = 0; t < 4; t++) {
        __m256 values = _mm256_mul_ps(_mm256_cvtepi32_ps(quarters[t]), f->step);
        values = _mm256_add_ps(values, f->bias);
        if (whole)
            _mm256_storeu_ps(scores + t * APART_KEYS, values);
        else
            kvr_store8(scores + t * APART_KEYS, left - t * APART_KEYS, values);
    }
}

KVR_INLINE void score_block(const struct kvr_prepared_lookup_u8 *p, const unsigned char *codes,
                            const unsigned char *ahead, const uint32_t lines, float *scores,
                            int64_t left, const int prefetch)
{
    const uint8_t *tables = p->tables;
    const __m256i zero = _mm256_setzero_si256();
    struct sums low = {zero, zero}, high = {zero, zero};
    KVR_INJECT(KVR_INJECT_TIMES(lines, TABLES / 2));
    for (uint32_t i = 0; i < lines; i++) {
        const unsigned char *line = codes + (size_t)i * KVR_LINE_BYTES;
        const __m256i first = load_table(tables);
        const __m256i second = load_table(tables + KVR_LOOKUP4_ENTRIES);
        if (prefetch)
            kvr_prefetch(ahead + (size_t)i * KVR_LINE_BYTES, KVR_LINE_BYTES);
        add_half_line(&low, first, second, line);
        add_half_line(&high, first, second, line + HALF_BYTES);
        tables += 2 * KVR_LOOKUP4_ENTRIES;
        /* the next line after these sums; its tables not kept across blocks: they are spilled */
        __asm__ volatile("" : "+r"(tables), "+x"(low.words), "+x"(low.odd), "+x"(high.words),
                         "+x"(high.odd));
    }
    const struct finish f = {_mm256_broadcast_ss(&p->step), _mm256_broadcast_ss(&p->bias)};
    if (left >= KVR_LOOKUP_BLOCK_KEYS) {
        store_half(&f, &low, scores, left, 1);
        store_half(&f, &high, scores + LANES, left, 1);
    } else {
        store_half(&f, &low, scores, left, 0);
        store_half(&f, &high, scores + LANES, left - LANES, 0);
    }
}

#define SCAN score_lookup4_u8
#define QUERY struct kvr_prepared_lookup_u8
#define LINES(count) kvr_lookup4_lines(count)
#define LEFT int64_t
#define BLOCK(codes, ahead)                                                                        \
    score_block(query, codes, ahead, LINES(count), scores + key, left, prefetch)
#include "lookup_walk.inc"

const struct kvr_kernel kvr_kernel_lookup4_u8_u8_avx2 = {
    .variant = "u8",
    .isa_name = "avx2",
    .format = &kvr_format_lookup4_u8,
    .isa = KVR_ISA_AVX2,
    .work = {.block_keys = 64, .loads = 36, .stores = 8, .shuffles = 32, .vector_alu = 168,
             .converts = 8, .uops = 270, .convert_rate = "convert.i32"},
    .work_once = {.stores = 8, .vector_alu = 28, .converts = 8, .uops = 50},
    .work_head_dim = 64,
    .work_tables = TABLES,
    .score = score_lookup4_u8,
};
