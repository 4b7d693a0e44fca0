/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The NUMA matrix as tables: a row for the cores of a node, a column for the memory of one.
 */
#include <inttypes.h>
#include <string.h>

#include "bench.h"
#include "list_rows.h"

struct matrix {
    const struct kvr_run_record *record;
    uint32_t rows[KVR_MAX_NODES], columns[KVR_MAX_NODES];
    size_t row_count, column_count;
};

enum figure { LOAD, LATENCY, DISTANCE };

static void add_node(uint32_t *nodes, size_t *count, uint32_t node)
{
    for (size_t i = 0; i < *count; i++)
        if (nodes[i] == node)
            return;
    if (*count < KVR_MAX_NODES)
        nodes[(*count)++] = node;
}

static const struct kvr_numa_cell *cell_of(const struct matrix *m, size_t row, size_t column)
{
    for (size_t i = 0; i < m->record->numa_cell_count; i++) {
        const struct kvr_numa_cell *c = &m->record->numa_matrix[i];
        if (c->cpu_node == m->rows[row] && c->mem_node == m->columns[column])
            return c;
    }
    return NULL;
}

static void add_figure(struct kvr_rows *rows, const struct kvr_numa_cell *c, enum figure figure)
{
    double value = !c ? 0 : figure == LOAD ? c->gb_per_s : figure == LATENCY ? c->latency_ns
                                                                            : c->distance;
    if (value > 0)
        kvr_rows_add(rows, "%.4g", value);
    else
        kvr_rows_add(rows, "%s", "");
}

static int print_figure(const struct matrix *m, enum figure figure, const char *title, FILE *out)
{
    struct kvr_list_column columns[2 + KVR_MAX_NODES] = {{"cores of node", KVR_LIST_NUMBER},
                                                         {"threads", KVR_LIST_NUMBER}};
    char headings[KVR_MAX_NODES][24];
    for (size_t c = 0; c < m->column_count; c++) {
        snprintf(headings[c], sizeof headings[c], "memory %" PRIu32, m->columns[c]);
        columns[2 + c] = (struct kvr_list_column){headings[c], KVR_LIST_NUMBER};
    }
    struct kvr_rows rows = {.columns = columns, .column_count = 2 + m->column_count};
    for (size_t r = 0; r < m->row_count; r++) {
        const struct kvr_numa_cell *any = NULL;
        for (size_t c = 0; c < m->column_count && !any; c++)
            any = cell_of(m, r, c);
        kvr_rows_add(&rows, "%" PRIu32, m->rows[r]);
        kvr_rows_add(&rows, "%" PRIu32, figure == LOAD && any ? any->threads : 1);
        for (size_t c = 0; c < m->column_count; c++)
            add_figure(&rows, cell_of(m, r, c), figure);
    }
    fprintf(out, "%s\n", title);
    int rc = kvr_rows_table(&rows, out);
    fputc('\n', out);
    kvr_rows_free(&rows);
    return rc;
}

int kvr_numa_print(const struct kvr_run_record *record, FILE *out)
{
    struct matrix m = {.record = record};
    bool distances = false;
    for (size_t i = 0; i < record->numa_cell_count; i++) {
        add_node(m.rows, &m.row_count, record->numa_matrix[i].cpu_node);
        add_node(m.columns, &m.column_count, record->numa_matrix[i].mem_node);
        distances |= record->numa_matrix[i].distance > 0;
    }
    if (!record->numa_cell_count)
        return 0;
    int rc = print_figure(&m, LOAD, "NUMA: load in GB/s of all cores of a node together, by the "
                                    "best compute-free reader", out);
    if (!rc)
        rc = print_figure(&m, LATENCY, "NUMA: latency in ns, dependent loads of one thread", out);
    if (!rc && distances)
        rc = print_figure(&m, DISTANCE, "NUMA: distances as firmware tells them", out);
    return rc;
}
