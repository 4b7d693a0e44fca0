/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The report's section on closeness beside speed: a row for each kernel, the floor below them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fidelity.h"
#include "html.h"
#include "quality.h"
#include "quality_cases.h"
#include "table.h"
#include "text.h"

enum { CELL_BYTES = 160, MOST_PLACES = 6, FIXED = 6, LAST = 3,
       MOST_COLUMNS = FIXED + MOST_PLACES + LAST };
static const enum kvr_metric shown[] = {KVR_RHO, KVR_COS, KVR_TOP5};
enum { SHOWN = sizeof shown / sizeof *shown };

struct table {
    struct kvr_quality quality;
    size_t places;
    bool *front;                           /* [places + 1][cases]; 0: by bytes */
    char place_names[MOST_PLACES + 1][32]; /* "scan DRAM"; 0: "bytes" */
    struct kvr_html_column columns[MOST_COLUMNS];
    char headings[MOST_PLACES][48];
    size_t column_count;
};

typedef char cells[MOST_COLUMNS][CELL_BYTES];

static const struct kvr_result *result_of(const struct table *t, size_t i)
{
    return t->quality.cases[i].result;
}

/* One row, whatever ISA was the fastest where. */
static bool same_row(const struct kvr_result *a, const struct kvr_result *b)
{
    return kvr_same_format(a, b) && !strcmp(a->variant, b->variant) &&
           !strcmp(a->codebook_residency, b->codebook_residency);
}

static void put_metrics(const struct kvr_fidelity_row *row, cells text)
{
    for (size_t k = 0; k < SHOWN; k++)
        snprintf(text[2 + k], CELL_BYTES, "%.4f", row->mean[shown[k]]);
    kvr_figure_text(row->key_squared_error, 3, text[2 + SHOWN], CELL_BYTES);
}

static void append(char text[CELL_BYTES], const char *what)
{
    size_t used = strlen(text);
    snprintf(text + used, CELL_BYTES - used, "%s%s", used ? ", " : "", what);
}

static void name_row(const struct kvr_result *r, char text[CELL_BYTES])
{
    struct kvr_result named = *r;
    named.isa[0] = 0;
    kvr_kernel_text(&named, text, CELL_BYTES);
    size_t used = strlen(text);
    if (r->subspaces)
        snprintf(text + used, CELL_BYTES - used, ", m %u, K %u%s%s", r->subspaces, r->entries,
                 r->codebook_residency[0] ? ", codebook " : "", r->codebook_residency);
}

/* The fastest case of the row in a place; NULL: not measured there. */
static const struct kvr_result *fastest(const struct table *t, const struct kvr_result *row,
                                        size_t place, size_t *index)
{
    const struct kvr_result *best = NULL;
    for (size_t i = 0; i < t->quality.count; i++) {
        const struct kvr_result *r = result_of(t, i);
        if (t->quality.place[i] != place || !same_row(r, row) ||
            (best && best->result.ns_per_key <= r->result.ns_per_key))
            continue;
        best = r;
        *index = i;
    }
    return best;
}

static void fill_row(const struct table *t, size_t at, cells text)
{
    const struct kvr_result *row = result_of(t, at);
    char *roof = text[t->column_count - 3], *front = text[t->column_count - 2];
    char *flags = text[t->column_count - 1];
    name_row(row, text[0]);
    kvr_figure_text(row->key_bytes, 3, text[1], CELL_BYTES);
    put_metrics(row->closeness, text);
    for (size_t p = 1; p <= t->places; p++) {
        size_t i = 0;
        const struct kvr_result *r = fastest(t, row, p, &i);
        if (!r)
            continue;
        kvr_figure_text(r->result.ns_per_key, 4, text[FIXED + p - 1], CELL_BYTES);
        if (p == 1)
            kvr_figure_text(r->result.percent_of_roof, 3, roof, CELL_BYTES);
        if (t->front[p * t->quality.count + i])
            append(front, t->place_names[p]);
        if (!*flags)
            kvr_flags_text(r, ", ", flags, CELL_BYTES);
    }
    if (t->front[at])
        append(front, t->place_names[0]);
    if (row->closeness->leaking)
        append(flags, "leaking");
}

static void put_row(FILE *out, const struct table *t, cells text)
{
    const char *texts[MOST_COLUMNS];
    for (size_t c = 0; c < t->column_count; c++)
        texts[c] = text[c];
    kvr_html_row(out, t->columns, texts, t->column_count);
}

