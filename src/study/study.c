/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "study.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../machine/disturbance.h"
#include "claims.h"
#include "cohort.h"
#include "crossings.h"
#include "dial.h"
#include "facts.h"
#include "peak.h"
#include "prove.h"
#include "roofs.h"
#include "roofs_reuse.h"
#include "sentinel.h"
#include "threads.h"

enum { MIN_ROUNDS = 6, KEYS_PER_ENTRY = 39 };

static void check_keyset(const struct kvr_study *study, const struct kvr_keyset *set)
{
    struct kvr_checks *checks = &study->record->checks;
    if (set->reshaped)
        kvr_check_add(checks, "keys-reshaped", KVR_CHECK_INFO,
                      "head dim %u is not the files' own: channels of several KV heads are joined; "
                      "times are unaffected, closeness to a model's attention is not meant",
                      set->head_dim);
    if (!set->queries)
        kvr_check_add(checks, "queries-made", KVR_CHECK_INFO,
                      "no --queries: a key stands in for the query; times are unaffected");
    if (set->leaking) {
        struct kvr_check *c = kvr_check_add(
            checks, "calibration-leak", KVR_CHECK_WARN,
            "codebooks are fitted to the keys that are scanned: times are unaffected, any "
            "closeness figure would be too good");
        snprintf(c->fix, sizeof c->fix, "give other keys with --calibration");
    }
}

static int check_calibration(const struct kvr_study *study, const struct kvr_case *c,
                             const struct kvr_keyset *set, char *error, size_t error_bytes)
{
    if (!c->codec->calibrated || !c->shape.entries)
        return 0;
    size_t fewest = kvr_codec_fewest_keys(c->codec, &c->shape);
    size_t per_entry = set->calibration_tokens / fewest;
    if (set->calibration_tokens < fewest) {
        snprintf(error, error_bytes,
                 "%zu calibration keys per head are fewer than the %zu that %s needs for %u "
                 "centroids: give more with --calibration%s",
                 set->calibration_tokens, fewest, c->codec->name, c->shape.entries,
                 c->codec->set_tables ? "" : ", or fewer --entries");
        return -EINVAL;
    }
    if (per_entry < KEYS_PER_ENTRY) {
        struct kvr_check *check = kvr_check_add(
            &study->record->checks, "calibration-size", KVR_CHECK_WARN,
            "%zu calibration keys for %u centroids: fewer than %d each gives poor codebooks",
            set->calibration_tokens, c->shape.entries, KEYS_PER_ENTRY);
        snprintf(check->fix, sizeof check->fix, "give more keys with --calibration");
    } else {
        kvr_check_add(&study->record->checks, "calibration-size", KVR_CHECK_OK,
                      "%zu calibration keys for %u centroids", set->calibration_tokens,
                      c->shape.entries);
    }
    return 0;
}

int kvr_study_check_keys(const struct kvr_study *study, char *error, size_t error_bytes)
{
    struct kvr_keyset_paths paths = {.keys = study->options->keys,
                                     .queries = study->options->queries,
                                     .values = study->options->values,
                                     .calibration = study->options->calibration};
    for (size_t i = 0; i < study->plan->case_count; i++) {
        const struct kvr_case *c = &study->plan->cases[i];
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++)
            seen = study->plan->cases[j].shape.head_dim == c->shape.head_dim &&
                   study->plan->cases[j].shape.entries == c->shape.entries;
        if (seen)
            continue;
        struct kvr_keyset set;
        int rc = kvr_keyset_load(&paths, c->shape.head_dim, &set, error, error_bytes);
        if (rc)
            return rc;
        check_keyset(study, &set);
        rc = check_calibration(study, c, &set, error, error_bytes);
        kvr_keyset_free(&set);
        if (rc)
            return rc;
    }
    return 0;
}

/* What a cohort was estimated to take, corrected by what others took; an op of several phases is
 * estimated by other rules than a scan, and is off by another factor. */
static double estimate_s(const struct kvr_cohort *cohort, const struct kvr_plan *plan,
                         uint32_t rounds, const double *scale)
{
    bool phases = !kvr_case_is_one_pass(cohort->cases[0]);
    return scale[phases] * kvr_cohort_estimate_s(cohort, plan, rounds);
}

