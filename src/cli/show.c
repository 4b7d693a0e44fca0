/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof show: table, verdicts and claims again, from a stored result; with --on the prediction for
 * another machine.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "../report/writers.h"
#include "../study/values.h"
#include "args.h"
#include "bench.h"
#include "commands.h"
#include "load.h"
#include "show_on.h"
#include "style.h"

enum { KEY_FORMAT = 256, KEY_COLOR, KEY_ON, KEY_STEP_MS };

struct arguments {
    struct kvr_args args;
    const char *path, *on;
    enum kvr_output_format format;
    struct kvr_output_style style;
};

static const struct argp_option options_table[] = {
    {"format", KEY_FORMAT, "FORMAT", 0, "table, json, jsonl, csv or md [table]", 0},
    {"color", KEY_COLOR, "WHEN", 0, "auto, always, never [auto]", 0},
    {"on", KEY_ON, "MACHINE", 0, "predict the cases on another machine: a YAML file, or one of "
     "the shipped server, laptop", 0},
    {"step-ms", KEY_STEP_MS, "MS", 0, "how long a decoding step may take, for what fits in it [10]",
     0},
    KVR_HELP_OPTION,
    {NULL, 0, NULL, 0, NULL, 0}
};

static error_t parse_key(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    char why[160];
    switch (key) {
    case KEY_FORMAT:
        if (kvr_word_parse(text, kvr_own_output_names, why, sizeof why))
            return kvr_args_fail(&a->args, KVR_EXIT_USAGE, "--format: '%.40s' %s", text, why);
        return kvr_output_format_parse(text, &a->format);
    case KEY_COLOR:
        if (kvr_style_of_stdout(text, &a->style))
            return kvr_args_fail(&a->args, KVR_EXIT_USAGE,
                                 "--color %.40s: auto, always or never is needed", text);
        return 0;
    case KEY_ON:
        a->on = text;
        return 0;
    case KEY_STEP_MS:
        if (kvr_positive_parse(text, &a->style.step_ms, why, sizeof why))
            return kvr_args_fail(&a->args, KVR_EXIT_USAGE, "--step-ms %.40s: %s", text, why);
        return 0;
    case ARGP_KEY_ARG:
        return kvr_args_result(&a->args, &a->path, text);
    case ARGP_KEY_END:
        if (!a->path && !a->args.done)
            return kvr_args_fail(&a->args, KVR_EXIT_USAGE,
                                 "which RESULT? Name a file that kvroof run wrote");
        if (a->on && a->format != KVR_OUT_TABLE && a->format != KVR_OUT_JSON)
            return kvr_args_fail(&a->args, KVR_EXIT_USAGE,
                                 "--on prints a table or json; leave --format out");
        return 0;
    default:
        return kvr_args_key(key, text, state);
    }
}

const struct argp kvr_show_argp = {
    .options = options_table,
    .parser = parse_key,
    .args_doc = "RESULT",
    .doc = "Prints a stored result: the table, the verdicts and what they rest on, what it says, "
           "what was not measured, and the claims of the paper, decided as far as this run can. "
           "With --on it predicts what the same cases would take on another machine, from that "
           "machine's roofs, and tries the method on this result's own cases."
           "\vExamples:\n"
           "  kvroof show results/20260101T120000Z-node7.json\n"
           "  kvroof show run.jsonl                        of a run that was killed, too\n"
           "  kvroof show run.json --format csv > rounds.csv\n"
           "  kvroof show run.json --step-ms 2             heads that fit in two ms\n"
           "  kvroof show run.json --on server             on a shipped example\n"
           "  kvroof show run.json --on mine.yaml          on one of your own\n",
};

/* The stored verdicts must follow from the stored rounds. */
static void check_verdicts(const struct kvr_run_record *record)
{
    char *doubts = kvr_verdict_doubts(record), *rest = NULL;
    for (char *line = doubts ? strtok_r(doubts, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest))
        fprintf(stderr, "kvroof: %s\n", line);
    free(doubts);
}

int kvr_cmd_show(int argc, char **argv)
{
    struct arguments a = {.args.command = "kvroof show", .format = KVR_OUT_TABLE};
    struct kvr_run_record record;
    char error[512];
    kvr_style_of_stdout("auto", &a.style);
    int code = kvr_args_parse(&kvr_show_argp, &a.args, argc, argv);
    if (code || a.args.done)
        return code;
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of the write, with its own exit code */
    if (kvr_read_result(a.path, &record, error, sizeof error))
        return kvr_fail(KVR_EXIT_USAGE, "%s", error);
    if (!a.on)
        check_verdicts(&record);
    kvr_add_conclusions(&record);
    a.style.evidence = true;
    if (a.on) {
        code = kvr_show_on(&record, a.on, a.format == KVR_OUT_JSON);
        kvr_run_record_free(&record);
        return code;
    }
    bool roofs = !record.result_count && (record.ceiling_count || record.numa_cell_count) &&
                 a.format == KVR_OUT_TABLE;
    int rc = roofs ? kvr_roofs_print(&record, stdout)
                   : kvr_write(stdout, a.format, &record, &a.style);
    kvr_run_record_free(&record);
    if (rc)
        return kvr_fail(KVR_EXIT_IO, "cannot write stdout: %s", strerror(-rc));
    return KVR_EXIT_OK;
}
