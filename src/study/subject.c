/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "subject.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "op.h"
#include "verify.h"

/* Streams beside no look-ahead and beside look-ahead by segments: with several short runs in step a
 * distance within one of them says little. */
const struct kvr_tuning_choice kvr_tuning_choices[] = {
    {0, 0, 1},   {1, 0, 1},    {2, 0, 1},    {4, 0, 1}, {8, 0, 1},  {0, 256, 1},
    {0, 512, 1}, {0, 1024, 1}, {0, 2048, 1}, {0, 0, 2}, {2, 0, 2},  {0, 0, 4},
    {1, 0, 4},   {2, 0, 4},    {4, 0, 4},    {8, 0, 4}, {0, 512, 4}};
enum { TUNINGS = sizeof kvr_tuning_choices / sizeof *kvr_tuning_choices, SECOND_ROUND = 4 };
const size_t kvr_tuning_choice_count = TUNINGS;
_Static_assert((int)TUNINGS <= (int)KVR_MOST_TUNINGS, "arrays for all");

uint64_t kvr_fold_bytes(uint64_t l1_bytes, const struct kvr_format *format,
                        const struct kvr_shape *shape, uint32_t score_tile_floats)
{
    uint64_t block = kvr_block_bytes(format, shape);
    uint64_t used = (uint64_t)score_tile_floats * sizeof(float);
    if (format->prepared_bytes) /* values have no query */
        used += format->prepared_bytes(shape);
    uint64_t fold = l1_bytes / 2;
    l1_bytes -= l1_bytes / 8; /* a cache filled to the last way misses: C must not */
    if (used >= l1_bytes || l1_bytes - used < fold)
        fold = used < l1_bytes ? l1_bytes - used : 0;
    return fold < block ? block : fold / block * block;
}

static bool pool_verified(const struct kvr_session *s, const struct kvr_kernel *kernel,
                          const unsigned char *pool)
{
    for (size_t i = 0; i < s->verified_count; i++)
        if (s->verified[i].kernel == kernel && s->verified[i].pool == pool)
            return true;
    return false;
}

/* The pool's blocks once in a session; what lies in the arena every time. */
static int verify_candidate(struct kvr_session *s, const struct kvr_subject_request *r,
                            const struct kvr_kernel *kernel, const void *prepared, char *error,
                            size_t error_bytes)
{
    const struct kvr_material *m = r->material;
    const struct kvr_lists *lists = r->lists;
    const unsigned char *base = lists->segments[0].base;
    const uint64_t last = (lists->heads - 1) * lists->head_bytes +
                          (uint64_t)(lists->parts - 1) * lists->segment_bytes;
    const uint32_t whole = m->pool_keys / kvr_whole_keys(kernel->format, r->shape) *
                           kvr_whole_keys(kernel->format, r->shape);
    int rc = pool_verified(s, kernel, m->pool)
                 ? 0
                 : kvr_verify_scores(kernel, r->shape, whole, m->pool, m->side, prepared,
                                     error, error_bytes);
    if (!rc && s->verified_count < KVR_MAX_VERIFIED && !pool_verified(s, kernel, m->pool)) {
        s->verified[s->verified_count].kernel = kernel;
        s->verified[s->verified_count++].pool = m->pool;
    }
    if (!rc)
        rc = kvr_verify_scores(kernel, r->shape, lists->tokens, base, m->side, prepared, error,
                               error_bytes);
    if (!rc)
        rc = kvr_verify_scores(kernel, r->shape,
                               lists->last_tokens ? lists->last_tokens : lists->tokens,
                               base + last, m->side, prepared, error, error_bytes);
    return rc;
}

/* ns a key of the subject's T with its present kernel and look-ahead, by a request that is planned
 * for its list: finding how many slices fill a sample costs more than a short sample. */
static double sample_t(struct kvr_session *s, struct kvr_subject *subject,
                       const struct kvr_sample_request *planned)
{
    struct kvr_sample sample;
    kvr_sample_take(s->sampler, planned, &sample);
    return kvr_scan_ns_per_key(&subject->t, &sample, sample.robust_ns);
}

static struct kvr_sample_request plan_t(struct kvr_session *s, const struct kvr_subject *subject,
                                        double sample_s)
{
    struct kvr_sample_request request = subject->t_request;
    kvr_sample_plan(s->sampler, &request, sample_s);
    return request;
}

