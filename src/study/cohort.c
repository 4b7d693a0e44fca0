/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cohort.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cohort_work.h"
#include "deep.h"
#include "dram.h"
#include "op.h"
#include "witness.h"

enum { MIN_ROUNDS = 6, WITNESS_S = 4 };

/* Subjects stay where they are: their requests point at them. */
static int prepare_subjects(struct kvr_session *s, struct kvr_cohort_work *w)
{
    for (size_t i = 0; i < w->cohort->case_count; i++) {
        const struct kvr_case *c = w->cohort->cases[i];
        struct kvr_subject_request request = {.candidates = c->candidates,
                                              .candidate_count = c->candidate_count,
                                              .material = &w->subject,
                                              .shape = &c->shape,
                                              .lists = &w->subject_lists,
                                              .cursors = w->subject_cursors,
                                              .buffers = &w->buffers,
                                              .between = w->subject_evict.between,
                                              .level = w->level};
        struct kvr_material own = w->subject; /* another codec of the same bytes: its prepare() */
        own.codec = c->codec;
        request.material = &own;
        if (kvr_case_materialises(c)) { /* what is scanned is the copy, by FP16's kernels */
            request.material = &w->reference;
            request.lists = &w->copy_lists;
        }
        struct kvr_subject *subject = &w->subjects[w->subject_count];
        int rc = kvr_subject_prepare(s, &request, subject, w->why, sizeof w->why);
        if (!rc && kvr_cohort_measured_already(s, w, c, subject->kernel)) {
            kvr_subject_free(subject);
            continue;
        }
        if (!rc && (rc = kvr_cohort_make_op(s, w, c, subject, false)))
            kvr_subject_free(subject);
        if (rc == -EDOM || rc == -ENODEV)
            kvr_cohort_unmeasured(s, w, c, c->op, w->why);
        if (rc == -ENODEV)
            continue;
        if (rc == -EDOM) {
            kvr_check_add(&s->record->checks, "kernels-verified", KVR_CHECK_WARN,
                          "a kernel's scores differ from its reference and it was not timed: %s",
                          w->why);
            continue;
        }
        if (rc)
            return rc;
        w->cases[w->subject_count++] = c;
    }
    return 0;
}

/* M per byte at W/2 against W. */
static void prove_dram(struct kvr_session *s, struct kvr_cohort_work *w)
{
    w->dram_ratio = NAN;
    /* After an eviction nothing is cached, however small the set. */
    if (strcmp(w->level, "DRAM") || !w->stage.reference_family)
        return;
    struct kvr_reference_choice *known = kvr_cohort_known_reference(s, w);
    if (known && !isnan(known->dram_ratio)) { /* the same list in the same memory */
        w->dram_ratio = known->dram_ratio;
        return;
    }
    struct kvr_scan scan = w->stage.reference_read;
    kvr_scan_set_member(&scan, &w->stage.reference_family->best[0]);
    w->dram_ratio = kvr_dram_part_ratio(s, &scan, 2);
    if (known)
        known->dram_ratio = w->dram_ratio;
}

/* A family for one list, and a request planned with its best member. */
static int set_reader(struct kvr_session *s, const struct kvr_cohort_work *w, struct kvr_scan *read,
                      const struct kvr_subject *like, const struct kvr_family **family,
                      struct kvr_sample_request *request)
{
    *family =
        kvr_session_family(s, read, w->level, w->cohort->cases[0]->layout, w->working_set_bytes);
    if (!*family)
        return kvr_session_stopped(s) ? -EINTR : -ENOMEM;
    kvr_scan_set_member(read, &(*family)->best[0]);
    *request = kvr_scan_request(read);
    request->warm_segments = like->t_request.warm_segments;
    kvr_sample_plan(s->sampler, request, s->plan->min_time_s);
    return 0;
}

static int set_stage(struct kvr_session *s, struct kvr_cohort_work *w)
{
    struct kvr_stage *stage = &w->stage;
    stage->seed = kvr_cohort_seed(s, w->cohort) ^ 0x5eed;
    stage->sentinel = &w->sentinel;
    stage->reference = &w->fp16;
    stage->subjects = w->subjects;
    stage->subject_count = w->subject_count;
    stage->reference_read = (struct kvr_scan){
        .lists = &w->reference_lists, .buffers = &w->buffers, .cursors = w->reference_cursors};
    int rc = kvr_sentinel_open(s, &w->sentinel);
    /* Ops of several phases bring readers of their own; after an eviction all are such. */
    if (!rc && !w->evict_bytes)
        rc = set_reader(s, w, &stage->reference_read, &w->fp16, &stage->reference_family,
                        &stage->reference_read_request);
    bool scans = false;
    for (size_t i = 0; i < w->subject_count; i++)
        scans |= !w->subjects[i].op;
    if (rc || !scans)
        return rc;
    stage->subject_read = (struct kvr_scan){
        .lists = &w->subject_lists, .buffers = &w->buffers, .cursors = w->subject_cursors};
    return set_reader(s, w, &stage->subject_read, &w->subjects[0], &stage->subject_family,
                      &stage->subject_read_request);
}