static void put_rows(struct kvr_page *page, const struct table *t,
                     const struct kvr_fidelity_record *fidelity)
{
    size_t rows = 0, left_out = 0;
    for (size_t i = 0; i < t->quality.count; i++) {
        cells text = {{0}};
        size_t k = 0;
        while (k < i && !same_row(result_of(t, k), result_of(t, i)))
            k++;
        if (k < i)
            continue;
        left_out += rows == page->rows;
        if (rows == page->rows)
            continue;
        rows++;
        fill_row(t, i, text);
        put_row(page->out, t, text);
    }
    cells floor = {"uniform attention (the floor)"};
    put_metrics(kvr_quality_floor(fidelity), floor);
    put_row(page->out, t, floor);
    kvr_html_table_end(page->out);
    if (left_out)
        fprintf(page->out, "<p class=\"note\">%zu more rows are left out, to keep the page "
                           "small.</p>\n", left_out);
}

/* ---- columns ---- */

static void add_column(struct table *t, const char *heading, bool number)
{
    t->columns[t->column_count++] = (struct kvr_html_column){heading, number};
}

static void add_columns(struct table *t)
{
    static const char *const fixed[FIXED] = {"kernel", "B/key", "rho", "cos", "top5",
                                             "key error"};
    for (size_t c = 0; c < FIXED; c++)
        add_column(t, fixed[c], c > 0);
    for (size_t p = 1; p <= t->places; p++) {
        snprintf(t->headings[p - 1], sizeof *t->headings, "ns/key %s", t->place_names[p]);
        add_column(t, t->headings[p - 1], true);
    }
    add_column(t, "% of roof", true);
    add_column(t, "on the front", false);
    add_column(t, "flags", false);
}

/* The places, a line each, and what they are called in the table. */
static void put_places(FILE *out, struct table *t)
{
    fputs("<ul>\n", out);
    snprintf(t->place_names[0], sizeof *t->place_names, "bytes");
    for (size_t p = 1; p <= t->places; p++) {
        char text[300];
        size_t i = 0;
        while (t->quality.place[i] != p)
            i++;
        const struct kvr_result *r = result_of(t, i);
        kvr_clean_text(text, sizeof text, r->op);
        snprintf(t->place_names[p], sizeof *t->place_names, "%.16s %s", text, r->level);
        snprintf(text, sizeof text, "%s: %u tokens, layout %s, %u thread%s",
                 t->place_names[p], r->tokens, r->layout, r->threads, r->threads == 1 ? "" : "s");
        kvr_html_element(out, "li", text);
    }
    fputs("</ul>\n", out);
}

static int find_fronts(struct table *t)
{
    int rc = 0;
    t->places = t->quality.places.count < MOST_PLACES ? t->quality.places.count : MOST_PLACES;
    t->front = calloc((t->places + 1) * t->quality.count, sizeof *t->front);
    if (!t->front)
        return -ENOMEM;
    for (size_t p = 0; !rc && p <= t->places; p++)
        rc = kvr_quality_front(&t->quality, p, t->front + p * t->quality.count);
    return rc;
}

int kvr_html_quality(struct kvr_page *page, const struct kvr_run_record *record)
{
    struct kvr_sheet sheet = kvr_sheet_of(page->out, record, 1);
    struct table t = {.column_count = 0};
    char source[400];
    int rc = kvr_quality_make(&sheet, &t.quality);
    if (rc == -ENODATA) { /* another result of the page shares cases with it */
        fputs("<p>No case of this result has a row in the fidelity result.</p>\n", page->out);
        return 0;
    }
    if (!rc)
        rc = find_fronts(&t);
    if (!rc) {
        kvr_quality_source_text(record->fidelity, source, sizeof source);
        fputs("<p>How close attention with each format comes to exact attention, beside its time: "
              "a kernel is on a front if no other is at most as slow (or large) and at least as "
              "close by rho. % of roof is that of the first of these places:</p>\n", page->out);
        put_places(page->out, &t);
        kvr_html_element(page->out, "p", source);
        add_columns(&t);
        kvr_html_table_begin(page->out, "Closeness (means over queries, heads, layers and texts) "
                             "and time", t.columns, t.column_count);
        put_rows(page, &t, record->fidelity);
    }
    free(t.front);
    kvr_quality_free(&t.quality);
    return rc;
}
