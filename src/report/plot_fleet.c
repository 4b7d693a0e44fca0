/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The matrix of a fleet: a row for a node, a column for a case, and how far each lies from the
 * median of its group. Of many nodes those that are furthest off.
 */
#include "plotdata.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fleet.h"
#include "plot_sheet.h"
#include "text.h"

enum { MOST_GROUPS = 4, MOST_NODES = 40, MOST_CASES = 24, NAME_BYTES = 24 };
#define LEAST_PERCENT 5. /* of the shades' range, to either side */
#define MOST_PERCENT 50.

struct row { size_t node; double furthest; };

static int by_distance(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->furthest > y->furthest || x->furthest < y->furthest)
        return x->furthest < y->furthest ? 1 : -1;
    return (x->node > y->node) - (x->node < y->node);
}

/* Rows by their largest |z|, or by their largest ratio where there is no z. */
static void order(const struct kvr_fleet_group *g, struct row *rows)
{
    for (size_t i = 0; i < g->node_count; i++) {
        rows[i] = (struct row){i, 0};
        for (size_t c = 0; c < g->case_count; c++) {
            const struct kvr_fleet_cell *cell = kvr_fleet_cell_of(g, i, c);
            double far = fabs(isnan(cell->z) ? cell->log_ratio : cell->z);
            rows[i].furthest = fmax(rows[i].furthest, far);
        }
    }
    qsort(rows, g->node_count, sizeof *rows, by_distance);
}

static void put(FILE *out, const char *kind, size_t panel, const char *name, double x, double y)
{
    kvr_sheet_row(out, &(struct kvr_row){.kind = kind, .panel = panel, .name = name, .x = x, .y = y,
                  .low = NAN, .high = NAN});
}

static void put_cells(FILE *out, const struct kvr_fleet_group *g, size_t panel, size_t node,
                      double y)
{
    for (size_t c = 0; c < g->case_count && c < MOST_CASES; c++) {
        const struct kvr_fleet_cell *cell = kvr_fleet_cell_of(g, node, c);
        double percent = kvr_six_digits(100 * expm1(cell->log_ratio));
        char text[24];
        if (!isfinite(percent))
            continue;
        snprintf(text, sizeof text, "%+.0f", percent);
        kvr_sheet_row(out, &(struct kvr_row){.kind = "cell", .panel = panel, .name = text,
                      .x = (double)c, .y = y, .low = fmax(fmin(percent, MOST_PERCENT),
                      -MOST_PERCENT), .high = NAN, .flagged = cell->named});
    }
}

static double range_of(const struct kvr_fleet *f)
{
    double range = LEAST_PERCENT;
    for (size_t i = 0; i < f->group_count && i < MOST_GROUPS; i++) {
        const struct kvr_fleet_group *g = &f->groups[i];
        for (size_t k = 0; k < g->node_count * g->case_count; k++)
            if (isfinite(g->cells[k].log_ratio))
                range = fmax(range, 100 * fabs(expm1(g->cells[k].log_ratio)));
    }
    return kvr_six_digits(fmin(range, MOST_PERCENT));
}

static void put_key(FILE *out, const struct kvr_fleet_group *g, size_t panel)
{
    char text[KVR_SERIES_BYTES];
    for (size_t c = 0; c < g->case_count && c < MOST_CASES; c++) {
        snprintf(text, sizeof text, "%zu", c + 1);
        put(out, "column", panel, text, (double)c, NAN);
        snprintf(text, sizeof text, "group %zu, %zu: %.190s", panel, c + 1, g->cases[c].name);
        put(out, "key", panel, text, NAN, NAN);
    }
    if (g->case_count > MOST_CASES) {
        snprintf(text, sizeof text, "group %zu: and %zu more cases that have no room here", panel,
                 g->case_count - MOST_CASES);
        put(out, "key", panel, text, NAN, NAN);
    }
}

static int put_group(FILE *out, const struct kvr_fleet *f, size_t index, double range)
{
    const struct kvr_fleet_group *g = &f->groups[index];
    size_t shown = g->node_count < MOST_NODES ? g->node_count : MOST_NODES;
    size_t columns = g->case_count < MOST_CASES ? g->case_count : MOST_CASES;
    struct row *rows = calloc(g->node_count, sizeof *rows);
    char text[KVR_SERIES_BYTES], cut[NAME_BYTES];
    if (!rows)
        return -ENOMEM;
    order(g, rows);
    snprintf(text, sizeof text, "group %zu: %zu nodes%s, %zu named, %.63s", index + 1,
             g->node_count, shown < g->node_count ? ", the furthest" : "", g->named,
             g->first->machine.isa.name);
    kvr_sheet_row(out, &(struct kvr_row){.kind = "panel", .panel = index + 1, .name = text,
                  .x = (double)columns, .y = (double)shown, .low = -range, .high = range});
    for (size_t i = 0; i < shown; i++) {
        kvr_utf8_copy(cut, sizeof cut, g->nodes[rows[i].node].name);
        put(out, "node", index + 1, cut, NAN, (double)i);
        put_cells(out, g, index + 1, rows[i].node, (double)i);
    }
    put_key(out, g, index + 1);
    free(rows);
    return 0;
}

static int put_sheet(FILE *out, const struct kvr_fleet *f)
{
    char text[160];
    size_t drawn = f->group_count < MOST_GROUPS ? f->group_count : MOST_GROUPS;
    double range = range_of(f);
    int rc = 0;
    fputs("# kind\tpanel\tseries\tname\tx\ty\tlow\thigh\tflagged\n", out);
    for (size_t i = 0; !rc && i < drawn; i++)
        rc = put_group(out, f, i, range);
    if (drawn < f->group_count) {
        snprintf(text, sizeof text, "and %zu smaller groups that are not drawn",
                 f->group_count - drawn);
        put(out, "key", 0, text, NAN, NAN);
    }
    return rc;
}

int kvr_plot_fleet(FILE *out, const struct kvr_drawn *of)
{
    const struct kvr_fleet *fleet = of->fleet;
    if (!fleet || !fleet->group_count || fleet->groups[0].node_count < 2 ||
        !fleet->groups[0].case_count)
        return -ENODATA;
    struct kvr_numeric numeric = kvr_numeric_c();
    errno = 0;
    int rc = put_sheet(out, fleet);
    if (!rc)
        rc = kvr_sheet_end(out);
    kvr_numeric_restore(numeric);
    return rc;
}
