/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verdict.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_ROUNDS = 4096, MIN_ROUNDS = 6 };

const char *kvr_side_name(enum kvr_side side)
{
    static const char *const names[] = {"undecided", "memory", "core", "even"};
    return names[side];
}

const char *kvr_bound_name(enum kvr_bound bound)
{
    static const char *const names[] = {"undecided", "memory",  "core",
                                        "balanced",  "overlap", "latency"};
    return names[bound];
}

const char *kvr_shift_name(enum kvr_shift shift)
{
    static const char *const names[] = {"", "none", "moved", "shifted"};
    return names[shift];
}

/* The times of a round, robust or as the wall clock saw them. */
struct times {
    double t, m, c, e;
};

static struct times times_of(const struct kvr_verdict_input *in, const struct kvr_round *r,
                             bool total)
{
    struct times x = total ? (struct times){r->t_total_ns, r->m_total_ns, r->c_total_ns,
                                            r->e_total_ns}
                           : (struct times){r->t_ns, r->m_ns, r->c_ns, r->e_ns};
    if (in->ceiling_raised && x.t < x.m)
        x.m = x.t;
    if (!(x.e > 0))
        x.e = fmax(x.c, x.m);
    else if (in->ceiling_raised && x.t < x.e)
        x.e = x.t;
    return x;
}

enum ratio { T_OVER_E, T_OVER_S, T_OVER_M, T_OVER_C, C_OVER_M, E_OVER_T, OVERLAP, E_ALONE,
             S_ALONE };

static double ratio_of(struct times x, enum ratio which)
{
    double s = x.c + x.m;
    switch (which) {
    case T_OVER_E:
        return x.t / x.e;
    case T_OVER_S:
        return x.t / s;
    case T_OVER_M:
        return x.t / x.m;
    case T_OVER_C:
        return x.t / x.c;
    case C_OVER_M:
        return x.c / x.m;
    case E_OVER_T:
        return x.e / x.t;
    case E_ALONE:
        return x.e;
    case S_ALONE:
        return s;
    case OVERLAP:
        break;
    }
    return (s - x.t) / fmin(x.c, x.m);
}

static size_t gather(const struct kvr_verdict_input *in, enum ratio which, bool total,
                     double values[MAX_ROUNDS])
{
    size_t n = 0;
    for (size_t i = 0; i < in->round_count && n < MAX_ROUNDS; i++)
        if (!in->rounds[i].invalid)
            values[n++] = ratio_of(times_of(in, &in->rounds[i], total), which);
    return n;
}

static struct kvr_estimate estimate(const struct kvr_verdict_input *in, enum ratio which,
                                    bool total)
{
    double values[MAX_ROUNDS];
    size_t n = gather(in, which, total, values);
    return kvr_median(values, n);
}

enum kvr_side kvr_side_of_balance(const struct kvr_estimate *balance)
{
    if (!balance->interval)
        return KVR_SIDE_UNDECIDED;
    if (balance->high <= 1 / KVR_NEAR)
        return KVR_SIDE_MEMORY;
    if (balance->low >= KVR_NEAR)
        return KVR_SIDE_CORE;
    if (balance->low > 1 / KVR_NEAR && balance->high < KVR_NEAR)
        return KVR_SIDE_EVEN;
    return KVR_SIDE_UNDECIDED;
}

/* Why a ratio may not be used against a threshold; NULL if it may. */
static const char *unusable(const struct kvr_estimate *e, double threshold)
{
    if (kvr_relative_half_width(e) > KVR_HALF_WIDTH)
        return "is known no better than 3 %";
    if (e->low <= threshold && e->high > threshold)
        return "has an interval that crosses its threshold";
    return NULL;
}

static const struct kvr_witness_value *standing(const struct kvr_verdict_input *in)
{
    for (size_t i = 0; i < in->witness_count; i++)
        if (in->witnesses[i].stands)
            return &in->witnesses[i];
    return NULL;
}

/* Serial phases can reach E, the sum of what bounds each, and neither the memory's nor the core's
 * own time: then no one thing is full. One phase reaches E and that time together. */
