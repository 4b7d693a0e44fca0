/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * additive_rows with AVX2: a key at a time; of each group eight rows, a line each, are converted to
 * floats, added, and multiplied by the query.
 *
 * Limits: the conversions, 32 a group and key, and the rows' lines, which come from L2 at best: the
 * codebooks are 1 MiB.
 */
#include <string.h>

#include "../simd/unroll.h"
#include "../simd/x86_avx2.h"
#include "additive_rows.h"

enum { LANES = 8, TABLES = 8 };

/* 32 channels. */
struct row {
    __m256 a, b, c, d;
};

KVR_INLINE struct row load_row(const uint16_t *row)
{
    const unsigned char *bytes = (const unsigned char *)row;
    return (struct row){kvr_load_half8(bytes), kvr_load_half8(bytes + 16),
                        kvr_load_half8(bytes + 32), kvr_load_half8(bytes + 48)};
}

KVR_INLINE struct row add_rows(struct row x, struct row y)
{
    return (struct row){_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b),
                        _mm256_add_ps(x.c, y.c), _mm256_add_ps(x.d, y.d)};
}

KVR_INLINE __m256 add_product(__m256 score, struct row x, const float *query)
{
    score = _mm256_fmadd_ps(x.a, _mm256_loadu_ps(query), score);
    score = _mm256_fmadd_ps(x.b, _mm256_loadu_ps(query + LANES), score);
    score = _mm256_fmadd_ps(x.c, _mm256_loadu_ps(query + 2 * LANES), score);
    return _mm256_fmadd_ps(x.d, _mm256_loadu_ps(query + 3 * LANES), score);
}

KVR_INLINE float score_key(const struct kvr_rows_query *q, const unsigned char *codes,
                           uint32_t count)
{
    const float *query = q->query;
    __m256 score = _mm256_setzero_ps();
    for (uint32_t g = 0; g < count / KVR_ADDITIVE_STAGES; g++) {
        uint32_t bits = kvr_additive_bits(codes);
        struct row sum =
            load_row(kvr_book_row_of(q->rows, 0, kvr_additive_next(codes, &bits)));
        KVR_UNROLL
        for (uint32_t r = 1; r < KVR_ADDITIVE_STAGES; r++) {
            const uint32_t code = kvr_additive_next(codes + (size_t)r * KVR_LINE_BYTES, &bits);
            sum = add_rows(sum, load_row(kvr_book_row_of(q->rows, r, code)));
            /* the next row only after these sums: taken up earlier, it is spilled */
            __asm__("" : "+r"(codes) : "x"(sum.a), "x"(sum.b), "x"(sum.c), "x"(sum.d));
        }
        score = add_product(score, sum, query);
        query += KVR_ADDITIVE_CHANNELS;
        codes += KVR_ADDITIVE_GROUP;
    }
    return kvr_sum8(score);
}

#define WIDEN _cvtsh_ss
#define SCORE_KEY(query, codes, count) score_key(query, codes, count)
#define SCAN score_additive_rows
#define QUERY struct kvr_rows_query
#define MAKE_QUERY(prepared, tables, made) (*(made) = kvr_rows_query(side, prepared))
#include "additive_scalar.inc"

const struct kvr_kernel kvr_kernel_additive_rows_rows_avx2 = {
    .variant = "rows",
    .isa_name = "avx2",
    .format = &kvr_format_additive_rows,
    .isa = KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C,
    .work = {.block_keys = 1, .loads = 48, .stores = 1, .shuffles = 4, .vector_alu = 32, .fma = 4,
             .converts = 33, .uops = 147},
    .work_once = {.loads = 1, .stores = 1, .shuffles = 4, .vector_alu = 4, .converts = 1,
                  .uops = 15},
    .work_head_dim = 32,
    .work_tables = TABLES,
    .score = score_additive_rows,
};
