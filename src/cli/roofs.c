/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof roofs: the machine's own ceilings.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../measure/clock.h"
#include "../study/node_matrix.h"
#include "../study/peak.h"
#include "../study/roofs.h"
#include "bench.h"
#include "commands.h"
#include "option_values.h"
#include "outputs.h"

enum { HALF_BYTES = 1 << 30, KEY_NUMA = 0x200 };

struct roofs_state {
    struct option_state options; /* first: the parser takes it for the whole */
    bool numa;
};

static const struct argp_option options_table[] = {
    {"numa", KEY_NUMA, NULL, 0, "the NUMA matrix instead: every node's cores on every node's "
     "memory", 0},
    {"threads", 't', "N,...", 0, "max: one per core [1,max]", 0},
    {"cpus", 'c', "LIST", 0, "0-3,8 or a domain: N, S0:0-3, M1, C0:0-1", 0},
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
    struct roofs_state *roofs = state->input;
    if (key == KEY_NUMA) {
        roofs->numa = true;
        return 0;
    }
    error_t error = kvr_option_set(&roofs->options, key, text);
    return error == ARGP_ERR_UNKNOWN ? kvr_args_key(key, text, state) : error;
}

const struct argp kvr_roofs_argp = {
    .options = options_table,
    .parser = parse_key,
    .args_doc = "",
    .doc = "Measures this machine's ceilings: read bandwidth over working sets with the cache "
           "sizes found in it, the best reader, copy, triad and latency per level and thread "
           "count, and one rate per core resource. With --numa, bandwidth and latency from the "
           "cores of each NUMA node to the memory of each."
           "\vExamples:\n"
           "  kvroof roofs\n"
           "  kvroof roofs -t 1 --pages 4k -o json:roofs.json\n"
           "  kvroof roofs --numa -o json:numa.json -o table:-\n",
};

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

/* stdout gets one format: what an -o FORMAT:- says, else --format's. */
static int check_outputs(const struct kvr_bench *b, bool format_given)
{
    const struct kvr_options *o = &b->options;
    size_t to_stdout = 0;
    for (size_t i = 0; i < o->output_count; i++) {
        to_stdout += !strcmp(o->outputs[i].path, "-");
        if (o->outputs[i].format != KVR_OUT_TABLE && o->outputs[i].format != KVR_OUT_JSON)
            return kvr_fail(KVR_EXIT_USAGE, "roofs: --output: table or json is needed");
    }
    if (o->stdout_format != KVR_OUT_TABLE && o->stdout_format != KVR_OUT_JSON)
        return kvr_fail(KVR_EXIT_USAGE, "roofs: --format: table or json is needed");
    if (to_stdout > 1 || (to_stdout && format_given))
        return kvr_fail(KVR_EXIT_USAGE, "roofs: stdout can carry one format only; name a file in "
                                        "-o or drop --format");
    return KVR_EXIT_OK;
}

/* What the host has not is told before anything is measured. */
static int check_threads(const struct kvr_bench *b)
{
    size_t most = b->options.cpu_count ? b->options.cpu_count : b->machine.cpu_count;
    for (size_t i = 0; i < b->options.thread_count; i++)
        if (b->options.threads[i] != UINT32_MAX && b->options.threads[i] > most)
            return kvr_fail(KVR_EXIT_IMPOSSIBLE,
                            "roofs: --threads %u: %s %zu CPU%s; use -t max or at most -t %zu",
                            b->options.threads[i],
                            b->options.cpu_count ? "--cpus names" : "this host has", most,
                            most == 1 ? "" : "s", most);
    return KVR_EXIT_OK;
}

/* The matrix decides these itself. */
static int check_numa(const struct kvr_options *o)
{
    const char *option = o->mem_given ? "--mem" : o->thread_count ? "--threads" : NULL;
    if (!option)
        return KVR_EXIT_OK;
    return kvr_fail(KVR_EXIT_USAGE, "roofs: --numa takes every node's memory and all cores of a "
                                    "node (of --cpus); drop %s", option);
}

static int measure(struct kvr_bench *b, bool numa, int argc, char **argv)
{
    unsigned threads[KVR_MAX_LIST + 2];
    char error[512] = "";
    struct kvr_sinks sinks;
    double started_s = kvr_wall_s();
    int code = kvr_bench_open(b, "roofs", numa ? KVR_NUMA_HALF_BYTES : HALF_BYTES, 4);
    if (!code)
        code = check_threads(b);
    if (code)
        return code;
    kvr_record_describe(&b->record, &b->machine, &b->options, argc, argv);
    if (kvr_sinks_open_listed(&sinks, &b->options, &b->record, error, sizeof error))
        return kvr_fail(KVR_EXIT_IO, "roofs: %s", error);
    sinks.table = kvr_roofs_print;
    int rc = numa ? kvr_numa_measure(&b->session)
                  : kvr_roofs_measure(&b->session, threads, thread_counts(b, threads));
    b->record.duration_s = kvr_wall_s() - started_s;
    if (!numa)
        kvr_peak_compare(&b->record, b->options.peak_gb_per_s);
    if (rc && rc != -EINTR) {
        kvr_sinks_abandon(&sinks);
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "roofs: %s", strerror(-rc));
    }
    b->record.complete = !rc;
    if (kvr_sinks_finish(&sinks, &b->record, &(struct kvr_output_style){0}, error, sizeof error))
        return kvr_fail(KVR_EXIT_IO, "roofs: %s", error);
    return rc ? 128 + kvr_signal_number() : KVR_EXIT_OK;
}

int kvr_cmd_roofs(int argc, char **argv)
{
    struct kvr_bench *b = calloc(1, sizeof *b);
    struct roofs_state state = {.options = {.args = {.command = "kvroof roofs"},
                                            .options = b ? &b->options : NULL}};
    if (!b)
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
    b->options = (struct kvr_options){.seed = 1,
                                      .min_time_s = NAN,
                                      .budget_s = NAN,
                                      .peak_gb_per_s = NAN,
                                      .stdout_format = KVR_OUT_TABLE};
    int code = kvr_args_parse(&kvr_roofs_argp, &state.options.args, argc, argv);
    kvr_option_state_free(&state.options);
    if (code || state.options.args.done) {
        free(b);
        return code;
    }
    code = check_outputs(b, state.options.format_given);
    if (!code && state.numa)
        code = check_numa(&b->options);
    if (!code)
        code = measure(b, state.numa, argc, argv);
    kvr_bench_close(b);
    free(b);
    return code;
}
