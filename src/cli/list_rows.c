/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "list_rows.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 24 };

static bool make_room(struct kvr_rows *rows)
{
    if (rows->cell_count < rows->capacity)
        return true;
    size_t capacity = rows->capacity ? 2 * rows->capacity : 256;
    char **cells = realloc(rows->cells, capacity * sizeof *cells);
    if (!cells)
        return false;
    rows->cells = cells;
    rows->capacity = capacity;
    return true;
}

void kvr_rows_add(struct kvr_rows *rows, const char *format, ...)
{
    char *cell = NULL;
    va_list list;
    va_start(list, format);
    int length = rows->out_of_memory ? -1 : vasprintf(&cell, format, list);
    va_end(list);
    if (length < 0) {
        rows->out_of_memory = true;
    } else if (make_room(rows)) {
        rows->cells[rows->cell_count++] = cell;
    } else {
        free(cell);
        rows->out_of_memory = true;
    }
}

void kvr_rows_end(struct kvr_rows *rows)
{
    while (!rows->out_of_memory && rows->cell_count % rows->column_count)
        kvr_rows_add(rows, "%s", "");
}

void kvr_rows_free(struct kvr_rows *rows)
{
    for (size_t i = 0; i < rows->cell_count; i++)
        free(rows->cells[i]);
    free(rows->cells);
    rows->cells = NULL;
    rows->cell_count = rows->capacity = 0;
}

/* "512 KiB", "23.5 GiB": one decimal where the size is no whole number of units. */
static void bytes_text(const char *cell, char text[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    unsigned long long bytes = strtoull(cell, NULL, 10), unit_bytes = 1;
    size_t unit = 0;
    while (unit + 1 < sizeof units / sizeof *units && bytes / unit_bytes >= 1024) {
        unit_bytes *= 1024;
        unit++;
    }
    if (bytes % unit_bytes)
        snprintf(text, 32, "%.1f %s", (double)bytes / (double)unit_bytes, units[unit]);
    else
        snprintf(text, 32, "%llu %s", bytes / unit_bytes, units[unit]);
}

/* The cell as the table shows it; `text` serves as memory. */
static const char *shown(const struct kvr_rows *rows, size_t i, char text[32])
{
    if (rows->columns[i % rows->column_count].kind != KVR_LIST_BYTES || !rows->cells[i][0])
        return rows->cells[i];
    bytes_text(rows->cells[i], text);
    return text;
}

/* Text to the left, numbers to the right of their column; no blanks at the end of a line. */
static void print_row(FILE *out, const struct kvr_rows *rows, const size_t *widths,
                      const char *const *texts)
{
    size_t start = 0, printed = 0;
    for (size_t c = 0; c < rows->column_count; c++) {
        if (rows->columns[c].kind == KVR_LIST_NOTE)
            continue;
        size_t length = strlen(texts[c]);
        size_t at = rows->columns[c].kind == KVR_LIST_TEXT ? start : start + widths[c] - length;
        if (length) {
            fprintf(out, "%*s%s", (int)(at - printed), "", texts[c]);
            printed = at + length;
        }
        start += widths[c] + 2;
    }
    fputc('\n', out);
}

/* A first note speaks for itself, further ones are named. */
static void print_notes(FILE *out, const struct kvr_rows *rows, const char *const *texts)
{
    bool first = true;
    for (size_t c = 0; c < rows->column_count; c++) {
        if (rows->columns[c].kind != KVR_LIST_NOTE)
            continue;
        if (texts[c][0])
            fprintf(out, "    %s%s%s\n", first ? "" : rows->columns[c].name, first ? "" : ": ",
                    texts[c]);
        first = false;
    }
}

int kvr_rows_table(const struct kvr_rows *rows, FILE *out)
{
    size_t widths[MAX_COLUMNS];
    const char *texts[MAX_COLUMNS];
    char memory[MAX_COLUMNS][32];
    if (rows->out_of_memory)
        return -ENOMEM;
    if (rows->column_count > MAX_COLUMNS)
        return -E2BIG;
    for (size_t c = 0; c < rows->column_count; c++) {
        texts[c] = rows->columns[c].name;
        widths[c] = strlen(texts[c]);
        for (size_t i = c; i < rows->cell_count; i += rows->column_count) {
            size_t length = strlen(shown(rows, i, memory[c]));
            widths[c] = length > widths[c] ? length : widths[c];
        }
    }
    print_row(out, rows, widths, texts);
    for (size_t row = 0; row < rows->cell_count; row += rows->column_count) {
        for (size_t c = 0; c < rows->column_count; c++)
            texts[c] = shown(rows, row + c, memory[c]);
        print_row(out, rows, widths, texts);
        print_notes(out, rows, texts);
    }
    errno = 0;
    if (fflush(out) || ferror(out))
        return errno ? -errno : -EIO;
    return 0;
}

int kvr_rows_json(const struct kvr_rows *rows, FILE *out)
{
    if (rows->out_of_memory)
        return -ENOMEM;
    return kvr_list_json(out, rows->columns, rows->column_count,
                         (const char *const *)rows->cells, rows->cell_count / rows->column_count);
}