static enum kvr_bound reached_by(const struct kvr_verdict_input *in, enum kvr_side side, bool total,
                                 char *why, size_t why_bytes)
{
    if (side == KVR_SIDE_EVEN)
        return KVR_BOUND_BALANCED;
    bool memory = side == KVR_SIDE_MEMORY;
    struct kvr_estimate own = estimate(in, memory ? T_OVER_M : T_OVER_C, total);
    const char *problem = unusable(&own, KVR_NEAR);
    if (!problem && own.high <= KVR_NEAR)
        return memory ? KVR_BOUND_MEMORY : KVR_BOUND_CORE;
    if (!problem)
        problem = "exceeds 1.15: its phases are bound by different things";
    snprintf(why, why_bytes, "T/%c %.2f [%.2f, %.2f] %s", memory ? 'M' : 'C', own.median, own.low,
             own.high, problem);
    return KVR_BOUND_UNDECIDED;
}

/* The bound by the rule table; *why names the ratio that left it undecided. */
static enum kvr_bound bound_of(const struct kvr_verdict_input *in, bool total, char *why,
                               size_t why_bytes)
{
    struct kvr_estimate e = estimate(in, T_OVER_E, total), s = estimate(in, T_OVER_S, total);
    struct kvr_estimate b = estimate(in, C_OVER_M, total);
    const char *problem = unusable(&e, KVR_NEAR);
    if (problem) {
        snprintf(why, why_bytes, "T/E %.2f [%.2f, %.2f] %s (%.2f)", e.median, e.low, e.high,
                 problem, KVR_NEAR);
        return KVR_BOUND_UNDECIDED;
    }
    if (e.high <= KVR_NEAR) {
        problem = kvr_relative_half_width(&b) > KVR_HALF_WIDTH ? "is known no better than 3 %"
                  : kvr_side_of_balance(&b) == KVR_SIDE_UNDECIDED
                      ? "has an interval that crosses a side's threshold"
                      : NULL;
        if (problem) {
            snprintf(why, why_bytes, "B %.2f [%.2f, %.2f] %s", b.median, b.low, b.high, problem);
            return KVR_BOUND_UNDECIDED;
        }
        return reached_by(in, kvr_side_of_balance(&b), total, why, why_bytes);
    }
    problem = unusable(&s, KVR_NO_OVERLAP);
    if (problem) {
        snprintf(why, why_bytes, "T/(C+M) %.2f [%.2f, %.2f] %s (%.2f)", s.median, s.low, s.high,
                 problem, KVR_NO_OVERLAP);
        return KVR_BOUND_UNDECIDED;
    }
    if (s.high <= KVR_NO_OVERLAP)
        return KVR_BOUND_OVERLAP;
    if (standing(in))
        return KVR_BOUND_LATENCY;
    snprintf(why, why_bytes, "T is %.2f of C+M and %s%s", s.median,
             in->no_witness_because ? "no witness for waiting was looked for: "
                                    : "no witness for waiting stands",
             in->no_witness_because ? in->no_witness_because : "");
    return KVR_BOUND_UNDECIDED;
}

/* What the core limit counts is the scan: it names a resource where the scan is most of C. */
static void set_resource(const struct kvr_verdict_input *in, struct kvr_verdict *v)
{
    double scan[MAX_ROUNDS], share[MAX_ROUNDS];
    size_t n = 0;
    for (size_t i = 0; i < in->round_count && n < MAX_ROUNDS; i++) {
        const struct kvr_round *r = &in->rounds[i];
        double of_scan = r->phases[KVR_PHASE_SCAN].c_ns;
        if (r->invalid)
            continue;
        scan[n] = of_scan > 0 ? of_scan : r->c_ns;
        share[n] = scan[n] / r->c_ns;
        n++;
    }
    if (!in->resource || isnan(in->core_limit_ns) || !(kvr_median(share, n).median > .5))
        return;
    bool waits = kvr_median(scan, n).median > KVR_NEAR * in->core_limit_ns;
    snprintf(v->resource, sizeof v->resource, "%s", waits ? "dependency" : in->resource);
}

