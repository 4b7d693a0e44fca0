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

enum { LANES = 8, VECTORS = KVR_ADDITIVE_CHANNELS / LANES, TABLES = 8 };

KVR_INLINE float score_key(const struct kvr_rows_query *q, const unsigned char *codes,
                           uint32_t count)
{
    const float *query = q->query;
    __m256 score = _mm256_setzero_ps();
    for (uint32_t g = 0; g < count / KVR_ADDITIVE_STAGES; g++) {
        __m256 sums[VECTORS];
        uint32_t bits = kvr_additive_bits(codes);
        KVR_UNROLL
        for (uint32_t r = 0; r < KVR_ADDITIVE_STAGES; r++) {
            const uint16_t *row = kvr_book_row_of(
                q->rows, r, kvr_additive_next(codes + (size_t)r * KVR_LINE_BYTES, &bits));
            KVR_UNROLL
            for (int v = 0; v < VECTORS; v++) {
                const __m256 part = kvr_load_half8((const void *)(row + v * LANES));
                sums[v] = r ? _mm256_add_ps(sums[v], part) : part;
            }
        }
        KVR_UNROLL
        for (int v = 0; v < VECTORS; v++)
            score = _mm256_fmadd_ps(sums[v], _mm256_loadu_ps(query + v * LANES), score);
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
    .score = score_additive_rows,
};
