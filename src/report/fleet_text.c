/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A fleet as a table, Markdown or CSV: each group's cases, then a sentence for each outlier.
 */
#include "fleet.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "cells.h"
#include "table.h"
#include "text.h"

enum { NODES, MEDIAN, SPREAD, SLOWEST, BY, CASE, COLUMNS };
static const struct kvr_cell_column columns[COLUMNS] = {
    [NODES] = {"nodes", "", false},     [MEDIAN] = {"median ns/key", "", false},
    [SPREAD] = {"spread", "", false},   [SLOWEST] = {"slowest node", "", true},
    [BY] = {"by", "", false},           [CASE] = {"case", "", true},
};

static void percent(double log_ratio, char *text, size_t bytes)
{
    snprintf(text, bytes, "%+.1f %%", 100 * expm1(log_ratio));
}

static size_t slowest_of(const struct kvr_fleet_group *g, size_t c)
{
    size_t slowest = 0;
    double most = -INFINITY;
    for (size_t i = 0; i < g->node_count; i++)
        if (kvr_fleet_cell_of(g, i, c)->log_ratio > most) {
            most = kvr_fleet_cell_of(g, i, c)->log_ratio;
            slowest = i;
        }
    return slowest;
}

static void fill_row(const struct kvr_cells *cells, size_t c, const void *group)
{
    const struct kvr_fleet_group *g = group;
    const struct kvr_fleet_case *k = &g->cases[c];
    size_t slowest = slowest_of(g, c);
    snprintf(kvr_cell(cells, c, NODES), KVR_CELL_BYTES, "%zu", k->nodes);
    kvr_figure_text(k->median_ns, 4, kvr_cell(cells, c, MEDIAN), KVR_CELL_BYTES);
    if (isfinite(k->spread))
        snprintf(kvr_cell(cells, c, SPREAD), KVR_CELL_BYTES, "%.1f %%", 100 * k->spread);
    if (k->nodes > 1) {
        kvr_clean_text(kvr_cell(cells, c, SLOWEST), KVR_CELL_BYTES, g->nodes[slowest].name);
        percent(kvr_fleet_cell_of(g, slowest, c)->log_ratio, kvr_cell(cells, c, BY),
                KVR_CELL_BYTES);
    }
    kvr_clean_text(kvr_cell(cells, c, CASE), KVR_CELL_BYTES, k->name);
}

void kvr_fleet_sentence(const struct kvr_fleet_group *g, size_t node, char *text, size_t bytes)
{
    const struct kvr_fleet_node *n = &g->nodes[node];
    const struct kvr_fleet_cell *far = kvr_fleet_cell_of(g, node, n->furthest);
    char line[600], at[40];
    percent(far->log_ratio, at, sizeof at);
    int used = snprintf(line, sizeof line, "%s reads %.1f %% %s in %zu of %zu cases", n->name,
                        100 * fabs(expm1(n->log_ratio)), n->log_ratio > 0 ? "slower" : "faster",
                        n->log_ratio > 0 ? n->slower : n->faster, n->cases);
    if (n->slower && n->faster)
        used += snprintf(line + used, sizeof line - (size_t)used, " and %s in %zu",
                         n->log_ratio > 0 ? "faster" : "slower",
                         n->log_ratio > 0 ? n->faster : n->slower);
    snprintf(line + used, sizeof line - (size_t)used, "; furthest: %s %s (z %.1f)",
             g->cases[n->furthest].name, at, far->z);
    kvr_clean_text(text, bytes, line);
}

static void put_sentences(FILE *out, const struct kvr_fleet *f, const struct kvr_fleet_group *g,
                          const char *bullet, int width)
{
    char text[700], line[800];
    for (size_t i = 0; i < g->node_count; i++) {
        if (!g->nodes[i].slower && !g->nodes[i].faster)
            continue;
        kvr_fleet_sentence(g, i, text, sizeof text);
        snprintf(line, sizeof line, "%soutlier: %s", bullet, text);
        kvr_put_wrapped(out, line, width);
    }
    if (g->node_count < KVR_FLEET_LEAST_NODES)
        snprintf(line, sizeof line, "%sno outlier can be named: %zu node%s of this fingerprint, "
                 "and fewer than %d do not tell what is usual", bullet, g->node_count,
                 g->node_count == 1 ? "" : "s", KVR_FLEET_LEAST_NODES);
    else
        snprintf(line, sizeof line, "%s%zu of %zu nodes named: a robust z-score (median, MAD) that "
                 "5 %% of fleets without a bad node show anywhere, and a difference of %.3g %% or "
                 "more", bullet, g->named, g->node_count, 100 * f->threshold);
    kvr_put_wrapped(out, line, width);
}

