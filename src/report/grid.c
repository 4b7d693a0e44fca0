/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"
#include "text.h"

enum { CELL_BYTES = 320 };

typedef void cell_text(const struct kvr_result *r, char *text, size_t bytes);

void kvr_kernel_text(const struct kvr_result *r, char *text, size_t bytes)
{
    char raw[96];
    snprintf(raw, sizeof raw, "%s%s%s%s%s", r->codec, r->variant[0] ? "." : "", r->variant,
             r->isa[0] ? "@" : "", r->isa);
    kvr_clean_text(text, bytes, raw);
}

void kvr_flags_text(const struct kvr_result *r, const char *separator, char *text, size_t bytes)
{
    size_t used = 0;
    *text = 0;
    for (size_t i = 0; i < KVR_MAX_FLAGS && r->flags[i][0] && used < bytes; i++) {
        char flag[sizeof r->flags[i]];
        kvr_clean_text(flag, sizeof flag, r->flags[i]);
        int n = snprintf(text + used, bytes - used, "%s%s", i ? separator : "", flag);
        used += (size_t)n;
    }
}

static void count_text(uint32_t count, char *text, size_t bytes)
{
    *text = 0;
    if (count)
        snprintf(text, bytes, "%u", count);
}

/* A cell that is one field: a count, a text, a size, or a figure of so many digits. */
#define CELL(name, text_of, ...)                                                                   \
    static void cell_##name(const struct kvr_result *r, char *text, size_t bytes)                  \
    {                                                                                              \
        text_of(__VA_ARGS__, text, bytes);                                                         \
    }
static void text_cell(const char *value, char *text, size_t bytes)
{
    kvr_clean_text(text, bytes, value);
}
CELL(kernel, kvr_kernel_text, r)
CELL(d, count_text, r->head_dim)
CELL(m, count_text, r->subspaces)
CELL(entries, count_text, r->entries)
CELL(tokens, count_text, r->tokens)
CELL(working_set, kvr_bytes_text, r->working_set_bytes)
CELL(threads, count_text, r->threads)
CELL(layout, text_cell, r->layout)
CELL(pages, text_cell, r->pages)
CELL(mem, text_cell, r->mem)
CELL(queries, count_text, r->group_queries)
CELL(batch, count_text, r->batch)
CELL(codebook, text_cell, r->codebook)
CELL(residency, text_cell, r->codebook_residency)
CELL(values, text_cell, r->value_format)
CELL(ns, kvr_figure_text, r->result.ns_per_key, 4)
CELL(gb, kvr_figure_text, r->result.gb_per_s, 3)
CELL(read_roof, kvr_figure_text, r->result.percent_of_read_roof, 3)
CELL(speedup, kvr_figure_text, r->result.speedup_vs_fp16, 3)
CELL(prepare, kvr_figure_text, 100 * r->result.prepare_share, 3)
CELL(c, kvr_figure_text, r->result.c_ns_per_key, 3)
CELL(memory, kvr_figure_text, r->result.m_ns_per_key, 3)
CELL(flags, kvr_flags_text, r, ",")
#undef CELL

/* Nothing evicted is a value of its own beside cases where something is. */
static void cell_evict(const struct kvr_result *r, char *text, size_t bytes)
{
    kvr_bytes_text(r->evict_bytes, text, bytes);
    if (!r->evict_bytes)
        snprintf(text, bytes, "0");
}
static void cell_key_bytes(const struct kvr_result *r, char *text, size_t bytes)
{
    *text = 0;
    if (isfinite(r->key_bytes))
        snprintf(text, bytes, "%.4g", r->key_bytes);
}
static void cell_half_width(const struct kvr_result *r, char *text, size_t bytes)
{
    const double *ci = r->result.ci95;
    kvr_figure_text((ci[1] - ci[0]) / 2 / r->result.ns_per_key * 100, 2, text, bytes);
}
static void cell_roof(const struct kvr_result *r, char *text, size_t bytes)
{
    char number[32], roof[sizeof r->result.roof];
    kvr_figure_text(r->result.percent_of_roof, 3, number, sizeof number);
    kvr_clean_text(roof, sizeof roof, r->result.roof);
    *text = 0;
    if (*number)
        snprintf(text, bytes, "%s %s", number, roof);
}

