/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof export: a stored result in the formats of other programs.
 */
#include <signal.h>
#include <string.h>

#include "args.h"
#include "commands.h"
#include "load.h"
#include "outputs.h"

enum { KEY_STEP_SUMMARY = 256 };

struct arguments {
    struct kvr_args args;
    const char *path;
    struct kvr_output outputs[KVR_MAX_OUTPUTS];
    size_t output_count;
};

static const struct argp_option options_table[] = {
    {"output", 'o', "FORMAT:FILE", 0,
     "gbench, gha-bigger, gha-smaller, bmf, openmetrics, junit, csv, md, json, jsonl or table; "
     "- is stdout; may be repeated", 0},
    {"step-summary", KEY_STEP_SUMMARY, NULL, 0, KVR_STEP_SUMMARY_HELP, 0},
    KVR_HELP_OPTION,
    {NULL, 0, NULL, 0, NULL, 0}
};

static error_t add_output(struct arguments *a, int key, const char *text)
{
    struct kvr_output *output = &a->outputs[a->output_count];
    char why[400];
    if (a->output_count == KVR_MAX_OUTPUTS)
        return kvr_args_fail(&a->args, KVR_EXIT_USAGE, "at most %d outputs", KVR_MAX_OUTPUTS);
    if (key == KEY_STEP_SUMMARY && kvr_output_step_summary(output))
        return kvr_args_fail(&a->args, KVR_EXIT_IMPOSSIBLE, "%s", kvr_no_step_summary);
    if (key == 'o' && kvr_output_parse(text, output, why, sizeof why))
        return kvr_args_fail(&a->args, KVR_EXIT_USAGE, "--output: '%.80s' %s", text, why);
    a->output_count++;
    return 0;
}

static error_t check(struct arguments *a)
{
    char why[1100];
    if (!a->path)
        return kvr_args_fail(&a->args, KVR_EXIT_USAGE,
                             "which RESULT? Name a file that kvroof run wrote");
    if (!a->output_count)
        return kvr_args_fail(&a->args, KVR_EXIT_USAGE,
                             "in which format, and where to? Name both with -o FORMAT:FILE, such "
                             "as -o gbench:bench.json or -o junit:-");
    if (kvr_outputs_check(a->outputs, a->output_count, false, why, sizeof why))
        return kvr_args_fail(&a->args, KVR_EXIT_USAGE, "%s", why);
    for (size_t i = 0; i < a->output_count; i++)
        if (kvr_same_file(a->outputs[i].path, a->path))
            return kvr_args_fail(&a->args, KVR_EXIT_USAGE,
                                 "-o %.200s is the result itself; name another file",
                                 a->outputs[i].path);
    return 0;
}

static error_t parse_key(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'o':
    case KEY_STEP_SUMMARY:
        return add_output(a, key, text);
    case ARGP_KEY_ARG:
        return kvr_args_result(&a->args, &a->path, text);
    case ARGP_KEY_END:
        return a->args.done ? 0 : check(a);
    default:
        return kvr_args_key(key, text, state);
    }
}

const struct argp kvr_export_argp = {
    .options = options_table,
    .parser = parse_key,
    .args_doc = "RESULT",
    .doc = "Writes a stored result in the formats of other programs: gbench for Google Benchmark's "
           "compare.py; gha-bigger (keys/s) and gha-smaller (ns/key) for github-action-benchmark; "
           "bmf for Bencher; openmetrics for Prometheus; junit for CI servers: a wrong score has "
           "failed, what was not measured is skipped; csv with one row a round; md for comments; "
           "and kvroof's own json, jsonl and table. kvroof run -o takes the same names."
           "\vExamples:\n"
           "  kvroof export run.json -o gbench:bench.json -o junit:kvroof.xml\n"
           "  kvroof export run.json -o openmetrics:- | promtool check metrics\n"
           "  kvroof export run.jsonl -o csv:rounds.csv      of a run that was killed, too\n"
           "  kvroof export run.json --step-summary          in a step of a GitHub workflow\n",
};

/* Before anything is written. */
static int check_formats(const struct arguments *a, const struct kvr_run_record *record)
{
    const struct kvr_result *wrong = kvr_not_finite(record);
    bool any = kvr_has_cases(record);
    for (size_t i = 0; i < a->output_count; i++) {
        if (!kvr_output_needs_cases(a->outputs[i].format))
            continue;
        if (wrong)
            return kvr_fail(KVR_EXIT_USAGE, "%s: a time or rate of %s is not finite, and %s has no "
                            "such number: its t_ns or ns_per_key is too large or too small",
                            a->path, wrong->name, kvr_output_names[a->outputs[i].format]);
        if (!any)
            return kvr_fail(KVR_EXIT_USAGE, "%s holds no measured case, and %s is nothing else; -o "
                            "junit:FILE tells why each was not measured", a->path,
                            kvr_output_names[a->outputs[i].format]);
    }
    return KVR_EXIT_OK;
}

static int export(const struct arguments *a, struct kvr_run_record *record)
{
    struct kvr_sinks sinks;
    char error[1200];
    int code = check_formats(a, record);
    if (code)
        return code;
    if (!record->complete)
        kvr_fail(KVR_EXIT_OK, "%s is not marked complete: the run was ended early, and what it "
                 "measured is exported", a->path);
    kvr_add_conclusions(record);
    if (kvr_sinks_open_only(&sinks, a->outputs, a->output_count, record, error, sizeof error) ||
        kvr_sinks_finish(&sinks, record, &(struct kvr_output_style){0}, error, sizeof error))
        return kvr_fail(KVR_EXIT_IO, "%s", error);
    return KVR_EXIT_OK;
}

int kvr_cmd_export(int argc, char **argv)
{
    struct arguments a = {.args.command = "kvroof export"};
    struct kvr_run_record *record = NULL;
    int code = kvr_args_parse(&kvr_export_argp, &a.args, argc, argv);
    if (code || a.args.done)
        return code;
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of the write, with its own exit code */
    code = kvr_load_results(&a.path, 1, &record);
    if (!code)
        code = export(&a, record);
    kvr_free_results(record, 1);
    return code;
}
