/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof doctor: what this machine can and cannot measure, why, and what would help.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../study/facts.h"
#include "../study/values.h"
#include "args.h"
#include "check_rows.h"
#include "commands.h"
#include "signals.h"

enum { OPTION_STRICT = 0x200, OPTION_FORMAT, OPTION_ROOT, OPTION_FINGERPRINT };

struct doctor {
    struct kvr_args args;
    bool strict, json, fingerprint;
    const char *root; /* NULL: this machine's own */
};

static const struct argp_option options_table[] = {
    {"strict", OPTION_STRICT, NULL, 0, "exit code 1 if any check warns", 0},
    {"format", OPTION_FORMAT, "FORMAT", 0, "table or json [table]", 0},
    {"fingerprint", OPTION_FINGERPRINT, NULL, 0,
     "print nothing but what tells machines apart whose results do not compare: CPU, caches, NUMA, "
     "hypervisor, kernel and THP mode in 16 digits", 0},
    {"root", OPTION_ROOT, "FOLDER", 0,
     "read /proc, /sys and the like below FOLDER, as recorded elsewhere; what is tried or measured "
     "is still this machine's", 0},
    KVR_HELP_OPTION,
    {NULL, 0, NULL, 0, NULL, 0}};

static error_t parse_key(int key, char *text, struct argp_state *state)
{
    static const char *const formats[] = {"table", "json", NULL};
    struct doctor *d = state->input;
    char why[160];
    switch (key) {
    case OPTION_STRICT:
        d->strict = true;
        return 0;
    case OPTION_FINGERPRINT:
        d->fingerprint = true;
        return 0;
    case OPTION_ROOT:
        d->root = text;
        return 0;
    case OPTION_FORMAT:
        if (kvr_word_parse(text, formats, why, sizeof why))
            return kvr_args_fail(&d->args, KVR_EXIT_USAGE, "--format: '%.80s' %s", text, why);
        d->json = strcmp(text, "json") == 0;
        return 0;
    default:
        return kvr_args_key(key, text, state);
    }
}

const struct argp kvr_doctor_argp = {
    .options = options_table,
    .parser = parse_key,
    .args_doc = "",
    .doc = "Says what this machine can and cannot measure: each check with the fact, its effect on "
           "the numbers and what would help. Changes nothing; what only a run can know is "
           "'unknown: measured by run'. Every run stores the same checks."
           "\vExamples:\n"
           "  kvroof doctor\n"
           "  kvroof doctor --strict && kvroof run     only where nothing warns\n"
           "  kvroof doctor --format json\n"
           "  key=kvroof-$(kvroof doctor --fingerprint)  of a cache for its results\n",
};

/* What may be measured here, and the checks that must hold for it. */
static const struct ability {
    const char *what, *checks[4];
} abilities[] = {
    {"times", {"build", "emulation", "clock-resolution", "pinning"}},
    {"cycles a key", {"build", "emulation", "clock-real"}},
    {"every kernel that the CPU reports", {"isa", "amx-permission"}},
    {"main memory", {"free-memory"}},
    {"huge pages", {"thp", "pages"}},
    {"memory on a chosen node", {"mbind", "set-mempolicy", "page-place"}},
    {"where pages lie", {"move-pages"}},
    {"hardware counters", {"counters"}},
    {"likwid's counters", {"likwid", "counters"}},
};

static const struct kvr_check *find(const struct kvr_checks *checks, const char *id)
{
    for (size_t i = 0; i < checks->count; i++)
        if (strcmp(checks->items[i].id, id) == 0)
            return &checks->items[i];
    return NULL;
}

/* The first check that does not hold; NULL if all do. */
static const char *bar(const struct kvr_checks *checks, const struct ability *ability)
{
    for (size_t i = 0; i < 4 && ability->checks[i]; i++) {
        const struct kvr_check *check = find(checks, ability->checks[i]);
        if (!check || check->status != KVR_CHECK_OK)
            return ability->checks[i];
    }
    return NULL;
}