static int put_group(FILE *out, enum kvr_output_format format, const struct kvr_fleet *f,
                     size_t index, int width)
{
    const struct kvr_fleet_group *g = &f->groups[index];
    char line[500], clean[500];
    const struct kvr_cells table = {columns, COLUMNS, g->case_count, NULL};
    snprintf(line, sizeof line, "%sgroup %zu of %zu: %zu node%s, %s, fingerprint %s",
             format == KVR_OUT_MD ? "### " : "", index + 1, f->group_count, g->node_count,
             g->node_count == 1 ? "" : "s",
             g->first->machine.isa.name[0] ? g->first->machine.isa.name : "unknown CPU",
             g->first->machine.fingerprint[0] ? g->first->machine.fingerprint : "unknown");
    kvr_clean_text(clean, sizeof clean, line);
    kvr_put_wrapped(out, clean, format == KVR_OUT_MD ? 0 : width);
    fputc('\n', out);
    int rc = g->case_count ? kvr_put_filled(out, format, &table, fill_row, g) : 0;
    fputc('\n', out);
    put_sentences(out, f, g, format == KVR_OUT_MD ? "- " : "", width);
    return rc;
}

static void put_missing(FILE *out, const struct kvr_fleet *f, const char *bullet, int width)
{
    char line[600], clean[600];
    for (size_t i = 0; i < f->missing_count; i++) {
        snprintf(line, sizeof line, "%smissing: %s", bullet, f->missing[i]);
        kvr_clean_text(clean, sizeof clean, line);
        kvr_put_wrapped(out, clean, width);
    }
}

static void csv_number(FILE *out, double value)
{
    char text[64];
    kvr_exact_text(value, text, sizeof text);
    fprintf(out, ",%s", text);
}

static void put_csv_row(FILE *out, const struct kvr_fleet_group *g, size_t node, size_t c)
{
    const struct kvr_fleet_cell *cell = kvr_fleet_cell_of(g, node, c);
    const char *const texts[] = {g->first->machine.fingerprint, g->nodes[node].name,
                                 g->cases[c].name};
    if (isnan(cell->log_ns))
        return;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (i)
            fputc(',', out);
        kvr_put_csv(out, texts[i]);
    }
    csv_number(out, exp(cell->log_ns));
    csv_number(out, exp(cell->log_ratio));
    csv_number(out, cell->z);
    fprintf(out, ",%d\r\n", cell->named);
}

static void put_csv(FILE *out, const struct kvr_fleet *f)
{
    fputs("fingerprint,node,case,ns_per_key [ns],ratio_to_median,z,outlier\r\n", out);
    for (size_t i = 0; i < f->group_count; i++)
        for (size_t n = 0; n < f->groups[i].node_count; n++)
            for (size_t c = 0; c < f->groups[i].case_count; c++)
                put_csv_row(out, &f->groups[i], n, c);
}

static int put_text(FILE *out, enum kvr_output_format format, const struct kvr_fleet *f, int width)
{
    int rc = 0;
    if (format == KVR_OUT_MD)
        fputs("## kvroof fleet\n\n", out);
    for (size_t i = 0; !rc && i < f->group_count; i++) {
        if (i)
            fputc('\n', out);
        rc = put_group(out, format, f, i, width);
    }
    put_missing(out, f, format == KVR_OUT_MD ? "- " : "", width);
    return rc;
}

int kvr_write_fleet(FILE *out, enum kvr_output_format format, const struct kvr_fleet *f, int width)
{
    struct kvr_numeric numeric = kvr_numeric_c();
    int rc = 0;
    errno = 0;
    if (format == KVR_OUT_JSON)
        rc = kvr_put_fleet_json(out, f);
    else if (format == KVR_OUT_CSV)
        put_csv(out, f);
    else
        rc = put_text(out, format, f, width);
    kvr_numeric_restore(numeric);
    if (!rc && (fflush(out) || ferror(out)))
        rc = errno ? -errno : -EIO;
    return rc;
}
