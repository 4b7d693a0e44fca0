/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof compare: what the command line says, then files or runs.
 */
#include "compare.h"

#include <math.h>
#include <signal.h>
#include <string.h>

#include "../report/cpu_table.h"
#include "../study/values.h"
#include "commands.h"
#include "style.h"

enum { KEY_RUN = 0x100, KEY_PAIRS, KEY_BUDGET, KEY_THRESHOLD, KEY_ONLY, KEY_IGNORE, KEY_TABLE,
       KEY_ACROSS, KEY_SORT, KEY_FORMAT, KEY_COLOR, KEY_HISTORY };

static const struct argp_option options_table[] = {
    {NULL, 0, NULL, 0, "What counts:", 1},
    {"threshold", KEY_THRESHOLD, "[GLOB=]N%", 0,
     "how much slower is a regression, of all cases or of some; may be repeated [5%]", 0},
    {"only", KEY_ONLY, "GLOB,...", 0, "compare these cases", 0},
    {"ignore", KEY_IGNORE, "GLOB,...", 0, "leave these cases out", 0},
    {NULL, 0, NULL, 0, "Results of several machines:", 2},
    {"table", KEY_TABLE, NULL, 0, "machines side by side; no pass or fail", 0},
    {"sort", KEY_SORT, "COLUMN", 0,
     "of that table: case, machine, ns, ratio, roof, balance, bound, speedup, cost [case]", 0},
    {"gate-across-machines", KEY_ACROSS, NULL, 0,
     "decide as on one machine, although they are two", 0},
    {NULL, 0, NULL, 0, "Both sides run now:", 3},
    {"run", KEY_RUN, NULL, 0, "start both sides in turn, in processes of their own", 0},
    {"pairs", KEY_PAIRS, "N[..N]", 0, "least and most pairs of processes [5..20]", 0},
    {"budget", KEY_BUDGET, "S", 0, "seconds of the whole comparison [600]", 0},
    {"output", 'o', "DIR", 0, "where the results of all processes are kept "
     "[results/compare-TIME]", 0},
    {"quiet", 'q', NULL, 0, "no progress", 0},
    {NULL, 0, NULL, 0, "Results of one machine over time:", 4},
    {"history", KEY_HISTORY, "DIR", 0, "where a case changed, over all results in a folder", 0},
    {NULL, 0, NULL, 0, "Result:", 5},
    {"format", KEY_FORMAT, "FORMAT", 0, "table, json, csv, md, junit [table]", 0},
    {"color", KEY_COLOR, "WHEN", 0, "auto, always, never [auto]", 0},
    KVR_HELP_OPTION,
    {NULL, 0, NULL, 0, NULL, 0}
};

static error_t refuse(struct kvr_compare_arguments *a, const char *option, const char *text,
                      const char *why)
{
    return kvr_args_fail(&a->args, KVR_EXIT_USAGE, "--%s: '%.80s' %s", option, text, why);
}

/* A copy that lives as long as the arguments. NULL: no room. */
static char *keep(struct kvr_compare_arguments *a, const char *text)
{
    size_t bytes = strlen(text) + 1;
    if (bytes > sizeof a->lists - a->lists_bytes)
        return NULL;
    char *copy = memcpy(a->lists + a->lists_bytes, text, bytes);
    a->lists_bytes += bytes;
    return copy;
}

