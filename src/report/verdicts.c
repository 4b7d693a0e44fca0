/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Verdicts as lines of text: side, how much of the bound is attained, what the rest goes to, the
 * balance with its interval, the shift against FP16; on request the evidence below each.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "setting.h"
#include "table.h"
#include "text.h"

enum { CELLS = 3 };

bool kvr_has_verdict(const struct kvr_result *r)
{
    return r->measured && r->verdict.side[0];
}

struct kvr_name_parts kvr_name_parts_of(const struct kvr_run_record *record)
{
    struct kvr_name_parts parts = {false, false};
    const struct kvr_result *first = NULL;
    uint32_t entries = 0;
    for (size_t i = 0; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        if (!kvr_has_verdict(r))
            continue;
        first = first ? first : r;
        entries = entries ? entries : r->entries;
        parts.op |= strcmp(r->op, first->op) != 0;
        parts.entries |= r->entries && r->entries != entries;
    }
    return parts;
}

/* "lookat.u8@avx512vbmi d64 m4 n512 DRAM heads 1t step, batch 8" */
static void name_text(const struct kvr_result *r, struct kvr_name_parts parts, char *text,
                      size_t bytes)
{
    char kernel[64], tables[32] = "", level[sizeof r->level], layout[sizeof r->layout];
    char op[sizeof r->op], setting[200];
    kvr_kernel_text(r, kernel, sizeof kernel);
    kvr_clean_text(level, sizeof level, r->level);
    kvr_clean_text(layout, sizeof layout, r->layout);
    kvr_clean_text(op, sizeof op, parts.op ? r->op : "");
    kvr_setting_text(r, setting, sizeof setting);
    if (r->subspaces && parts.entries)
        snprintf(tables, sizeof tables, " m%u K%u", r->subspaces, r->entries);
    else if (r->subspaces)
        snprintf(tables, sizeof tables, " m%u", r->subspaces);
    snprintf(text, bytes, "%s d%u%s n%u %s %s %ut%s%s%s", kernel, r->head_dim, tables, r->tokens,
             level, layout, r->threads, *op ? " " : "", op, setting);
}

/* "memory side, 54 % attained: latency (short-stream)" */
static void phrase_text(const struct kvr_verdict_record *v, char *text, size_t bytes)
{
    bool undecided = !strcmp(v->side, "undecided");
    const char *detail = v->resource[0] ? v->resource : v->cause;
    char figure[20], attained[40] = "", more[32] = "";
    kvr_figure_text(100 * v->attained, v->attained < 1 ? 2 : 3, figure, sizeof figure);
    if (figure[0])
        snprintf(attained, sizeof attained, ", %s %% attained", figure);
    if (detail[0])
        snprintf(more, sizeof more, " (%.24s)", detail);
    int n = undecided ? snprintf(text, bytes, "side undecided")
                      : snprintf(text, bytes, "%s side", v->side);
    if (n > 0 && (size_t)n < bytes)
        snprintf(text + n, bytes - (size_t)n, "%s: %s%s", attained, v->bound, more);
}

static void balance_text(const struct kvr_verdict_record *v, char *text, size_t bytes)
{
    char median[16], low[16], high[16], interval[40] = "";
    kvr_figure_text(v->balance, 3, median, sizeof median);
    kvr_figure_text(v->balance_ci95[0], 3, low, sizeof low);
    kvr_figure_text(v->balance_ci95[1], 3, high, sizeof high);
    if (low[0])
        snprintf(interval, sizeof interval, " [%s, %s]", low, high);
    snprintf(text, bytes, "B %s%s", median, interval);
}

const char *kvr_shift_direction(const struct kvr_verdict_record *v)
{
    return v->shift_ln_b > 0 ? "towards the core side" : "towards the memory side";
}

