/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of text cells that grow cell by cell and are printed as a table or as JSON.
 */
#ifndef KVR_LIST_ROWS_H
#define KVR_LIST_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "../report/list_json.h"

struct kvr_rows {
    const struct kvr_list_column *columns;
    size_t column_count;
    char **cells; /* owned, [row][column] */
    size_t cell_count, capacity;
    bool out_of_memory; /* sticky: printing then fails */
};

/* Appends one cell, row by row, column by column; "" for nothing. */
void kvr_rows_add(struct kvr_rows *rows, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Makes the rest of the current row empty. */
void kvr_rows_end(struct kvr_rows *rows);
/* 0 or -errno (-ENOMEM, or of the write). */
int kvr_rows_table(const struct kvr_rows *rows, FILE *out);
int kvr_rows_json(const struct kvr_rows *rows, FILE *out);
void kvr_rows_free(struct kvr_rows *rows);

#endif
