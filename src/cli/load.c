/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "load.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../report/quality.h"
#include "../report/text.h"
#include "../report/writers.h"
#include "../study/claims.h"
#include "../study/crossings.h"
#include "../study/verdict.h"
#include "cli.h"

enum { MOST_THREADS = 8 };

error_t kvr_paths_add(struct kvr_paths *paths, struct kvr_args *args, const char *path)
{
    if (paths->count == KVR_MAX_RESULTS)
        return kvr_args_fail(args, KVR_EXIT_USAGE, "at most %d results at once", KVR_MAX_RESULTS);
    paths->of[paths->count++] = path;
    return 0;
}

/* What the threads that read share. Each takes the next path until one could not be read. */
struct loading {
    const char *const *paths;
    struct kvr_run_record *records;
    struct kvr_fidelity_record *fidelities; /* one a path; NULL: only runs' results will do */
    bool *others; /* set of paths that are no result by their schema; NULL: these are errors */
    size_t count;
    atomic_size_t next;
    pthread_mutex_t mutex; /* of what follows */
    size_t failed;         /* the first path that could not be read; count: none */
    char error[512];
};

static void *read_some(void *context)
{
    struct loading *l = context;
    char error[sizeof l->error];
    bool stop = false;
    for (size_t i; !stop && (i = atomic_fetch_add(&l->next, 1)) < l->count;) {
        int rc = l->fidelities ? kvr_read_either(l->paths[i], &l->records[i], &l->fidelities[i],
                                                 error, sizeof error)
                               : kvr_read_result(l->paths[i], &l->records[i], error, sizeof error);
        if (rc == -ENOMSG && l->others) {
            l->others[i] = true;
            rc = 0;
        }
        pthread_mutex_lock(&l->mutex);
        if (rc && i < l->failed) {
            l->failed = i;
            memcpy(l->error, error, sizeof error);
        }
        stop = l->failed < l->count;
        pthread_mutex_unlock(&l->mutex);
    }
    return NULL;
}

/* This thread reads too; without the others it only takes longer. */
static void read_all(struct loading *loading)
{
    pthread_t others[MOST_THREADS - 1];
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    size_t most = loading->count < MOST_THREADS ? loading->count : MOST_THREADS, started = 0;
    while (started + 1 < most && (long)started + 1 < cpus &&
           !pthread_create(&others[started], NULL, read_some, loading))
        started++;
    read_some(loading);
    while (started)
        pthread_join(others[--started], NULL);
}

static int load(const char *const *paths, size_t count, struct kvr_fidelity_record *fidelities,
                bool *others, struct kvr_run_record **records)
{
    struct loading loading = {.paths = paths, .count = count, .failed = count,
                              .fidelities = fidelities, .others = others,
                              .records = calloc(count, sizeof *loading.records),
                              .mutex = PTHREAD_MUTEX_INITIALIZER};
    *records = NULL;
    if (!loading.records)
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
    read_all(&loading);
    if (loading.failed < count) {
        kvr_free_results(loading.records, count);
        return kvr_fail(KVR_EXIT_USAGE, "%s", loading.error);
    }
    *records = loading.records;
    return KVR_EXIT_OK;
}

int kvr_load_results(const char *const *paths, size_t count, struct kvr_run_record **records)
{
    return load(paths, count, NULL, NULL, records);
}

int kvr_load_folder(const char **paths, size_t *count, struct kvr_run_record **records)
{
    bool *others = calloc(*count + 1, sizeof *others);
    if (!others)
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
    int code = load(paths, *count, NULL, others, records);
    size_t left = 0;
    for (size_t i = 0; !code && i < *count; i++) {
        if (others[i]) { /* its record is empty: reading it failed */
            kvr_fail(0, "%s is no result of kvroof run and is left out", paths[i]);
            continue;
        }
        (*records)[left] = (*records)[i];
        paths[left++] = paths[i];
    }
    if (!code)
        *count = left;
    free(others);
    return code;
}

/* The one fidelity result among the paths, which leaves them; *path is its own, NULL: none. */
static int part(struct kvr_paths *paths, struct kvr_fidelity_record *fidelities,
                struct kvr_beside *beside, const char **path)
{
    size_t at = paths->count;
    for (size_t i = 0; i < paths->count; i++) {
        if (fidelities[i].row_count && at < paths->count)
            return kvr_fail(KVR_EXIT_USAGE, "%s and %s are both results of kvroof fidelity: give "
                            "one", paths->of[at], paths->of[i]);
        at = fidelities[i].row_count ? i : at;
    }
    if (at == paths->count)
        return KVR_EXIT_OK;
    *path = paths->of[at];
    if (paths->count == 1)
        return kvr_fail(KVR_EXIT_USAGE, "%s is a result of kvroof fidelity, which has no times: "
                        "give what kvroof run wrote beside it", paths->of[at]);
    beside->fidelity = fidelities[at];
    fidelities[at] = (struct kvr_fidelity_record){0};
    kvr_run_record_free(&beside->records[at]);
    paths->count--;
    for (size_t i = at; i < paths->count; i++) {
        beside->records[i] = beside->records[i + 1];
        paths->of[i] = paths->of[i + 1];
    }
    return KVR_EXIT_OK;
}