/* Fewer make no interval, unless fewer were asked for. */
static uint32_t least_rounds(const struct kvr_plan *plan)
{
    return plan->rounds < MIN_ROUNDS ? plan->rounds : MIN_ROUNDS;
}

/* How many cohorts, from the first, and at how many rounds: fewer rounds before fewer cases. */
static size_t fit(const struct kvr_cohort *cohorts, size_t count, const struct kvr_study *study,
                  double left_s, const double *scale, uint32_t *rounds)
{
    uint32_t most = study->plan->rounds, least = least_rounds(study->plan);
    size_t n = count;
    *rounds = most;
    for (;;) {
        double s = 0;
        for (size_t i = 0; i < n; i++)
            s += estimate_s(&cohorts[i], study->plan, *rounds, scale);
        if (s <= left_s || n == 0)
            return n;
        if (*rounds > least)
            --*rounds;
        else
            n--;
    }
}

/* A verdict needs six rounds; a run with fewer makes none and needs no control. */
static bool plan_judges(const struct kvr_plan *plan)
{
    return plan->rounds >= MIN_ROUNDS && plan->verdict_test;
}

/* Before any verdict: are the sides found that are known by construction? */
static int control(struct kvr_session *s)
{
    struct kvr_dial_report *report = calloc(1, sizeof *report);
    int rc = report ? kvr_dial_test(s, false, 8e-3, 6, report) : -ENOMEM;
    struct kvr_run_record *record = s->record;
    if (!rc) {
        record->verdict_settings = (uint32_t)report->count;
        record->verdict_right = report->right;
        record->verdict_wrong = report->wrong;
        record->verdict_undecided = report->undecided + report->not_counted;
        s->controls_failed = !kvr_dial_controls_hold(report);
        const struct kvr_dial_outcome *o = report->outcomes;
        kvr_check_add(&record->checks, "verdict-controls",
                      s->controls_failed ? KVR_CHECK_WARN : KVR_CHECK_OK,
                      "dial kernels of known side: B %.2f found %s, B %.2f found %s%s",
                      o[0].verdict.balance.median, kvr_side_name(o[0].verdict.side),
                      o[1].verdict.balance.median, kvr_side_name(o[1].verdict.side),
                      s->controls_failed ? ": every verdict of this run is undecided" : "");
    } else if (rc == -ENODEV) {
        kvr_check_add(&record->checks, "verdict-controls", KVR_CHECK_UNKNOWN,
                      "the arena holds no DRAM-sized working set: no control was run");
        rc = 0;
    }
    free(report);
    return rc;
}

/* A run without controls says so: its verdicts rest on the rules alone. */
static int control_or_reason(struct kvr_session *s)
{
    const struct kvr_plan *plan = s->plan;
    if (plan_judges(plan))
        return control(s);
    struct kvr_check *c = kvr_check_add(
        &s->record->checks, "verdict-controls", KVR_CHECK_UNKNOWN, "no control was run: %s",
        plan->rounds < MIN_ROUNDS ? "a run of fewer than six rounds gives no verdict"
                                  : "kernels were chosen by -k without a profile");
    snprintf(c->fix, sizeof c->fix, "%s", plan->rounds < MIN_ROUNDS
                                              ? "use -r 6 or more"
                                              : "name a profile with -p beside -k");
    return 0;
}

/* What bears on several threads and on memory that is waited for; measured once. */
static int machine_facts(struct kvr_session *s)
{
    uint64_t bytes = s->reference.memory.bytes;
    unsigned most = 1;
    for (size_t i = 0; i < s->plan->case_count; i++)
        most = s->plan->cases[i].threads > most ? s->plan->cases[i].threads : most;
    int rc = kvr_threads_pair(s, most, &s->shared_from);
    if (!rc)
        rc = kvr_session_team(s, 1);
    if (!rc && !strcmp(kvr_session_level(s, bytes, 1), "DRAM") &&
        !kvr_roofs_has(s, "latency", "DRAM"))
        kvr_roofs_latency(s, "DRAM", bytes);
    return rc;
}

