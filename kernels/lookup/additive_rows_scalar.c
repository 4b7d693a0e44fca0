/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * additive_rows in portable C: a group's eight rows are added as floats, then multiplied by the
 * query.
 */
#include "../half.h"
#include "additive_rows.h"

enum { TABLES = 8 };

KVR_INLINE void add_row(const uint16_t *row, float *sums)
{
    for (size_t c = 0; c < KVR_ADDITIVE_CHANNELS; c++)
        sums[c] += kvr_widen_half(row[c]);
}

KVR_INLINE float score_key(const struct kvr_rows_query *q, const unsigned char *codes,
                           uint32_t count)
{
    const float *query = q->query;
    float score = 0;
    for (uint32_t g = 0; g < count / KVR_ADDITIVE_STAGES; g++) {
        float sums[KVR_ADDITIVE_CHANNELS] = {0};
        uint32_t bits = kvr_additive_bits(codes);
        for (uint32_t r = 0; r < KVR_ADDITIVE_STAGES; r++) {
            uint32_t code = kvr_additive_next(codes + (size_t)r * KVR_LINE_BYTES, &bits);
            add_row(kvr_book_row_of(q->rows, r, code), sums);
        }
        for (size_t c = 0; c < KVR_ADDITIVE_CHANNELS; c++)
            score += sums[c] * query[c];
        query += KVR_ADDITIVE_CHANNELS;
        codes += KVR_ADDITIVE_GROUP;
    }
    return score;
}

#define WIDEN kvr_widen_half
#define SCORE_KEY(query, codes, count) score_key(query, codes, count)
#define SCAN score_additive_rows
#define QUERY struct kvr_rows_query
#define MAKE_QUERY(prepared, tables, made) (*(made) = kvr_rows_query(side, prepared))
#include "additive_scalar.inc"

const struct kvr_kernel kvr_kernel_additive_rows_rows_scalar = {
    .variant = "rows",
    .isa_name = "scalar",
    .format = &kvr_format_additive_rows,
    .score = score_additive_rows,
};
