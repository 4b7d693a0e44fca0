/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of cells as a JSON array of objects, for the commands that print tables.
 */
#ifndef KVR_LIST_JSON_H
#define KVR_LIST_JSON_H

#include <stddef.h>
#include <stdio.h>

enum kvr_list_kind {
    KVR_LIST_TEXT,
    KVR_LIST_NUMBER, /* the cell holds one decimal number; JSON prints it as such */
    KVR_LIST_BYTES,  /* a whole number of bytes; tables print it with a binary unit */
    KVR_LIST_NOTE    /* text; tables print it on a line below the row, named but for the first */
};

struct kvr_list_column {
    const char *name; /* the key in JSON, the heading in tables */
    enum kvr_list_kind kind;
};

/* cells: [row_count][column_count], row by row. A NULL or empty cell is left out of its object.
 * 0, -EINVAL when a cell of a number column is not a finite number, -ENOMEM, or -errno of the
 * write. */
int kvr_list_json(FILE *out, const struct kvr_list_column *columns, size_t column_count,
                  const char *const *cells, size_t row_count);

#endif