static void release(struct kvr_cohort_work *w)
{
    for (size_t i = 0; i < w->subject_count; i++)
        kvr_subject_free(&w->subjects[i]);
    kvr_subject_free(&w->fp16);
    kvr_sentinel_close(&w->sentinel);
    kvr_lists_free(&w->reference_lists);
    kvr_lists_free(&w->subject_lists);
    kvr_lists_free(&w->copy_lists);
    kvr_score_buffers_free(&w->buffers);
    kvr_beside_free(&w->reference_beside);
    kvr_beside_free(&w->subject_beside);
    free(w->reference_cursors);
    free(w->subject_cursors);
    free(w->rounds);
    free(w);
}

static int prepare(struct kvr_session *s, struct kvr_cohort_work *w)
{
    const struct kvr_case *c = w->cohort->cases[0];
    int rc = kvr_session_team(s, c->threads);
    if (rc) {
        snprintf(w->why, sizeof w->why, "%u pinned threads could not be started: %s", c->threads,
                 strerror(-rc));
        return -ERANGE;
    }
    if (!(rc = kvr_cohort_materials(s, w)) && !(rc = kvr_cohort_place(s, w)) &&
        !(rc = kvr_cohort_prepare_reference(s, w)) && !w->is_reference)
        rc = prepare_subjects(s, w);
    if (!rc && w->is_reference && kvr_cohort_measured_already(s, w, c, w->fp16.kernel))
        w->is_reference = false; /* nothing is left to be measured */
    if (!rc && (w->is_reference || w->subject_count))
        rc = set_stage(s, w);
    if (!rc)
        prove_dram(s, w);
    return rc;
}

/* A case that takes longer than core and memory one after the other is waiting for something: look
 * for a witness, where one would decide the bound. */
static int look_for_witness(struct kvr_session *s, struct kvr_cohort_work *w, size_t index,
                            uint32_t rounds)
{
    struct kvr_subject *subject = w->is_reference ? &w->fp16 : &w->subjects[index];
    const struct kvr_half *half = w->is_reference ? &s->reference : &s->subject;
    const struct kvr_material *material = w->is_reference ? &w->reference : &w->subject;
    struct kvr_verdict_input input = {.rounds = w->rounds + index * rounds,
                                      .round_count = w->rounds_done,
                                      .core_limit_ns = NAN};
    const struct kvr_case *c = w->cohort->cases[0];
    struct kvr_verdict verdict;
    if (subject->op && !subject->op->has_whole)
        return 0;
    kvr_verdict_decide(&input, &verdict);
    bool wanted = verdict.t_over_s.interval && verdict.t_over_s.low > KVR_NO_OVERLAP &&
                  kvr_relative_half_width(&verdict.t_over_s) <= KVR_HALF_WIDTH;
    if (!strcmp(w->level, "L1") || s->controls_failed || !wanted)
        return 0;
    if (kvr_session_left_s(s) - s->reserved_s < WITNESS_S) {
        subject->no_time_for_witness = true;
        return 0;
    }
    if (subject->op)
        return kvr_witness_look_op(s, subject);
    struct kvr_witness_request request = {
        .lists = kvr_cohort_lists(s, w, half, material, &subject->shape),
        .level = w->level,
        .layout = c->layout,
        .pages = c->pages,
        .all = s->plan->deep};
    return kvr_witness_look(s, subject, &request);
}

