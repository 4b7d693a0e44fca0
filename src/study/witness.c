/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "witness.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../measure/stats.h"

enum { LONGER = 16, ROUNDS = 5 };
#define SAMPLE_S 10e-3

struct longer {
    struct kvr_lists lists, fold;
    struct kvr_score_buffers buffers;
    uint32_t cursors[KVR_MAX_THREADS], fold_cursors[KVR_MAX_THREADS];
    struct kvr_scan t, c, m;
    struct kvr_sample_request t_request, c_request, m_request;
    const struct kvr_family *family;
};

static double take(struct kvr_session *s, const struct kvr_scan *scan,
                   const struct kvr_sample_request *request)
{
    struct kvr_sample sample;
    kvr_sample_take(s->sampler, request, &sample);
    return kvr_scan_ns_per_key(scan, &sample, sample.robust_ns);
}

static int open_longer(struct kvr_session *s, struct kvr_subject *x,
                       const struct kvr_lists_request *short_lists, const char *level,
                       const char *layout, struct longer *l)
{
    struct kvr_shape shape = *short_lists->shape;
    struct kvr_lists_request request = *short_lists;
    shape.tokens *= LONGER;
    request.shape = &shape;
    request.part_tokens = short_lists->part_tokens * LONGER;
    request.heads = 0;
    int rc = kvr_lists_build(&request, &l->lists);
    if (!rc)
        rc = kvr_score_buffers_new(s->threads, (request.part_tokens + 63) / 64 * 64, &l->buffers);
    if (!rc)
        rc = kvr_lists_fold(request.base, request.format, &shape, request.part_tokens,
                            x->fold.segments[0].fold_bytes ? x->fold.segments[0].fold_bytes
                                                           : x->fold.segment_bytes,
                            s->threads, &l->fold);
    if (rc)
        return rc;
    l->t = x->t;
    l->t.lists = &l->lists;
    l->t.buffers = &l->buffers;
    l->t.cursors = l->cursors;
    l->c = l->t;
    l->c.lists = &l->fold;
    l->c.cursors = l->fold_cursors;
    l->m = (struct kvr_scan){.lists = &l->lists, .buffers = &l->buffers, .cursors = l->cursors};
    l->family = kvr_session_family(s, &l->m, level, layout, short_lists->bytes);
    if (!l->family)
        return -ENOMEM;
    kvr_scan_set_member(&l->m, &l->family->best[0]);
    l->t_request = kvr_scan_request(&l->t);
    l->c_request = kvr_scan_request(&l->c);
    l->m_request = kvr_scan_request(&l->m);
    if (strcmp(level, "DRAM"))
        l->t_request.warm_segments = l->m_request.warm_segments = l->lists.counts[0];
    kvr_sample_plan(s->sampler, &l->t_request, SAMPLE_S);
    kvr_sample_plan(s->sampler, &l->c_request, SAMPLE_S);
    kvr_sample_plan(s->sampler, &l->m_request, SAMPLE_S);
    return 0;
}

int kvr_witness_short_stream(struct kvr_session *s, struct kvr_subject *subject,
                             const struct kvr_lists_request *lists, const char *level,
                             const char *layout, double t_over_e, double m_ns,
                             struct kvr_witness_value *witness, double *m_ratio)
{
    double ratios[ROUNDS], ms[ROUNDS];
    struct longer *l = calloc(1, sizeof *l);
    int rc = l ? open_longer(s, subject, lists, level, layout, l) : -ENOMEM;
    for (int r = 0; r < ROUNDS && !rc; r++) {
        double m = INFINITY;
        for (size_t i = 0; i < l->family->best_count; i++) {
            kvr_scan_set_member(&l->m, &l->family->best[i]);
            m = fmin(m, take(s, &l->m, &l->m_request));
        }
        double t = take(s, &l->t, &l->t_request), c = take(s, &l->c, &l->c_request);
        ratios[r] = t / fmax(m, c) / t_over_e;
        ms[r] = m / m_ns;
        rc = kvr_session_stopped(s) ? -EINTR : 0;
    }
    if (!rc) {
        *witness = (struct kvr_witness_value){.id = "short-stream",
                                              .ratio = kvr_median(ratios, ROUNDS).median};
        witness->stands = witness->ratio <= .9;
        *m_ratio = kvr_median(ms, ROUNDS).median;
    }
    if (l) {
        kvr_lists_free(&l->lists);
        kvr_lists_free(&l->fold);
        kvr_score_buffers_free(&l->buffers);
    }
    free(l);
    return rc;
}
