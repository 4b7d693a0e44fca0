/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof roofs: the machine's own ceilings.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../measure/clock.h"
#include "../study/peak.h"
#include "../study/roofs.h"
#include "bench.h"
#include "list_rows.h"
#include "option_values.h"
#include "outputs.h"

enum { HALF_BYTES = 1 << 30, KEY_POINTS = 0x200 };

static const struct argp_option options_table[] = {
    {"threads", 't', "N,...", 0, "max: one per core [1,max]", 0},
    {"cpus", 'c', "LIST", 0, "0-3,8 or a domain", 0},
    {"mem", KEY_MEM, "POLICY", 0, "local, node:N, interleave, first-touch [local]", 0},
    {"pages", KEY_PAGES, "SIZE", 0, "4k, thp, 2m, 1g [thp]", 0},
    {"max-mem", KEY_MAX_MEM, "SIZE|N%", 0, "memory that the run may take [60%]", 0},
    {"peak-gb-per-s", KEY_PEAK, "X", 0, "memory bandwidth by data sheet [firmware's]", 0},
    {"output", 'o', "FORMAT:FILE", 0, "json or table; - is stdout; may be repeated", 0},
    {"format", KEY_FORMAT, "FORMAT", 0, "of stdout: table or json [table]", 0},
    {"label", KEY_LABEL, "TEXT", 0, "kept in the result", 0},
    {"quiet", 'q', NULL, 0, "no progress", 0},
    KVR_HELP_OPTION,
    {NULL, 0, NULL, 0, NULL, 0}};

static error_t parse_key(int key, char *text, struct argp_state *state)
{
    error_t error = kvr_option_set(state->input, key, text);
    return error == ARGP_ERR_UNKNOWN ? kvr_args_key(key, text, state) : error;
}

static const struct argp roofs_argp = {
    .options = options_table,
    .parser = parse_key,
    .args_doc = "",
    .doc = "Measures this machine's ceilings: read bandwidth over working sets with the cache "
           "sizes found in it, the best reader, copy, triad and latency per level and thread "
           "count, and one rate per core resource."
           "\vExamples:\n"
           "  kvroof roofs\n"
           "  kvroof roofs -t 1 --pages 4k -o json:roofs.json\n",
};

static const struct kvr_list_column columns[] = {
    {"ceiling", KVR_LIST_TEXT}, {"level", KVR_LIST_TEXT},   {"threads", KVR_LIST_NUMBER},
    {"isa", KVR_LIST_TEXT},     {"value", KVR_LIST_NUMBER}, {"unit", KVR_LIST_TEXT},
    {"method", KVR_LIST_TEXT},
};

int kvr_roofs_print(const struct kvr_run_record *record, FILE *out)
{
    struct kvr_rows rows = {.columns = columns, .column_count = sizeof columns / sizeof *columns};
    for (size_t i = 0; i < record->ceiling_count; i++) {
        const struct kvr_ceiling *c = &record->ceilings[i];
        kvr_rows_add(&rows, "%s", c->id);
        kvr_rows_add(&rows, "%s", c->level);
        kvr_rows_add(&rows, "%u", c->threads);
        kvr_rows_add(&rows, "%s", c->isa);
        kvr_rows_add(&rows, "%.4g", c->value);
        kvr_rows_add(&rows, "%s", c->unit);
        kvr_rows_add(&rows, "%s", c->method);
    }
    int rc = kvr_rows_table(&rows, out);
    kvr_rows_free(&rows);
    for (size_t i = 0; i < record->checks.count && !rc; i++) {
        const struct kvr_check *c = &record->checks.items[i];
        if (!strncmp(c->id, "cache-", 6) || !strcmp(c->id, "clock-real") ||
            !strcmp(c->id, "dram-proven") || !strcmp(c->id, "pages") ||
            !strcmp(c->id, "memory-peak") || !strcmp(c->id, "peak-percent"))
            fprintf(out, "%s: %s\n", kvr_check_status_name(c->status), c->text);
    }
    return rc;
}

/* The thread counts asked for: "max" is one per core of the chosen CPUs. */
static size_t thread_counts(const struct kvr_bench *b, unsigned *threads)
{
    unsigned most = (unsigned)b->machine.core_count;
    size_t n = 0;
    if (b->options.cpu_count && b->options.cpu_count < most)
        most = (unsigned)b->options.cpu_count;
    static const uint32_t usual[] = {1, UINT32_MAX};
    const uint32_t *asked = b->options.thread_count ? b->options.threads : usual;
    size_t count = b->options.thread_count ? b->options.thread_count : 2;
    for (size_t i = 0; i < count; i++) {
        unsigned t = asked[i] == UINT32_MAX ? most : asked[i];
        bool seen = false;
        for (size_t j = 0; j < n; j++)
            seen |= threads[j] == t;
        if (!seen)
            threads[n++] = t;
    }
    return n;
}

