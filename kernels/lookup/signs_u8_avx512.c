/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * signs_u8 with AVX-512BW: the look-ups of lookup4_u8 for two sketches, whose sums become floats,
 * each times its key's norm.
 *
 * Limits: those of lookup4_u8 for twice the tables; and a block's end, which is 8 conversions of
 * norms, 8 of sums and some 50 operations more, a tenth at 32 tables.
 */
#include "../simd/x86_avx512.h"
#include "signs.h"

/* Of head dim 32: so many lines are one straight run of code, whose instructions can be counted. */
enum { TABLES = 16 };

/* A shuffle within lanes, which takes the whole byte for a code. */
#define LOOK_UP(table, codes)                                                                      \
    _mm512_shuffle_epi8(table, _mm512_and_si512(codes, _mm512_set1_epi8(15)))
#include "lookup4_avx512.h"

/* The estimates of 16 keys of both sketches, times their norms, added. */
KVR_INLINE __m512 combine(const struct kvr_prepared_signs_u8 *p, __m512i sums, __m512i others,
                          const unsigned char *norms)
{
    enum { NEXT_BYTES = KVR_SIGNS_NORM_LINES * KVR_LINE_BYTES };
    __m512 a = scores16(sums, _mm512_set1_ps(p->step[0]), _mm512_set1_ps(p->bias[0]));
    __m512 b = scores16(others, _mm512_set1_ps(p->step[1]), _mm512_set1_ps(p->bias[1]));
    a = _mm512_mul_ps(a, kvr_load_half16(norms));
    return _mm512_add_ps(a, _mm512_mul_ps(b, kvr_load_half16(norms + NEXT_BYTES)));
}

KVR_INLINE void score_block(const struct kvr_prepared_signs_u8 *p, const unsigned char *codes,
                            const unsigned char *ahead, const uint32_t count, float *scores,
                            uint32_t left, const int prefetch)
{
    enum { QUARTER_BYTES = LANES * KVR_SIGNS_HALF_BYTES };
    const uint32_t lines = kvr_lookup4_lines(count);
    const size_t next = kvr_signs_codes(count, 1), norms_at = kvr_signs_norms(count, 0);
    const unsigned char *norms = codes + norms_at;
    const uint8_t *tables = p->tables + (size_t)count * KVR_LOOKUP4_ENTRIES;
    const struct sums s = sum_lines(p->tables, codes, ahead, lines, prefetch);
    const struct sums o = sum_lines(tables, codes + next, ahead + next, lines, prefetch);
    if (prefetch)
        kvr_prefetch(ahead + norms_at, (size_t)2 * KVR_SIGNS_NORM_LINES * KVR_LINE_BYTES);
    const struct quarters q = quarters_of(s), r = quarters_of(o);
    kvr_store64(scores, left, combine(p, q.a, r.a, norms),
            combine(p, q.b, r.b, norms + QUARTER_BYTES),
            combine(p, q.c, r.c, norms + 2 * QUARTER_BYTES),
            combine(p, q.d, r.d, norms + 3 * QUARTER_BYTES));
}

#define SCAN score_signs_u8
#define QUERY struct kvr_prepared_signs_u8
#define LINES(count) kvr_signs_lines(count)
#define LEFT uint32_t
#define BLOCK(codes, ahead) score_block(query, codes, ahead, count, scores + key, left, prefetch)
#include "lookup_walk.inc"

const struct kvr_kernel kvr_kernel_signs_u8_u8_avx512 = {
    .variant = "u8",
    .isa_name = "avx512",
    .format = &kvr_format_signs_u8,
    .isa = KVR_ISA_AVX512,
    .work = {.block_keys = 64, .loads = 61, .stores = 4, .shuffles = 32, .vector_alu = 180,
             .converts = 16, .uops = 307, .convert_rate = "convert.i32"},
    .work_once = {.loads = 13, .stores = 4, .vector_alu = 40, .converts = 16, .uops = 75},
    .work_head_dim = 32,
    .work_tables = TABLES,
    .score = score_signs_u8,
};
