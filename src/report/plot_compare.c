/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Cases against the same cases of the first record: the ratio of their medians over the rounds. Of
 * a few records each with its interval, of many how they are distributed.
 */
#include "plotdata.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot_sheet.h"
#include "table.h"
#include "text.h"

enum { MOST_ROWS = 60, MOST_MARKS = 6, NAME_BYTES = 76, TICK_PIXELS = 46 };
#define PANEL_PIXELS 520
#define LEAST_RANGE 1.12 /* of the axis, to either side of 1 */
#define AXIS_ROOM 1.04

struct ratio {
    double value, low, high; /* low = high = value: too few rounds for an interval */
    size_t record;
    bool flagged;
};

/* A case of the first record and what the others make of it. */
struct compared {
    struct kvr_plot_case of;
    struct ratio *ratios; /* into those of struct compare */
    size_t count;
};

struct compare {
    struct kvr_sheet sheet;
    struct kvr_plot_case *cases; /* of all records, sorted by name; each record once a name */
    size_t case_count;
    struct kvr_plot_case *drawn; /* one a row */
    struct compared *rows;
    size_t row_count, dropped, unmatched; /* unmatched: cases of the first record alone */
    struct ratio *ratios;
    struct kvr_traits traits;
    struct kvr_panel panel;
    bool many;
};

/* ---- ratios ---- */

/* The interval of a difference of logarithms from the intervals of both (by recovering their
 * variances: Zou and Donner 2008), which supposes nothing on how rounds are distributed. */
static void set_ratio(const struct kvr_result *base, const struct kvr_result *other,
                      struct ratio *ratio)
{
    double b[3], n[3];
    kvr_median_interval(base->result.ns_per_key, base->result.ci95, b);
    kvr_median_interval(other->result.ns_per_key, other->result.ci95, n);
    ratio->value = ratio->low = ratio->high = kvr_six_digits(n[0] / b[0]);
    ratio->flagged = base->flags[0][0] || other->flags[0][0];
    if (b[1] < b[2] && n[1] < n[2]) {
        double down = hypot(log(n[0] / n[1]), log(b[2] / b[0]));
        double up = hypot(log(n[2] / n[0]), log(b[0] / b[1]));
        ratio->low = kvr_six_digits(n[0] / b[0] * exp(-down));
        ratio->high = kvr_six_digits(n[0] / b[0] * exp(up));
    }
}

/* ---- rows ---- */

static int by_name(const void *a, const void *b)
{
    const struct kvr_plot_case *x = a, *y = b;
    int names = strcmp(x->result->name, y->result->name);
    return names ? names : (x->record > y->record) - (x->record < y->record);
}

static int by_place(const void *a, const void *b)
{
    const struct compared *x = a, *y = b;
    return (x->of.result > y->of.result) - (x->of.result < y->of.result);
}

/* A name's cases follow each other, that of the first record first. */
static void match(struct compare *c)
{
    size_t used = 0;
    for (size_t i = 0, end; i < c->case_count; i = end) {
        const struct kvr_plot_case *base = &c->cases[i];
        struct compared *row = &c->rows[c->row_count];
        *row = (struct compared){.of = *base, .ratios = c->ratios + used};
        for (end = i + 1; end < c->case_count &&
             !strcmp(c->cases[end].result->name, base->result->name); end++) {
            struct ratio *next = &row->ratios[row->count];
            next->record = c->cases[end].record;
            if (base->record || next->record == c->cases[end - 1].record)
                continue;
            set_ratio(base->result, c->cases[end].result, next);
            row->count++;
        }
        used += row->count;
        c->row_count += row->count > 0;
        c->unmatched += !base->record && !row->count;
    }
    qsort(c->rows, c->row_count, sizeof *c->rows, by_place);
    c->dropped = c->row_count > MOST_ROWS ? c->row_count - MOST_ROWS : 0;
    c->row_count -= c->dropped;
}

static int find_traits(struct compare *c)
{
    c->drawn = malloc(c->row_count * sizeof *c->drawn);
    if (!c->drawn)
        return -ENOMEM;
    for (size_t i = 0; i < c->row_count; i++)
        c->drawn[i] = c->rows[i].of;
    kvr_traits_of(c->drawn, c->row_count, &c->traits);
    return 0;
}

