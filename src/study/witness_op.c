/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The witness `concurrency` of an op of several phases: other look-ahead in the scan of its keys,
 * which was chosen for the scan alone and may be another with queries prepared in between.
 */
#include "witness.h"

#include <errno.h>
#include <math.h>

#include "../measure/stats.h"
#include "op.h"

enum { ROUNDS = 6 };
#define SAMPLE_S 8e-3

/* The op once more: the whole of it, and the core's part of every phase. */
struct trial {
    struct kvr_session *session;
    struct kvr_op *op;
    struct kvr_sample_request whole, core[KVR_PHASES];
};

static void plan(struct trial *x)
{
    struct kvr_sampler *sampler = x->session->sampler;
    x->whole = x->op->whole;
    kvr_sample_plan(sampler, &x->whole, SAMPLE_S);
    for (int p = 0; p < KVR_PHASES; p++) {
        x->core[p] = x->op->phases[p].c;
        if (x->op->phases[p].present)
            kvr_sample_plan(sampler, &x->core[p], SAMPLE_S);
    }
}

static double take(const struct trial *x, const struct kvr_sample_request *request,
                   const struct kvr_heads *heads)
{
    struct kvr_sample sample;
    kvr_sample_take(x->session->sampler, request, &sample);
    return kvr_heads_ns_per_key(heads, &sample, sample.robust_ns);
}

static double take_core(const struct trial *x)
{
    double ns = 0;
    for (int p = 0; p < KVR_PHASES; p++)
        if (x->op->phases[p].present)
            ns += take(x, &x->core[p], &x->op->core[p]);
    return ns;
}

static void set_tuning(struct kvr_op *op, const struct kvr_tuning_choice *choice)
{
    op->whole_heads.keys_tuning = op->core[KVR_PHASE_SCAN].keys_tuning = *choice;
}

static const struct kvr_tuning_choice *best_tuning(struct trial *x)
{
    const struct kvr_tuning_choice *best = &kvr_tuning_choices[0];
    double least = INFINITY;
    for (size_t i = 0; i < kvr_tuning_choice_count && !kvr_session_stopped(x->session); i++) {
        set_tuning(x->op, &kvr_tuning_choices[i]);
        double ns = take(x, &x->whole, &x->op->whole_heads);
        if (ns < least)
            best = &kvr_tuning_choices[i];
        least = fmin(least, ns);
    }
    return best;
}

int kvr_witness_look_op(struct kvr_session *s, struct kvr_subject *subject)
{
    struct trial x = {.session = s, .op = subject->op};
    const struct kvr_tuning_choice own = x.op->whole_heads.keys_tuning;
    double t[ROUNDS], c[ROUNDS];
    int rc = 0;
    plan(&x);
    const struct kvr_tuning_choice *best = best_tuning(&x);
    for (int r = 0; r < ROUNDS && !rc; r++) {
        set_tuning(x.op, &own);
        t[r] = take(&x, &x.whole, &x.op->whole_heads);
        c[r] = take_core(&x);
        set_tuning(x.op, best);
        t[r] = take(&x, &x.whole, &x.op->whole_heads) / t[r];
        c[r] = take_core(&x) / c[r];
        rc = kvr_session_stopped(s) ? -EINTR : 0;
    }
    set_tuning(x.op, &own);
    if (rc)
        return rc;
    struct kvr_estimate of_t = kvr_median(t, ROUNDS), of_c = kvr_median(c, ROUNDS);
    /* M has readers of its own over the same list: nothing of it changed */
    kvr_witness_add(subject, "concurrency", &of_t,
                    kvr_witness_concurrency_stands(of_t.median, 1, of_c.median));
    return 0;
}