static void print_abilities(const struct kvr_checks *checks, FILE *out)
{
    for (size_t i = 0; i < sizeof abilities / sizeof *abilities; i++) {
        const char *why = bar(checks, &abilities[i]);
        fprintf(out, "  %-3s  %s%s%s%s\n", why ? "no" : "yes", abilities[i].what,
                why ? " (see " : "", why ? why : "", why ? ")" : "");
    }
}

/* Those that ask for something first. */
static int by_urgency(const void *a, const void *b)
{
    static const int rank[] = {[KVR_CHECK_REFUSE] = 0, [KVR_CHECK_WARN] = 1, [KVR_CHECK_INFO] = 2,
                               [KVR_CHECK_UNKNOWN] = 3, [KVR_CHECK_OK] = 4};
    const struct kvr_check *x = a, *y = b;
    int order = rank[x->status] - rank[y->status];
    return order ? order : strcmp(x->id, y->id);
}

static size_t count_of(const struct kvr_checks *checks, enum kvr_check_status status)
{
    size_t n = 0;
    for (size_t i = 0; i < checks->count; i++)
        n += checks->items[i].status == status;
    return n;
}

static int print(struct kvr_checks *checks, bool json)
{
    struct kvr_rows rows;
    if (!json) {
        qsort(checks->items, checks->count, sizeof *checks->items, by_urgency);
        puts("This machine can measure");
        print_abilities(checks, stdout);
        putchar('\n');
    }
    kvr_check_rows(checks, &rows);
    int rc = json ? kvr_rows_json(&rows, stdout) : kvr_rows_table(&rows, stdout);
    kvr_rows_free(&rows);
    if (rc || json)
        return rc;
    printf("\n%zu warn, %zu info, %zu unknown, %zu ok\n",
           count_of(checks, KVR_CHECK_WARN) + count_of(checks, KVR_CHECK_REFUSE),
           count_of(checks, KVR_CHECK_INFO), count_of(checks, KVR_CHECK_UNKNOWN),
           count_of(checks, KVR_CHECK_OK));
    return fflush(stdout) ? -errno : 0;
}

int kvr_cmd_doctor(int argc, char **argv)
{
    struct doctor d = {.args.command = "kvroof doctor"};
    struct kvr_checks checks = {0};
    struct kvr_machine machine;
    const char *why = "";
    int code = kvr_args_parse(&kvr_doctor_argp, &d.args, argc, argv);
    if (code || d.args.done)
        return code;
    if (d.fingerprint && (d.strict || d.json))
        return kvr_fail(KVR_EXIT_USAGE, "doctor: --fingerprint prints nothing else and makes no "
                        "checks: leave --%s out", d.strict ? "strict" : "format");
    if (d.root && access(d.root, R_OK | X_OK))
        return kvr_fail(KVR_EXIT_USAGE, "doctor: --root '%.200s': %s", d.root, strerror(errno));
    kvr_signals_end("kvroof: doctor: interrupted\n");
    if (kvr_machine_load(&machine, d.root, &why))
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "doctor: this machine cannot be described: %s", why);
    if (d.fingerprint) {
        puts(machine.fingerprint);
        return fflush(stdout) ? kvr_fail(KVR_EXIT_IO, "doctor: cannot print: %s", strerror(errno))
                              : KVR_EXIT_OK;
    }
    kvr_facts_check(&machine, &checks);
    size_t amiss = count_of(&checks, KVR_CHECK_WARN) + count_of(&checks, KVR_CHECK_REFUSE);
    int rc = print(&checks, d.json);
    kvr_checks_free(&checks);
    if (rc)
        return kvr_fail(KVR_EXIT_IO, "doctor: cannot print: %s", strerror(-rc));
    if (d.strict && amiss)
        return kvr_fail(KVR_EXIT_NO, "doctor: --strict: %zu check%s warn%s", amiss,
                        amiss == 1 ? "" : "s", amiss == 1 ? "s" : "");
    return KVR_EXIT_OK;
}
