/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof compare BASE NEW...: stored results.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../report/cpu_table.h"
#include "compare.h"
#include "load.h"

static bool wanted(const char *name, const void *context)
{
    return kvr_case_wanted(name, context);
}

static int compare_one(const struct kvr_compare_arguments *a, const struct kvr_run_record *records,
                       size_t index, struct kvr_comparison *comparison)
{
    const struct kvr_run_record *base = &records[0], *other = &records[index];
    const struct kvr_compare_side sides[2] = {{a->paths[0], &base, 1},
                                              {a->paths[index], &other, 1}};
    char error[600];
    int rc = kvr_compare(&sides[0], &sides[1], &a->options, comparison, error, sizeof error);
    if (rc == -ENODATA)
        return kvr_fail(KVR_EXIT_USAGE, "%s", error);
    if (rc)
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
    char differ[400];
    kvr_machines_differ(&base->machine, &other->machine, differ, sizeof differ);
    if (!kvr_same_machine(base, other))
        kvr_comparison_note(comparison, "two machines: %s", differ);
    kvr_note_differences(base, other, comparison);
    return KVR_EXIT_OK;
}

/* undecided: why no case may pass or fail; "": they may. */
static int gate(const struct kvr_compare_arguments *a, const struct kvr_run_record *records,
                const char *undecided)
{
    size_t count = a->path_count - 1, done = 0;
    struct kvr_comparison *comparisons = calloc(count, sizeof *comparisons);
    if (!comparisons)
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
    int code = KVR_EXIT_OK;
    while (done < count && !code) {
        code = compare_one(a, records, done + 1, &comparisons[done]);
        if (!code)
            snprintf(comparisons[done++].undecided, sizeof comparisons->undecided, "%s",
                     undecided);
    }
    if (!code)
        code = kvr_compare_print(a, comparisons, count);
    for (size_t i = 0; i < done; i++)
        kvr_comparison_free(&comparisons[i]);
    free(comparisons);
    return code;
}

static int table(const struct kvr_compare_arguments *a, const struct kvr_run_record *records)
{
    int rc = kvr_write_cpu_table(stdout, a->format, records, a->paths, a->path_count,
                                 a->order ? a->order : kvr_cpu_orders[0], wanted, &a->options);
    if (rc)
        return kvr_fail(KVR_EXIT_IO, "cannot write stdout: %s", strerror(-rc));
    return KVR_EXIT_OK;
}

/* Another machine than the base's, the first of them; 0: none. */
static size_t foreign(const struct kvr_run_record *records, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (!kvr_same_machine(&records[0], &records[i]))
            return i;
    return 0;
}

/* Results of two machines, which were not to decide anything: all that can be told, and why not. */
static int refuse_machines(const struct kvr_compare_arguments *a,
                           const struct kvr_run_record *records, size_t other)
{
    char differ[400], why[400];
    kvr_machines_differ(&records[0].machine, &records[other].machine, differ, sizeof differ);
    snprintf(why, sizeof why, "measured on two machines, so nothing is decided: %.340s", differ);
    int code = a->format == KVR_OUT_JUNIT ? gate(a, records, why) : table(a, records);
    if (code == KVR_EXIT_IMPOSSIBLE || code == KVR_EXIT_IO)
        return code;
    return kvr_fail(KVR_EXIT_INCONCLUSIVE, "%s was measured on another machine than %s: %s. "
                    "Nothing is decided; compare on one machine, or take --table (only a "
                    "table) or --gate-across-machines (decide all the same)", a->paths[other],
                    a->paths[0], differ);
}

static int decide(const struct kvr_compare_arguments *a, const struct kvr_run_record *records)
{
    size_t other = foreign(records, a->path_count);
    if (a->table)
        return table(a, records);
    if (other && !a->across)
        return refuse_machines(a, records, other);
    if (a->order)
        return kvr_fail(KVR_EXIT_USAGE, "compare: --sort orders the table of machines: add "
                        "--table");
    return gate(a, records, "");
}

int kvr_compare_files(const struct kvr_compare_arguments *a)
{
    struct kvr_run_record *records = NULL;
    char error[512];
    int code = kvr_load_results(a->paths, a->path_count, &records);
    for (size_t i = 0; !code && i < a->path_count; i++)
        if (kvr_compare_check(a->paths[i], &records[i], error, sizeof error))
            code = kvr_fail(KVR_EXIT_USAGE, "%s", error);
    if (!code)
        code = decide(a, records);
    kvr_free_results(records, a->path_count);
    return code;
}
