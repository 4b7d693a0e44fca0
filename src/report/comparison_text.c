/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A comparison as a table, Markdown or CSV: the cases, then sentences on what was found.
 */
#include "comparison_text.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "cells.h"
#include "table.h"
#include "text.h"

enum { BASE_NS, NEW_NS, CHANGE, INTERVAL, P, OUTCOME, VERDICT, CASE, COLUMNS };
static const struct kvr_cell_column table_columns[COLUMNS] = {
    [BASE_NS] = {"base ns/key", "", false}, [NEW_NS] = {"new ns/key", "", false},
    [CHANGE] = {"change", "", false},       [INTERVAL] = {"interval", "", false},
    [P] = {"p (Holm)", "", false},          [OUTCOME] = {"result", "", true},
    [VERDICT] = {"verdict", "", true},      [CASE] = {"case", "", true},
};

/* "+12.3 %" of a logarithm; "" for NAN. */
static void percent(double log_ratio, char *text, size_t bytes)
{
    *text = 0;
    if (isfinite(log_ratio))
        snprintf(text, bytes, "%+.1f %%", 100 * expm1(log_ratio));
}

static void interval(const struct kvr_change *c, char *text, size_t bytes)
{
    *text = 0;
    if (isfinite(c->low))
        snprintf(text, bytes, "%+.1f to %+.1f %%", 100 * expm1(c->low), 100 * expm1(c->high));
}

static void fill_row(const struct kvr_cells *cells, size_t row, const void *comparison)
{
    const struct kvr_compared_case *c = &((const struct kvr_comparison *)comparison)->cases[row];
    kvr_figure_text(c->base_ns, 4, kvr_cell(cells, row, BASE_NS), KVR_CELL_BYTES);
    kvr_figure_text(c->new_ns, 4, kvr_cell(cells, row, NEW_NS), KVR_CELL_BYTES);
    percent(c->change.log_ratio, kvr_cell(cells, row, CHANGE), KVR_CELL_BYTES);
    interval(&c->change, kvr_cell(cells, row, INTERVAL), KVR_CELL_BYTES);
    if (isfinite(c->change.p_holm))
        snprintf(kvr_cell(cells, row, P), KVR_CELL_BYTES, "%.2g", c->change.p_holm);
    snprintf(kvr_cell(cells, row, OUTCOME), KVR_CELL_BYTES, "%s",
             kvr_outcome_names[c->change.outcome]);
    kvr_clean_text(kvr_cell(cells, row, CASE), KVR_CELL_BYTES, c->name);
    if (kvr_verdict_changed(c))
        snprintf(kvr_cell(cells, row, VERDICT), KVR_CELL_BYTES, "changed");
}

