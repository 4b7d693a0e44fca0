/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof fleet: what the command line says, and stored results of many nodes.
 */
#include "fleet.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../compare/compare.h"
#include "../compare/fleet.h"
#include "../study/values.h"
#include "commands.h"
#include "style.h"

enum { KEY_THRESHOLD = 0x100, KEY_GATE, KEY_FORMAT, KEY_FOLDER, KEY_TIMEOUT };

static const struct argp_option options_table[] = {
    {NULL, 0, NULL, 0, "Both uses:", 1},
    {"threshold", KEY_THRESHOLD, "N%", 0, "least difference that makes an outlier [5%]", 0},
    {"gate", KEY_GATE, NULL, 0, "exit 1 if a node is named", 0},
    {"format", KEY_FORMAT, "FORMAT", 0, "of stdout: table, json, csv, md [table]", 0},
    {NULL, 0, NULL, 0, "Under srun or mpirun, beside the options of kvroof run:", 2},
    {"folder", KEY_FOLDER, "DIR", 0,
     "where all nodes write, shared and of this job alone [results/fleet-JOB]", 0},
    {"timeout", KEY_TIMEOUT, "S", 0,
     "seconds that the first process waits for the others, once it has measured [600]", 0},
    KVR_HELP_OPTION,
    {NULL, 0, NULL, 0, NULL, 0}
};

static error_t refuse(struct kvr_fleet_arguments *a, const char *option, const char *text,
                      const char *why)
{
    return kvr_args_fail(&a->args, KVR_EXIT_USAGE, "--%s: '%.80s' %s", option, text, why);
}

static error_t set_threshold(struct kvr_fleet_arguments *a, const char *text)
{
    char number[64], why[160];
    size_t length = strlen(text);
    double percent;
    if (!length || text[length - 1] != '%' || length >= sizeof number)
        return refuse(a, "threshold", text, "needs a percent sign: 5%");
    snprintf(number, sizeof number, "%.*s", (int)length - 1, text);
    if (kvr_positive_parse(number, &percent, why, sizeof why) || percent > 1000)
        return refuse(a, "threshold", text, "needs a percentage above 0, at most 1000%");
    a->threshold = percent / 100;
    return 0;
}

static error_t parse_key(int key, char *text, struct argp_state *state)
{
    struct kvr_fleet_arguments *a = state->input;
    char why[160];
    switch (key) {
    case KEY_THRESHOLD:
        return set_threshold(a, text);
    case KEY_GATE:
        a->gate = true;
        return 0;
    case KEY_FORMAT:
        return kvr_output_format_parse(text, &a->format) || !kvr_output_is_common(a->format)
                   ? refuse(a, "format", text, "is not table, json, csv or md") : 0;
    case KEY_FOLDER:
        a->folder = text;
        return *text ? 0 : refuse(a, "folder", text, "is no folder");
    case KEY_TIMEOUT:
        return kvr_positive_parse(text, &a->timeout_s, why, sizeof why)
                   ? refuse(a, "timeout", text, why) : 0;
    case ARGP_KEY_ARG:
        return kvr_paths_add(&a->paths, &a->args, text);
    default:
        return kvr_args_key(key, text, state);
    }
}

