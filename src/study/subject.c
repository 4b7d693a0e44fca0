/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "subject.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify.h"

static const struct {
    uint32_t segments, bytes;
} aheads[] = {{0, 0}, {1, 0}, {2, 0}, {4, 0}, {8, 0}, {0, 256}, {0, 512}, {0, 1024}, {0, 2048}};
enum { AHEADS = sizeof aheads / sizeof *aheads, SECOND_ROUND = 3 };

uint64_t kvr_fold_bytes(uint64_t l1_bytes, const struct kvr_format *format,
                        const struct kvr_shape *shape, uint32_t score_tile_floats)
{
    uint64_t block = format->segment_bytes(shape, format->block_keys);
    uint64_t used = format->prepared_bytes(shape) + (uint64_t)score_tile_floats * sizeof(float);
    uint64_t fold = l1_bytes / 2;
    if (used >= l1_bytes || l1_bytes - used < fold)
        fold = used < l1_bytes ? l1_bytes - used : 0;
    return fold < block ? block : fold / block * block;
}

static int verify_candidate(const struct kvr_subject_request *r, const struct kvr_kernel *kernel,
                            const void *prepared, char *error, size_t error_bytes)
{
    const struct kvr_material *m = r->material;
    const struct kvr_segments *last = &r->lists->segments[r->lists->threads - 1];
    int rc = kvr_verify_scores(kernel, r->shape, m->pool_keys, m->pool, m->side, prepared, error,
                               error_bytes);
    if (!rc)
        rc = kvr_verify_scores(kernel, r->shape, r->lists->tokens, last->base, m->side, prepared,
                               error, error_bytes);
    uint64_t segments = r->lists->heads * r->lists->parts;
    if (!rc)
        rc = kvr_verify_scores(kernel, r->shape, r->lists->tokens,
                               last->base + (segments - 1) * last->stride_bytes, m->side, prepared,
                               error, error_bytes);
    return rc;
}

/* ns a key of the subject's T with its present look-ahead. */
static double sample_t(struct kvr_session *s, struct kvr_subject *subject, double sample_s)
{
    struct kvr_sample sample;
    struct kvr_sample_request request = subject->t_request;
    kvr_sample_plan(s->sampler, &request, sample_s);
    kvr_sample_take(s->sampler, &request, &sample);
    return kvr_scan_ns_per_key(&subject->t, &sample, sample.robust_ns);
}

static void choose_kernel(struct kvr_session *s, const struct kvr_subject_request *r,
                          struct kvr_subject *subject)
{
    double best = INFINITY;
    for (size_t i = 0; i < r->candidate_count && r->candidate_count > 1; i++) {
        subject->t.kernel = r->candidates[i];
        for (uint32_t ahead = 0; ahead <= 2; ahead += 2) { /* a weak prefetcher must not decide */
            subject->t.ahead_segments = ahead;
            double ns = sample_t(s, subject, 2e-3);
            if (ns < best) {
                best = ns;
                subject->kernel = r->candidates[i];
            }
        }
    }
    if (r->candidate_count == 1)
        subject->kernel = r->candidates[0];
    subject->t.kernel = subject->kernel;
    subject->t.ahead_segments = 0;
}

static void tune_ahead(struct kvr_session *s, struct kvr_subject *subject)
{
    double ns[AHEADS];
    char *text = subject->tuning.alternatives;
    size_t used = 0, room = sizeof subject->tuning.alternatives;
    for (int i = 0; i < AHEADS; i++) {
        subject->t.ahead_segments = aheads[i].segments;
        subject->t.ahead_bytes = aheads[i].bytes;
        ns[i] = sample_t(s, subject, 3e-3);
    }
    bool second[AHEADS] = {0};
    for (int k = 0; k < SECOND_ROUND; k++) {
        int best = -1;
        for (int i = 0; i < AHEADS; i++)
            if (!second[i] && (best < 0 || ns[i] < ns[best]))
                best = i;
        second[best] = true;
    }
    int best = -1;
    for (int i = 0; i < AHEADS; i++) {
        if (second[i]) {
            subject->t.ahead_segments = aheads[i].segments;
            subject->t.ahead_bytes = aheads[i].bytes;
            ns[i] = sample_t(s, subject, 10e-3);
            if (best < 0 || ns[i] < ns[best])
                best = i;
        }
        char name[16];
        snprintf(name, sizeof name,
                 aheads[i].segments ? "s%u"
                 : aheads[i].bytes  ? "b%u"
                                    : "0",
                 aheads[i].segments ? aheads[i].segments : aheads[i].bytes);
        int n = snprintf(text + used, room - used, "%s%s:%.3g", i ? " " : "", name, ns[i]);
        if (n > 0 && (size_t)n < room - used)
            used += (size_t)n;
    }
    subject->tuning.ahead_segments = subject->t.ahead_segments = aheads[best].segments;
    subject->tuning.ahead_bytes = subject->t.ahead_bytes = aheads[best].bytes;
}

/* C over `fold_bytes`; lists and cursors are the subject's. */
static int fold(struct kvr_session *s, const struct kvr_subject_request *r,
                struct kvr_subject *subject, uint64_t fold_bytes)
{
    kvr_lists_free(&subject->fold);
    int rc = kvr_lists_fold(r->lists->segments[0].base, subject->kernel->format, &subject->shape,
                            r->lists->tokens, fold_bytes, s->threads, &subject->fold);
    if (rc)
        return rc;
    subject->c = subject->t;
    subject->c.lists = &subject->fold;
    subject->c.cursors = subject->fold_cursors;
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

/* C must not depend on the fold: else it is not the core alone. Least of three, alternating. */
static int check_fold(struct kvr_session *s, const struct kvr_subject_request *r,
                      struct kvr_subject *subject, uint64_t fold_bytes)
{
    double whole = INFINITY, half = INFINITY;
    int rc = 0;
    uint64_t block = subject->kernel->format->segment_bytes(&subject->shape,
                                                            subject->kernel->format->block_keys);
    subject->c_half_ratio = NAN;
    for (int i = 0; i < 3 && !rc && fold_bytes >= 2 * block; i++) {
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
        rc = verify_candidate(r, r->candidates[i], subject->prepared, error, error_bytes);
    if (rc)
        goto out;
    subject->t = (struct kvr_scan){.kernel = r->candidates[0],
                                   .shape = *r->shape,
                                   .lists = r->lists,
                                   .side = r->material->side,
                                   .prepared = subject->prepared,
                                   .buffers = r->buffers,
                                   .cursors = r->cursors};
    subject->t_request = kvr_scan_request(&subject->t);
    if (strcmp(r->level, "DRAM"))
        subject->t_request.warm_segments = r->lists->counts[0];
    choose_kernel(s, r, subject);
    tune_ahead(s, subject);
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
    kvr_lists_free(&subject->fold);
    free(subject->fold_cursors);
    free(subject->prepared);
    *subject = (struct kvr_subject){0};
}