/* "moved towards the core side: B x2.23 of fp16's", or why that is not known. */
static void shift_text(const struct kvr_result *r, char *text, size_t bytes)
{
    const struct kvr_verdict_record *v = &r->verdict;
    const char *why = kvr_result_why(r, "shift");
    char factor[16], raw[240];
    bool moved = !strcmp(v->shift_says, "moved");
    *raw = 0;
    kvr_figure_text(exp(v->shift_ln_b), 3, factor, sizeof factor);
    if (v->shift_says[0])
        snprintf(raw, sizeof raw, "%s%s%s%s: B x%s of %s's",
                 strcmp(v->shift_says, "none") ? "" : "shift ", v->shift_says, moved ? " " : "",
                 moved ? kvr_shift_direction(v) : "", factor, v->shift_vs);
    else if (why)
        snprintf(raw, sizeof raw, "shift not known: %s", why);
    kvr_clean_text(text, bytes, raw);
}

/* "; witness concurrency falls (.98 [.96, 1.01])" */
static void put_witness(const struct kvr_witness_record *w, char *text, size_t bytes)
{
    char value[16], low[16], high[16], interval[40] = "";
    kvr_figure_text(w->value, 3, value, sizeof value);
    kvr_figure_text(w->ci95[0], 3, low, sizeof low);
    kvr_figure_text(w->ci95[1], 3, high, sizeof high);
    if (low[0] && high[0])
        snprintf(interval, sizeof interval, " [%s, %s]", low, high);
    snprintf(text, bytes, "; %s %s (%s%s)", w->id, w->says, value, interval);
}

/* "; prepare T 7.3 M 4.5 C 1.6 (memory); scan ..." of an op with several phases. */
static void put_phases(FILE *out, const struct kvr_result *r, int width)
{
    char line[640] = "- ";
    size_t n = 2;
    for (int p = 0; p < KVR_PHASES; p++) {
        const struct kvr_phase_record *x = &r->verdict.phases[p];
        char t[16], m[16], c[16];
        if (!x->bound[0])
            continue;
        kvr_figure_text(x->t_ns, 3, t, sizeof t);
        kvr_figure_text(x->m_ns, 3, m, sizeof m);
        kvr_figure_text(x->c_ns, 3, c, sizeof c);
        n += (size_t)snprintf(line + n, sizeof line - n, "%s%s: T %s%s%s, C %s, %s",
                              n > 2 ? "; " : "", kvr_phase_names[p], t, *m ? ", M " : "", m, c,
                              x->bound);
        if (n >= sizeof line - 80)
            break;
    }
    kvr_put_wrapped(out, line, width);
}

/* Both ends of what a residual costs: the bytes a key rise to the second and fall to the first. */
static void put_key_bytes(FILE *out, const struct kvr_result *r, int width)
{
    char line[240], now[16], after[16], before[16];
    if (!r->residual)
        return;
    const uint32_t flushed = (r->tokens + r->residual - 1) / r->residual * r->residual;
    kvr_figure_text(r->key_bytes, 3, now, sizeof now);
    kvr_figure_text(r->key_bytes_after_flush, 3, after, sizeof after);
    kvr_figure_text(r->key_bytes_before_flush, 3, before, sizeof before);
    snprintf(line, sizeof line,
             "- bytes a key: %s at %u keys; %s just after %u FP16 keys were coded (%u keys in "
             "all), %s just before (%u)",
             now, r->tokens, after, r->residual, flushed, before, flushed - 1);
    kvr_put_wrapped(out, line, width);
}