const struct argp kvr_fleet_argp = {
    .options = options_table,
    .parser = parse_key,
    .args_doc = "RESULT...\nRUN-OPTIONS...",
    .doc = "Many nodes side by side. Nodes of one fingerprint (CPU, caches, NUMA, hypervisor, "
           "kernel) make a group and are never mixed with others; of every case a node is held "
           "against the median of its group, and who is far off by a robust z-score (median, MAD) "
           "is named."
           "\vTwo uses, told apart by RESULT.\n\n"
           "With it, stored results are read, wherever the command runs.\n\n"
           "Without it, under srun or mpirun, a process a node measures with the options of "
           "kvroof run and writes DIR/rank-N.json; the first one waits, merges all into "
           "DIR/fleet.json and prints. A node that left nothing is named (exit code 3), what the "
           "others measured is kept. Ranks are read from OMPI_COMM_WORLD_RANK, PMI_RANK, "
           "PMIX_RANK, MV2_COMM_WORLD_RANK or SLURM_PROCID; no MPI library is needed.\n\n"
           "Examples:\n"
           "  srun --ntasks-per-node=1 kvroof fleet -p ci\n"
           "  mpirun --map-by ppr:1:node kvroof fleet --folder /shared/run7 -p ci\n"
           "  kvroof fleet results/fleet-*/rank-*.json --threshold 10%\n"
           "  kvroof fleet nodes/*.json --format md --gate\n"
           "  kvroof plot nodes/*.json -k fleet\n",
};

/* ---- printing ---- */

static int write_file(const char *path, const struct kvr_fleet *fleet)
{
    FILE *out = fopen(path, "we");
    int rc = out ? kvr_write_fleet(out, KVR_OUT_JSON, fleet, 0) : -errno;
    if (out && fclose(out) && !rc)
        rc = -errno;
    return rc ? kvr_fail(KVR_EXIT_IO, "cannot write %s: %s; give another folder with --folder",
                         path, strerror(-rc)) : KVR_EXIT_OK;
}

int kvr_fleet_print(const struct kvr_fleet_arguments *a, struct kvr_run_record *records,
                    const char **paths, size_t count, const char *const *missing,
                    size_t missing_count, const char *also)
{
    struct kvr_fleet fleet;
    struct kvr_output_style style = {0};
    int code = KVR_EXIT_OK, rc;
    kvr_style_of_stdout("never", &style);
    count = kvr_drop_twins(records, paths, count);
    if (kvr_fleet_make(records, paths, count, a->threshold, &fleet)) {
        code = kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
        goto out;
    }
    fleet.missing = missing;
    fleet.missing_count = missing_count;
    if (also)
        code = write_file(also, &fleet);
    rc = kvr_write_fleet(stdout, a->format, &fleet, style.width);
    if (rc)
        code = kvr_fail(KVR_EXIT_IO, "cannot write stdout: %s", strerror(-rc));
    if (!code && missing_count)
        code = KVR_EXIT_IMPOSSIBLE;
    if (!code && a->gate && kvr_fleet_named(&fleet))
        code = KVR_EXIT_NO;
out:
    kvr_fleet_free(&fleet);
    return code;
}

static int read_and_print(struct kvr_fleet_arguments *a)
{
    struct kvr_run_record *records = NULL;
    char error[512];
    size_t count = a->paths.count;
    int code = kvr_load_results(a->paths.of, count, &records);
    for (size_t i = 0; !code && i < count; i++)
        if (kvr_compare_check(a->paths.of[i], &records[i], error, sizeof error))
            code = kvr_fail(KVR_EXIT_USAGE, "%s", error);
    for (size_t i = 0; !code && i < count; i++)
        if (!kvr_has_cases(&records[i]))
            code = kvr_fail(KVR_EXIT_USAGE, "%s holds no measured case; leave it out",
                            a->paths.of[i]);
    if (!code)
        code = kvr_fleet_print(a, records, a->paths.of, count, NULL, 0, NULL);
    kvr_free_results(records, count);
    return code;
}

/* ---- the two uses ---- */

static bool own_option(const char *word)
{
    size_t length = strcspn(word, "=");
    for (const struct argp_option *o = options_table; o->name || o->key || o->doc; o++)
        if (o->name && strlen(o->name) + 2 == length && !strncmp(word, "--", 2) &&
            !strncmp(word + 2, o->name, length - 2))
            return true;
    return false;
}

/* Fleet's own options and operands into own[], run's options into run[]; each begins with argv[0]
 * and has room for argc words. Words that neither knows are own: their parser says so. */
