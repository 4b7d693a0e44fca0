/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof verify --verdict: dial kernels of known side and chains of dependent loads, judged like
 * any case; a confusion matrix.
 */
#include "verify_verdict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../study/dial.h"
#include "bench.h"
#include "cli.h"
#include "list_rows.h"

enum { HALF_BYTES = 512 << 20, ROUNDS = 9 };
#define SAMPLE_S 8e-3

static const struct kvr_list_column columns[] = {
    {"level", KVR_LIST_TEXT}, {"resource", KVR_LIST_TEXT}, {"built", KVR_LIST_NUMBER},
    {"truth", KVR_LIST_TEXT}, {"B", KVR_LIST_NUMBER},      {"T/E", KVR_LIST_NUMBER},
    {"side", KVR_LIST_TEXT},  {"bound", KVR_LIST_TEXT},    {"counts", KVR_LIST_TEXT},
    {"why", KVR_LIST_NOTE},
};

static int print_outcomes(const struct kvr_dial_report *report, bool json)
{
    static const char *const says[] = {"right", "wrong", "undecided", "not counted"};
    struct kvr_rows rows = {.columns = columns, .column_count = sizeof columns / sizeof *columns};
    for (size_t i = 0; i < report->count; i++) {
        const struct kvr_dial_outcome *o = &report->outcomes[i];
        kvr_rows_add(&rows, "%s", o->setting.level);
        kvr_rows_add(&rows, "%s", o->setting.resource);
        if (o->latency)
            kvr_rows_add(&rows, "%s", "");
        else
            kvr_rows_add(&rows, "%.3f", o->true_balance);
        kvr_rows_add(&rows, "%s", o->latency ? "latency" : kvr_side_name(o->truth));
        kvr_rows_add(&rows, "%.3f", o->verdict.balance.median);
        kvr_rows_add(&rows, "%.3f", o->verdict.t_over_e.median);
        kvr_rows_add(&rows, "%s", kvr_side_name(o->verdict.side));
        kvr_rows_add(&rows, "%s", kvr_bound_name(o->verdict.bound));
        kvr_rows_add(&rows, "%s", says[o->says]);
        kvr_rows_add(&rows, "%s", o->says == KVR_DIAL_RIGHT ? "" : o->verdict.why);
    }
    int rc = json ? kvr_rows_json(&rows, stdout) : kvr_rows_table(&rows, stdout);
    kvr_rows_free(&rows);
    return rc;
}

/* Rows: truth; columns: what was found. Settings near a border are left out, as in the count. */
static void print_matrix(const struct kvr_dial_report *report)
{
    unsigned matrix[3][4] = {{0}};
    static const char *const truths[] = {"memory", "core", "latency"};
    for (size_t i = 0; i < report->count; i++) {
        const struct kvr_dial_outcome *o = &report->outcomes[i];
        if (o->says == KVR_DIAL_NOT_COUNTED)
            continue;
        size_t truth = o->latency ? 2 : o->truth == KVR_SIDE_MEMORY ? 0 : 1;
        bool waits = o->verdict.bound == KVR_BOUND_LATENCY;
        size_t found = o->says == KVR_DIAL_UNDECIDED        ? 3
                       : waits                              ? 2
                       : o->verdict.side == KVR_SIDE_MEMORY ? 0
                                                            : 1;
        matrix[truth][found]++;
    }
    printf("\n%-10s %8s %8s %8s %10s\n", "truth", "memory", "core", "latency", "undecided");
    for (size_t t = 0; t < 3; t++)
        printf("%-10s %8u %8u %8u %10u\n", truths[t], matrix[t][0], matrix[t][1], matrix[t][2],
               matrix[t][3]);
    unsigned decided = report->right + report->wrong;
    printf("\n%zu settings: %u right, %u wrong, %u undecided, %u too near a border to count; "
           "%.1f %% of the decided are right\n",
           report->count, report->right, report->wrong, report->undecided, report->not_counted,
           decided ? 100.0 * report->right / decided : 0);
}

int kvr_verify_verdict(uint64_t seed, bool json)
{
    struct kvr_bench *b = calloc(1, sizeof *b);
    struct kvr_dial_report *report = calloc(1, sizeof *report);
    int code = b && report ? KVR_EXIT_OK : kvr_fail(KVR_EXIT_IMPOSSIBLE, "verify: out of memory");
    if (!code) {
        b->options.seed = seed;
        code = kvr_bench_open(b, "verify", HALF_BYTES, 1);
        int rc = code ? 0 : kvr_session_ceilings(&b->session);
        if (!code && !rc)
            rc = kvr_dial_test(&b->session, true, SAMPLE_S, ROUNDS, report);
        if (!code && rc == -EINTR)
            code = 128 + kvr_signal_number();
        else if (!code && rc)
            code = kvr_fail(KVR_EXIT_IMPOSSIBLE, "verify: --verdict: %s",
                            rc == -ENODEV ? "no DRAM-sized working set fits: raise --max-mem"
                                          : strerror(-rc));
        kvr_bench_close(b);
    }
    if (!code && print_outcomes(report, json))
        code = kvr_fail(KVR_EXIT_IO, "verify: cannot write stdout: %s", strerror(errno));
    if (!code && !json)
        print_matrix(report);
    unsigned decided = report ? report->right + report->wrong : 0;
    if (!code && (!decided || report->wrong || report->right < .95 * decided))
        code = KVR_EXIT_NO;
    free(report);
    free(b);
    return code;
}
