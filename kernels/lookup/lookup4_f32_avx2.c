/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookup4_f32 with AVX2: a table of 16 floats is two registers, in each of which vpermps looks
 * eight codes up, by the low three bits of as many dwords; a blend chooses by the fourth, shifted
 * to the sign. A dword's eight codes, of four keys and two subspaces, are looked up one after the
 * other.
 *
 * Limits: eight look-ups are two permutations on one port (Intel), a blend of one to three
 * micro-ops, one or two shifts and an addition: 2.3 cycles with three vector ports, 0.3 a look-up,
 * where a gather of eight takes eight loads. The loads of tables, four for a line, hide.
 */
#include "../simd/hide.h"
#include "../simd/inject.h"
#include "../simd/unroll.h"
#include "../simd/x86_avx2.h"
#include "lookup.h"

enum { TABLES = 8, LANES = 8, APART_KEYS = 16, HALF_BYTES = KVR_LINE_BYTES / 2 };

/* Eight keys of each quarter of a block. */
struct sums {
    __m256 quarter[4];
};

/* Adds one subspace's entries for half a line, its codes from bit `bit` of each byte on. */
KVR_INLINE void add_table(struct sums *s, const float *table, const unsigned char *half,
                          const int bit)
{
    const __m256 low = _mm256_loadu_ps(table), high = _mm256_loadu_ps(table + LANES);
    const __m256i codes = _mm256_loadu_si256((const __m256i *)(const void *)half);
    KVR_UNROLL
    for (int t = 0; t < 4; t++) {
        const __m256i index = _mm256_srli_epi32(codes, 8 * t + bit);
        const __m256 sign = _mm256_castsi256_ps(_mm256_slli_epi32(codes, 28 - 8 * t - bit));
        __m256 found = _mm256_blendv_ps(_mm256_permutevar8x32_ps(low, index),
                                        _mm256_permutevar8x32_ps(high, index), sign);
        s->quarter[t] = _mm256_add_ps(s->quarter[t], found);
    }
    __asm__ volatile("" : "+x"(s->quarter[0]), "+x"(s->quarter[1]), "+x"(s->quarter[2]),
                     "+x"(s->quarter[3])); /* the next table after these sums */
}

/* left: of the keys from the first of these on. */
KVR_INLINE void store_half(const struct sums *s, float *scores, int64_t left, const int whole)
{
    KVR_UNROLL
    for (int t = 0; t < 4; t++)
        kvr_store8(scores + t * APART_KEYS, whole ? LANES : left - t * APART_KEYS, s->quarter[t]);
}

/* Half of a block's keys, which are half of each of its lines. */
KVR_INLINE void score_half(const float *tables, const unsigned char *codes, const uint32_t lines,
                           float *scores, int64_t left, const int whole)
{
    const __m256 zero = _mm256_setzero_ps();
    struct sums s = {{zero, zero, zero, zero}};
    KVR_HIDE(tables); /* or the tables are kept across blocks, and spilled */
    for (uint32_t i = 0; i < lines; i++) {
        const unsigned char *half = codes + (size_t)i * KVR_LINE_BYTES;
        add_table(&s, tables, half, 0);
        add_table(&s, tables + KVR_LOOKUP4_ENTRIES, half, 4);
        tables += 2 * KVR_LOOKUP4_ENTRIES;
    }
    store_half(&s, scores, left, whole);
}

KVR_INLINE void score_block(const float *tables, const unsigned char *codes,
                            const unsigned char *ahead, const uint32_t lines, float *scores,
                            int64_t left, const int prefetch)
{
    KVR_INJECT(KVR_INJECT_TIMES(lines, TABLES / 2));
    if (prefetch)
        kvr_prefetch(ahead, (size_t)lines * KVR_LINE_BYTES);
    const int whole = left >= KVR_LOOKUP_BLOCK_KEYS;
    if (whole) {
        score_half(tables, codes, lines, scores, left, 1);
        score_half(tables, codes + HALF_BYTES, lines, scores + LANES, left, 1);
    } else {
        score_half(tables, codes, lines, scores, left, 0);
        score_half(tables, codes + HALF_BYTES, lines, scores + LANES, left - LANES, 0);
    }
}

#define SCAN score_lookup4_f32
#define QUERY float
#define LINES(count) kvr_lookup4_lines(count)
#define LEFT int64_t
#define BLOCK(codes, ahead)                                                                        \
    score_block(query, codes, ahead, LINES(count), scores + key, left, prefetch)
#include "lookup_walk.inc"

const struct kvr_kernel kvr_kernel_lookup4_f32_f32_avx2 = {
    .variant = "f32",
    .isa_name = "avx2",
    .format = &kvr_format_lookup4_f32,
    .isa = KVR_ISA_AVX2,
    .work = {.block_keys = 64, .loads = 41, .stores = 8, .shuffles = 128, .vector_alu = 240,
             .uops = 442},
    .work_once = {.stores = 8, .uops = 20},
    .work_head_dim = 64,
    .work_tables = TABLES,
    .score = score_lookup4_f32,
};
