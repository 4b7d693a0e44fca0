/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The NUMA matrix as a map: a row for the cores of a node, a column for the memory of one.
 */
#include "plotdata.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot_sheet.h"
#include "text.h"

enum { CELL_PIXELS = 76, LEAST_PIXELS = 230, MOST_PIXELS = 620, DIGITS = 3 };

/* Nodes in the order in which they appear. */
struct axis {
    uint32_t nodes[KVR_MAX_NODES];
    size_t count;
};

struct numa {
    struct kvr_sheet sheet;
    size_t panels;
};

enum figure { LOAD, LATENCY, FIGURES };

static double figure_of(const struct kvr_numa_cell *c, enum figure figure)
{
    return figure == LOAD ? c->gb_per_s : c->latency_ns;
}

static size_t place_on(struct axis *axis, uint32_t node)
{
    size_t i = 0;
    while (i < axis->count && axis->nodes[i] != node)
        i++;
    if (i == axis->count && axis->count < KVR_MAX_NODES)
        axis->nodes[axis->count++] = node;
    return i;
}

static bool has_figure(const struct kvr_run_record *record, enum figure figure)
{
    for (size_t i = 0; i < record->numa_cell_count; i++)
        if (isfinite(figure_of(&record->numa_matrix[i], figure)))
            return true;
    return false;
}

static void put_axis(const struct numa *n, const char *kind, const char *what,
                     const struct axis *axis)
{
    for (size_t i = 0; i < axis->count; i++) {
        char name[40];
        snprintf(name, sizeof name, "%s %" PRIu32, what, axis->nodes[i]);
        kvr_sheet_row(n->sheet.out, &(struct kvr_row){.kind = kind, .panel = n->panels,
                      .name = name, .x = (double)i, .y = NAN, .low = NAN, .high = NAN});
    }
}

static void put_panel(struct numa *n, size_t index, enum figure figure)
{
    const struct kvr_run_record *record = &n->sheet.records[index];
    struct axis cores = {.count = 0}, memories = {.count = 0};
    double least = INFINITY, most = 0;
    char title[80];
    for (size_t i = 0; i < record->numa_cell_count; i++) {
        const struct kvr_numa_cell *c = &record->numa_matrix[i];
        place_on(&cores, c->cpu_node);
        place_on(&memories, c->mem_node);
        least = fmin(least, figure_of(c, figure));
        most = fmax(most, figure_of(c, figure));
    }
    kvr_sheet_ordinal(&n->sheet, index, title, sizeof title);
    size_t used = strlen(title);
    snprintf(title + used, sizeof title - used, "%s",
             figure == LOAD ? "load of a node's cores (GB/s)" : "latency of one core (ns)");
    n->panels++;
    kvr_sheet_row(n->sheet.out, &(struct kvr_row){.kind = "panel", .panel = n->panels,
                  .name = title, .x = (double)memories.count, .y = (double)cores.count,
                  .low = least < most ? least : 0, .high = most});
    put_axis(n, "memory", "memory", &memories);
    put_axis(n, "cores", "cores", &cores);
    for (size_t i = 0; i < record->numa_cell_count; i++) {
        const struct kvr_numa_cell *c = &record->numa_matrix[i];
        double value = figure_of(c, figure);
        char text[24];
        if (!isfinite(value))
            continue;
        kvr_figure_text(value, DIGITS, text, sizeof text);
        kvr_sheet_row(n->sheet.out, &(struct kvr_row){.kind = "cell", .panel = n->panels,
                      .name = text, .x = (double)place_on(&memories, c->mem_node),
                      .y = (double)place_on(&cores, c->cpu_node), .low = value, .high = NAN,
                      .flagged = c->placed_fraction < 1});
    }
}

/* Panels are as large as the largest matrix needs. */
static void put_size(const struct numa *n, size_t panels)
{
    size_t width = 1, height = 1;
    for (size_t r = 0; r < n->sheet.count; r++) {
        struct axis cores = {.count = 0}, memories = {.count = 0};
        for (size_t i = 0; i < n->sheet.records[r].numa_cell_count; i++) {
            place_on(&cores, n->sheet.records[r].numa_matrix[i].cpu_node);
            place_on(&memories, n->sheet.records[r].numa_matrix[i].mem_node);
        }
        width = memories.count > width ? memories.count : width;
        height = cores.count > height ? cores.count : height;
    }
    kvr_sheet_row(n->sheet.out, &(struct kvr_row){.kind = "size", .panel = panels,
                  .x = fmin(fmax((double)(CELL_PIXELS * width), LEAST_PIXELS), MOST_PIXELS),
                  .y = fmin(fmax((double)(CELL_PIXELS * height), LEAST_PIXELS), MOST_PIXELS),
                  .low = NAN, .high = NAN});
}

int kvr_plot_numa(FILE *out, const struct kvr_drawn *of)
{
    struct numa n = {.sheet = kvr_sheet_of(out, of->records, of->count)};
    size_t panels = 0;
    for (size_t r = 0; r < n.sheet.count; r++)
        for (enum figure f = 0; f < FIGURES; f++)
            panels += has_figure(&of->records[r], f);
    if (!panels)
        return -ENODATA;
    struct kvr_numeric numeric = kvr_numeric_c();
    errno = 0;
    kvr_sheet_header(&n.sheet);
    put_size(&n, panels);
    for (size_t r = 0; r < n.sheet.count; r++)
        for (enum figure f = 0; f < FIGURES; f++)
            if (has_figure(&of->records[r], f))
                put_panel(&n, r, f);
    int rc = kvr_sheet_end(out);
    kvr_numeric_restore(numeric);
    return rc;
}
