/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "deep.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../kernels/injected.h"
#include "resources.h"

enum { TRIES = 9, LEAST_TRIES = 6, PASSES = 3, MOST_COPIES = 24,
       MOST_ITEMS = 2 * (MOST_COPIES + 1) };
#define SAMPLE_S 1.5e-3

enum { ON_C, ON_T };

/* Place 0 of values[] is the kernel itself, the copies follow in the registry's order. */
struct deep {
    struct kvr_session *session;
    const struct kvr_subject *subject;
    const struct kvr_injected *copies;
    size_t count;
    struct kvr_sample_request requests[2]; /* C's and T's; each takes any copy's scan */
    size_t tries;
    double values[2][MOST_COPIES + 1][TRIES];
};

static double take(struct deep *d, int on, size_t place)
{
    enum { ATTEMPTS = 3 };
    struct kvr_scan scan = on == ON_T ? d->subject->t : d->subject->c;
    struct kvr_sample_request request = d->requests[on];
    struct kvr_sample sample;
    request.argument = &scan;
    if (place)
        scan.kernel = d->copies[place - 1].kernel;
    for (int i = 0; i < ATTEMPTS; i++) {
        kvr_sample_take(d->session->sampler, &request, &sample);
        if (!sample.invalid)
            return kvr_scan_ns_per_key(&scan, &sample, sample.robust_ns);
    }
    return NAN;
}

/* All copies run equally many segments, as many as take SAMPLE_S without anything injected. */
static void plan(struct deep *d)
{
    d->requests[ON_C] = d->subject->c_request;
    d->requests[ON_T] = d->subject->t_request;
    for (int on = ON_C; on <= ON_T; on++)
        kvr_sample_plan(d->session->sampler, &d->requests[on], SAMPLE_S);
}

/* The bodies are the same only if the scores are. */
static int verify(const struct deep *d)
{
    struct kvr_scan scan = d->subject->t;
    uint64_t expected = kvr_scan_checksum(&scan);
    for (size_t i = 0; i < d->count; i++) {
        scan.kernel = d->copies[i].kernel;
        if (kvr_scan_checksum(&scan) != expected)
            return -EDOM;
    }
    return 0;
}

/* Each copy's C and T once, in an order of its own; a try keeps the least. */
static void pass(struct deep *d, int try, uint64_t *random)
{
    uint32_t order[MOST_ITEMS];
    uint32_t places = (uint32_t)d->count + 1;
    for (uint32_t k = 0; k < 2 * places; k++)
        order[k] = k;
    kvr_shuffle(order, 2 * places, random);
    for (uint32_t k = 0; k < 2 * places; k++) {
        int on = order[k] < places ? ON_C : ON_T;
        double *least = &d->values[on][order[k] % places][try];
        *least = fmin(*least, take(d, on, order[k] % places));
    }
}

/* A slope is a small difference of times that a neighbour can only lengthen: so every try is the
 * least of some passes, and the spread over tries is what is left of the neighbour. */
static int tries(struct deep *d)
{
    uint64_t random = d->session->options->seed ^ 0xdee9;
    for (int on = ON_C; on <= ON_T; on++)
        for (size_t place = 0; place <= d->count; place++)
            for (int i = 0; i < TRIES; i++)
                d->values[on][place][i] = NAN; /* fmin() prefers the number */
    double try_s = 0; /* a busy machine may make a try last ten times as long */
    for (d->tries = 0; d->tries < TRIES && kvr_session_left_s(d->session) > try_s; d->tries++) {
        double begin_s = kvr_wall_s();
        for (int i = 0; i < PASSES; i++) {
            if (kvr_session_stopped(d->session))
                return -EINTR;
            pass(d, (int)d->tries, &random);
        }
        try_s = 1.1 * (kvr_wall_s() - begin_s);
    }
    return d->tries < LEAST_TRIES ? -ETIME : 0;
}

/* Copy i is n of a resource and copy i + 1 is 2n. */
static void judge(const struct deep *d, int on, size_t i, double rate, double issue_slope_ns,
                  struct kvr_sensitivity *out)
{
    const struct kvr_injected *x = &d->copies[i];
    const struct kvr_shape *shape = &d->subject->shape;
    double threads = d->session->threads;
    struct kvr_deep_series series = {
        .base = d->values[on][0],
        .placebo = d->values[on][1],
        .once = d->values[on][i + 1],
        .twice = d->values[on][i + 2],
        .tries = d->tries,
        .once_per_key = kvr_injected_per_key(&x[0], shape) / threads,
        .twice_per_key = kvr_injected_per_key(&x[1], shape) / threads,
        .rate = rate,
        .issue_slope_ns = issue_slope_ns,
    };
    *out = (struct kvr_sensitivity){.on = on == ON_T ? 't' : 'c'};
    snprintf(out->resource, sizeof out->resource, "%s", x->resource);
    kvr_deep_judge(&series, out);
}

static double rate_of(const struct deep *d, const struct kvr_injected *x)
{
    char name[40];
    snprintf(name, sizeof name, "%s%s%s", x->rate_type, x->rate_dtype ? "." : "",
             x->rate_dtype ? x->rate_dtype : "");
    return kvr_resource_rate(d->session->record, x->base->isa_name, name) / x->operations;
}

static size_t judge_all(const struct deep *d, int on, struct kvr_sensitivity *out)
{
    double issue_slope_ns = NAN;
    size_t n = 0;
    for (size_t i = 0; i < d->count; i++) {
        struct kvr_sensitivity issue;
        if (d->copies[i].level != 1 || strcmp(d->copies[i].resource, "issue"))
            continue;
        judge(d, on, i, rate_of(d, &d->copies[i]), NAN, &issue);
        issue_slope_ns = issue.slope_ns;
    }
    for (size_t i = 0; i < d->count && n < KVR_MAX_SENSITIVITIES / 2; i++) {
        const struct kvr_injected *x = &d->copies[i];
        double rate = rate_of(d, x);
        if (x->level == 1 && !isnan(rate))
            judge(d, on, i, rate, strcmp(x->resource, "issue") ? issue_slope_ns : NAN, &out[n++]);
    }
    return n;
}

int kvr_deep_measure(struct kvr_session *s, const struct kvr_subject *subject,
                     struct kvr_sensitivity *out, size_t *count)
{
    struct deep d = {.session = s, .subject = subject};
    d.copies = kvr_injected(subject->kernel, &d.count);
    *count = 0;
    if (!d.count || d.count > MOST_COPIES)
        return 0;
    if (kvr_session_left_s(s) < KVR_DEEP_SECONDS)
        return -ETIME;
    int rc = verify(&d);
    if (rc)
        return rc;
    plan(&d);
    struct kvr_sample settle; /* 512-bit clocks */
    kvr_sample_take(s->sampler, &subject->c_request, &settle);
    rc = tries(&d);
    if (rc)
        return rc;
    *count = judge_all(&d, ON_C, out);
    *count += judge_all(&d, ON_T, out + *count);
    return 0;
}