/* Of the first case that was measured: those of one cohort share their rounds. */
static double sentinel_in_rounds(const struct kvr_run_record *record)
{
    for (size_t i = 0; i < record->result_count; i++)
        if (record->results[i].round_count)
            return kvr_sentinel_of_rounds(&record->results[i]);
    return NAN;
}

static int measure_cohorts(struct kvr_study *study, struct kvr_session *s,
                           const struct kvr_cohort *cohorts, size_t count)
{
    double scale[2] = {1, 1}, sentinel_ns[KVR_SENTINEL_PLACES] = {NAN, NAN, NAN};
    /* A single cohort's own rounds are the middle: start and end read as they do. */
    unsigned threads = count == 1 ? cohorts[0].cases[0]->threads : 1;
    size_t cases_done = 0;
    int rc = 0;
    sentinel_ns[KVR_SENTINEL_START] = kvr_sentinel_place(s, threads);
    for (size_t i = 0; i < count && !rc; i++) {
        uint32_t rounds;
        double left_s = kvr_session_left_s(s), begin_s = kvr_wall_s();
        size_t first = study->record->result_count;
        if (i && i == count / 2)
            sentinel_ns[KVR_SENTINEL_MIDDLE] = kvr_sentinel_place(s, threads);
        cases_done += cohorts[i].case_count;
        /* Estimates are off by some per cent, and what is short at the end is a whole case: rounds
         * beyond the sixth are taken from four fifths of what is left. */
        if (!fit(&cohorts[i], count - i, study, .8 * left_s, scale, &rounds) &&
            !fit(&cohorts[i], count - i, study, left_s, scale, &rounds)) {
            kvr_cohort_skip_budget(s, &cohorts[i], "does not allow",
                                   least_rounds(study->plan));
            if (study->measured)
                study->measured(study, first, cases_done, fmax(left_s, 0));
            continue;
        }
        s->reserved_s = 0;
        for (size_t j = i + 1; j < count; j++)
            s->reserved_s += estimate_s(&cohorts[j], study->plan, least_rounds(study->plan), scale);
        rc = kvr_cohort_measure(s, &cohorts[i], rounds);
        double took_s = kvr_wall_s() - begin_s;
        double expected_s = kvr_cohort_estimate_s(&cohorts[i], study->plan, rounds);
        double *factor = &scale[!kvr_case_is_one_pass(cohorts[i].cases[0])];
        *factor = fmax(.5, .5 * *factor + .5 * took_s / expected_s);
        left_s = 0;
        for (size_t j = i + 1; j < count; j++)
            left_s += estimate_s(&cohorts[j], study->plan, rounds, scale);
        if (study->measured)
            study->measured(study, first, cases_done, left_s);
    }
    if (!rc && count == 1)
        sentinel_ns[KVR_SENTINEL_MIDDLE] = sentinel_in_rounds(study->record);
    if (!rc)
        sentinel_ns[KVR_SENTINEL_END] = kvr_sentinel_place(s, threads);
    kvr_sentinel_check(&study->record->checks, sentinel_ns);
    kvr_threads_conclude(study->record);
    return rc;
}

/* With what took time from the CPUs meanwhile. */
static int measure_watched(struct kvr_study *study, struct kvr_session *s,
                           const struct kvr_cohort *cohorts, size_t count)
{
    struct kvr_disturbance before, after;
    kvr_disturbance_read(study->machine, &before);
    int rc = measure_cohorts(study, s, cohorts, count);
    kvr_disturbance_read(study->machine, &after);
    kvr_disturbance_checks(&before, &after, study->machine->cpu_count, &study->record->checks);
    kvr_rounds_check(study->record);
    return rc;
}

static int by_position(const void *a, const void *b)
{
    const struct kvr_cohort *x = a, *y = b;
    return (x->position > y->position) - (x->position < y->position);
}

