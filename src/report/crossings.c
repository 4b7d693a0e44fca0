/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Crossings as text: where a ratio passes 1 over an axis, a line each.
 */
#include <math.h>
#include <string.h>

#include "table.h"
#include "text.h"

enum { PLACE_BYTES = 80 };

static const char caption[] = "interpolated between neighbouring cases, log over log";

/* "B = 1", and the axis as it is said. */
static void label_text(const struct kvr_crossing *c, char *text, size_t bytes)
{
    static const char *const labels[][2] = {{"balance-1", "B = 1"},
                                            {"prepare-equals-scan", "prepare = scan"},
                                            {"faster-than-fp16", "as fast as FP16"}};
    char what[sizeof c->what], axis[sizeof c->axis];
    kvr_clean_text(what, sizeof what, c->what);
    kvr_clean_text(axis, sizeof axis, c->axis);
    for (char *at = strchr(axis, '_'); at; at = strchr(at, '_'))
        *at = ' ';
    const char *label = what;
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (!strcmp(what, labels[i][0]))
            label = labels[i][1];
    snprintf(text, bytes, "%s over %s", label, axis);
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
    char label[64], series[sizeof c->series], at[32], interval[PLACE_BYTES], why[sizeof c->why];
    char line[sizeof label + sizeof series + sizeof interval + sizeof why + 64];
    label_text(c, label, sizeof label);
    kvr_clean_text(series, sizeof series, c->series);
    kvr_clean_text(why, sizeof why, c->why);
    value_text(c, c->at, at, sizeof at);
    interval_text(c, interval, sizeof interval);
    if (c->reached)
        snprintf(line, sizeof line, "%s: %s at %s%s%s%s%s%s", label, series, at,
                 *interval ? " " : "", interval, c->flagged ? " (flagged)" : "",
                 *why ? ": " : "", why);
    else
        snprintf(line, sizeof line, "%s: %s not reached%s%s%s", label, series,
                 c->flagged ? " (flagged)" : "", *why ? ": " : "", why);
    kvr_put_wrapped(out, line, width);
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
            put_crossing(out, &record->crossings[i], width);
    if (left_out) {
        snprintf(line, sizeof line, "not reached in %zu series (kvroof show says which)", left_out);
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
        if (!c->reached)
            continue;
        label_text(c, label, sizeof label);
        value_text(c, c->at, at, sizeof at);
        interval_text(c, interval, sizeof interval);
        fputc('|', out);
        kvr_put_cell(out, label);
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
        fprintf(out, "%sNot reached in %zu series.\n",
                left_out < record->crossing_count ? "\n" : "", left_out);
}
