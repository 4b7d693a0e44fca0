/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command line of `run`: which options exist, and what contradicts what. The values of single
 * options are parsed in option_values.c.
 */
#include <math.h>
#include <string.h>

#include "commands.h"
#include "option_values.h"
#include "outputs.h"

static const struct argp_option options_table[] = {
    {NULL, 0, NULL, 0, "What to measure (a list multiplies out):", 1},
    {"profile", 'p', "NAME", 0, "profile, or a path to one [quick]", 0},
    {"kernel", 'k', "GLOB,...", 0, "codec, codec.variant or codec.variant@isa; all", 0},
    {"isa", KEY_ISA, "NAME,...", 0,
     "auto (the fastest, by trying), all, scalar, avx2, avx512 "
     "... [auto]",
     0},
    {"head-dim", 'd', "N,...", 0, "channels of a key", 0},
    {"tokens", 'n', "SIZE,...", 0, "keys of a head: 512,4k", 0},
    {"heads", KEY_HEADS, "N", 0, "heads of one pass; the alternative to --bytes", 0},
    {"bytes", KEY_BYTES, "SIZE,...", 0,
     "bytes of one pass over all threads, or a range "
     "32k..1G:x4",
     0},
    {"subspaces", 'm', "N,...", 0, "tables of a look-up codec", 0},
    {"entries", KEY_ENTRIES, "N,...", 0, "centroids of a table", 0},
    KVR_ENCODER_OPTIONS,
    {"op", KEY_OP, "NAME,...", 0,
     "scan; step: with the preparation of the query; attention: "
     "and with softmax and values [scan]",
     0},
    {"layout", KEY_LAYOUT, "NAME,...", 0,
     "heads (random order), contiguous, or pages:N (of N keys, "
     "in random order) [heads]",
     0},
    {"group-queries", KEY_GROUP_QUERIES, "N,...", 0, "queries that share a key (GQA) [1]", 0},
    {"batch", KEY_BATCH, "N,...", 0, "sequences that share a codebook [1]", 0},
    {"codebook", KEY_CODEBOOK, "TYPE,...", 0,
     "f16 or f32: what a step makes its tables from "
     "[f16]",
     0},
    {"codebook-residency", KEY_RESIDENCY, "NAME,...", 0,
     "cold: one for each head, of rvq for 8, from memory; warm: one for all [cold]", 0},
    {"value-format", KEY_VALUE_FORMAT, "NAME,...", 0,
     "values of attention: fp16, or q8: bytes with a scale for each 32 channels [fp16]", 0},
    {"evict", KEY_EVICT, "SIZE", 0,
     "bytes read between passes [0; with --heads twice the "
     "last cache]",
     0},
    {"keys", KEY_KEYS, "FILE.npy", 0, "real keys instead of the built-in set", 0},
    {"queries", KEY_QUERIES, "FILE.npy", 0, "queries that go with --keys", 0},
    {"values", KEY_VALUES, "FILE.npy", 0, "values that go with --keys", 0},
    {"calibration", KEY_CALIBRATION, "FILE.npy", 0, "keys to fit codebooks to", 0},
    {NULL, 0, NULL, 0, "Where:", 2},
    {"threads", 't', "N,...", 0, "max: one per core", 0},
    {"cpus", 'c', "LIST", 0, "0-3,8 or a domain: N, S0:0-3, M1, C0:0-1", 0},
    {"mem", KEY_MEM, "POLICY", 0, "local, node:N, interleave, first-touch [local]", 0},
    {"pages", KEY_PAGES, "SIZE", 0, "4k, thp, 2m, 1g [thp]", 0},
    {"max-mem", KEY_MAX_MEM, "SIZE|N%", 0, "memory that the run may take [60%]", 0},
    {NULL, 0, NULL, 0, "How long:", 3},
    {"rounds", 'r', "N", 0, "[9]", 0},
    {"min-time", KEY_MIN_TIME, "S", 0, "seconds of one sample [.02]", 0},
    {"budget", KEY_BUDGET, "S", 0, "seconds of the whole run [the profile's]", 0},
    {"processes", KEY_PROCESSES, "N", 0, "measure in so many processes, one after another, into "
     "one result; --budget is for all of them [1]", 0},
    {"process-part", KEY_PROCESS_PART, "S:FILE", OPTION_HIDDEN, NULL, 0},
    {"seed", KEY_SEED, "N", 0, "of orders and codebooks [1]", 0},
    {"deep", KEY_DEEP, NULL, 0,
     "every witness, and the sensitivity of the main kernels to injected instructions", 0},
    {"prove", KEY_PROVE, NULL, 0,
     "catch any system or vDSO call and page fault of measured code: exit 1 if there is one", 0},
    {"counters", KEY_COUNTERS, "WHICH", 0,
     "auto, off, perf[:EVENT,...] (kvroof list counters) or likwid[:GROUP] [auto]", 0},
    {"dry-run", KEY_DRY_RUN, NULL, 0, "print the cases, measure nothing", 0},
    {NULL, 0, NULL, 0, "Result:", 4},
    {"output", 'o', "FORMAT:FILE", 0,
     "json, jsonl, csv, md, table or a format of kvroof export; - is stdout; may be "
     "repeated [json:results/TIME-HOST.json]",
     0},
    {"step-summary", KEY_STEP_SUMMARY, NULL, 0, KVR_STEP_SUMMARY_HELP, 0},
    {"format", KEY_FORMAT, "FORMAT", 0, "of stdout [table]", 0},
    {"label", KEY_LABEL, "TEXT", 0, "kept in the result", 0},
    {"tag", KEY_TAG, "K=V", 0, "kept in the result; may be repeated", 0},
    {"peak-gb-per-s", KEY_PEAK, "X", 0, "memory bandwidth by data sheet [firmware's]", 0},
    {"roofs", KEY_ROOFS, "FILE", 0, "use the ceilings of a stored result of this machine", 0},
    {"strict", KEY_STRICT, NULL, 0, "exit 1 if a check warns or a case is unavailable", 0},
    {"quiet", 'q', NULL, 0, "no progress, no notes", 0},
    {"verbose", 'v', NULL, 0, "say what is chosen and why", 0},
    {"progress", KEY_PROGRESS, "HOW", 0, "auto, plain, off [auto]", 0},
    {"color", KEY_COLOR, "WHEN", 0, "auto, always, never [auto]", 0},
    KVR_HELP_OPTION,
    {NULL, 0, NULL, 0, NULL, 0}};