void kvr_put_evidence(FILE *out, const struct kvr_result *r, int width)
{
    char line[1400], t[16], m[16], c[16], e[16], s[16], p[16], limit[96] = "", sure[64] = "";
    const struct kvr_verdict_record *v = &r->verdict;
    kvr_figure_text(r->result.ns_per_key, 4, t, sizeof t);
    kvr_figure_text(r->result.m_ns_per_key, 4, m, sizeof m);
    kvr_figure_text(r->result.c_ns_per_key, 4, c, sizeof c);
    kvr_figure_text(v->e_ns, 4, e, sizeof e);
    kvr_figure_text(v->s_ns, 4, s, sizeof s);
    kvr_figure_text(v->core_limit_ns, 3, p, sizeof p);
    if (p[0])
        snprintf(limit, sizeof limit, "; the fullest resource, %s, allows %s",
                 v->core_limit_resource, p);
    if (isfinite(v->confidence))
        snprintf(sure, sizeof sure, "; %s by sign test %.3f",
                 strcmp(v->bound, "undecided") ? "side and bound" : "side", v->confidence);
    int n = snprintf(line, sizeof line,
                     "- T %s, M %s, C %s ns/key over %zu round%s; between E %s and S %s%s%s", t,
                     m, c, r->round_count, r->round_count == 1 ? "" : "s", e, s, limit, sure);
    char flight[16], threads[16];
    kvr_figure_text(r->lines_in_flight, 2, flight, sizeof flight);
    kvr_figure_text(r->threads_to_node_roof, 2, threads, sizeof threads);
    if (flight[0] && n > 0)
        n += snprintf(line + n, sizeof line - (size_t)n, "; %s lines in flight", flight);
    if (threads[0] && n > 0)
        n += snprintf(line + n, sizeof line - (size_t)n, "; meets the node's roof at %s threads",
                      threads);
    for (size_t i = 0; i < v->witness_count && n > 0 && (size_t)n < sizeof line - 120; i++) {
        put_witness(&v->witnesses[i], line + n, sizeof line - (size_t)n);
        n = (int)strlen(line);
    }
    kvr_put_wrapped(out, line, width);
    if (r->round_count && r->rounds[0].e_ns > 0)
        put_phases(out, r, width);
    kvr_put_counters(out, r, width);
    put_key_bytes(out, r, width);
    snprintf(line, sizeof line, "- %s", v->why);
    if (v->why[0])
        kvr_put_wrapped(out, line, width);
}

void kvr_verdict_cells_of(const struct kvr_result *r, struct kvr_name_parts parts,
                          struct kvr_verdict_cells *cells)
{
    name_text(r, parts, cells->name, sizeof cells->name);
    phrase_text(&r->verdict, cells->phrase, sizeof cells->phrase);
    balance_text(&r->verdict, cells->balance, sizeof cells->balance);
    shift_text(r, cells->shift, sizeof cells->shift);
}

static void put_line(FILE *out, const struct kvr_verdict_cells *cells, const int widths[CELLS],
                     int width)
{
    char line[sizeof *cells + 16];
    const char *shift = cells->shift;
    int columns = widths[0] + widths[1] + widths[2] + 4 + (*shift ? 2 + (int)strlen(shift) : 0);
    if (width && columns > width) {
        snprintf(line, sizeof line, "%s: %s; %s%s%s", cells->name, cells->phrase, cells->balance,
                 *shift ? "; " : "", shift);
        kvr_put_wrapped(out, line, width);
        return;
    }
    fprintf(out, "%-*s  %-*s  %-*s%s%s\n", widths[0], cells->name, widths[1], cells->phrase,
            *shift ? widths[2] : 0, cells->balance, *shift ? "  " : "", shift);
}

void kvr_put_verdicts(FILE *out, const struct kvr_run_record *record, bool evidence, int width)
{
    struct kvr_name_parts parts = kvr_name_parts_of(record);
    struct kvr_verdict_cells cells;
    int widths[CELLS] = {0};
    for (size_t i = 0; i < record->result_count; i++) {
        if (!kvr_has_verdict(&record->results[i]))
            continue;
        kvr_verdict_cells_of(&record->results[i], parts, &cells);
        const char *const texts[CELLS] = {cells.name, cells.phrase, cells.balance};
        for (int c = 0; c < CELLS; c++)
            widths[c] = (int)strlen(texts[c]) > widths[c] ? (int)strlen(texts[c]) : widths[c];
    }
    if (!widths[0])
        return;
    fputs("\nverdicts (B: the core's own time over the memory's)\n", out);
    for (size_t i = 0; i < record->result_count; i++) {
        if (!kvr_has_verdict(&record->results[i]))
            continue;
        kvr_verdict_cells_of(&record->results[i], parts, &cells);
        put_line(out, &cells, widths, width);
        if (evidence)
            kvr_put_evidence(out, &record->results[i], width);
    }
}