static void add_skips(const struct kvr_study *study)
{
    for (size_t i = 0; i < study->plan->skip_count; i++) {
        const struct kvr_skip *skip = &study->plan->skips[i];
        struct kvr_result r;
        kvr_result_init(&r);
        snprintf(r.name, sizeof r.name, "%s", skip->name);
        kvr_result_unavailable(&r, skip->what, "%s", skip->why);
        kvr_record_add_result(study->record, &r);
    }
}

static size_t measured_results(const struct kvr_run_record *record)
{
    size_t n = 0;
    for (size_t i = 0; i < record->result_count; i++)
        n += record->results[i].measured;
    return n;
}

static void phase(const struct kvr_study *study, const char *what)
{
    if (study->phase)
        study->phase(study, what);
}

/* Those of `roofs`, for the thread counts of the plan. */
static int full_ceilings(const struct kvr_study *study, struct kvr_session *s)
{
    unsigned threads[KVR_MAX_LIST];
    size_t count = 0;
    for (size_t i = 0; i < study->plan->case_count; i++) {
        bool seen = false;
        for (size_t j = 0; j < count; j++)
            seen |= threads[j] == study->plan->cases[i].threads;
        if (!seen && count < KVR_MAX_LIST)
            threads[count++] = study->plan->cases[i].threads;
    }
    phase(study, "measuring copy, triad and latency of every level");
    return kvr_roofs_levels(s, threads, count);
}

/* Measured, or those of a stored result. */
static int ceilings(const struct kvr_study *study, struct kvr_session *s)
{
    int rc;
    if (study->roofs) {
        phase(study, "comparing this machine with the stored ceilings");
        rc = kvr_roofs_reuse(s, study->roofs, study->options->roofs);
    } else {
        phase(study, "measuring the machine's ceilings");
        rc = kvr_session_ceilings(s);
    }
    return rc || !study->plan->full_ceilings ? rc : full_ceilings(study, s);
}

int kvr_study_run(struct kvr_study *study, char *error, size_t error_bytes)
{
    struct kvr_cohort *cohorts = NULL;
    size_t count = 0;
    double budget_s = study->plan->budget_s;
    struct kvr_session s = {.machine = study->machine,
                            .options = study->options,
                            .plan = study->plan,
                            .record = study->record,
                            .counting = study->counting,
                            .interrupted = study->interrupted,
                            .started_s = study->started_s};
    s.deadline_s = isnan(budget_s) ? INFINITY : study->started_s + budget_s;
    s.repeats_left_s = isnan(budget_s) ? 60 : budget_s / 10;
    error[0] = 0;

    phase(study, "mapping and touching the arena");
    int rc = kvr_session_open(&s, error, error_bytes);
    if (rc)
        goto out;
    rc = kvr_cohorts_make(study->plan, &cohorts, &count);
    if (rc)
        goto out;
    qsort(cohorts, count, sizeof *cohorts, by_position);
    rc = ceilings(study, &s);
    if (rc)
        goto out;
    rc = machine_facts(&s);
    if (!rc)
        rc = kvr_prove_cost(&s);
    if (!rc)
        rc = control_or_reason(&s);
    if (rc)
        goto out;
    rc = measure_watched(study, &s, cohorts, count);
    if (measured_results(study->record) && kvr_claims_decide(study->record))
        rc = rc ? rc : -ENOMEM;
    if (kvr_crossings_find(study->record))
        rc = rc ? rc : -ENOMEM;
    add_skips(study);
    kvr_peak_compare(study->record, study->options->peak_gb_per_s);
    if (!rc && !measured_results(study->record))
        rc = kvr_cohort_none(study->record, error, error_bytes);
out:
    if (rc == -ETIME)
        snprintf(error, error_bytes,
                 "a budget of %.3g s allows no case at all (set-up took %.1f s); raise --budget, "
                 "or lower --bytes",
                 budget_s, kvr_wall_s() - study->started_s);
    else if (rc == -ENODEV && !error[0])
        snprintf(error, error_bytes, "no case could be measured here");
    else if (rc && rc != -EINTR && !error[0])
        snprintf(error, error_bytes, "%s", strerror(-rc));
    free(cohorts);
    kvr_prove_conclude(&s);
    kvr_session_close(&s);
    return rc;
}
