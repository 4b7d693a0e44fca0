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

/* The three times of a round, robust or as the wall clock saw them. */
struct times {
    double t, m, c;
};

static struct times times_of(const struct kvr_round *r, bool total)
{
    return total ? (struct times){r->t_total_ns, r->m_total_ns, r->c_total_ns}
                 : (struct times){r->t_ns, r->m_ns, r->c_ns};
}

enum ratio { T_OVER_E, T_OVER_S, C_OVER_M, E_OVER_T, OVERLAP };

static double ratio_of(struct times x, enum ratio which)
{
    double e = fmax(x.c, x.m), s = x.c + x.m;
    switch (which) {
    case T_OVER_E:
        return x.t / e;
    case T_OVER_S:
        return x.t / s;
    case C_OVER_M:
        return x.c / x.m;
    case E_OVER_T:
        return e / x.t;
    case OVERLAP:
        break;
    }
    return (s - x.t) / fmin(x.c, x.m);
}

static struct kvr_estimate estimate(const struct kvr_verdict_input *in, enum ratio which,
                                    bool total)
{
    double values[MAX_ROUNDS];
    size_t n = 0;
    for (size_t i = 0; i < in->round_count && n < MAX_ROUNDS; i++)
        if (!in->rounds[i].invalid)
            values[n++] = ratio_of(times_of(&in->rounds[i], total), which);
    return kvr_median(values, n);
}

static enum kvr_side side_of(const struct kvr_estimate *balance)
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
                  : side_of(&b) == KVR_SIDE_UNDECIDED
                      ? "has an interval that crosses a side's threshold"
                      : NULL;
        if (problem) {
            snprintf(why, why_bytes, "B %.2f [%.2f, %.2f] %s", b.median, b.low, b.high, problem);
            return KVR_BOUND_UNDECIDED;
        }
        enum kvr_side side = side_of(&b);
        return side == KVR_SIDE_MEMORY ? KVR_BOUND_MEMORY
               : side == KVR_SIDE_CORE ? KVR_BOUND_CORE
                                       : KVR_BOUND_BALANCED;
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
    snprintf(why, why_bytes, "T is %.2f of C+M and no witness for waiting stands", s.median);
    return KVR_BOUND_UNDECIDED;
}

static void set_resource(const struct kvr_verdict_input *in, struct kvr_verdict *v)
{
    double values[MAX_ROUNDS];
    size_t n = 0;
    for (size_t i = 0; i < in->round_count && n < MAX_ROUNDS; i++)
        if (!in->rounds[i].invalid)
            values[n++] = in->rounds[i].c_ns;
    if (!in->resource || isnan(in->core_limit_ns))
        return;
    bool waits = kvr_median(values, n).median > KVR_NEAR * in->core_limit_ns;
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
                 "arithmetic would not help",
                 b, v->t_over_e.median);
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
    *v = (struct kvr_verdict){.overlap = NAN};
    v->balance = estimate(in, C_OVER_M, false);
    v->t_over_e = estimate(in, T_OVER_E, false);
    v->t_over_s = estimate(in, T_OVER_S, false);
    v->attained = estimate(in, E_OVER_T, false).median;
    double b = v->balance.median;
    if (fmin(b, 1 / b) >= .25)
        v->overlap = estimate(in, OVERLAP, false).median;
    if (refused(in, v))
        return;

    char total_why[sizeof v->why] = "";
    struct kvr_estimate total_balance = estimate(in, C_OVER_M, true);
    v->side = side_of(&v->balance);
    v->bound = bound_of(in, false, v->why, sizeof v->why);
    enum kvr_bound total_bound = bound_of(in, true, total_why, sizeof total_why);
    if (side_of(&total_balance) != v->side) {
        snprintf(v->why, sizeof v->why, "stolen time: with it the side would be %s, without it %s",
                 kvr_side_name(side_of(&total_balance)), kvr_side_name(v->side));
        v->side = KVR_SIDE_UNDECIDED;
        v->bound = KVR_BOUND_UNDECIDED;
        return;
    }
    if (total_bound != v->bound && v->bound != KVR_BOUND_UNDECIDED) {
        snprintf(v->why, sizeof v->why, "stolen time: with it the bound would be %s, without it %s",
                 kvr_bound_name(total_bound), kvr_bound_name(v->bound));
        v->bound = KVR_BOUND_UNDECIDED;
        return;
    }
    if (v->bound == KVR_BOUND_CORE)
        set_resource(in, v);
    if (v->bound == KVR_BOUND_LATENCY)
        snprintf(v->cause, sizeof v->cause, "%s", standing(in)->id);
    explain(in, v);
}

static double fp16_balance(const struct kvr_round *r)
{
    return r->fp16_c_ns / r->fp16_m_ns;
}

enum kvr_side kvr_fp16_side(const struct kvr_round *rounds, size_t round_count)
{
    double values[MAX_ROUNDS];
    size_t n = 0;
    for (size_t i = 0; i < round_count && n < MAX_ROUNDS; i++)
        if (!rounds[i].invalid)
            values[n++] = fp16_balance(&rounds[i]);
    struct kvr_estimate balance = kvr_median(values, n);
    return side_of(&balance);
}

