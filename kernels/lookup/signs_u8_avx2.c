/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * signs_u8 with AVX2: the look-ups of lookup4_u8 for two sketches, whose sums become floats, each
 * times its key's norm.
 *
 * Limits: those of lookup4_u8 for twice the tables; a block's end is a tenth of it at 32 tables.
 * Two vectors of sums are spilled while the second sketch is added, so no work is declared.
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

KVR_INLINE void score_block(const struct kvr_prepared_signs_u8 *p, const unsigned char *codes,
                            const unsigned char *ahead, const uint32_t count, float *scores,
                            int64_t left, const int prefetch)
{
    const uint32_t lines = kvr_lookup4_lines(count);
    const size_t next = kvr_signs_codes(count, 1), norms_at = kvr_signs_norms(count, 0);
    const unsigned char *norms = codes + norms_at;
    const unsigned char *high_norms = norms + LANES * KVR_SIGNS_HALF_BYTES;
    const uint8_t *tables = p->tables + (size_t)count * KVR_LOOKUP4_ENTRIES;
    struct block_sums s = sum_lines(p->tables, codes, ahead, lines, prefetch);
    struct block_sums o = sum_lines(tables, codes + next, ahead + next, lines, prefetch);
    if (prefetch)
        kvr_prefetch(ahead + norms_at, (size_t)2 * KVR_SIGNS_NORM_LINES * KVR_LINE_BYTES);
    if (left >= KVR_LOOKUP_BLOCK_KEYS) {
        store_half(p, &s.low, &o.low, norms, scores, left, 1);
        /* the other half after this one: done at once they are spilled */
        __asm__ volatile("" : "+x"(s.high.words), "+x"(s.high.odd), "+x"(o.high.words),
                         "+x"(o.high.odd));
        store_half(p, &s.high, &o.high, high_norms, scores + LANES, left, 1);
    } else {
        store_half(p, &s.low, &o.low, norms, scores, left, 0);
        store_half(p, &s.high, &o.high, high_norms, scores + LANES, left - LANES, 0);
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
    .score = score_signs_u8,
};