static void explain(const struct kvr_verdict_input *in, struct kvr_verdict *v)
{
    double attained = 100 * v->attained, b = v->balance.median;
    const struct kvr_witness_value *witness;
    switch (v->bound) {
    case KVR_BOUND_MEMORY:
        snprintf(v->why, sizeof v->why,
                 "the core alone needs %.2f of the memory's time and T is %.2f of it: faster "
                 "arithmetic would not help%s",
                 b, v->t_over_e.median,
                 !strcmp(v->cause, "node")   ? "; the node's memory is full, not each core's share"
                 : !strcmp(v->cause, "core") ? "; each core reads as fast as it can alone"
                                             : "");
        break;
    case KVR_BOUND_CORE:
        snprintf(v->why, sizeof v->why,
                 "the core alone needs %.2f times the memory's time and T is %.2f of it%s%s: "
                 "faster memory would not help",
                 b, v->t_over_e.median, v->resource[0] ? ", full: " : "", v->resource);
        break;
    case KVR_BOUND_BALANCED:
        snprintf(v->why, sizeof v->why,
                 "core and memory need about the same (B %.2f) and T is %.2f of it", b,
                 v->t_over_e.median);
        break;
    case KVR_BOUND_OVERLAP:
        snprintf(v->why, sizeof v->why,
                 "core and memory do not hide each other well: T is %.2f of the longer and %.2f of "
                 "the sum; %.0f %% attained",
                 v->t_over_e.median, v->t_over_s.median, attained);
        break;
    case KVR_BOUND_LATENCY:
        witness = standing(in);
        snprintf(v->why, sizeof v->why,
                 "neither is full: T is %.2f of C+M, and %s lowers it to %.2f; %.0f %% attained",
                 v->t_over_s.median, witness->id, witness->ratio, attained);
        break;
    case KVR_BOUND_UNDECIDED:
        break;
    }
}

/* How sure the sign test is of the ratio's side of one or both thresholds (NAN: no such one). */
static double sureness(const struct kvr_verdict_input *in, enum ratio which, double above,
                       double below)
{
    double values[MAX_ROUNDS], least = 1;
    size_t n = gather(in, which, false, values);
    if (!isnan(above))
        least = fmin(least, kvr_sign_confidence(values, n, above, false));
    if (!isnan(below))
        least = fmin(least, kvr_sign_confidence(values, n, below, true));
    return least;
}

static void set_confidence(const struct kvr_verdict_input *in, struct kvr_verdict *v)
{
    if (v->side == KVR_SIDE_UNDECIDED)
        return;
    /* memory: below both thresholds of B; core: above both; even: between them */
    double above = v->side == KVR_SIDE_MEMORY ? NAN
                   : v->side == KVR_SIDE_CORE ? KVR_NEAR
                                              : 1 / KVR_NEAR;
    double below = v->side == KVR_SIDE_CORE     ? NAN
                   : v->side == KVR_SIDE_MEMORY ? 1 / KVR_NEAR
                                                : KVR_NEAR;
    v->confidence = sureness(in, C_OVER_M, above, below);
    if (v->bound == KVR_BOUND_UNDECIDED)
        return;
    bool reached = v->bound != KVR_BOUND_OVERLAP && v->bound != KVR_BOUND_LATENCY;
    v->confidence = fmin(v->confidence, reached ? sureness(in, T_OVER_E, NAN, KVR_NEAR)
                                                : sureness(in, T_OVER_E, KVR_NEAR, NAN));
    if (!reached)
        v->confidence = fmin(v->confidence, v->bound == KVR_BOUND_OVERLAP
                                                ? sureness(in, T_OVER_S, NAN, KVR_NO_OVERLAP)
                                                : sureness(in, T_OVER_S, KVR_NO_OVERLAP, NAN));
}

static bool refused(const struct kvr_verdict_input *in, struct kvr_verdict *v)
{
    const char *why = NULL;
    size_t valid = 0;
    for (size_t i = 0; i < in->round_count; i++)
        valid += !in->rounds[i].invalid;
    if (in->in_l1)
        why = "the keys lie in L1, where C is T: there is nothing to compare";
    else if (in->control_failed)
        why = "control failed: the dial kernel's known sides were not found in this run";
    else if (in->ceiling_bug)
        why = "ceiling-bug: the kernel is faster than its roof, so the roof is wrong";
    else if (valid < MIN_ROUNDS)
        why = "rounds: fewer than six valid rounds give no interval";
    if (why)
        snprintf(v->why, sizeof v->why, "%s", why);
    return why != NULL;
}