void kvr_shift_decide(const struct kvr_round *rounds, size_t round_count, enum kvr_side side,
                      enum kvr_side fp16_side, struct kvr_shift_result *shift)
{
    double values[MAX_ROUNDS];
    size_t n = 0;
    for (size_t i = 0; i < round_count && n < MAX_ROUNDS; i++)
        if (!rounds[i].invalid)
            values[n++] = log(rounds[i].c_ns / rounds[i].m_ns) - log(fp16_balance(&rounds[i]));
    *shift = (struct kvr_shift_result){.ln_b = kvr_median(values, n)};
    const struct kvr_estimate *e = &shift->ln_b;
    double nearer = fmin(fabs(e->low), fabs(e->high));
    if (side == KVR_SIDE_UNDECIDED)
        shift->absent_because = "the side of this case is undecided";
    else if (fp16_side == KVR_SIDE_UNDECIDED)
        shift->absent_because = "the side of FP16 is undecided";
    else if (fp16_side == KVR_SIDE_MEMORY && side == KVR_SIDE_CORE)
        shift->says = KVR_SHIFT_SHIFTED;
    else if ((e->low <= 0 && e->high >= 0) || nearer < log(KVR_NEAR))
        shift->says = KVR_SHIFT_NONE;
    else
        shift->says = KVR_SHIFT_MOVED;
}

static void fill_shift(struct kvr_result *r, enum kvr_side side)
{
    struct kvr_verdict_record *out = &r->verdict;
    struct kvr_shift_result shift;
    if (!strcmp(r->codec, "fp16"))
        return;
    kvr_shift_decide(r->rounds, r->round_count, side,
                     kvr_fp16_side(r->rounds, r->round_count), &shift);
    if (shift.says == KVR_SHIFT_ABSENT) {
        kvr_result_unavailable(r, "shift", "%s", shift.absent_because);
        return;
    }
    snprintf(out->shift_vs, sizeof out->shift_vs, "fp16");
    snprintf(out->shift_says, sizeof out->shift_says, "%s", kvr_shift_name(shift.says));
    out->shift_ln_b = shift.ln_b.median;
    out->shift_ci95[0] = shift.ln_b.low;
    out->shift_ci95[1] = shift.ln_b.high;
}

void kvr_verdict_record_fill(struct kvr_result *r, const struct kvr_verdict_input *given)
{
    struct kvr_verdict_input input = *given;
    struct kvr_verdict v;
    struct kvr_verdict_record *out = &r->verdict;
    input.rounds = r->rounds;
    input.round_count = r->round_count;
    kvr_verdict_decide(&input, &v);
    if (input.in_l1) {
        kvr_result_unavailable(r, "verdict", "%s", v.why);
        return;
    }
    out->control_failed = input.control_failed;
    if (input.resource && !isnan(input.core_limit_ns)) {
        out->core_limit_ns = input.core_limit_ns;
        snprintf(out->core_limit_resource, sizeof out->core_limit_resource, "%s", input.resource);
    }
    if (input.witness_count) {
        const struct kvr_witness_value *w = &input.witnesses[0];
        snprintf(out->witness.id, sizeof out->witness.id, "%s", w->id);
        snprintf(out->witness.says, sizeof out->witness.says, w->stands ? "stands" : "falls");
        out->witness.value = w->ratio;
    }
    snprintf(out->side, sizeof out->side, "%s", kvr_side_name(v.side));
    snprintf(out->bound, sizeof out->bound, "%s", kvr_bound_name(v.bound));
    snprintf(out->resource, sizeof out->resource, "%s", v.resource);
    snprintf(out->cause, sizeof out->cause, "%s", v.cause);
    snprintf(out->why, sizeof out->why, "%s", v.why);
    out->attained = v.attained;
    out->balance = v.balance.median;
    if (v.balance.interval) {
        out->balance_ci95[0] = v.balance.low;
        out->balance_ci95[1] = v.balance.high;
    }
    out->overlap = v.overlap;
    fill_shift(r, v.side);
}

bool kvr_verdict_recompute(const struct kvr_result *stored, struct kvr_verdict_record *again)
{
    const struct kvr_verdict_record *old = &stored->verdict;
    struct kvr_result copy = *stored;
    struct kvr_witness_value witness = {.ratio = old->witness.value,
                                        .stands = !strcmp(old->witness.says, "stands")};
    struct kvr_verdict_input input = {.in_l1 = !strcmp(stored->level, "L1"),
                                      .control_failed = old->control_failed,
                                      .ceiling_bug = kvr_result_flagged(stored, "ceiling-bug"),
                                      .core_limit_ns = old->core_limit_ns,
                                      .witnesses = &witness,
                                      .witness_count = old->witness.id[0] ? 1 : 0};
    if (old->core_limit_resource[0])
        input.resource = old->core_limit_resource;
    snprintf(witness.id, sizeof witness.id, "%s", old->witness.id);
    kvr_verdict_record_fill(&copy, &input);
    snprintf(copy.verdict.m_cause, sizeof copy.verdict.m_cause, "%s", old->m_cause);
    *again = copy.verdict;
    return !strcmp(again->side, old->side) && !strcmp(again->bound, old->bound)
           && !strcmp(again->resource, old->resource) && !strcmp(again->cause, old->cause)
           && !strcmp(again->shift_says, old->shift_says)
           && fabs(again->attained - old->attained) <= 1e-12 * fabs(old->attained)
           && fabs(again->balance - old->balance) <= 1e-12 * fabs(old->balance);
}