static error_t parse_key(int key, char *text, struct argp_state *state)
{
    error_t error = kvr_option_set(state->input, key, text);
    return error == ARGP_ERR_UNKNOWN ? kvr_args_key(key, text, state) : error;
}

const struct argp kvr_run_argp = {
    .options = options_table,
    .parser = parse_key,
    .args_doc = "",
    .doc = "Measures attention score kernels on this machine: time per key, the memory's and the "
           "core's own time for the same keys, and which of the two binds."
           "\vSizes take k, M, G (powers of 1024). A flag replaces its axis in every group of the "
           "profile.\n\n"
           "Examples:\n"
           "  kvroof run\n"
           "  kvroof run -k fp16,int8q8,lookat -m 2,4,8 -n 512,4k -t 1,max\n"
           "  kvroof run -k fp16,lookat.u8 --op scan,step,attention --heads 256\n"
           "  kvroof run -k fp16,int8 --layout heads,pages:16 --group-queries 1,8\n"
           "  kvroof run -k lookat.u8 --isa all --bytes 32k..1G:x4 -o json:u8.json\n"
           "  kvroof run -p ci --format md --strict\n"
           "  kvroof run -p ci --processes 5 -o json:base.json   a base for kvroof compare\n",
};

static int contradictions(struct option_state *state)
{
    const struct kvr_options *o = state->options;
    const char *alone = o->queries ? "queries" : o->values ? "values" : "calibration";
    char why[1100];
    if (o->heads && o->bytes_count)
        return kvr_args_fail(&state->args, KVR_EXIT_USAGE,
                             "--heads and --bytes both give the "
                             "size of a pass; use one of them");
    if (!o->keys && (o->queries || o->values || o->calibration))
        return kvr_args_fail(&state->args, KVR_EXIT_USAGE,
                             "--%s goes with --keys; without it the "
                             "built-in set's own are used",
                             alone);
    if (o->quiet && o->verbose)
        return kvr_args_fail(&state->args, KVR_EXIT_USAGE, "-q and -v contradict each other");
    if (kvr_outputs_check(o->outputs, o->output_count, state->format_given, why, sizeof why))
        return kvr_args_fail(&state->args, KVR_EXIT_USAGE, "%s", why);
    return 0;
}

/* A process of another run writes for that one alone, within its share of the budget. */
static void become_part(struct kvr_options *o)
{
    o->processes = 1;
    o->output_count = 1;
    o->outputs[0].format = KVR_OUT_JSONL;
    snprintf(o->outputs[0].path, sizeof o->outputs[0].path, "%s", o->process_file);
    if (!isnan(o->process_budget_s))
        o->budget_s = o->process_budget_s;
}

int kvr_options_parse(int argc, char **argv, struct kvr_options *options, int *done)
{
    struct option_state state = {.args = {.command = "kvroof run"}, .options = options};
    memset(options, 0, sizeof *options);
    options->min_time_s = options->budget_s = options->peak_gb_per_s = NAN;
    options->seed = options->processes = 1;
    options->stdout_format = KVR_OUT_TABLE;
    int status = kvr_args_parse(&kvr_run_argp, &state.args, argc, argv);
    *done = state.args.done;
    if (!status && !*done && contradictions(&state))
        status = state.args.exit_code;
    if (!status && !*done && options->process_file)
        become_part(options);
    kvr_option_state_free(&state);
    return status;
}