static int take(struct compare *c)
{
    int rc;
    c->cases = kvr_plot_cases(&c->sheet, &c->case_count, &rc);
    if (rc || !c->case_count)
        return rc ? rc : -ENODATA;
    c->rows = malloc((c->case_count + 1) * sizeof *c->rows);
    c->ratios = malloc((c->case_count + 1) * sizeof *c->ratios);
    if (!c->rows || !c->ratios)
        return -ENOMEM;
    qsort(c->cases, c->case_count, sizeof *c->cases, by_name);
    match(c);
    return c->row_count ? find_traits(c) : -ENODATA;
}

/* ---- the sheet ---- */

static void set_axes(struct compare *c)
{
    double low = 1 / LEAST_RANGE, high = LEAST_RANGE;
    for (size_t i = 0; i < c->row_count; i++)
        for (size_t k = 0; k < c->rows[i].count; k++) {
            const struct ratio *r = &c->rows[i].ratios[k];
            low = fmin(low, (c->many ? r->value : r->low) / AXIS_ROOM);
            high = fmax(high, (c->many ? r->value : r->high) * AXIS_ROOM);
        }
    c->panel = (struct kvr_panel){.left = kvr_six_digits(low), .right = kvr_six_digits(high),
                                  .bottom = 1, .top = 2, .width = PANEL_PIXELS, .height = 1};
}

/* The most telling first; one stays where its text would touch no other. */
static void put_ticks(const struct compare *c)
{
    static const double ticks[] = {1, .5, 2, .1, 10, .2, 5, .01, 100, .001, 1000, .02, 50, .05, 20,
                                   .8, 1.25, .7, 1.5, .9, 1.1, .95, 1.05, 3, .3, .4, .6, .85, 1.2};
    double taken[sizeof ticks / sizeof *ticks];
    size_t count = 0;
    for (size_t i = 0; i < sizeof ticks / sizeof *ticks; i++) {
        double at = kvr_panel_pixels(&c->panel, ticks[i], 1).x;
        bool free_place = at >= 0 && at <= PANEL_PIXELS;
        for (size_t k = 0; k < count; k++)
            free_place &= fabs(taken[k] - at) >= TICK_PIXELS;
        if (!free_place)
            continue;
        taken[count++] = at;
        kvr_sheet_put(&c->sheet, "tick", 0, NULL, (struct kvr_spot){ticks[i], NAN});
    }
}

static void put_text(const struct compare *c, const char *kind, size_t series, double row,
                     const char *text)
{
    kvr_sheet_put(&c->sheet, kind, series, text, (struct kvr_spot){NAN, row});
}

/* "0.984 [0.97, 1.02]" */
static void figures(const double value[3], char *text, size_t bytes)
{
    char median[24], low[24], high[24];
    kvr_figure_text(value[0], 3, median, sizeof median);
    kvr_figure_text(value[1], 3, low, sizeof low);
    kvr_figure_text(value[2], 3, high, sizeof high);
    if (value[1] < value[2])
        snprintf(text, bytes, "%s [%s, %s]", median, low, high);
    else
        snprintf(text, bytes, "%s", median);
}

static int by_value(const void *a, const void *b)
{
    const struct ratio *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

static double quantile(const struct compared *row, double share)
{
    return row->ratios[(size_t)lround(share * (double)(row->count - 1))].value;
}

static void put_distribution(const struct compare *c, struct compared *row, double at)
{
    char text[120];
    qsort(row->ratios, row->count, sizeof *row->ratios, by_value);
    const double wide[3] = {quantile(row, .5), quantile(row, .05), quantile(row, .95)};
    const double spread[3] = {wide[0], quantile(row, .25), quantile(row, .75)};
    const double ends[] = {row->ratios[0].value, row->ratios[row->count - 1].value};
    const double *const parts[] = {wide, spread};
    for (size_t i = 0; i < 2; i++)
        kvr_sheet_row(c->sheet.out, &(struct kvr_row){.kind = i ? "half" : "most",
                      .panel = 1, .name = row->of.result->name, .x = parts[i][0], .y = at,
                      .low = parts[i][1], .high = parts[i][2]});
    for (size_t i = 0; i < 2; i++)
        kvr_sheet_put(&c->sheet, "end", 0, NULL, (struct kvr_spot){ends[i], at});
    figures(wide, text, sizeof text);
    size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, " of %zu", row->count);
    put_text(c, "figures", 0, at, text);
}

