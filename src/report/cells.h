/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of short texts as an aligned table, Markdown, CSV or JSON. Only for src/report.
 */
#ifndef KVR_CELLS_H
#define KVR_CELLS_H

#include <stddef.h>
#include <stdio.h>

#include "writers.h"

enum { KVR_CELL_BYTES = 208 };

struct kvr_cell_column {
    const char *heading; /* of tables */
    const char *key;     /* of CSV and JSON */
    bool text;           /* left-aligned; false: a number, or nothing */
};

/* cells: [rows][columns]; an empty one was not measured. */
struct kvr_cells {
    const struct kvr_cell_column *columns;
    size_t column_count, rows;
    char (*cells)[KVR_CELL_BYTES];
};

/* Columns that hold nothing are left out of tables. 0 or -errno. */
int kvr_put_cells(FILE *out, enum kvr_output_format format, const struct kvr_cells *cells);
char *kvr_cell(const struct kvr_cells *cells, size_t row, size_t column);

/* Writes the cells of a row, which are empty so far; `of` is what the rows are taken from. */
typedef void kvr_fill_row(const struct kvr_cells *cells, size_t row, const void *of);
/* kvr_put_cells of a table whose cells (NULL in `table`) are made, filled row by row and freed. 0,
 * -ENOMEM or -errno. */
int kvr_put_filled(FILE *out, enum kvr_output_format format, const struct kvr_cells *table,
                   kvr_fill_row *fill, const void *of);

#endif
