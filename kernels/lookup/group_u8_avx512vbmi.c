/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookup_u8 with AVX-512 VBMI for four queries at once, K = 256: what a code's upper two bits say,
 * which quarter of a table it means, is worked out once for all queries. Then a look-up
 * is four vpermb, each of a quarter that comes from L1 as the instruction's operand and for the
 * keys of that quarter; no table needs a register, so any m is one pass without partial sums.
 *
 * Limits: 4 shuffles, 4 loads and 3 other vector operations for 64 codes and a query, and 6 more
 * for all queries. Where one port of two shuffles (Intel) that is 4.3 cycles a line and query; the
 * kernel for one query needs 12 operations of the two, 6 cycles. With two queries the 6 leave
 * nothing to gain.
 */
#include "../groups.h"
#include "../simd/unroll.h"
#include "../simd/x86_avx512.h"
#include "lookup.h"

enum { ENTRIES = 256, QUARTER = 64, QUERIES = 4 };

struct query {
    const struct kvr_prepared_lookup_u8 *prepared;
    float *scores;
};

struct sums {
    __m512i words, odd;
};

/* Which of a line's codes lie in the second, third and fourth quarter of a table. */
struct quarters {
    __mmask64 second, third, fourth;
};

KVR_INLINE struct quarters quarters_of(__m512i codes)
{
    const __mmask64 upper = _mm512_movepi8_mask(codes);
    const __mmask64 odd = _mm512_movepi8_mask(_mm512_add_epi8(codes, codes));
    return (struct quarters){_kandn_mask64(upper, odd), _kandn_mask64(odd, upper),
                             _kand_mask64(odd, upper)};
}

KVR_INLINE void add_codes(struct sums *s, const uint8_t *table, __m512i codes,
                          const struct quarters *quarter)
{
    __m512i bytes = _mm512_permutexvar_epi8(codes, _mm512_loadu_si512(table));
    bytes = _mm512_mask_permutexvar_epi8(bytes, quarter->second, codes,
                                         _mm512_loadu_si512(table + QUARTER));
    bytes = _mm512_mask_permutexvar_epi8(bytes, quarter->third, codes,
                                         _mm512_loadu_si512(table + 2 * QUARTER));
    bytes = _mm512_mask_permutexvar_epi8(bytes, quarter->fourth, codes,
                                         _mm512_loadu_si512(table + 3 * QUARTER));
    s->words = _mm512_add_epi16(s->words, bytes);
    s->odd = _mm512_add_epi16(s->odd, _mm512_srli_epi16(bytes, 8));
}

/* 16 scores, as the kernel for one query makes them. */
KVR_INLINE __m512 scores16(__m512i even, __m512i odd, __m512i order, __m512 step, __m512 bias)
{
    __m512i sum = _mm512_maskz_permutex2var_epi16(0x55555555, even, order, odd);
    return _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sum), step), bias);
}

KVR_INLINE void store_scores(const struct query *x, struct sums s, __m512i order, uint32_t key,
                             uint32_t left)
{
    const __m512i next = _mm512_set1_epi32(8);
    const __m512 step = _mm512_set1_ps(x->prepared->step), bias = _mm512_set1_ps(x->prepared->bias);
    const __m512i even = _mm512_sub_epi16(s.words, _mm512_slli_epi16(s.odd, 8));
    float *scores = x->scores + key;
    __m512 part[4];
    KVR_UNROLL
    for (int n = 0; n < 4; n++, order = _mm512_add_epi32(order, next))
        part[n] = scores16(even, s.odd, order, step, bias);
    kvr_store64(scores, left, part[0], part[1], part[2], part[3]);
}

KVR_INLINE void score_block(const unsigned char *codes, const unsigned char *ahead, uint32_t key,
                            uint32_t left, const struct query *x, uint32_t tables, __m512i order,
                            const int prefetch)
{
    struct sums sums[QUERIES];
    KVR_UNROLL
    for (int q = 0; q < QUERIES; q++)
        sums[q] = (struct sums){_mm512_setzero_si512(), _mm512_setzero_si512()};
    for (uint32_t t = 0; t < tables; t++) {
        __m512i line = _mm512_loadu_si512(codes + (size_t)t * KVR_LINE_BYTES);
        KVR_KEEP(line);
        if (prefetch)
            kvr_prefetch(ahead + (size_t)t * KVR_LINE_BYTES, KVR_LINE_BYTES);
        const struct quarters quarter = quarters_of(line);
        KVR_UNROLL
        for (int q = 0; q < QUERIES; q++)
            add_codes(&sums[q], x[q].prepared->tables + (size_t)t * ENTRIES, line, &quarter);
    }
    KVR_UNROLL
    for (int q = 0; q < QUERIES; q++)
        store_scores(&x[q], sums[q], order, key, left);
}

KVR_INLINE void score(const struct kvr_segments *segments, uint32_t i, const struct query *queries,
                      const uint32_t tables, const int prefetch)
{
    /* key j is word j / 2 of the even or (+ 32) of the odd keys' sums */
    const __m512i order =
        _mm512_setr_epi32(0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38, 7, 39);
    const size_t block_bytes = (size_t)tables * KVR_LINE_BYTES;
    const size_t bytes = kvr_lookup_bytes(tables, segments->tokens);
    const uint32_t tokens = segments->tokens;
    struct query x[QUERIES]; /* read once: a store of scores might alias them */
    uint32_t key = 0;
    KVR_UNROLL
    for (int q = 0; q < QUERIES; q++)
        x[q] = queries[q];
    for (size_t offset = 0; offset < bytes;) {
        struct kvr_run run = kvr_next_run(segments, i, offset, bytes, block_bytes);
        for (size_t o = 0, at = 0; o < run.bytes; o += block_bytes,
                    at = kvr_next_at(&run, at, block_bytes), key += KVR_LOOKUP_BLOCK_KEYS)
            score_block(run.codes + at, run.ahead + at, key, tokens - key, x, tables, order,
                        prefetch);
        offset += run.bytes;
    }
}

static void score4_lookup_u8(const struct kvr_shape *shape, const struct kvr_segments *segments,
                             uint32_t i, const void *side, const struct kvr_query_group *group)
{
    struct query x[QUERIES];
    const int prefetch = segments->ahead_segments || segments->ahead_bytes;
    (void)side;
    for (int q = 0; q < QUERIES; q++)
        x[q] = (struct query){kvr_group_prepared(group, q), kvr_group_scores(group, q)};
    if (shape->tables == 4 && prefetch)
        score(segments, i, x, 4, 1);
    else if (shape->tables == 4)
        score(segments, i, x, 4, 0);
    else if (prefetch)
        score(segments, i, x, shape->tables, 1);
    else
        score(segments, i, x, shape->tables, 0);
}

const struct kvr_score_group kvr_groups_lookup_u8_avx512vbmi[] = {
    {.queries = 4, .score = score4_lookup_u8,
     .work = {.block_keys = 64, .loads = 81, .stores = 16, .shuffles = 80, .vector_alu = 92,
              .converts = 16, .uops = 265, .convert_rate = "convert.i32"},
     .work_once = {.loads = 13, .stores = 16, .shuffles = 16, .vector_alu = 40, .converts = 16,
                   .uops = 117}},
    {.queries = 0},
};