static int join(const struct kvr_paths *paths, struct kvr_beside *beside, const char *path)
{
    char text[400];
    if (kvr_quality_attach(&beside->fidelity, beside->records, paths->count, text, sizeof text))
        return kvr_fail(KVR_EXIT_USAGE, "%s: %s", path, text);
    kvr_quality_missing_text(beside->records, paths->count, text, sizeof text);
    if (*text)
        kvr_fail(0, "%s has no row of %s: their closeness is not shown", path, text);
    return KVR_EXIT_OK;
}

int kvr_load_beside(struct kvr_paths *paths, struct kvr_beside *beside)
{
    const char *path = NULL;
    size_t count = paths->count;
    struct kvr_fidelity_record *fidelities = calloc(count, sizeof *fidelities);
    *beside = (struct kvr_beside){NULL, {0}};
    if (!fidelities)
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
    int code = load(paths->of, count, fidelities, NULL, &beside->records);
    if (!code)
        code = part(paths, fidelities, beside, &path);
    if (!code && path)
        code = join(paths, beside, path);
    for (size_t i = 0; i < count; i++)
        kvr_fidelity_free(&fidelities[i]);
    free(fidelities);
    return code;
}

void kvr_free_beside(struct kvr_beside *beside, size_t count)
{
    kvr_free_results(beside->records, count);
    kvr_fidelity_free(&beside->fidelity);
}

bool kvr_same_file(const char *one, const char *other)
{
    struct stat a, b;
    return !stat(one, &a) && !stat(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static bool twins(const struct kvr_run_record *a, const struct kvr_run_record *b)
{
    const struct kvr_result *x = a->results, *y = b->results;
    return !strcmp(a->machine.hostname, b->machine.hostname) && !strcmp(a->started, b->started) &&
           !strcmp(a->machine.fingerprint, b->machine.fingerprint) &&
           a->result_count == b->result_count && a->result_count &&
           x->round_count == y->round_count && x->round_count &&
           !memcmp(&x->rounds->t_ns, &y->rounds->t_ns, sizeof x->rounds->t_ns);
}

size_t kvr_drop_twins(struct kvr_run_record *records, const char **paths, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        size_t k = 0;
        while (k < i && !twins(&records[k], &records[i]))
            k++;
        if (k == i)
            continue;
        kvr_fail(0, "%s is the same result as %s and is left out", paths[i], paths[k]);
        struct kvr_run_record record = records[i];
        const char *path = paths[i];
        count--;
        memmove(&records[i], &records[i + 1], (count - i) * sizeof *records);
        memmove(&paths[i], &paths[i + 1], (count - i) * sizeof *paths);
        records[count] = record;
        paths[count] = path;
        i--;
    }
    return count;
}

void kvr_free_results(struct kvr_run_record *records, size_t count)
{
    for (size_t i = 0; records && i < count; i++)
        kvr_run_record_free(&records[i]);
    free(records);
}

void kvr_add_conclusions(struct kvr_run_record *record)
{
    bool any = false;
    for (size_t i = 0; i < record->result_count; i++)
        any |= record->results[i].measured;
    if (any && !record->claim_count)
        kvr_claims_decide(record);
    if (any && !record->crossing_count)
        kvr_crossings_find(record);
}

/* What differs of two verdicts of one side and bound. */
static void put_difference(FILE *out, const struct kvr_verdict_record *again,
                           const struct kvr_verdict_record *stored)
{
    const struct { const char *what, *again, *stored; } texts[] = {
        {"resource", again->resource, stored->resource},
        {"cause", again->cause, stored->cause},
        {"shift", again->shift_says, stored->shift_says}};
    const struct { const char *what; double again, stored; } numbers[] = {
        {"attained", again->attained, stored->attained},
        {"balance", again->balance, stored->balance}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(texts[i].again, texts[i].stored)) {
            fprintf(out, "the verdict's %s is %s, not %s as stored\n", texts[i].what,
                    *texts[i].again ? texts[i].again : "absent",
                    *texts[i].stored ? texts[i].stored : "absent");
            return;
        }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!kvr_verdict_same_number(numbers[i].again, numbers[i].stored)) {
            char now[64], then[64];
            kvr_exact_text(numbers[i].again, now, sizeof now);
            kvr_exact_text(numbers[i].stored, then, sizeof then);
            fprintf(out, "the verdict's %s is %s, not %s as stored\n", numbers[i].what,
                    *now ? now : "absent", *then ? then : "absent");
            return;
        }
}

char *kvr_verdict_doubts(const struct kvr_run_record *record)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    for (size_t i = 0; out && i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        struct kvr_verdict_record again;
        if (!r->measured || !r->verdict.side[0] || kvr_verdict_recompute(r, &again))
            continue;
        fprintf(out, "%s: computed again from its rounds ", r->name);
        if (strcmp(again.side, r->verdict.side) || strcmp(again.bound, r->verdict.bound))
            fprintf(out, "the verdict is %s side, %s, not %s side, %s as stored\n", again.side,
                    again.bound, r->verdict.side, r->verdict.bound);
        else
            put_difference(out, &again, &r->verdict);
    }
    if (!out || fclose(out)) {
        free(text);
        return NULL;
    }
    return text;
}