void kvr_verdict_decide(const struct kvr_verdict_input *in, struct kvr_verdict *v)
{
    *v = (struct kvr_verdict){.overlap = NAN, .confidence = NAN};
    v->balance = estimate(in, C_OVER_M, false);
    v->t_over_e = estimate(in, T_OVER_E, false);
    v->t_over_s = estimate(in, T_OVER_S, false);
    v->attained = estimate(in, E_OVER_T, false).median;
    v->e_ns = estimate(in, E_ALONE, false).median;
    v->s_ns = estimate(in, S_ALONE, false).median;
    double b = v->balance.median;
    bool phases = in->round_count && in->rounds[0].e_ns > 0;
    if (fmin(b, 1 / b) >= .25 && !phases)
        v->overlap = estimate(in, OVERLAP, false).median;
    if (refused(in, v))
        return;

    char total_why[sizeof v->why] = "";
    struct kvr_estimate total_balance = estimate(in, C_OVER_M, true);
    v->side = kvr_side_of_balance(&v->balance);
    v->bound = bound_of(in, false, v->why, sizeof v->why);
    enum kvr_bound total_bound = bound_of(in, true, total_why, sizeof total_why);
    if (kvr_side_of_balance(&total_balance) != v->side) {
        snprintf(v->why, sizeof v->why, "stolen time: with it the side would be %s, without it %s",
                 kvr_side_name(kvr_side_of_balance(&total_balance)), kvr_side_name(v->side));
        v->side = KVR_SIDE_UNDECIDED;
        v->bound = KVR_BOUND_UNDECIDED;
        return;
    }
    set_confidence(in, v);
    if (total_bound != v->bound && v->bound != KVR_BOUND_UNDECIDED) {
        snprintf(v->why, sizeof v->why, "stolen time: with it the bound would be %s, without it %s",
                 kvr_bound_name(total_bound), kvr_bound_name(v->bound));
        v->bound = KVR_BOUND_UNDECIDED;
        return;
    }
    if (v->bound == KVR_BOUND_CORE)
        set_resource(in, v);
    if (v->bound == KVR_BOUND_MEMORY && in->memory_cause)
        snprintf(v->cause, sizeof v->cause, "%s", in->memory_cause);
    if (v->bound == KVR_BOUND_LATENCY)
        snprintf(v->cause, sizeof v->cause, "%s", standing(in)->id);
    explain(in, v);
}

enum kvr_bound kvr_phase_bound(const struct kvr_verdict_input *input, enum kvr_phase phase)
{
    struct kvr_round rounds[MAX_ROUNDS / 16];
    struct kvr_verdict_input in = *input;
    struct kvr_verdict v;
    in.round_count = 0;
    in.rounds = rounds;
    in.ceiling_raised = false;
    bool memory = false;
    for (size_t i = 0; i < input->round_count && in.round_count < MAX_ROUNDS / 16; i++) {
        const struct kvr_phase_times *x = &input->rounds[i].phases[phase];
        if (!(x->t_ns > 0) || input->rounds[i].invalid)
            continue;
        memory |= x->m_ns > 0;
        rounds[in.round_count++] = (struct kvr_round){
            .t_ns = x->t_ns, .m_ns = x->m_ns, .c_ns = x->c_ns,
            .t_total_ns = x->t_ns, .m_total_ns = x->m_ns, .c_total_ns = x->c_ns};
    }
    if (memory) {
        kvr_verdict_decide(&in, &v);
        return v.bound;
    }
    /* A phase that reads no memory of its own: the core, or nothing that is known. */
    struct kvr_estimate t_over_c = estimate(&in, T_OVER_C, false);
    return !refused(&in, &v) && !unusable(&t_over_c, KVR_NEAR) && t_over_c.high <= KVR_NEAR
               ? KVR_BOUND_CORE
               : KVR_BOUND_UNDECIDED;
}