/* DRAM is what a quarter of the working set is not faster than. */
static void prove_dram(struct kvr_run_record *record)
{
    const struct kvr_ceiling *whole = NULL, *quarter = NULL;
    for (size_t i = 0; i < record->ceiling_count; i++) {
        const struct kvr_ceiling *c = &record->ceilings[i];
        if (!strcmp(c->type, "read") && c->threads == 1 &&
            (!whole || c->working_set_bytes > whole->working_set_bytes))
            whole = c;
    }
    for (size_t i = 0; whole && i < record->ceiling_count; i++) {
        const struct kvr_ceiling *c = &record->ceilings[i];
        if (!strcmp(c->type, "read") && c->threads == 1 &&
            c->working_set_bytes <= whole->working_set_bytes / 4 &&
            (!quarter || c->working_set_bytes > quarter->working_set_bytes))
            quarter = c;
    }
    if (whole && quarter) {
        double ratio = quarter->value / whole->value;
        bool proven = fabs(ratio - 1) <= .03;
        kvr_check_add(&record->checks, "dram-proven", proven ? KVR_CHECK_OK : KVR_CHECK_WARN,
                      "a quarter of the largest working set reads at %.3f of its speed%s", ratio,
                      proven ? ": DRAM" : ": a cache, or a neighbour, still has a part in it");
    }
}

static int report(struct kvr_bench *b, bool partial)
{
    char error[512] = "";
    struct kvr_sinks sinks;
    int code = KVR_EXIT_OK;
    b->record.complete = !partial;
    bool table = b->options.stdout_format == KVR_OUT_TABLE;
    for (size_t i = 0; i < b->options.output_count; i++)
        table &= strcmp(b->options.outputs[i].path, "-") != 0;
    if (table && kvr_roofs_print(&b->record, stdout))
        return kvr_fail(KVR_EXIT_IO, "roofs: cannot write stdout: %s", strerror(errno));
    if (!b->options.output_count && table)
        return KVR_EXIT_OK;
    if (!b->options.output_count) /* --format json alone: to stdout */
        b->options.outputs[b->options.output_count++] =
            (struct kvr_output){.format = b->options.stdout_format, .path = "-"};
    if (kvr_sinks_open_listed(&sinks, &b->options, &b->record, error, sizeof error) ||
        kvr_sinks_finish(&sinks, &b->record, &(struct kvr_output_style){0}, error, sizeof error))
        code = kvr_fail(KVR_EXIT_IO, "roofs: %s", error);
    return code;
}

/* What cannot be written is told before anything is measured. */
static int probe_outputs(struct kvr_bench *b)
{
    for (size_t i = 0; i < b->options.output_count; i++) {
        const char *path = b->options.outputs[i].path;
        bool there = access(path, F_OK) == 0;
        FILE *file = strcmp(path, "-") ? fopen(path, "a") : NULL;
        if (strcmp(path, "-") && !file)
            return kvr_fail(KVR_EXIT_IO, "roofs: cannot write %s: %s; give another file with -o",
                            path, strerror(errno));
        if (file && !fclose(file) && !there)
            unlink(path); /* a refusal leaves nothing behind */
    }
    return KVR_EXIT_OK;
}

int kvr_cmd_roofs(int argc, char **argv)
{
    unsigned threads[KVR_MAX_LIST + 2];
    struct kvr_bench *b = calloc(1, sizeof *b);
    struct option_state state = {.args = {.command = "kvroof roofs"},
                                 .options = b ? &b->options : NULL};
    if (!b)
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
    b->options = (struct kvr_options){.seed = 1,
                                      .min_time_s = NAN,
                                      .budget_s = NAN,
                                      .peak_gb_per_s = NAN,
                                      .stdout_format = KVR_OUT_TABLE};
    int code = kvr_args_parse(&roofs_argp, &state.args, argc, argv);
    kvr_option_state_free(&state);
    if (code || state.args.done) {
        free(b);
        return code;
    }
    double started_s = kvr_wall_s();
    code = probe_outputs(b);
    if (!code)
        code = kvr_bench_open(b, "roofs", HALF_BYTES, 4);
    if (!code) {
        kvr_record_describe(&b->record, &b->machine, &b->options, argc, argv);
        int rc = kvr_roofs_measure(&b->session, threads, thread_counts(b, threads));
        b->record.duration_s = kvr_wall_s() - started_s;
        prove_dram(&b->record);
        kvr_peak_compare(&b->record, b->options.peak_gb_per_s);
        if (rc && rc != -EINTR)
            code = kvr_fail(KVR_EXIT_IMPOSSIBLE, "roofs: %s", strerror(-rc));
        else
            code = report(b, rc == -EINTR);
        if (!code && rc == -EINTR)
            code = 128 + kvr_signal_number();
    }
    kvr_bench_close(b);
    free(b);
    return code;
}
