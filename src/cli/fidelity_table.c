/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fidelity_table.h"

#include <math.h>
#include <string.h>

#include "../report/text.h"
#include "list_rows.h"

static bool same_group(const struct kvr_fidelity_row *a, const struct kvr_fidelity_row *b)
{
    return a->tokens == b->tokens && a->skip_sinks == b->skip_sinks && a->layer == b->layer &&
           a->head == b->head && a->text == b->text;
}

static void put_title(const struct kvr_fidelity_record *record,
                      const struct kvr_fidelity_row *row, FILE *out)
{
    fprintf(out, "%u tokens, queries %u to %u", row->tokens, record->first_query, row->tokens - 1);
    if (row->layer == KVR_FIDELITY_ALL)
        fputs(", all layers and heads", out);
    else
        fprintf(out, ", layer %d, all heads", row->layer);
    if (strcmp(row->text, "all")) {
        char name[128];
        kvr_clean_text(name, sizeof name, row->text);
        fprintf(out, ", %s", name);
    }
    if (row->skip_sinks)
        fprintf(out, ", the first %u keys in float16", row->skip_sinks);
    fputc('\n', out);
}

/* Differences between neighbours of one codec and table that are smaller than those between seeds
 * of k-means. */
static void put_doubts(const struct kvr_fidelity_row *rows, size_t count, FILE *out)
{
    static const enum kvr_metric metrics[] = {KVR_COS, KVR_KL, KVR_RHO};
    for (size_t i = 1; i < count; i++) {
        const struct kvr_fidelity_row *a = NULL, *b = &rows[i];
        for (size_t j = i; j-- > 0 && !a;)
            if (rows[j].codec == b->codec && !strcmp(rows[j].table, b->table) &&
                rows[j].before_rope == b->before_rope && rows[j].calibration == b->calibration)
                a = &rows[j];
        for (size_t k = 0; a && k < sizeof metrics / sizeof *metrics; k++) {
            char first[200], second[200];
            double spread = fmax(a->seed_spread[metrics[k]], b->seed_spread[metrics[k]]);
            double difference = fabs(a->mean[metrics[k]] - b->mean[metrics[k]]);
            if (!(difference < spread))
                continue;
            kvr_fidelity_cell(a, 0, first, sizeof first);
            kvr_fidelity_cell(b, 0, second, sizeof second);
            fprintf(out, "%s and %s: %s differs by %.3f, seeds of one by up to %.3f\n", first,
                    second, kvr_metric_names[metrics[k]], difference, spread);
        }
    }
}

static int put_group(const struct kvr_fidelity_record *record,
                     const struct kvr_fidelity_row *rows, size_t count, FILE *out)
{
    struct kvr_list_column columns[KVR_FIDELITY_COLUMNS];
    struct kvr_rows cells = {.columns = columns};
    char text[200];
    for (size_t c = 0; c < KVR_FIDELITY_COLUMNS; c++)
        if (kvr_fidelity_shows(record, c))
            columns[cells.column_count++] = (struct kvr_list_column){
                kvr_fidelity_heading(c), c == 0 || c + 1 == KVR_FIDELITY_COLUMNS
                                             ? KVR_LIST_TEXT
                                             : KVR_LIST_NUMBER};
    for (size_t i = 0; i < count; i++) {
        for (size_t c = 0; c < KVR_FIDELITY_COLUMNS; c++) {
            kvr_fidelity_cell(&rows[i], c, text, sizeof text);
            if (kvr_fidelity_shows(record, c))
                kvr_rows_add(&cells, "%s", text);
        }
    }
    put_title(record, rows, out);
    int rc = kvr_rows_table(&cells, out);
    kvr_rows_free(&cells);
    put_doubts(rows, count, out);
    return rc;
}

/* With one layer or one calibration set such a table would repeat another or add little. */
static bool worth_a_table(const struct kvr_fidelity_row *row, bool layers, bool sets)
{
    bool all_texts = !strcmp(row->text, "all"), all_layers = row->layer == KVR_FIDELITY_ALL;
    if (row->head != KVR_FIDELITY_ALL)
        return false;
    return all_texts ? all_layers || layers : all_layers && sets;
}

int kvr_fidelity_print(const struct kvr_fidelity_record *record, FILE *out)
{
    struct kvr_numeric numeric = kvr_numeric_c();
    bool layers = false, sets = false, any = false;
    int rc = 0;
    for (size_t i = 0; i < record->row_count; i++) {
        layers |= record->rows[i].layer > 0;
        sets |= i && *record->rows[i].calibration && *record->rows[i - 1].calibration &&
                record->rows[i].calibration != record->rows[i - 1].calibration;
    }
    for (size_t i = 0, count; !rc && i < record->row_count; i += count) {
        for (count = 1; i + count < record->row_count &&
                        same_group(&record->rows[i], &record->rows[i + count]); count++)
            ;
        if (!worth_a_table(&record->rows[i], layers, sets))
            continue;
        if (any)
            fputc('\n', out);
        any = true;
        rc = put_group(record, &record->rows[i], count, out);
    }
    kvr_numeric_restore(numeric);
    return rc;
}