static void split(int argc, char **argv, char **own, int *own_count, char **run, int *run_count)
{
    own[(*own_count)++] = run[(*run_count)++] = argv[0];
    for (int i = 1; i < argc; i++) {
        bool mine = own_option(argv[i]) || !strcmp(argv[i], "--");
        int next = kvr_args_takes_next(mine ? &kvr_fleet_argp : &kvr_run_argp, argv[i]);
        char **to = mine || next < 0 ? own : run;
        int *count = to == own ? own_count : run_count;
        to[(*count)++] = argv[i];
        if (!strcmp(argv[i], "--"))
            while (i + 1 < argc)
                to[(*count)++] = argv[++i];
        else if (next > 0 && i + 1 < argc)
            to[(*count)++] = argv[++i];
    }
}

static int choose(struct kvr_fleet_arguments *a, int run_count, char **run)
{
    struct kvr_rank rank;
    char why[400];
    if (a->paths.count && run_count > 1)
        return kvr_fail(KVR_EXIT_USAGE, "fleet: '%.80s' is an option of kvroof run, and '%.80s' a "
                        "stored result: measure, or read results", run[1], a->paths.of[0]);
    if (a->paths.count && (a->folder || !isnan(a->timeout_s)))
        return kvr_fail(KVR_EXIT_USAGE, "fleet: --folder and --timeout go with measuring under "
                        "srun or mpirun, not with stored results");
    if (a->paths.count)
        return read_and_print(a);
    int found = kvr_rank_find(&rank, why, sizeof why);
    if (found < 0)
        return kvr_fail(KVR_EXIT_USAGE, "fleet: %s", why);
    if (!found)
        return kvr_fail(KVR_EXIT_USAGE, "fleet: which results? Name files that kvroof run wrote; "
                        "or start a process a node: srun --ntasks-per-node=1 kvroof fleet "
                        "RUN-OPTIONS (no launcher's variable, such as SLURM_PROCID, is set)");
    return kvr_fleet_launched(a, &rank, run_count, run);
}

/* Options of a rank that its own parser refused, another build may take: the first rank must not
 * wait for this one. The parser may not have come to --folder. */
static int refuse_rank(struct kvr_fleet_arguments *a, int count, char **own, int refused)
{
    struct kvr_rank rank;
    char why[400];
    for (int i = 1; i < count; i++) {
        size_t length = strcspn(own[i], "=");
        bool takes = kvr_args_takes_next(&kvr_fleet_argp, own[i]) > 0 && i + 1 < count;
        if (own[i][0] != '-' && !access(own[i], F_OK))
            return refused; /* stored results: no rank measures */
        if (length > strlen("--fo") && !strncmp(own[i], "--folder", length))
            a->folder = own[i][length] ? own[i] + length + 1 : takes ? own[i + 1] : a->folder;
        i += takes;
    }
    return kvr_rank_find(&rank, why, sizeof why) > 0 ? kvr_fleet_refused(a, &rank, refused)
                                                     : refused;
}

int kvr_cmd_fleet(int argc, char **argv)
{
    struct kvr_fleet_arguments *a = calloc(1, sizeof *a);
    char **own = calloc(2 * (size_t)argc + 2, sizeof *own), **run = own ? own + argc + 1 : NULL;
    int own_count = 0, run_count = 0, code;
    if (!a || !own) {
        code = kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
        goto out;
    }
    a->args.command = "kvroof fleet";
    a->format = KVR_OUT_TABLE;
    a->threshold = KVR_FLEET_THRESHOLD;
    a->timeout_s = NAN;
    split(argc, argv, own, &own_count, run, &run_count);
    code = kvr_args_parse(&kvr_fleet_argp, &a->args, own_count, own);
    if (code)
        code = refuse_rank(a, own_count, own, code);
    if (code || a->args.done)
        goto out;
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of the write, with its own exit code */
    code = choose(a, run_count, run);
out:
    free(own);
    free(a);
    return code;
}
