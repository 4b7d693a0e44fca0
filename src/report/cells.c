/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cells.h"

#include <errno.h>
#include <stdlib.h>

#include "list_json.h"
#include "table.h"
#include "text.h"

char *kvr_cell(const struct kvr_cells *c, size_t row, size_t column)
{
    return c->cells[row * c->column_count + column];
}

/* 0: nothing in it. */
static size_t width_of(const struct kvr_cells *c, size_t column)
{
    size_t width = 0;
    for (size_t row = 0; row < c->rows; row++) {
        size_t columns = kvr_utf8_columns(kvr_cell(c, row, column));
        width = columns > width ? columns : width;
    }
    size_t heading = kvr_utf8_columns(c->columns[column].heading);
    return width && heading > width ? heading : width;
}

static void put_line(FILE *out, const struct kvr_cells *c, size_t row)
{
    size_t pending = 0; /* spaces that only what follows them needs */
    for (size_t i = 0; i < c->column_count; i++) {
        size_t width = width_of(c, i);
        const char *text = row == SIZE_MAX ? c->columns[i].heading : kvr_cell(c, row, i);
        size_t padding = width - (width ? kvr_utf8_columns(text) : 0);
        if (!width)
            continue;
        fprintf(out, "%*s%s", (int)(pending + (c->columns[i].text ? 0 : padding)), "", text);
        pending = 2 + (c->columns[i].text ? padding : 0);
    }
    fputc('\n', out);
}

static void put_markdown(FILE *out, const struct kvr_cells *c)
{
    for (size_t row = 0; row < c->rows + 2; row++) {
        fputc('|', out);
        for (size_t i = 0; i < c->column_count; i++) {
            if (!width_of(c, i))
                continue;
            if (row == 1)
                fputs(c->columns[i].text ? " --- |" : " ---: |", out);
            else
                kvr_put_cell(out, row ? kvr_cell(c, row - 2, i) : c->columns[i].heading);
        }
        fputc('\n', out);
    }
}

static void put_csv(FILE *out, const struct kvr_cells *c)
{
    for (size_t row = 0; row <= c->rows; row++)
        for (size_t i = 0; i < c->column_count; i++) {
            kvr_put_csv(out, row ? kvr_cell(c, row - 1, i) : c->columns[i].key);
            fputs(i + 1 < c->column_count ? "," : "\r\n", out);
        }
}

static int put_json(FILE *out, const struct kvr_cells *c)
{
    struct kvr_list_column *columns = calloc(c->column_count, sizeof *columns);
    const char **texts = calloc(c->rows * c->column_count + 1, sizeof *texts);
    int rc = columns && texts ? 0 : -ENOMEM;
    for (size_t i = 0; !rc && i < c->column_count; i++)
        columns[i] = (struct kvr_list_column){c->columns[i].key, c->columns[i].text
                                                                     ? KVR_LIST_TEXT
                                                                     : KVR_LIST_NUMBER};
    for (size_t i = 0; !rc && i < c->rows * c->column_count; i++)
        texts[i] = c->cells[i];
    if (!rc)
        rc = kvr_list_json(out, columns, c->column_count, texts, c->rows);
    free(columns);
    free(texts);
    return rc;
}

int kvr_put_cells(FILE *out, enum kvr_output_format format, const struct kvr_cells *c)
{
    if (format == KVR_OUT_JSON)
        return put_json(out, c);
    errno = 0;
    if (format == KVR_OUT_CSV) {
        put_csv(out, c);
    } else if (format == KVR_OUT_MD) {
        put_markdown(out, c);
    } else {
        put_line(out, c, SIZE_MAX);
        for (size_t row = 0; row < c->rows; row++)
            put_line(out, c, row);
    }
    return ferror(out) ? errno ? -errno : -EIO : 0;
}

int kvr_put_filled(FILE *out, enum kvr_output_format format, const struct kvr_cells *table,
                   kvr_fill_row *fill, const void *of)
{
    struct kvr_cells c = *table;
    c.cells = calloc(c.rows * c.column_count + 1, sizeof *c.cells);
    if (!c.cells)
        return -ENOMEM;
    for (size_t row = 0; row < c.rows; row++)
        fill(&c, row, of);
    int rc = kvr_put_cells(out, format, &c);
    free(c.cells);
    return rc;
}
