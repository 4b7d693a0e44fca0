/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Crossings as text: where a ratio passes 1 over an axis, below the series that it is of.
 */
#include <math.h>
#include <string.h>

#include "table.h"
#include "text.h"

enum { PLACE_BYTES = 80 };

static const char caption[] = "interpolated between neighbouring cases, log over log";

/* "tokens", "group queries" */
static void axis_text(const struct kvr_crossing *c, char *text, size_t bytes)
{
    kvr_clean_text(text, bytes, c->axis);
    for (char *at = strchr(text, '_'); at; at = strchr(at, '_'))
        *at = ' ';
}

/* "B = 1" */
static void label_text(const struct kvr_crossing *c, char *text, size_t bytes)
{
    static const char *const labels[][2] = {{"balance-1", "B = 1"},
                                            {"prepare-equals-scan", "prepare = scan"},
                                            {"faster-than-fp16", "as fast as FP16"}};
    const char *label = c->what;
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (!strcmp(c->what, labels[i][0]))
            label = labels[i][1];
    kvr_clean_text(text, bytes, label);
}

/* Counts of tokens as on the command line: 1.9k, 128k; others as they are. */
static void value_text(const struct kvr_crossing *c, double value, char *text, size_t bytes)
{
    char figure[24];
    bool thousands = !strcmp(c->axis, "tokens") && value >= 1024;
    double scaled = thousands ? value / 1024 : value;
    kvr_figure_text(scaled, scaled >= 100 ? 3 : 2, figure, sizeof figure);
    snprintf(text, bytes, "%s%s", figure, thousands ? "k" : "");
}

static void interval_text(const struct kvr_crossing *c, char *text, size_t bytes)
{
    char low[32], high[32];
    *text = 0;
    if (!isfinite(c->ci95[0]) || !isfinite(c->ci95[1]))
        return;
    value_text(c, c->ci95[0], low, sizeof low);
    value_text(c, c->ci95[1], high, sizeof high);
    snprintf(text, bytes, "[%s, %s]", low, high);
}

static void put_crossing(FILE *out, const struct kvr_crossing *c, int width)
{
    char label[64], at[32], interval[PLACE_BYTES], why[sizeof c->why];
    char line[sizeof label + sizeof interval + sizeof why + 64];
    label_text(c, label, sizeof label);
    kvr_clean_text(why, sizeof why, c->why);
    value_text(c, c->at, at, sizeof at);
    interval_text(c, interval, sizeof interval);
    if (c->reached)
        snprintf(line, sizeof line, "- %s at %s%s%s%s%s%s", label, at, *interval ? " " : "",
                 interval, c->flagged ? " (flagged)" : "", *why ? ": " : "", why);
    else
        snprintf(line, sizeof line, "- %s not reached%s%s%s", label,
                 c->flagged ? " (flagged)" : "", *why ? ": " : "", why);
    kvr_put_wrapped(out, line, width);
}

static bool same_series(const struct kvr_crossing *a, const struct kvr_crossing *b)
{
    return !strcmp(a->series, b->series) && !strcmp(a->axis, b->axis);
}

/* The crossings of one series below its name, if this is the first of those that are shown. */
static void put_series(FILE *out, const struct kvr_run_record *record, size_t first, bool evidence,
                       int width)
{
    const struct kvr_crossing *all = record->crossings, *of = &all[first];
    char series[sizeof of->series], axis[sizeof of->axis], line[sizeof series + sizeof axis + 16];
    for (size_t i = 0; i < first; i++)
        if ((evidence || all[i].reached) && same_series(&all[i], of))
            return;
    kvr_clean_text(series, sizeof series, of->series);
    axis_text(of, axis, sizeof axis);
    snprintf(line, sizeof line, "%s over %s:", series, axis);
    kvr_put_wrapped(out, line, width);
    for (size_t i = first; i < record->crossing_count; i++)
        if ((evidence || all[i].reached) && same_series(&all[i], of))
            put_crossing(out, &all[i], width);
}

static size_t not_reached(const struct kvr_run_record *record)
{
    size_t count = 0;
    for (size_t i = 0; i < record->crossing_count; i++)
        count += !record->crossings[i].reached;
    return count;
}

void kvr_put_crossings(FILE *out, const struct kvr_run_record *record, bool evidence, int width)
{
    char line[160];
    size_t left_out = evidence ? 0 : not_reached(record);
    if (!record->crossing_count)
        return;
    snprintf(line, sizeof line, "crossings (%s)", caption);
    fputc('\n', out);
    kvr_put_wrapped(out, line, width);
    for (size_t i = 0; i < record->crossing_count; i++)
        if (evidence || record->crossings[i].reached)
            put_series(out, record, i, evidence, width);
    if (left_out) {
        snprintf(line, sizeof line, "%zu of %zu not reached (kvroof show says which)", left_out,
                 record->crossing_count);
        kvr_put_wrapped(out, line, width);
    }
}

/* ---- Markdown ---- */

void kvr_put_markdown_crossings(FILE *out, const struct kvr_run_record *record)
{
    size_t left_out = not_reached(record);
    if (!record->crossing_count)
        return;
    fprintf(out, "\n### crossings (%s)\n\n", caption);
    if (left_out < record->crossing_count)
        fputs("| what | series | at | 95 % interval | flagged | why |\n"
              "| --- | --- | ---: | --- | --- | --- |\n", out);
    for (size_t i = 0; i < record->crossing_count; i++) {
        const struct kvr_crossing *c = &record->crossings[i];
        char label[64], series[sizeof c->series], at[32], interval[PLACE_BYTES];
        char axis[sizeof c->axis], what[sizeof label + sizeof axis + 8];
        if (!c->reached)
            continue;
        label_text(c, label, sizeof label);
        axis_text(c, axis, sizeof axis);
        snprintf(what, sizeof what, "%s over %s", label, axis);
        value_text(c, c->at, at, sizeof at);
        interval_text(c, interval, sizeof interval);
        fputc('|', out);
        kvr_put_cell(out, what);
        fputc(' ', out);
        kvr_clean_text(series, sizeof series, c->series);
        kvr_put_code(out, series);
        fputs(" |", out);
        kvr_put_cell(out, at);
        kvr_put_cell(out, interval);
        kvr_put_cell(out, c->flagged ? "flagged" : "");
        kvr_put_cell(out, c->why);
        fputc('\n', out);
    }
    if (left_out)
        fprintf(out, "%s%zu of %zu not reached.\n",
                left_out < record->crossing_count ? "\n" : "", left_out, record->crossing_count);
}
