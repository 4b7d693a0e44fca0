/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof show --on: the prediction for another machine.
 */
#include "show_on.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../report/text.h"
#include "../study/predict.h"
#include "cli.h"
#include "list_rows.h"

static const struct kvr_list_column json_columns[] = {
    {"name", KVR_LIST_TEXT},    {"measured_ns", KVR_LIST_NUMBER}, {"predicted_ns", KVR_LIST_NUMBER},
    {"speedup", KVR_LIST_NUMBER}, {"side", KVR_LIST_TEXT},        {"balance", KVR_LIST_NUMBER},
    {"core_scaled_by", KVR_LIST_TEXT}, {"refused", KVR_LIST_NOTE}};
static const struct kvr_list_column table_columns[] = {
    {"case", KVR_LIST_TEXT}, {"here ns/key", KVR_LIST_NUMBER}, {"there ns/key", KVR_LIST_NUMBER},
    {"faster", KVR_LIST_NUMBER}, {"side there", KVR_LIST_TEXT}, {"B there", KVR_LIST_NUMBER},
    {"C by", KVR_LIST_TEXT}, {"not predicted", KVR_LIST_NOTE}};
static const struct kvr_list_column check_columns[] = {
    {"case", KVR_LIST_TEXT},          {"over", KVR_LIST_TEXT},
    {"measured ns/key", KVR_LIST_NUMBER}, {"predicted ns/key", KVR_LIST_NUMBER},
    {"error %", KVR_LIST_NUMBER},     {"side measured", KVR_LIST_TEXT},
    {"predicted", KVR_LIST_TEXT},     {"not predicted", KVR_LIST_NOTE}};

enum { COLUMNS = sizeof table_columns / sizeof *table_columns };

/* "" for what is not known. JSON takes no exponents here. */
static void add_number(struct kvr_rows *rows, double value, bool json)
{
    if (isfinite(value))
        kvr_rows_add(rows, json ? "%.9f" : "%.3g", value);
    else
        kvr_rows_add(rows, "%s", "");
}

/* A file's own text on a terminal. */
static void add_name(struct kvr_rows *rows, const struct kvr_result *r)
{
    char name[KVR_NAME_BYTES];
    kvr_clean_text(name, sizeof name, r->name);
    kvr_rows_add(rows, "%s", name);
}

static int put_cases(const struct kvr_prediction *p, size_t count, bool json)
{
    struct kvr_rows rows = {.columns = json ? json_columns : table_columns,
                            .column_count = COLUMNS};
    for (size_t i = 0; i < count; i++) {
        add_name(&rows, p[i].result);
        add_number(&rows, p[i].measured_ns, json);
        add_number(&rows, p[i].predicted_ns, json);
        add_number(&rows, p[i].measured_ns / p[i].predicted_ns, json);
        kvr_rows_add(&rows, "%s", p[i].side);
        add_number(&rows, p[i].balance, json);
        kvr_rows_add(&rows, "%s", p[i].scaled_by);
        kvr_rows_add(&rows, "%s%s", json || !p[i].refused[0] ? "" : "not predicted: ",
                     p[i].refused);
    }
    int rc = json ? kvr_rows_json(&rows, stdout) : kvr_rows_table(&rows, stdout);
    kvr_rows_free(&rows);
    return rc;
}

