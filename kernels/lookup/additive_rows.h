/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the kernels of additive_rows make of their arguments: the query, and the codebooks.
 */
#ifndef KVR_ADDITIVE_ROWS_H
#define KVR_ADDITIVE_ROWS_H

#include "additive_lines.h"

typedef const uint16_t kvr_book_row[KVR_ADDITIVE_CHANNELS];

struct kvr_rows_query {
    const float *query;
    kvr_book_row *rows; /* of all stages, one after the other */
};

KVR_INLINE struct kvr_rows_query kvr_rows_query(const void *side, const void *prepared)
{
    const struct kvr_additive_books *books = side;
    const struct kvr_prepared_rows *p = prepared;
    return (struct kvr_rows_query){p->query, books->rows[0]};
}

/* The row of stage r that the code names. */
KVR_INLINE const uint16_t *kvr_book_row_of(kvr_book_row *rows, uint32_t r, uint32_t code)
{
    return rows[r * KVR_ADDITIVE_ENTRIES + code];
}

#endif