/* --deep: what the core is full of by injected instructions, beside what the declared work says. */
static int look_deeper(struct kvr_session *s, struct kvr_cohort_work *w, size_t index)
{
    struct kvr_subject *subject = w->is_reference ? &w->fp16 : &w->subjects[index];
    struct kvr_sensitivity found[KVR_MAX_SENSITIVITIES];
    size_t count = 0;
    if (!s->plan->deep || !strcmp(w->level, "L1") || s->controls_failed)
        return 0;
    int rc = kvr_deep_measure(s, subject, found, &count);
    for (size_t i = 0; i < count && subject->sensitivity_count < KVR_MAX_SENSITIVE; i++) {
        if (isnan(found[i].s))
            continue;
        struct kvr_witness_record *r = &subject->sensitivities[subject->sensitivity_count++];
        *r = (struct kvr_witness_record){.value = found[i].s,
                                         .ci95 = {found[i].ci95[0], found[i].ci95[1]}};
        snprintf(r->id, sizeof r->id, "%ssensitivity-%.15s", found[i].on == 't' ? "t-" : "",
                 found[i].resource);
        snprintf(r->says, sizeof r->says, "%.11s", found[i].says);
    }
    if (rc == -EDOM)
        kvr_check_add(&s->record->checks, "deep", KVR_CHECK_WARN,
                      "a copy of %s with injected instructions scores otherwise: no sensitivity",
                      subject->kernel->format->name);
    subject->no_time_for_deep = rc == -ETIME;
    return rc == -ETIME || rc == -EDOM ? 0 : rc;
}

static int choose_working_set(struct kvr_session *s, struct kvr_cohort_work *w)
{
    const struct kvr_case *c = w->cohort->cases[0];
    w->working_set_bytes = c->working_set_bytes;
    if (!w->working_set_bytes && c->level[0])
        w->working_set_bytes = kvr_session_level_bytes(s, c->level, c->threads);
    if (!w->working_set_bytes) {
        snprintf(w->why, sizeof w->why, "no level %s was found on this machine", c->level);
        return -ERANGE;
    }
    uint64_t last = s->l3_bytes ? s->l3_bytes : s->l2_bytes * c->threads;
    w->evict_bytes = c->evict_bytes == KVR_EVICT_AUTO ? 2 * last : c->evict_bytes;
    if (w->evict_bytes > s->subject.memory.bytes)
        w->evict_bytes = s->subject.memory.bytes;
    /* A small set from which everything else was read in between comes from memory again. */
    snprintf(w->level, sizeof w->level, "%s",
             w->evict_bytes > last ? "DRAM"
                                   : kvr_session_level(s, w->working_set_bytes, c->threads));
    return 0;
}

int kvr_cohort_measure(struct kvr_session *s, const struct kvr_cohort *cohort, uint32_t rounds)
{
    struct kvr_cohort_work *w = calloc(1, sizeof *w);
    if (!w)
        return -ENOMEM;
    w->cohort = cohort;
    int rc = choose_working_set(s, w);
    kvr_cohort_prove(s, w);
    if (!rc)
        rc = prepare(s, w);
    if (!rc && (w->is_reference || w->subject_count)) {
        size_t series = w->is_reference ? 1 : w->subject_count;
        w->rounds = calloc(series * rounds, sizeof *w->rounds);
        rc = w->rounds ? kvr_rounds_run(s, &w->stage, rounds, w->rounds, &w->rounds_done, w->m_wins)
                       : -ENOMEM;
        for (size_t i = 0; i < series && !rc; i++)
            rc = look_for_witness(s, w, i, rounds);
        for (size_t i = 0; i < series && !rc; i++)
            rc = look_deeper(s, w, i);
        uint32_t least = rounds < MIN_ROUNDS ? rounds : MIN_ROUNDS;
        if (w->rounds_done >= least)
            kvr_cohort_add_results(s, w, rounds);
        else if (!rc)
            kvr_cohort_skip_budget(s, cohort, "ended before", least);
    }
    if (rc && rc != -EINTR) {
        kvr_cohort_skip(s, cohort, cohort->cases[0]->op, w->why[0] ? w->why : strerror(-rc));
        rc = rc == -ENOMEM ? rc : 0;
    }
    release(w);
    return rc;
}

void kvr_cohort_skip_budget(struct kvr_session *s, const struct kvr_cohort *cohort,
                            const char *does, uint32_t rounds)
{
    char why[120];
    snprintf(why, sizeof why, "the budget %s %u round%s of it; raise --budget", does, rounds,
             rounds == 1 ? "" : "s");
    kvr_cohort_skip(s, cohort, "budget", why);
}

void kvr_cohort_skip(struct kvr_session *s, const struct kvr_cohort *cohort, const char *what,
                     const char *why)
{
    struct kvr_cohort_work w = {.cohort = cohort};
    for (size_t i = 0; i < cohort->case_count; i++) {
        const struct kvr_case *c = cohort->cases[i];
        w.working_set_bytes = c->working_set_bytes;
        if (!w.working_set_bytes && c->level[0])
            w.working_set_bytes = kvr_session_level_bytes(s, c->level, c->threads);
        snprintf(w.level, sizeof w.level, "%s", c->level);
        kvr_cohort_unmeasured(s, &w, c, what, why);
    }
}