/* Several records share a row, one above the other. */
static void put_ratios(const struct compare *c, const struct compared *row, double at)
{
    char text[80];
    for (size_t k = 0; k < row->count; k++) {
        const struct ratio *r = &row->ratios[k];
        const double value[3] = {r->value, r->low, r->high};
        double y = at + ((double)r->record - .5 * (double)c->sheet.count) /
                            (double)c->sheet.count;
        kvr_sheet_row(c->sheet.out, &(struct kvr_row){.kind = "point", .panel = 1,
                      .series = r->record, .name = row->of.result->name, .x = r->value, .y = y,
                      .low = r->low, .high = r->high, .flagged = r->flagged});
        figures(value, text, sizeof text);
        put_text(c, "figures", r->record, y, text);
    }
}

static void put_row(const struct compare *c, struct compared *row, double at)
{
    const unsigned all = ~0U;
    char name[KVR_SERIES_BYTES], cut[NAME_BYTES];
    kvr_kernel_text(row->of.result, name, sizeof name);
    kvr_traits_text(&c->traits, row->of.result, all, name, sizeof name);
    kvr_utf8_copy(cut, sizeof cut, name);
    put_text(c, "case", 0, at, cut);
    if (c->many)
        put_distribution(c, row, at);
    else
        put_ratios(c, row, at);
}

static void put_legend(const struct compare *c)
{
    char text[KVR_SERIES_BYTES], machine[KVR_SERIES_BYTES];
    for (size_t i = 1; !c->many && i < c->sheet.count; i++) {
        kvr_machine_text(&c->sheet.records[i], machine, sizeof machine);
        snprintf(text, sizeof text, "%zu over 1: %.300s", i + 1, machine);
        put_text(c, "series", i, NAN, text);
    }
    if (c->dropped) {
        snprintf(text, sizeof text, "and %zu more cases that have no room here", c->dropped);
        put_text(c, "more", 0, NAN, text);
    }
    if (c->unmatched) {
        snprintf(text, sizeof text, "and %zu case%s of the first result that no other holds",
                 c->unmatched, c->unmatched == 1 ? "" : "s");
        put_text(c, "more", 0, NAN, text);
    }
}

static void put_sheet(struct compare *c)
{
    char text[KVR_SERIES_BYTES];
    size_t lines = c->many ? 1 : c->sheet.count - 1;
    kvr_sheet_header(&c->sheet);
    set_axes(c);
    c->sheet.panel = 1;
    kvr_sheet_put_panel(&c->sheet, c->many ? "many" : "few", &c->panel);
    kvr_sheet_put(&c->sheet, "size", lines, NULL,
                  (struct kvr_spot){PANEL_PIXELS, (double)c->row_count});
    put_ticks(c);
    for (size_t i = 0; i < c->row_count; i++)
        put_row(c, &c->rows[i], (double)i + 1);
    c->sheet.panel = 0;
    put_legend(c);
    kvr_traits_common(&c->traits, c->drawn, c->row_count, text, sizeof text);
    if (*text)
        put_text(c, "common", 0, NAN, text);
}

int kvr_plot_compare(FILE *out, const struct kvr_drawn *of)
{
    struct compare c = {.sheet = {.out = out, .records = of->records, .count = of->count},
                        .many = of->count - 1 > MOST_MARKS};
    struct kvr_numeric numeric = kvr_numeric_c();
    errno = 0;
    int rc = of->count > 1 ? take(&c) : -ENODATA;
    if (!rc) {
        put_sheet(&c);
        rc = kvr_sheet_end(out);
    }
    kvr_numeric_restore(numeric);
    free(c.cases);
    free(c.drawn);
    free(c.rows);
    free(c.ratios);
    return rc;
}
