/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof compare --run: processes of both sides in turn, A B B A, until every case is decided.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../measure/clock.h"
#include "bench.h"
#include "child.h"
#include "compare.h"

enum { LEAST_PAIRS = 5, MOST_PAIRS = 20, MOST_DEATHS = 3, PATH_BYTES = 400 };
#define BUDGET_S 600

struct runs {
    struct kvr_compare_arguments *a;
    char folder[PATH_BYTES];
    size_t looks[KVR_MOST_LOOKS], look_count, looked;
    size_t least, most, pairs; /* pairs: done */
    struct kvr_run_record **records[2]; /* [most]; NULL: the process left nothing */
    char name[2][256];
    double started_s, budget_s, pair_s; /* pair_s: the longest so far */
    size_t started, deaths; /* processes */
    int code; /* set: nothing more is started */
};

static bool takes_run_word(const char *word)
{
    return !strcmp(word, "run");
}

/* PROGRAM run RUN-OPTIONS... -o jsonl:FILE --progress plain; NULL: out of memory. */
static char **command_of(const struct runs *r, int side, const char *output, char *path)
{
    char **given = r->a->sides[side];
    int count = r->a->side_counts[side], n = 0, i = 0;
    char **argv = calloc((size_t)count + 8, sizeof *argv);
    if (!argv)
        return NULL;
    bool named = count && given[0][0] != '-' && !takes_run_word(given[0]);
    argv[n++] = named ? given[i++] : path;
    argv[n++] = "run";
    i += i < count && takes_run_word(given[i]);
    while (i < count)
        argv[n++] = given[i++];
    argv[n++] = "-o";
    argv[n++] = (char *)output;
    argv[n++] = "--progress";
    argv[n++] = "plain";
    return argv;
}

static void describe_side(struct runs *r, int side)
{
    size_t used = 0;
    const char *const what = side ? "new" : "base";
    used += (size_t)snprintf(r->name[side], sizeof r->name[side], "%s (%s", what,
                             r->a->side_counts[side] ? "" : "the quick profile");
    for (int i = 0; i < r->a->side_counts[side] && used < sizeof r->name[side]; i++)
        used += (size_t)snprintf(r->name[side] + used, sizeof r->name[side] - used, "%s%s",
                                 i ? " " : "", r->a->sides[side][i]);
    snprintf(r->name[side] + strlen(r->name[side]), sizeof r->name[side] - strlen(r->name[side]),
             ")");
}