static const struct column {
    const char *heading;
    cell_text *text;
    bool left;
    int drop;           /* columns with the highest number go first; 0: never dropped */
    const char *title;  /* format of a value that all rows share; NULL: always a column */
    const char *usual;  /* a shared value that need not be said */
} columns[KVR_GRID_COLUMNS] = {
    {"kernel", cell_kernel, true, 0, NULL, NULL},
    {"d", cell_d, false, 2, "d %s", NULL},
    {"m", cell_m, false, 0, "m %s", NULL},
    {"K", cell_entries, false, 3, "K %s", NULL},
    {"n", cell_tokens, false, 0, "%s tokens", NULL},
    {"W", cell_working_set, false, 4, "W %s", NULL},
    {"t", cell_threads, false, 1, "threads %s", NULL},
    {"layout", cell_layout, true, 1, "layout %s", NULL},
    {"pages", cell_pages, true, 5, "pages %s", "thp"},
    {"mem", cell_mem, true, 5, "mem %s", "local"},
    {"queries", cell_queries, false, 5, "queries per KV head %s", "1"},
    {"batch", cell_batch, false, 5, "batch %s", "1"},
    {"cb", cell_codebook, true, 5, "codebook %s", "f16"},
    {"codebook", cell_residency, true, 5, "codebook %s", "cold"},
    {"values", cell_values, true, 5, "values %s", "fp16"},
    {"evict", cell_evict, false, 5, "%s evicted between passes", "0"},
    {"B/key", cell_key_bytes, false, 11, NULL, NULL},
    {"ns/key", cell_ns, false, 0, NULL, NULL},
    {"+-%", cell_half_width, false, 6, NULL, NULL},
    {"GB/s", cell_gb, false, 8, NULL, NULL},
    {"% of roof", cell_roof, true, 7, NULL, NULL},
    {"% read", cell_read_roof, false, 12, NULL, NULL},
    {"x FP16", cell_speedup, false, 0, NULL, NULL},
    {"prep %", cell_prepare, false, 9, NULL, NULL},
    {"C ns", cell_c, false, 10, NULL, NULL},
    {"M ns", cell_memory, false, 10, NULL, NULL},
    {"flags", cell_flags, true, 0, NULL, NULL},
};
enum { FLAGS_COLUMN = KVR_GRID_COLUMNS - 1 };

const char *kvr_grid_heading(size_t column)
{
    return columns[column].heading;
}
bool kvr_grid_left_aligned(size_t column)
{
    return columns[column].left;
}
bool kvr_grid_is_flags(size_t column)
{
    return column == FLAGS_COLUMN;
}

static bool same_group(const struct kvr_result *a, const struct kvr_result *b)
{
    return b->measured && !strcmp(a->op, b->op) && !strcmp(a->level, b->level);
}

bool kvr_grid_starts(const struct kvr_run_record *record, size_t index)
{
    const struct kvr_result *r = &record->results[index];
    for (size_t i = 0; i < index; i++)
        if (same_group(r, &record->results[i]))
            return false;
    return r->measured;
}

static char **cell(const struct kvr_grid *grid, size_t row, size_t column)
{
    return &grid->cells[row * KVR_GRID_COLUMNS + column];
}

static int fill(const struct kvr_run_record *record, size_t first, struct kvr_grid *grid)
{
    size_t count = 0;
    for (size_t i = first; i < record->result_count; i++)
        count += same_group(&record->results[first], &record->results[i]);
    grid->cells = calloc(count * KVR_GRID_COLUMNS, sizeof *grid->cells);
    if (!grid->cells)
        return -ENOMEM;
    grid->rows = count;
    for (size_t i = first, row = 0; i < record->result_count; i++) {
        if (!same_group(&record->results[first], &record->results[i]))
            continue;
        for (size_t c = 0; c < KVR_GRID_COLUMNS; c++) {
            char text[CELL_BYTES];
            columns[c].text(&record->results[i], text, sizeof text);
            *cell(grid, row, c) = strdup(text);
            if (!*cell(grid, row, c))
                return -ENOMEM;
        }
        row++;
    }
    return 0;
}

/* The value that every row with one has, "" if no row has any, NULL if they differ. */
static const char *shared_value(const struct kvr_grid *grid, size_t column)
{
    const char *value = "";
    for (size_t row = 0; row < grid->rows; row++) {
        const char *text = *cell(grid, row, column);
        if (*value && *text && strcmp(value, text))
            return NULL;
        if (*text)
            value = text;
    }
    return value;
}