static error_t set_globs(struct kvr_compare_arguments *a, const char *option, const char *text,
                         const char **globs, size_t *count)
{
    char *rest = NULL, *copy = keep(a, text);
    if (!copy)
        return refuse(a, option, text, "and those before it are too long");
    for (char *word = strtok_r(copy, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        if (*count == KVR_MOST_GLOBS)
            return refuse(a, option, text, "is one pattern too many");
        globs[(*count)++] = word;
    }
    return *count ? 0 : refuse(a, option, text, "names nothing");
}

static error_t set_threshold(struct kvr_compare_arguments *a, const char *text)
{
    char why[160], number[64], *copy = keep(a, text);
    char *equals = copy ? strrchr(copy, '=') : NULL;
    double percent = 0;
    if (!copy || a->options.threshold_count == KVR_MOST_GLOBS)
        return refuse(a, "threshold", text, "is one threshold too many");
    const char *value = equals ? equals + 1 : copy;
    size_t length = strlen(value);
    if (!length || value[length - 1] != '%')
        return refuse(a, "threshold", text, "needs a percent sign: 5% or GLOB=10%");
    snprintf(number, sizeof number, "%.*s", (int)length - 1, value);
    if (kvr_positive_parse(number, &percent, why, sizeof why) || percent > 1000)
        return refuse(a, "threshold", text, "needs a percentage above 0, at most 1000%");
    if (equals)
        *equals = '\0';
    if (equals == copy)
        return refuse(a, "threshold", text, "names no case before the =");
    a->options.thresholds[a->options.threshold_count++] =
        (struct kvr_glob_threshold){equals ? copy : NULL, percent / 100};
    return 0;
}

static error_t set_pairs(struct kvr_compare_arguments *a, const char *text)
{
    char why[160], least[32];
    const char *dots = strstr(text, "..");
    uint64_t low = 0, high = 0;
    snprintf(least, sizeof least, "%.*s", dots ? (int)(dots - text) : 31, text);
    if (kvr_count_parse(least, 2, 1000, &low, why, sizeof why) ||
        kvr_count_parse(dots ? dots + 2 : least, 2, 1000, &high, why, sizeof why))
        return refuse(a, "pairs", text, "needs 2 to 1000 pairs, or a range as 5..20");
    if (low > high)
        return refuse(a, "pairs", text, "ends before it begins");
    a->least_pairs = (uint32_t)low;
    a->most_pairs = (uint32_t)high;
    return 0;
}

static error_t set_order(struct kvr_compare_arguments *a, const char *text)
{
    size_t count = 0;
    for (; kvr_cpu_orders[count]; count++)
        if (!strcmp(kvr_cpu_orders[count], text)) {
            a->order = text;
            return 0;
        }
    const char *nearest = kvr_nearest(text, kvr_cpu_orders, count);
    char why[80];
    snprintf(why, sizeof why, "is no column; %s%s", nearest ? "did you mean " : "see --help",
             nearest ? nearest : "");
    return refuse(a, "sort", text, why);
}

static error_t check_run(struct kvr_compare_arguments *a)
{
    if (a->path_count)
        return kvr_args_fail(&a->args, KVR_EXIT_USAGE, "--run measures both sides itself; "
                             "'%.80s' before the first -- belongs to neither", a->paths[0]);
    if (!a->sides[0] || !a->sides[1])
        return kvr_args_fail(&a->args, KVR_EXIT_USAGE, "--run needs two sides: kvroof compare "
                             "--run -- [PROGRAM] RUN-OPTIONS... -- [PROGRAM] RUN-OPTIONS...");
    for (int side = 0; side < 2; side++)
        for (int i = 0; i < a->side_counts[side]; i++)
            if (!strncmp(a->sides[side][i], "--process", strlen("--process")))
                return kvr_args_fail(&a->args, KVR_EXIT_USAGE, "--run starts the processes itself; "
                                     "leave %.40s out and give --pairs", a->sides[side][i]);
    if (a->table || a->across || a->order)
        return kvr_args_fail(&a->args, KVR_EXIT_USAGE, "--table, --sort and "
                             "--gate-across-machines go with stored results, not with --run");
    return 0;
}

static error_t check_history(struct kvr_compare_arguments *a)
{
    if (a->run || a->path_count || a->sides[0] || a->least_pairs || !isnan(a->budget_s) ||
        a->folder || a->table || a->across || a->order)
        return kvr_args_fail(&a->args, KVR_EXIT_USAGE, "--history reads the results of a folder by "
                             "itself: besides it only --threshold, --only, --ignore and --format "
                             "have a meaning");
    return 0;
}

static error_t check(struct kvr_compare_arguments *a)
{
    if (a->format == KVR_OUT_JUNIT && (a->history || a->table))
        return kvr_args_fail(&a->args, KVR_EXIT_USAGE, "--format junit tells which cases regressed "
                             "from BASE to NEW; with --history or --table take table, json, csv or "
                             "md");
    if (a->history)
        return check_history(a);
    if (a->run)
        return check_run(a);
    if (a->sides[0])
        return kvr_args_fail(&a->args, KVR_EXIT_USAGE, "what stands behind -- goes with --run");
    if (a->least_pairs || !isnan(a->budget_s) || a->folder)
        return kvr_args_fail(&a->args, KVR_EXIT_USAGE,
                             "--pairs, --budget and --output go with --run");
    if (a->path_count < 2)
        return kvr_args_fail(&a->args, KVR_EXIT_USAGE, "which results? Name a BASE and at least "
                             "one NEW that kvroof run wrote, or measure both with --run");
    if (a->table && a->across)
        return kvr_args_fail(&a->args, KVR_EXIT_USAGE, "--table decides nothing and "
                             "--gate-across-machines does; use one of them");
    return 0;
}

static error_t add_path(struct kvr_compare_arguments *a, const char *text)
{
    if (a->path_count == KVR_COMPARED_RESULTS)
        return kvr_args_fail(&a->args, KVR_EXIT_USAGE, "at most %d results at a time",
                             KVR_COMPARED_RESULTS);
    a->paths[a->path_count++] = text;
    return 0;
}

static error_t set_text(struct kvr_compare_arguments *a, int key, const char *text)
{
    char why[160];
    switch (key) {
    case KEY_FORMAT:
        a->format_given = true;
        if (kvr_output_format_parse(text, &a->format) ||
            (!kvr_output_is_common(a->format) && a->format != KVR_OUT_JUNIT))
            return refuse(a, "format", text, "is not table, json, csv, md or junit");
        return 0;
    case KEY_COLOR:
        return kvr_style_of_stdout(text, &a->style)
                   ? refuse(a, "color", text, "is not auto, always or never") : 0;
    case KEY_BUDGET:
        return kvr_positive_parse(text, &a->budget_s, why, sizeof why)
                   ? refuse(a, "budget", text, why) : 0;
    case KEY_THRESHOLD:
        return set_threshold(a, text);
    case KEY_ONLY:
        return set_globs(a, "only", text, a->options.only, &a->options.only_count);
    case KEY_IGNORE:
        return set_globs(a, "ignore", text, a->options.ignore, &a->options.ignore_count);
    case KEY_PAIRS:
        return set_pairs(a, text);
    case KEY_SORT:
        return set_order(a, text);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_key(int key, char *text, struct argp_state *state)
{
    struct kvr_compare_arguments *a = state->input;
    error_t error;
    switch (key) {
    case KEY_RUN:
        a->run = true;
        return 0;
    case KEY_TABLE:
        a->table = true;
        return 0;
    case KEY_ACROSS:
        a->across = true;
        return 0;
    case KEY_HISTORY:
        a->history = text;
        return *text ? 0 : refuse(a, "history", text, "is no folder");
    case 'q':
        a->quiet = true;
        return 0;
    case 'o':
        a->folder = text;
        return *text ? 0 : refuse(a, "output", text, "is no folder");
    case ARGP_KEY_ARG:
        return add_path(a, text);
    case ARGP_KEY_END:
        return a->args.done ? 0 : check(a);
    default:
        error = set_text(a, key, text);
        return error == ARGP_ERR_UNKNOWN ? kvr_args_key(key, text, state) : error;
    }
}

const struct argp kvr_compare_argp = {
    .options = options_table,
    .parser = parse_key,
    .args_doc = "BASE NEW...\n--history DIR\n"
                "--run -- [PROGRAM] RUN-OPTIONS... -- [PROGRAM] RUN-OPTIONS...",
    .doc = "Says of every case whether the new side is slower: regressed, ok or inconclusive, and "
           "then what would decide it. A process is one observation, normalised by its own plain "
           "read of main memory; a regression lies above the threshold with its whole interval, "
           "is significant beside all other cases (Holm), and happened while that plain read did "
           "not change. With --run processes of both sides alternate (A B B A ...) until every "
           "case is decided. Results of different machines are shown side by side: exit code 4 "
           "unless --table. With --history the results of a folder that are of the newest one's "
           "machine are put in the order of their start, and PELT finds where a case changed: "
           "regressed if its last change was for the slower, each with the commit where it began "
           "(--tag commit=ID of kvroof run, else that of the program)."
           "\vExamples:\n"
           "  kvroof run --processes 5 -o json:base.json        a file with five processes\n"
           "  kvroof compare base.json new.json --threshold 3% --threshold 'fp16*=10%'\n"
           "  kvroof compare laptop.json server.json --table --sort ns --format md\n"
           "  kvroof compare base.json new.json --format junit >compare.xml\n"
           "  kvroof compare --history results/main --only 'lookat*'\n"
           "  kvroof compare --run -- ./old/kvroof -p ci -- ./new/kvroof -p ci\n"
           "  kvroof compare --run -- -k fp16 --pages 4k -- -k fp16 --pages thp\n",
};

/* What follows the first and the second "--"; the arguments of compare itself end before. */
static int split_sides(struct kvr_compare_arguments *a, int argc, char **argv)
{
    int own = argc;
    for (int i = 1, side = -1; i < argc; i++) {
        if (side < 1 && !strcmp(argv[i], "--")) {
            own = side < 0 ? i : own;
            side++;
            a->sides[side] = argv + i + 1;
        } else if (side >= 0) {
            a->side_counts[side]++;
        }
    }
    return own;
}

int kvr_compare_print(const struct kvr_compare_arguments *a,
                      const struct kvr_comparison *comparisons, size_t count)
{
    enum kvr_outcome outcome = KVR_OK;
    for (size_t i = 0; i < count; i++)
        outcome = kvr_worse_outcome(outcome, comparisons[i].outcome);
    int rc = kvr_write_comparisons(stdout, a->format, comparisons, count, &a->style);
    if (rc)
        return kvr_fail(KVR_EXIT_IO, "cannot write stdout: %s", strerror(-rc));
    return kvr_compare_exit_code(outcome);
}

int kvr_compare_exit_code(enum kvr_outcome outcome)
{
    return outcome == KVR_REGRESSED      ? KVR_EXIT_NO
           : outcome == KVR_INCONCLUSIVE ? KVR_EXIT_INCONCLUSIVE
                                         : KVR_EXIT_OK;
}

int kvr_cmd_compare(int argc, char **argv)
{
    struct kvr_compare_arguments a = {.args.command = "kvroof compare", .format = KVR_OUT_TABLE,
                                      .budget_s = NAN};
    kvr_style_of_stdout("auto", &a.style);
    int own = split_sides(&a, argc, argv);
    int code = kvr_args_parse(&kvr_compare_argp, &a.args, own, argv);
    if (code || a.args.done)
        return code;
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of the write, with its own exit code */
    if (a.history)
        return kvr_compare_history(&a);
    return a.run ? kvr_compare_runs(&a) : kvr_compare_files(&a);
}