static void put_assumptions(const struct kvr_other_machine *m)
{
    puts("\nAssumed: T' = max(C', M') + (1 - omega) min(C', M') with the omega measured here, how\n"
         "well a kernel hides core behind memory, summed over serial phases; C, the core alone,\n"
         "goes by the rate of the resource that is full, or by the clock where none is; M, the\n"
         "memory alone, writes included, by the read bandwidth of the same level and threads; the\n"
         "working set lies in that level there, too; the same kernel and tuning run, and nothing\n"
         "waits. B = C'/M'.\n"
         "\nThat machine's figures and their sources:");
    printf("- clock %.3g GHz, %u cores: %s\n", m->clock_ghz, m->cores, m->clock_source);
    for (size_t i = 0; i < m->bandwidth_count; i++) {
        const struct kvr_other_bandwidth *b = &m->bandwidths[i];
        if (b->threads == KVR_ROOF_ALL_CORES)
            printf("- %s, all cores: %.4g GB/s: %s\n", b->level, b->gb_per_s, b->source);
        else
            printf("- %s, %u thread%s: %.4g GB/s: %s\n", b->level, b->threads,
                   b->threads == 1 ? "" : "s", b->gb_per_s, b->source);
    }
    for (size_t i = 0; i < m->rate_count; i++)
        printf("- %s, %s: %.3g a ns: %s\n", m->rates[i].resource, m->rates[i].isa,
               m->rates[i].gop_per_s, m->rates[i].source);
}

static int put_checks(const struct kvr_prediction_check *checks, size_t count)
{
    struct kvr_rows rows = {.columns = check_columns, .column_count = COLUMNS};
    size_t predicted = 0;
    if (!count) {
        puts("\nNot checked out of sample: this result holds no case twice that differs in\n"
             "threads, level or head dim alone.");
        return fflush(stdout) ? -errno : 0;
    }
    puts("\nchecked out of sample: the same method between cases of this result, from one thread,\n"
         "from DRAM, and scans that copy no keys from the smaller head dim");
    for (size_t i = 0; i < count; i++) {
        const struct kvr_prediction *p = &checks[i].predicted;
        predicted += isfinite(checks[i].error_percent);
        add_name(&rows, checks[i].of);
        kvr_rows_add(&rows, "%s", checks[i].over);
        add_number(&rows, p->measured_ns, false);
        add_number(&rows, p->predicted_ns, false);
        if (isfinite(checks[i].error_percent))
            kvr_rows_add(&rows, "%+.0f", checks[i].error_percent);
        else
            kvr_rows_add(&rows, "%s", "");
        kvr_rows_add(&rows, "%s", checks[i].of->verdict.side);
        kvr_rows_add(&rows, "%s", p->side);
        kvr_rows_add(&rows, "%s%s", p->refused[0] ? "not predicted; its source: " : "",
                     p->refused);
    }
    int rc = kvr_rows_table(&rows, stdout);
    kvr_rows_free(&rows);
    if (!rc && predicted)
        printf("half of the %zu predicted are within %.0f %% of what was measured\n", predicted,
               kvr_predict_median_error(checks, count));
    return rc ? rc : fflush(stdout) ? -errno : 0;
}

int kvr_show_on(const struct kvr_run_record *record, const char *path, bool json)
{
    char error[512] = "";
    struct kvr_prediction *predictions = NULL;
    struct kvr_prediction_check *checks = NULL;
    size_t count = 0, check_count = 0;
    struct kvr_other_machine *machine = calloc(1, sizeof *machine);
    int code = KVR_EXIT_OK, rc = machine ? 0 : -ENOMEM;
    if (!rc && kvr_other_machine_load(path, machine, error, sizeof error)) {
        code = kvr_fail(KVR_EXIT_USAGE, "--on: %s", error);
        goto out;
    }
    if (!rc)
        rc = kvr_predict(record, machine, &predictions, &count);
    if (!rc)
        rc = kvr_predict_check(record, &checks, &check_count);
    if (!rc && !json)
        printf("predicted on %s\n\n", machine->name);
    if (!rc)
        rc = put_cases(predictions, count, json);
    if (!rc && !json) {
        put_assumptions(machine);
        rc = put_checks(checks, check_count);
    }
    if (rc)
        code = kvr_fail(rc == -ENOMEM ? KVR_EXIT_IMPOSSIBLE : KVR_EXIT_IO,
                        "cannot write stdout: %s", strerror(-rc));
out:
    free(checks);
    free(predictions);
    free(machine);
    return code;
}