static void append(char *text, size_t bytes, const char *more, const char *separator)
{
    size_t used = strlen(text);
    if (used < bytes)
        snprintf(text + used, bytes - used, "%s%s", used ? separator : "", more);
}

static void make_title(const struct kvr_result *r, struct kvr_grid *grid)
{
    char head[64], value[64];
    snprintf(head, sizeof head, "%s%s%s", r->op, r->level[0] ? " from " : "", r->level);
    kvr_clean_text(grid->title, sizeof grid->title, head);
    const char *separator = ": ";
    for (size_t c = 0; c < KVR_GRID_COLUMNS; c++) {
        const char *shared = shared_value(grid, c);
        grid->shown[c] = !shared || (*shared && !columns[c].title);
        if (grid->shown[c] || !*shared || !columns[c].title)
            continue;
        if (columns[c].usual && !strcmp(shared, columns[c].usual))
            continue;
        /* The format is a literal of the table above. */
        const char *place = strstr(columns[c].title, "%s");
        snprintf(value, sizeof value, "%.*s%.24s%s", (int)(place - columns[c].title),
                 columns[c].title, shared, place + 2);
        append(grid->title, sizeof grid->title, value, separator);
        separator = ", ";
    }
}

static size_t measure(struct kvr_grid *grid)
{
    size_t total = 0;
    for (size_t c = 0; c < KVR_GRID_COLUMNS; c++) {
        grid->widths[c] = strlen(columns[c].heading);
        for (size_t row = 0; row < grid->rows; row++) {
            size_t width = kvr_utf8_columns(*cell(grid, row, c));
            if (width > grid->widths[c])
                grid->widths[c] = width;
        }
        if (grid->shown[c])
            total += grid->widths[c] + (total ? 2 : 0);
    }
    return total;
}

/* Replaces the flags by letters, in order of appearance. */
static void shorten_flags(struct kvr_grid *grid)
{
    char names[26][24] = {{0}};
    for (size_t row = 0; row < grid->rows; row++) {
        char letters[KVR_MAX_FLAGS + 1] = "", *text = *cell(grid, row, FLAGS_COLUMN), *rest = NULL;
        size_t used = 0;
        for (char *flag = strtok_r(text, ",", &rest); flag; flag = strtok_r(NULL, ",", &rest)) {
            size_t n = 0;
            while (n < 26 && names[n][0] && strcmp(names[n], flag))
                n++;
            if (n < 26 && !names[n][0]) {
                char entry[40];
                snprintf(names[n], sizeof names[n], "%.23s", flag);
                snprintf(entry, sizeof entry, "%c %s", (char)('a' + n), names[n]);
                append(grid->legend, sizeof grid->legend, entry, ", ");
            }
            if (used < KVR_MAX_FLAGS)
                letters[used++] = n < 26 ? (char)('a' + n) : '?';
        }
        /* Never longer than what it stands for: a flag has at least one letter. */
        memcpy(text, letters, used + 1);
    }
    grid->letters = grid->legend[0] != 0;
}

static void fit(struct kvr_grid *grid, int width)
{
    size_t total = measure(grid);
    if (width <= 0 || total <= (size_t)width)
        return;
    if (grid->shown[FLAGS_COLUMN])
        shorten_flags(grid);
    for (total = measure(grid); total > (size_t)width; total = measure(grid)) {
        size_t victim = KVR_GRID_COLUMNS;
        int rank = 0;
        for (size_t c = 0; c < KVR_GRID_COLUMNS; c++)
            if (grid->shown[c] && columns[c].drop > rank) {
                rank = columns[c].drop;
                victim = c;
            }
        if (victim == KVR_GRID_COLUMNS)
            return;
        grid->shown[victim] = false;
    }
}

int kvr_grid_make(const struct kvr_run_record *record, size_t first, int width,
                  struct kvr_grid *grid)
{
    memset(grid, 0, sizeof *grid);
    int rc = fill(record, first, grid);
    if (rc) {
        kvr_grid_free(grid);
        return rc;
    }
    make_title(&record->results[first], grid);
    fit(grid, width);
    return 0;
}

void kvr_grid_free(struct kvr_grid *grid)
{
    for (size_t i = 0; grid->cells && i < grid->rows * KVR_GRID_COLUMNS; i++)
        free(grid->cells[i]);
    free(grid->cells);
    memset(grid, 0, sizeof *grid);
}
