/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * signs_u8 with AVX2: the look-ups of lookup4_u8 for two sketches, whose sums become floats, each
 * times its key's norm.
 *
 * One half of a block after the other, whose sums, of two sketches, stay in registers.
 *
 * Limits: those of lookup4_u8 for twice the tables, which are loaded for each half, three loads
 * beside eleven vector operations; a block's end is a tenth of it at 32 tables.
 */
#include "../simd/x86_avx2.h"
#include "signs.h"

enum { TABLES = 16 };

#include "lookup4_avx2.h"

/* Half of a block's keys, those of a half of each line: their estimates of both sketches, times
 * their norms, added. whole: all are stored, else min(left, 8) of the first quarter and so on. */
KVR_INLINE void store_half(const struct kvr_prepared_signs_u8 *p, const struct sums *sums,
                           const struct sums *others, const unsigned char *norms, float *scores,
                           int64_t left, const int whole)
{
    enum { NEXT_BYTES = KVR_SIGNS_NORM_LINES * KVR_LINE_BYTES };
    __m256i even = even_words(sums), odd = sums->odd;
    __m256i others_even = even_words(others), others_odd = others->odd;
    KVR_UNROLL
    for (int t = 0; t < 4; t++) {
        /* one quarter after the other, steps and biases read for each: kept, they cost spills */
        __asm__ volatile("" : "+r"(p), "+x"(even), "+x"(odd), "+x"(others_even), "+x"(others_odd));
        const unsigned char *half = norms + t * APART_KEYS * KVR_SIGNS_HALF_BYTES;
        __m256 a = scores8(quarter(even, odd, t), _mm256_broadcast_ss(&p->step[0]),
                           _mm256_broadcast_ss(&p->bias[0]));
        __m256 b = scores8(quarter(others_even, others_odd, t), _mm256_broadcast_ss(&p->step[1]),
                           _mm256_broadcast_ss(&p->bias[1]));
        a = _mm256_mul_ps(a, kvr_load_half8(half));
        a = _mm256_add_ps(a, _mm256_mul_ps(b, kvr_load_half8(half + NEXT_BYTES)));
        if (whole)
            _mm256_storeu_ps(scores + t * APART_KEYS, a);
        else
            kvr_store8(scores + t * APART_KEYS, left - t * APART_KEYS, a);
    }
}

/* Of one half of each of `lines` lines, each of two tables. */
KVR_INLINE struct sums sum_half(const uint8_t *tables, const unsigned char *half,
                                const unsigned char *ahead, const uint32_t lines,
                                const int prefetch)
{
    struct sums s = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (uint32_t i = 0; i < lines; i++) {
        /* this line after the last one's sums, its codes and tables not before: they are spilled */
        __asm__ volatile("" : "+r"(tables), "+r"(half), "+x"(s.words), "+x"(s.odd));
        if (prefetch)
            kvr_prefetch(ahead + (size_t)i * KVR_LINE_BYTES, KVR_LINE_BYTES);
        add_half_line(&s, load_table(tables), load_table(tables + KVR_LOOKUP4_ENTRIES), half);
        tables += 2 * KVR_LOOKUP4_ENTRIES;
        half += KVR_LINE_BYTES;
    }
    return s;
}

/* As store_half. ahead: with prefetch, of the whole lines. */
KVR_INLINE void score_half(const struct kvr_prepared_signs_u8 *p, const unsigned char *codes,
                           const unsigned char *norms, const unsigned char *ahead,
                           const uint32_t count, float *scores, int64_t left, const int whole,
                           const int prefetch)
{
    const uint32_t lines = kvr_lookup4_lines(count);
    const size_t next = kvr_signs_codes(count, 1);
    const uint8_t *tables = p->tables + (size_t)count * KVR_LOOKUP4_ENTRIES;
    struct sums s = sum_half(p->tables, codes, ahead, lines, prefetch);
    struct sums o = sum_half(tables, codes + next, ahead + next, lines, prefetch);
    store_half(p, &s, &o, norms, scores, left, whole);
}

KVR_INLINE void score_block(const struct kvr_prepared_signs_u8 *p, const unsigned char *codes,
                            const unsigned char *ahead, const uint32_t count, float *scores,
                            int64_t left, const int prefetch)
{
    const size_t norms_at = kvr_signs_norms(count, 0);
    const unsigned char *high = codes + HALF_BYTES, *norms = codes + norms_at;
    const unsigned char *high_norms = norms + LANES * KVR_SIGNS_HALF_BYTES;
    if (prefetch)
        kvr_prefetch(ahead + norms_at, (size_t)2 * KVR_SIGNS_NORM_LINES * KVR_LINE_BYTES);
    if (left >= KVR_LOOKUP_BLOCK_KEYS) {
        score_half(p, codes, norms, ahead, count, scores, left, 1, prefetch);
        score_half(p, high, high_norms, ahead, count, scores + LANES, left, 1, 0);
    } else {
        score_half(p, codes, norms, ahead, count, scores, left, 0, prefetch);
        score_half(p, high, high_norms, ahead, count, scores + LANES, left - LANES, 0, 0);
    }
}

#define SCAN score_signs_u8
#define QUERY struct kvr_prepared_signs_u8
#define LINES(count) kvr_signs_lines(count)
#define LEFT int64_t
#define BLOCK(codes, ahead) score_block(query, codes, ahead, count, scores + key, left, prefetch)
#include "lookup_walk.inc"

const struct kvr_kernel kvr_kernel_signs_u8_u8_avx2 = {
    .variant = "u8",
    .isa_name = "avx2",
    .format = &kvr_format_signs_u8,
    .isa = KVR_ISA_AVX2 | KVR_ISA_F16C,
    .work = {.block_keys = 64, .loads = 150, .stores = 8, .shuffles = 64, .vector_alu = 368,
             .converts = 32, .uops = 693, .convert_rate = "convert.i32"},
    .work_once = {.loads = 54, .stores = 8, .vector_alu = 80, .converts = 32, .uops = 149},
    .work_head_dim = 32,
    .work_tables = TABLES,
    .score = score_signs_u8,
};
