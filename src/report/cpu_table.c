/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cpu_table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "text.h"

enum { CASE, MACHINE, NS, AGAINST, ROOF, ROOF_KIND, BALANCE, BOUND, SPEEDUP, COST, FLAGS, COLUMNS };
static const struct kvr_cell_column columns[COLUMNS] = {
    [CASE] = {"case", "case", true},
    [MACHINE] = {"machine", "machine", true},
    [NS] = {"ns/key", "ns_per_key", false},
    [AGAINST] = {"against base", "ratio_to_base", false},
    [ROOF] = {"% of own roof", "percent_of_roof", false},
    [ROOF_KIND] = {"roof", "roof", true},
    [BALANCE] = {"B", "balance", false},
    [BOUND] = {"bound", "bound", true},
    [SPEEDUP] = {"x own FP16", "speedup_vs_fp16", false},
    [COST] = {"cost of 10^9 keys", "cost_per_1e9_keys", false},
    [FLAGS] = {"flags", "flags", true},
};
const char *const kvr_cpu_orders[] = {"case", "machine", "ns", "ratio", "roof", "balance", "bound",
                                      "speedup", "cost", NULL};
static const int order_columns[] = {CASE, MACHINE, NS, AGAINST, ROOF, BALANCE, BOUND, SPEEDUP,
                                    COST};

double kvr_cost_of(const struct kvr_run_record *record)
{
    static const char key[] = "cost=";
    struct kvr_numeric numeric = kvr_numeric_c();
    double cost = NAN;
    for (size_t i = 0; record->tags && record->tags[i]; i++) {
        char *end;
        const char *text = record->tags[i];
        if (strncmp(text, key, sizeof key - 1))
            continue;
        text += sizeof key - 1;
        double value = strtod(text, &end);
        cost = end > text && !*end && isfinite(value) && value > 0 ? value : NAN;
    }
    kvr_numeric_restore(numeric);
    return cost;
}

static bool emulated(const struct kvr_run_record *record)
{
    for (size_t i = 0; i < record->checks.count; i++)
        if (!strcmp(record->checks.items[i].id, "emulation") &&
            record->checks.items[i].status == KVR_CHECK_WARN)
            return true;
    return false;
}

static void machine_text(const struct kvr_run_record *record, const char *name, char *text)
{
    char line[KVR_CELL_BYTES];
    snprintf(line, sizeof line, "%.60s%s%.60s%s (%.60s)",
             record->machine.isa.name[0] ? record->machine.isa.name : "unnamed CPU",
             record->label[0] ? ", " : "", record->label, emulated(record) ? ", emulated" : "",
             name);
    kvr_clean_text(text, KVR_CELL_BYTES, line);
}

/* Equal but for the instruction set, "@avx2/": each machine has the kernel that suits it. */
static bool same_work(const char *a, const char *b)
{
    size_t n = strcspn(a, "@");
    return n == strcspn(b, "@") && !strncmp(a, b, n) &&
           !strcmp(a + strcspn(a, "/"), b + strcspn(b, "/"));
}

static double base_ns(const struct kvr_run_record *base, const char *name)
{
    const struct kvr_result *alike = NULL;
    for (size_t i = 0; i < base->result_count; i++) {
        const struct kvr_result *r = &base->results[i];
        if (r->measured && !strcmp(r->name, name))
            return r->result.ns_per_key;
        if (r->measured && !alike && same_work(r->name, name))
            alike = r;
    }
    return alike ? alike->result.ns_per_key : NAN;
}

static void fill_row(const struct kvr_cells *cells, size_t row, const struct kvr_result *r,
                     const struct kvr_run_record *record, const struct kvr_run_record *base)
{
    const struct kvr_op_result *x = &r->result;
    double seconds = x->ns_per_key * r->threads; /* of cores, for 10^9 keys */
    const double numbers[COLUMNS] = {[NS] = x->ns_per_key,
                                     [AGAINST] = x->ns_per_key / base_ns(base, r->name),
                                     [ROOF] = x->percent_of_roof, [BALANCE] = r->verdict.balance,
                                     [SPEEDUP] = x->speedup_vs_fp16,
                                     [COST] = kvr_cost_of(record) * seconds};
    for (size_t i = 0; i < COLUMNS; i++)
        if (!columns[i].text && numbers[i] > 0)
            kvr_figure_text(numbers[i], 4, kvr_cell(cells, row, i), KVR_CELL_BYTES);
    kvr_clean_text(kvr_cell(cells, row, CASE), KVR_CELL_BYTES, r->name);
    kvr_clean_text(kvr_cell(cells, row, ROOF_KIND), KVR_CELL_BYTES, x->roof);
    if (r->verdict.side[0])
        kvr_clean_text(kvr_cell(cells, row, BOUND), KVR_CELL_BYTES, r->verdict.bound);
    for (size_t i = 0; i < KVR_MAX_FLAGS && r->flags[i][0]; i++) {
        char *flags = kvr_cell(cells, row, FLAGS);
        size_t used = strlen(flags);
        snprintf(flags + used, KVR_CELL_BYTES - used, "%s%s", used ? " " : "", r->flags[i]);
    }
}

/* qsort has no context. */
static _Thread_local int sort_column;

static int compare_rows(const void *a, const void *b)
{
    const char (*x)[KVR_CELL_BYTES] = a, (*y)[KVR_CELL_BYTES] = b;
    const char *u = x[sort_column], *v = y[sort_column];
    int order = 0;
    if (columns[sort_column].text) {
        order = strcmp(u, v);
    } else {
        double p = *u ? strtod(u, NULL) : INFINITY, q = *v ? strtod(v, NULL) : INFINITY;
        order = (p > q) - (p < q); /* what was not measured comes last */
    }
    if (!order)
        order = strcmp(x[CASE], y[CASE]);
    return order ? order : strcmp(x[MACHINE], y[MACHINE]);
}

int kvr_write_cpu_table(FILE *out, enum kvr_output_format format,
                        const struct kvr_run_record *results, const char *const *names,
                        size_t count, const char *order,
                        bool (*wanted)(const char *name, const void *context),
                        const void *context)
{
    struct kvr_numeric numeric = kvr_numeric_c();
    struct kvr_cells cells = {columns, COLUMNS, 0, NULL};
    size_t rows = 0;
    for (size_t i = 0; i < count; i++)
        rows += results[i].result_count;
    cells.cells = calloc(rows * COLUMNS + 1, sizeof *cells.cells);
    int rc = cells.cells ? 0 : -ENOMEM;
    for (size_t i = 0; !rc && i < count; i++)
        for (size_t k = 0; k < results[i].result_count; k++) {
            const struct kvr_result *r = &results[i].results[k];
            if (!r->measured || (wanted && !wanted(r->name, context)))
                continue;
            fill_row(&cells, cells.rows, r, &results[i], &results[0]);
            machine_text(&results[i], names[i], kvr_cell(&cells, cells.rows++, MACHINE));
        }
    sort_column = CASE;
    for (size_t i = 0; kvr_cpu_orders[i]; i++)
        if (!strcmp(order, kvr_cpu_orders[i]))
            sort_column = order_columns[i];
    if (!rc) {
        qsort(cells.cells, cells.rows, COLUMNS * sizeof *cells.cells, compare_rows);
        rc = kvr_put_cells(out, format, &cells);
    }
    free(cells.cells);
    kvr_numeric_restore(numeric);
    if (!rc && (fflush(out) || ferror(out)))
        rc = errno ? -errno : -EIO;
    return rc;
}