static int make_folder(struct runs *r)
{
    char stamp[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
    if (!r->a->folder)
        snprintf(r->folder, sizeof r->folder, "results/compare-%s", stamp);
    else if (strlen(r->a->folder) >= sizeof r->folder)
        return kvr_fail(KVR_EXIT_USAGE, "--output: the path is too long");
    else
        snprintf(r->folder, sizeof r->folder, "%s", r->a->folder);
    if (!r->a->folder)
        (void)mkdir("results", 0777); /* if that fails, so does the next */
    struct stat st;
    int rc = mkdir(r->folder, 0777) && errno != EEXIST ? -errno : 0;
    if (!rc && !stat(r->folder, &st) && !S_ISDIR(st.st_mode))
        rc = -ENOTDIR;
    if (!rc && access(r->folder, W_OK))
        rc = -errno;
    if (rc)
        return kvr_fail(KVR_EXIT_IO, "cannot write to the folder %s: %s; give another with -o",
                        r->folder, strerror(-rc));
    return KVR_EXIT_OK;
}

static void note_end(struct runs *r, const char *who, int code, const char *log)
{
    char how[120], last[400];
    kvr_child_end_text(code, how, sizeof how);
    kvr_last_line(log, last, sizeof last);
    kvr_fail(0, "%s %s%s%s", who, how, *last ? "; it said: " : "", last);
    r->deaths++;
    /* What was asked for is at fault, or the very first process: the next would end the same. */
    if (code == KVR_EXIT_USAGE || code == KVR_EXIT_IO)
        r->code = code;
    else if (r->started <= 2 || r->deaths >= MOST_DEATHS || code < 0)
        r->code = KVR_EXIT_IMPOSSIBLE;
}

static void read_result(struct runs *r, int side, const char *path)
{
    char error[512];
    struct kvr_run_record *record = malloc(sizeof *record);
    if (!record || access(path, R_OK) || kvr_read_result(path, record, error, sizeof error)) {
        free(record);
        return;
    }
    r->records[side][r->pairs] = record;
}

static void run_one(struct runs *r, int side)
{
    const char *const what = side ? "new" : "base";
    char path[PATH_BYTES + 40], output[PATH_BYTES + 48], log[PATH_BYTES + 40], who[400];
    char own[PATH_MAX];
    ssize_t n = readlink(kvr_own_program, own, sizeof own - 1);
    own[n > 0 ? n : 0] = 0;
    snprintf(path, sizeof path, "%s/pair-%02zu-%s.jsonl", r->folder, r->pairs + 1, what);
    snprintf(log, sizeof log, "%s/pair-%02zu-%s.log", r->folder, r->pairs + 1, what);
    snprintf(output, sizeof output, "jsonl:%s", path);
    snprintf(who, sizeof who, "process %zu, pair %zu, %s (kept: %.300s),", r->started + 1,
             r->pairs + 1, what, path);
    char **argv = command_of(r, side, output, own);
    if (!argv) {
        r->code = kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
        return;
    }
    (void)unlink(path); /* a folder of an earlier comparison */
    r->started++;
    int code = kvr_child_run(argv, log);
    if (code < 0) /* it left no file: what counts is which program */
        snprintf(who, sizeof who, "pair %zu, %s: %.300s", r->pairs + 1, what, argv[0]);
    free(argv);
    read_result(r, side, path);
    if (kvr_signal_number())
        r->code = 128 + kvr_signal_number();
    else if (code)
        note_end(r, who, code, log);
}

static int compare(const struct runs *r, size_t pairs, struct kvr_comparison *k, char *error,
                   size_t bytes)
{
    struct kvr_compare_options options = r->a->options;
    const struct kvr_compare_side sides[2] = {
        {r->name[0], (const struct kvr_run_record *const *)r->records[0], pairs},
        {r->name[1], (const struct kvr_run_record *const *)r->records[1], pairs}};
    options.pairs = true;
    options.looks = r->look_count;
    options.look = r->looked;
    return kvr_compare(&sides[0], &sides[1], &options, k, error, bytes);
}

/* Says how things stand after a pair; whether all is decided. */
static bool look(struct runs *r)
{
    struct kvr_comparison k;
    char error[600], counts[120];
    int rc = compare(r, r->pairs, &k, error, sizeof error);
    bool both = r->records[0][r->pairs - 1] && r->records[1][r->pairs - 1];
    if (rc == -ENODATA && both && !r->code) /* the next pair would measure the same cases */
        r->code = kvr_fail(KVR_EXIT_USAGE, "%s", error);
    if (rc) {
        if (!r->a->quiet && !r->code)
            fprintf(stderr, "pair %zu of at most %zu: %s\n", r->pairs, r->most, error);
        return false;
    }
    bool planned = r->looked < r->look_count && r->pairs == r->looks[r->looked];
    bool decided = planned && kvr_all_decided(&k);
    r->looked += planned;
    kvr_outcome_counts(&k, counts, sizeof counts);
    if (!r->a->quiet)
        fprintf(stderr, "pair %zu of at most %zu, %.0f of %.0f s; so far: %s\n", r->pairs, r->most,
                kvr_wall_s() - r->started_s, r->budget_s, counts);
    kvr_comparison_free(&k);
    return decided;
}

static void run_pairs(struct runs *r)
{
    bool decided = false;
    while (!decided && !r->code && r->pairs < r->most) {
        double before = kvr_wall_s();
        if (before - r->started_s + r->pair_s > r->budget_s) {
            if (!r->a->quiet)
                fprintf(stderr, "the budget of %.0f s allows no further pair\n", r->budget_s);
            return;
        }
        for (int turn = 0; turn < 2 && !r->code; turn++)
            run_one(r, (int)((r->pairs + (size_t)turn) % 2));
        r->pairs++;
        r->pair_s = fmax(r->pair_s, kvr_wall_s() - before);
        decided = look(r);
    }
}

static int conclude(struct runs *r)
{
    struct kvr_comparison k;
    char error[600];
    const struct kvr_run_record *first[2] = {NULL, NULL};
    int rc = compare(r, r->pairs, &k, error, sizeof error);
    if (!r->a->quiet)
        fprintf(stderr, "results of all processes: %s\n", r->folder);
    if (rc == -ENODATA)
        return r->code ? r->code : kvr_fail(KVR_EXIT_USAGE, "%s", error);
    if (rc)
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
    for (int side = 0; side < 2; side++)
        for (size_t i = r->pairs; i-- > 0;)
            if (r->records[side][i])
                first[side] = r->records[side][i];
    if (first[0] && first[1])
        kvr_note_differences(first[0], first[1], &k);
    if (r->deaths)
        kvr_comparison_note(&k, "%zu of %zu processes did not reach their end; what they measured "
                            "is kept", r->deaths, r->started);
    int code = kvr_compare_print(r->a, &k, 1);
    kvr_comparison_free(&k);
    if (r->code)
        return r->code;
    return r->deaths ? KVR_EXIT_IMPOSSIBLE : code;
}

static bool same_options(const struct kvr_compare_arguments *a)
{
    int from[2];
    for (int side = 0; side < 2; side++)
        from[side] = a->side_counts[side] && a->sides[side][0][0] != '-';
    if (a->side_counts[0] - from[0] != a->side_counts[1] - from[1])
        return false;
    for (int i = 0; i < a->side_counts[0] - from[0]; i++)
        if (strcmp(a->sides[0][from[0] + i], a->sides[1][from[1] + i]))
            return false;
    return true;
}

int kvr_compare_runs(struct kvr_compare_arguments *a)
{
    struct runs r = {.a = a, .started_s = kvr_wall_s()};
    r.budget_s = isnan(a->budget_s) ? BUDGET_S : a->budget_s;
    r.least = a->least_pairs ? a->least_pairs : LEAST_PAIRS;
    r.most = a->most_pairs ? a->most_pairs : MOST_PAIRS;
    r.look_count = kvr_looks_of(r.least, r.most, r.looks);
    a->options.option_sets = !same_options(a);
    int code = make_folder(&r);
    if (code)
        return code;
    for (int side = 0; side < 2; side++) {
        describe_side(&r, side);
        r.records[side] = calloc(r.most, sizeof *r.records[side]);
        if (!r.records[side])
            code = kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
    }
    kvr_signals_catch();
    if (!code) {
        run_pairs(&r);
        code = conclude(&r);
    }
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; r.records[side] && i < r.most; i++)
            if (r.records[side][i]) {
                kvr_run_record_free(r.records[side][i]);
                free(r.records[side][i]);
            }
        free(r.records[side]);
    }
    return code;
}