static void put(FILE *out, const char *bullet, int width, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A sentence: clean, broken to the width. */
static void put(FILE *out, const char *bullet, int width, const char *format, ...)
{
    char text[1400], clean[1400];
    va_list arguments;
    int n = snprintf(text, sizeof text, "%s", bullet);
    va_start(arguments, format);
    vsnprintf(text + n, sizeof text - (size_t)n, format, arguments);
    va_end(arguments);
    kvr_clean_text(clean, sizeof clean, text);
    kvr_put_wrapped(out, clean, width);
}

static const char *unit_of(const struct kvr_comparison *k)
{
    return k->pairs ? "pairs" : "processes a side";
}

/* What would decide a case. */
static void open_text(const struct kvr_comparison *k, const struct kvr_compared_case *c,
                      char *would, size_t bytes)
{
    if (k->sentinel_changed && c->change.low > log1p(c->threshold))
        snprintf(would, bytes, "the sentinel changed, so the machine did: compare again "
                 "at a quieter time");
    else if (c->change.needed)
        snprintf(would, bytes, "about %zu %s would decide, or a quieter machine, or "
                 "--threshold %.0f%%", c->change.needed, unit_of(k),
                 ceil(100 * expm1(c->change.how == KVR_BY_SPREAD ? c->change.log_ratio
                                                                : c->change.high)) + 1);
    else if (isfinite(c->change.high))
        snprintf(would, bytes, "too near the threshold for more %s: a quieter machine or "
                 "--threshold %.0f%% would decide", k->pairs ? "pairs" : "processes",
                 ceil(100 * expm1(c->change.high)) + 1);
    else
        snprintf(would, bytes, "measured in too few processes: %zu of %zu and %zu of %zu%s",
                 c->change.base_count, k->base_processes, c->change.new_count, k->new_processes,
                 c->change.base_count < k->base_processes
                     ? "; with --isa auto each chooses for itself: name one, as in --isa avx2"
                     : "");
}

void kvr_case_outcome_text(const struct kvr_comparison *k, const struct kvr_compared_case *c,
                           char *text, size_t bytes)
{
    char change[80], ends[120], would[200];
    percent(c->change.log_ratio, change, sizeof change);
    interval(&c->change, ends, sizeof ends);
    open_text(k, c, would, sizeof would);
    if (c->change.outcome == KVR_INCONCLUSIVE)
        snprintf(text, bytes, "inconclusive: %s %s: %s", c->name, change, would);
    else
        snprintf(text, bytes, "%s: %s %s [%s]%s %.3g %%", kvr_outcome_names[c->change.outcome],
                 c->name, change, ends, c->change.outcome == KVR_OK ? ", threshold" : ", beyond",
                 100 * c->threshold);
}

static void put_found(FILE *out, const struct kvr_comparison *k, const char *bullet, int width)
{
    char text[1000];
    for (size_t i = 0; i < k->case_count; i++) {
        const struct kvr_compared_case *c = &k->cases[i];
        kvr_case_outcome_text(k, c, text, sizeof text);
        if (c->change.outcome != KVR_OK)
            put(out, bullet, width, "%s", text);
        if (kvr_verdict_changed(c))
            put(out, bullet, width, "verdict changed: %s: from %s to %s", c->name,
                c->base_verdict, c->new_verdict);
        if (c->new_name[0])
            put(out, bullet, width, "option sets: %s is held against %s", c->name, c->new_name);
    }
    for (size_t i = 0; i < k->missing_count; i++)
        put(out, bullet, width, "missing from the new side: %s%s%s", k->missing[i].name,
            k->missing[i].why[0] ? ": " : "", k->missing[i].why);
    for (size_t i = 0; i < k->added_count; i++)
        put(out, bullet, width, "new, without a base: %s%s%s", k->added[i].name,
            k->added[i].why[0] ? ": " : "", k->added[i].why);
}

static bool judged_by(const struct kvr_comparison *k, enum kvr_comparing how)
{
    for (size_t i = 0; i < k->case_count; i++)
        if (k->cases[i].change.how == how)
            return true;
    return false;
}

static void put_floor(FILE *out, const struct kvr_comparison *k, const char *bullet, int width)
{
    double least = INFINITY;
    for (size_t i = 0; i < k->case_count; i++)
        least = fmin(least, k->cases[i].threshold);
    if (judged_by(k, KVR_BY_SPREAD))
        put(out, bullet, width, "one process on a side: only a change beyond the threshold plus "
            "%.0f %% (three times the spread between processes) is a regression; run --processes "
            "5 or compare --run see smaller ones", 100 * k->floor);
    else if (isfinite(k->floor))
        put(out, bullet, width, "A/A floor: equal programs may differ by %.1f %% here (median of "
            "the cases; the worst %.1f %%)%s", 100 * k->floor, 100 * k->worst_floor,
            least < k->worst_floor ? "; a threshold below it cannot be held: take more processes, "
                                     "a quieter machine or a higher threshold" : "");
}

static void put_sentinel(FILE *out, const struct kvr_comparison *k, const char *bullet, int width)
{
    char change[80], ends[120];
    percent(k->sentinel.log_ratio, change, sizeof change);
    interval(&k->sentinel, ends, sizeof ends);
    if (!k->sentinel_known)
        put(out, bullet, width, "no sentinel read on both sides: times are taken as they are");
    else
        put(out, bullet, width, "sentinel (a plain read of main memory, which each process is "
            "normalised by): %s%s%s%s, %s", change, *ends ? " [" : "", ends, *ends ? "]" : "",
            k->sentinel_changed ? "changed: the machine is not what it was, so no case can be "
                                  "called a regression" : "unchanged");
}

static void put_title(FILE *out, const struct kvr_comparison *k, const char *bullet, int width)
{
    char looks[120] = "";
    if (k->looks > 1)
        snprintf(looks, sizeof looks, " at one of at most %zu looks (Pocock's bounds: 95 %% over "
                 "all of them)", k->looks);
    if (k->pairs)
        put(out, bullet, width, "%s against %s: %zu pairs of processes; intervals of %.1f %%%s",
            k->base, k->other, k->base_processes, 100 * k->level, looks);
    else
        put(out, bullet, width, "%s (%zu process%s) against %s (%zu process%s)%s", k->base,
            k->base_processes, k->base_processes == 1 ? "" : "es", k->other, k->new_processes,
            k->new_processes == 1 ? "" : "es",
            judged_by(k, KVR_BY_SPREAD) ? "" : "; intervals of 95 %");
}

static int put_one(FILE *out, enum kvr_output_format format, const struct kvr_comparison *k,
                   int width)
{
    const char *bullet = format == KVR_OUT_MD ? "- " : "";
    const struct kvr_cells table = {table_columns, COLUMNS, k->case_count, NULL};
    if (format == KVR_OUT_MD)
        fputs("### kvroof compare\n\n", out);
    put_title(out, k, "", width);
    fputc('\n', out);
    int rc = kvr_put_filled(out, format, &table, fill_row, k);
    fputc('\n', out);
    put_found(out, k, bullet, width);
    put_sentinel(out, k, bullet, width);
    put_floor(out, k, bullet, width);
    for (size_t i = 0; i < sizeof k->notes / sizeof *k->notes && k->notes[i][0]; i++)
        put(out, bullet, width, "%s", k->notes[i]);
    char counts[120];
    kvr_outcome_counts(k, counts, sizeof counts);
    put(out, bullet, width, "%s: %s", k->outcome == KVR_OK ? "no regression"
                                                           : kvr_outcome_names[k->outcome],
        counts);
    return rc;
}

/* ---- CSV: a row a case ---- */

static void csv_number(FILE *out, double value)
{
    char text[64];
    kvr_exact_text(value, text, sizeof text);
    fprintf(out, "%s,", text);
}

static void put_csv_row(FILE *out, const struct kvr_comparison *k,
                        const struct kvr_compared_case *c)
{
    const char *const names[] = {k->base, k->other, c->name,
                                 kvr_outcome_names[c->change.outcome]};
    const double numbers[] = {c->base_ns, c->new_ns, exp(c->change.log_ratio),
                              exp(c->change.low), exp(c->change.high), c->change.p_holm,
                              c->threshold, expm1(c->change.floor)};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        kvr_put_csv(out, names[i]);
        fputc(',', out);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        csv_number(out, numbers[i]);
    fprintf(out, "%zu,%zu,", c->change.base_count, c->change.new_count);
    kvr_put_csv(out, c->base_verdict);
    fputc(',', out);
    kvr_put_csv(out, c->new_verdict);
    fputs("\r\n", out);
}

static void put_csv(FILE *out, const struct kvr_comparison *comparisons, size_t count)
{
    fputs("base,new,case,outcome,base_ns_per_key [ns],new_ns_per_key [ns],ratio,ratio_low,"
          "ratio_high,p_holm,threshold [fraction],floor [fraction],base_processes,new_processes,"
          "base_verdict,new_verdict\r\n", out);
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < comparisons[i].case_count; c++)
            put_csv_row(out, &comparisons[i], &comparisons[i].cases[c]);
}

static int put_all(FILE *out, enum kvr_output_format format,
                   const struct kvr_comparison *comparisons, size_t count, int width)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++) {
        if (i)
            fputc('\n', out);
        rc = put_one(out, format, &comparisons[i], width);
    }
    return rc;
}

int kvr_write_comparisons(FILE *out, enum kvr_output_format format,
                          const struct kvr_comparison *comparisons, size_t count,
                          const struct kvr_output_style *style)
{
    struct kvr_numeric numeric = kvr_numeric_c();
    int rc = 0;
    errno = 0;
    if (format == KVR_OUT_JSON)
        rc = kvr_put_comparisons_json(out, comparisons, count);
    else if (format == KVR_OUT_JUNIT)
        rc = kvr_put_comparisons_junit(out, comparisons, count);
    else if (format == KVR_OUT_CSV)
        put_csv(out, comparisons, count);
    else
        rc = put_all(out, format, comparisons, count, style->width);
    kvr_numeric_restore(numeric);
    if (!rc && (fflush(out) || ferror(out)))
        rc = errno ? -errno : -EIO;
    return rc;
}