/* C over `fold_bytes`; lists and cursors are the subject's. */
static int fold(struct kvr_session *s, const struct kvr_subject_request *r,
                struct kvr_subject *subject, uint64_t fold_bytes)
{
    kvr_lists_free(&subject->fold);
    int rc = kvr_lists_fold(r->lists->segments[0].base, subject->kernel->format, &subject->shape,
                            r->lists, fold_bytes, s->threads, &subject->fold);
    if (rc)
        return rc;
    subject->c = subject->t;
    subject->c.lists = &subject->fold;
    subject->c.cursors = subject->fold_cursors;
    subject->c.between.run = NULL;
    subject->c_request = kvr_scan_request(&subject->c);
    subject->c_request.warm_segments = 2 * subject->fold.counts[0];
    memset(subject->fold_cursors, 0, s->threads * sizeof *subject->fold_cursors);
    return 0;
}

static double sample_c(struct kvr_session *s, struct kvr_subject *subject)
{
    struct kvr_sample_request request = subject->c_request;
    struct kvr_sample sample;
    kvr_sample_plan(s->sampler, &request, 2e-3);
    kvr_sample_take(s->sampler, &request, &sample);
    return kvr_scan_ns_per_key(&subject->c, &sample, sample.robust_ns);
}

/* The fastest of the candidates, the least of three alternating tries each, without look-ahead and
 * with some: a weak prefetcher must not decide. Within 3 % of each other, where a busy memory hides
 * the difference, the one that needs the core least is taken. */
static int choose_kernel(struct kvr_session *s, const struct kvr_subject_request *r,
                         struct kvr_subject *subject)
{
    struct kvr_sample_request requests[8];
    double t[8], c[8], least = INFINITY;
    size_t count = r->candidate_count < 8 ? r->candidate_count : 8, best = 0;
    int rc = 0;
    for (size_t i = 0; i < count; i++)
        t[i] = c[i] = INFINITY;
    for (int try = 0; try < 3 && count > 1; try++)
        for (size_t i = 0; i < count && !rc; i++) {
            subject->kernel = subject->t.kernel = r->candidates[i];
            if (!try)
                requests[i] = plan_t(s, subject, 1.5e-3);
            for (uint32_t ahead = 0; ahead <= 2; ahead += 2) {
                subject->t.ahead_segments = ahead;
                t[i] = fmin(t[i], sample_t(s, subject, &requests[i]));
            }
            subject->t.ahead_segments = 0;
            rc = fold(s, r, subject,
                      kvr_fold_bytes(s->l1_bytes, subject->kernel->format, &subject->shape,
                                     r->buffers->floats));
            if (!rc)
                c[i] = fmin(c[i], sample_c(s, subject));
        }
    for (size_t i = 0; i < count; i++)
        least = fmin(least, t[i]);
    for (size_t i = 0; i < count; i++)
        if (t[i] <= 1.03 * least && (t[best] > 1.03 * least || c[i] < c[best]))
            best = i;
    subject->kernel = subject->t.kernel = r->candidates[best];
    subject->t.ahead_segments = 0;
    return rc;
}

static void set_tuning(struct kvr_subject *subject, int i)
{
    subject->t.ahead_segments = kvr_tuning_choices[i].ahead_segments;
    subject->t.ahead_bytes = kvr_tuning_choices[i].ahead_bytes;
    subject->t.streams = kvr_tuning_choices[i].streams;
}

void kvr_tuning_text(const double *ns, size_t count, char *text, size_t room)
{
    size_t used = 0;
    *text = '\0';
    for (size_t i = 0; i < count; i++) {
        char distance[16] = "0", streams[16] = "";
        if (kvr_tuning_choices[i].ahead_segments)
            snprintf(distance, sizeof distance, "s%u", kvr_tuning_choices[i].ahead_segments);
        else if (kvr_tuning_choices[i].ahead_bytes)
            snprintf(distance, sizeof distance, "b%u", kvr_tuning_choices[i].ahead_bytes);
        if (kvr_tuning_choices[i].streams > 1)
            snprintf(streams, sizeof streams, "x%u", kvr_tuning_choices[i].streams);
        int n = snprintf(text + used, room - used, "%s%s%s:%.3g", i ? " " : "", distance, streams,
                         ns[i]);
        if (n > 0 && (size_t)n < room - used)
            used += (size_t)n;
    }
}

static void tune(struct kvr_session *s, struct kvr_subject *subject)
{
    double ns[TUNINGS];
    bool second[TUNINGS] = {0};
    int best = -1;
    struct kvr_sample_request request = plan_t(s, subject, 2e-3);
    for (int i = 0; i < TUNINGS; i++) {
        set_tuning(subject, i);
        ns[i] = sample_t(s, subject, &request);
    }
    for (int k = 0; k < SECOND_ROUND; k++) {
        int next = -1;
        for (int i = 0; i < TUNINGS; i++)
            if (!second[i] && (next < 0 || ns[i] < ns[next]))
                next = i;
        second[next] = true;
    }
    request = plan_t(s, subject, 10e-3);
    for (int i = 0; i < TUNINGS; i++) {
        if (!second[i])
            continue;
        set_tuning(subject, i);
        ns[i] = sample_t(s, subject, &request);
        if (best < 0 || ns[i] < ns[best])
            best = i;
    }
    kvr_tuning_text(ns, TUNINGS, subject->tuning.alternatives,
                    sizeof subject->tuning.alternatives);
    set_tuning(subject, best);
    subject->tuning.ahead_segments = kvr_tuning_choices[best].ahead_segments;
    subject->tuning.ahead_bytes = kvr_tuning_choices[best].ahead_bytes;
    subject->tuning.streams = kvr_tuning_choices[best].streams;
}

