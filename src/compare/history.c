/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "history.h"

#include <errno.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pelt.h"
#include "times.h"

enum { MOST_PROCESSES = 256 };
#define ALPHA .05

/* Results in the order of their start. */
struct line { const struct kvr_run_record *record; const char *path; };

static int by_start(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    int starts = strcmp(x->record->started, y->record->started);
    return starts ? starts : strcmp(x->path, y->path);
}

static const char *commit_of(const struct kvr_run_record *record)
{
    static const char key[] = "commit=";
    for (size_t i = 0; record->tags && record->tags[i]; i++)
        if (!strncmp(record->tags[i], key, sizeof key - 1))
            return record->tags[i] + sizeof key - 1;
    return record->git;
}

/* Those of the newest one's machine, in order; their number. */
static size_t order(const struct kvr_run_record *records, const char *const *paths, size_t count,
                    struct line *lines)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        lines[i] = (struct line){&records[i], paths[i]};
    qsort(lines, count, sizeof *lines, by_start);
    const struct kvr_run_record *newest = lines[count - 1].record;
    for (size_t i = 0; i < count; i++)
        if (lines[i].record == newest || kvr_same_machine(lines[i].record, newest))
            lines[n++] = lines[i];
    return n;
}

/* ---- one case ---- */

/* A case over the results that have it. */
struct track {
    double *times, *values; /* ns a key; what is searched: logarithms */
    size_t *results;        /* index of each */
    size_t count;
    bool normalised;
};

/* The mean over the processes of a result. NAN: none has it. */
static double mean_of(const struct kvr_run_record *record, const char *name,
                      double (*value)(const struct kvr_run_record *, uint32_t, const char *))
{
    uint32_t processes[MOST_PROCESSES];
    size_t count = kvr_processes_of(record, processes, MOST_PROCESSES), n = 0;
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double one = value(record, processes[i], name);
        if (!isnan(one)) {
            sum += one;
            n++;
        }
    }
    return n ? sum / (double)n : NAN;
}

static int track_of(const struct line *lines, size_t count, const char *name, struct track *t)
{
    t->times = calloc(3 * count, sizeof *t->times);
    t->results = calloc(count, sizeof *t->results);
    if (!t->times || !t->results)
        return -ENOMEM;
    t->values = t->times + count;
    double *sentinels = t->values + count;
    t->normalised = true;
    for (size_t i = 0; i < count; i++) {
        double time = mean_of(lines[i].record, name, kvr_process_time);
        if (isnan(time))
            continue;
        t->times[t->count] = exp(time);
        t->values[t->count] = time;
        sentinels[t->count] = mean_of(lines[i].record, name, kvr_process_sentinel);
        t->normalised &= !isnan(sentinels[t->count]);
        t->results[t->count++] = i;
    }
    for (size_t i = 0; t->normalised && i < t->count; i++)
        t->values[i] -= sentinels[i];
    return 0;
}

static void judge_step(const struct track *t, const struct kvr_levels *s, size_t index,
                       size_t series, struct kvr_history_case *k)
{
    struct kvr_step step = kvr_step_of(t->values, t->count, s, index, series);
    double half = gsl_cdf_tdist_Qinv(ALPHA / 2, step.freedom) * step.error;
    struct kvr_change change = {.how = KVR_BY_WELCH, .log_ratio = step.difference,
                                .low = step.difference - half, .high = step.difference + half,
                                .p = step.p, .p_holm = step.p, .spread = NAN};
    kvr_change_decide(&change, k->threshold, ALPHA, false);
    k->changes[k->change_count++] = (struct kvr_history_change){
        t->results[step.at], step.difference, change.low, change.high, step.p, change.outcome};
    k->outcome = change.outcome;
}

static int fill_case(const struct track *t, size_t series, struct kvr_history_case *k)
{
    struct kvr_levels s = {NULL, 0};
    k->count = t->count;
    k->normalised = t->normalised;
    k->outcome = t->count < 2 * KVR_LEAST_SEGMENT ? KVR_INCONCLUSIVE : KVR_OK;
    int rc = kvr_calm(t->values, t->count);
    if (!rc)
        rc = kvr_find_steps(t->values, t->count, series, ALPHA, &s);
    k->changes = rc ? NULL : calloc(s.count, sizeof *k->changes);
    if (!rc && !k->changes)
        rc = -ENOMEM;
    if (!rc) {
        size_t last = s.starts[s.count - 1];
        k->floor = kvr_step_floor(t->values, t->count, &s, series, ALPHA);
        for (size_t i = 1; i < s.count; i++)
            judge_step(t, &s, i, series, k);
        k->level_ns = kvr_process_median(t->times + last, t->count - last);
    }
    free(s.starts);
    return rc;
}

/* ---- all cases ---- */

/* Names that any result measured, in the order of their first mention. */
static int name_cases(const struct line *lines, size_t count,
                      const struct kvr_compare_options *o, struct kvr_history *h)
{
    size_t most = 0;
    for (size_t i = 0; i < count; i++)
        most += lines[i].record->result_count;
    h->cases = calloc(most + 1, sizeof *h->cases);
    if (!h->cases)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < lines[i].record->result_count; k++) {
            const struct kvr_result *r = &lines[i].record->results[k];
            bool known = !r->measured || !kvr_case_wanted(r->name, o);
            for (size_t n = 0; n < h->case_count && !known; n++)
                known = !strcmp(h->cases[n].name, r->name);
            if (known)
                continue;
            struct kvr_history_case *c = &h->cases[h->case_count++];
            snprintf(c->name, sizeof c->name, "%s", r->name);
            c->threshold = kvr_case_threshold(r->name, o);
        }
    return 0;
}

static int fill_cases(const struct line *lines, size_t count, struct kvr_history *h)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < h->case_count; i++) {
        struct track t = {.count = 0};
        rc = track_of(lines, count, h->cases[i].name, &t);
        if (!rc)
            rc = fill_case(&t, h->case_count, &h->cases[i]);
        free(t.times);
        free(t.results);
        h->outcome = kvr_worse_outcome(h->outcome, h->cases[i].outcome);
    }
    return rc;
}

static int fill(const struct line *lines, size_t count, const struct kvr_compare_options *o,
                struct kvr_history *h)
{
    h->results = calloc(count, sizeof *h->results);
    if (!h->results)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        h->results[h->result_count++] = (struct kvr_history_result){
            lines[i].path, lines[i].record->started, commit_of(lines[i].record)};
    int rc = name_cases(lines, count, o, h);
    return rc ? rc : fill_cases(lines, count, h);
}

int kvr_history_make(const struct kvr_run_record *records, const char *const *paths, size_t count,
                     const struct kvr_compare_options *o, struct kvr_history *h, char *error,
                     size_t error_bytes)
{
    *h = (struct kvr_history){.outcome = KVR_OK};
    for (size_t i = 0; i < count; i++)
        if (!records[i].started[0]) {
            snprintf(error, error_bytes, "%s does not say when it was started, so it has no place "
                     "in a history; take it out of the folder", paths[i]);
            return -EINVAL;
        }
    struct line *lines = calloc(count, sizeof *lines);
    size_t left = lines ? order(records, paths, count, lines) : 0;
    int rc = lines ? fill(lines, left, o, h) : -ENOMEM;
    free(lines);
    h->others = count - left;
    if (!rc && !h->case_count) {
        snprintf(error, error_bytes, "no result holds a measured case%s",
                 o->only_count || o->ignore_count ? " that --only and --ignore leave" : "");
        rc = -EINVAL;
    }
    if (rc)
        kvr_history_free(h);
    return rc;
}
