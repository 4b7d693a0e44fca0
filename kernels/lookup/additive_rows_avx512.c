/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * additive_rows with AVX-512: a key at a time; of each group eight rows, a line each, are converted
 * to floats, added, and multiplied by the query.
 *
 * Limits: the conversions, 16 a group and key, and the rows' lines, which come from L2 at best: the
 * codebooks are 1 MiB.
 */
#include <string.h>

#include "../simd/unroll.h"
#include "../simd/x86_avx512.h"
#include "additive_rows.h"

enum { LANES = 16, TABLES = 8 };

KVR_INLINE float score_key(const struct kvr_rows_query *q, const unsigned char *codes,
                           uint32_t count)
{
    const float *query = q->query;
    __m512 score = _mm512_setzero_ps();
    for (uint32_t g = 0; g < count / KVR_ADDITIVE_STAGES; g++) {
        uint32_t bits = kvr_additive_bits(codes);
        const uint16_t *row = kvr_book_row_of(q->rows, 0, kvr_additive_next(codes, &bits));
        __m512 low = kvr_load_half16(row), high = kvr_load_half16(row + LANES);
        KVR_UNROLL
        for (uint32_t r = 1; r < KVR_ADDITIVE_STAGES; r++) {
            row = kvr_book_row_of(
                q->rows, r, kvr_additive_next(codes + (size_t)r * KVR_LINE_BYTES, &bits));
            low = _mm512_add_ps(low, kvr_load_half16(row));
            high = _mm512_add_ps(high, kvr_load_half16(row + LANES));
        }
        score = _mm512_fmadd_ps(low, _mm512_loadu_ps(query), score);
        score = _mm512_fmadd_ps(high, _mm512_loadu_ps(query + LANES), score);
        query += KVR_ADDITIVE_CHANNELS;
        codes += KVR_ADDITIVE_GROUP;
    }
    return _mm512_reduce_add_ps(score);
}

#define WIDEN _cvtsh_ss
#define SCORE_KEY(query, codes, count) score_key(query, codes, count)
#define SCAN score_additive_rows
#define QUERY struct kvr_rows_query
#define MAKE_QUERY(prepared, tables, made) (*(made) = kvr_rows_query(side, prepared))
#include "additive_scalar.inc"

const struct kvr_kernel kvr_kernel_additive_rows_rows_avx512 = {
    .variant = "rows",
    .isa_name = "avx512",
    .format = &kvr_format_additive_rows,
    .isa = KVR_ISA_AVX512 | KVR_ISA_F16C,
    .work = {.block_keys = 1, .loads = 31, .stores = 1, .shuffles = 5, .vector_alu = 19, .fma = 2,
             .converts = 17, .uops = 119},
    .work_once = {.loads = 2, .stores = 1, .shuffles = 5, .vector_alu = 5, .converts = 1,
                  .uops = 18},
    .work_head_dim = 32,
    .work_tables = TABLES,
    .score = score_additive_rows,
};