/* C must not depend on the fold: else it is not the core alone. Least of three, alternating; where
 * they differ, of up to twelve, because a neighbour can only lengthen a sample. */
static int check_fold(struct kvr_session *s, const struct kvr_subject_request *r,
                      struct kvr_subject *subject, uint64_t fold_bytes)
{
    enum { TRIES = 3, MOST_TRIES = 12 };
    double whole = INFINITY, half = INFINITY;
    int rc = 0;
    uint64_t block = kvr_block_bytes(subject->kernel->format, &subject->shape);
    subject->c_half_ratio = NAN;
    for (int i = 0; i < MOST_TRIES && !rc && fold_bytes >= 2 * block; i++) {
        if (i >= TRIES && fabs(half / whole - 1) <= .03)
            break;
        rc = fold(s, r, subject, fold_bytes / 2 / block * block);
        if (!rc)
            half = fmin(half, sample_c(s, subject));
        if (!rc)
            rc = fold(s, r, subject, fold_bytes);
        if (!rc)
            whole = fmin(whole, sample_c(s, subject));
    }
    if (!rc && isfinite(half)) {
        subject->c_half_ratio = half / whole;
        subject->c_unstable = fabs(subject->c_half_ratio - 1) > .03;
    }
    return rc ? rc : fold(s, r, subject, fold_bytes);
}

int kvr_subject_prepare(struct kvr_session *s, const struct kvr_subject_request *r,
                        struct kvr_subject *subject, char *error, size_t error_bytes)
{
    int rc = 0;
    *subject = (struct kvr_subject){.shape = *r->shape};
    subject->prepared = kvr_material_prepare(r->material, r->candidates[0]->format);
    subject->fold_cursors = calloc(s->threads, sizeof *subject->fold_cursors);
    if (!subject->prepared || !subject->fold_cursors) {
        rc = -ENOMEM;
        goto out;
    }
    for (size_t i = 0; i < r->candidate_count && !rc; i++)
        rc = verify_candidate(s, r, r->candidates[i], subject->prepared, error, error_bytes);
    if (rc)
        goto out;
    subject->t = (struct kvr_scan){.kernel = r->candidates[0],
                                   .shape = *r->shape,
                                   .lists = r->lists,
                                   .streams = 1,
                                   .side = r->material->side,
                                   .prepared = subject->prepared,
                                   .queries = r->shape->queries,
                                   .buffers = r->buffers,
                                   .cursors = r->cursors,
                                   .between = r->between};
    subject->t_request = kvr_scan_request(&subject->t);
    if (strcmp(r->level, "DRAM"))
        subject->t_request.warm_segments = r->lists->counts[0];
    rc = choose_kernel(s, r, subject);
    if (rc)
        goto out;
    if (r->tuning) {
        subject->tuning = *r->tuning;
        subject->t.ahead_segments = r->tuning->ahead_segments;
        subject->t.ahead_bytes = r->tuning->ahead_bytes;
        subject->t.streams = r->tuning->streams;
    } else {
        tune(s, subject);
    }
    subject->t.queries = 1; /* chosen for all queries of a key; what is measured of them is an op */
    uint64_t fold_bytes =
        kvr_fold_bytes(s->l1_bytes, subject->kernel->format, &subject->shape, r->buffers->floats);
    rc = check_fold(s, r, subject, fold_bytes);
    if (rc)
        goto out;
    kvr_sample_plan(s->sampler, &subject->t_request, s->plan->min_time_s);
    kvr_sample_plan(s->sampler, &subject->c_request, s->plan->min_time_s);
    rc = kvr_session_stopped(s) ? -EINTR : 0;
out:
    if (rc)
        kvr_subject_free(subject);
    return rc;
}

void kvr_subject_free(struct kvr_subject *subject)
{
    kvr_op_free(subject->op);
    kvr_lists_free(&subject->fold);
    free(subject->fold_cursors);
    free(subject->prepared);
    for (int p = 0; p < KVR_PHASES; p++)
        kvr_tally_free(&subject->tallies[p]);
    *subject = (struct kvr_subject){0};
}
