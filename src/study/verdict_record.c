/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The verdict of a result: from its rounds and evidence into its record, and once more from a
 * stored one; the shift against FP16.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "balance.h"
#include "verdict.h"

enum { MAX_ROUNDS = 4096 };

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
    return kvr_side_of_balance(&balance);
}

void kvr_shift_decide(const struct kvr_round *rounds, size_t round_count, bool ceiling_raised,
                      enum kvr_side side, enum kvr_side fp16_side, struct kvr_shift_result *shift)
{
    double values[MAX_ROUNDS];
    size_t n = 0;
    for (size_t i = 0; i < round_count && n < MAX_ROUNDS; i++) {
        const struct kvr_round *r = &rounds[i];
        double m = ceiling_raised ? fmin(r->m_ns, r->t_ns) : r->m_ns;
        if (!r->invalid)
            values[n++] = log(r->c_ns / m) - log(fp16_balance(r));
    }
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

static void fill_shift(struct kvr_result *r, bool ceiling_raised, enum kvr_side side)
{
    struct kvr_verdict_record *out = &r->verdict;
    struct kvr_shift_result shift;
    if (!strcmp(r->codec, "fp16"))
        return;
    kvr_shift_decide(r->rounds, r->round_count, ceiling_raised, side,
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

static void fill_witnesses(struct kvr_verdict_record *out, const struct kvr_verdict_input *in)
{
    /* The same text that a stored witness had stays; what a verdict does not rest on is kept. */
    for (size_t i = 0; i < in->witness_count; i++) {
        const struct kvr_witness_value *w = &in->witnesses[i];
        size_t at = 0;
        while (at < out->witness_count && strcmp(out->witnesses[at].id, w->id))
            at++;
        if (at == KVR_MAX_WITNESSES)
            return;
        struct kvr_witness_record *r = &out->witnesses[at];
        snprintf(r->id, sizeof r->id, "%s", w->id);
        snprintf(r->says, sizeof r->says, w->stands ? "stands" : "falls");
        r->value = w->ratio;
        r->ci95[0] = w->low;
        r->ci95[1] = w->high;
        out->witness_count += at == out->witness_count;
    }
}

static double phase_median(const struct kvr_result *r, enum kvr_phase phase, size_t which)
{
    double values[MAX_ROUNDS];
    size_t n = 0;
    for (size_t i = 0; i < r->round_count && n < MAX_ROUNDS; i++) {
        const struct kvr_phase_times *x = &r->rounds[i].phases[phase];
        const double times[] = {x->t_ns, x->m_ns, x->c_ns};
        if (!r->rounds[i].invalid && times[which] > 0)
            values[n++] = times[which];
    }
    return kvr_median(values, n).median;
}

static void fill_phases(struct kvr_result *r, const struct kvr_verdict_input *in,
                        const struct kvr_verdict *v)
{
    for (int p = 0; p < KVR_PHASES; p++) {
        struct kvr_phase_record *out = &r->verdict.phases[p];
        double t = phase_median(r, p, 0);
        if (isnan(t))
            continue;
        *out = (struct kvr_phase_record){.t_ns = t,
                                         .m_ns = phase_median(r, p, 1),
                                         .c_ns = phase_median(r, p, 2)};
        snprintf(out->bound, sizeof out->bound, "%s", kvr_bound_name(kvr_phase_bound(in, p)));
    }
    if (strcmp(r->op, "scan") || r->verdict.phases[KVR_PHASE_PREPARE].t_ns > 0)
        return;
    /* A scan that copies no keys first is its own only phase. */
    struct kvr_phase_record *scan = &r->verdict.phases[KVR_PHASE_SCAN];
    *scan = (struct kvr_phase_record){r->result.ns_per_key, r->result.m_ns_per_key,
                                      r->result.c_ns_per_key, ""};
    snprintf(scan->bound, sizeof scan->bound, "%s", kvr_bound_name(v->bound));
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
    fill_witnesses(out, &input);
    fill_phases(r, &input, &v);
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
    kvr_name_interval(r, "balance_ci95", &v.balance);
    out->overlap = v.overlap;
    out->e_ns = v.e_ns;
    out->s_ns = v.s_ns;
    out->confidence = v.confidence;
    fill_shift(r, input.ceiling_raised, v.side);
}

/* The witnesses of waiting among the stored ones; sensitivities decide nothing. */
static size_t stored_witnesses(const struct kvr_verdict_record *old,
                               struct kvr_witness_value values[KVR_MAX_WITNESSES])
{
    size_t n = 0;
    for (size_t i = 0; i < old->witness_count; i++) {
        const struct kvr_witness_record *w = &old->witnesses[i];
        bool stands = !strcmp(w->says, "stands");
        if (!stands && strcmp(w->says, "falls"))
            continue;
        values[n] = (struct kvr_witness_value){
            .ratio = w->value, .low = w->ci95[0], .high = w->ci95[1], .stands = stands};
        snprintf(values[n].id, sizeof values[n].id, "%s", w->id);
        n++;
    }
    return n;
}

static const char *stored_memory_cause(const struct kvr_verdict_record *old)
{
    return !strcmp(old->cause, "node") || !strcmp(old->cause, "core") ? old->cause : NULL;
}

bool kvr_verdict_same_number(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fabs(b) || (!isfinite(a) && !isfinite(b)); /* absent as stored */
}

bool kvr_verdict_recompute(const struct kvr_result *stored, struct kvr_verdict_record *again)
{
    const struct kvr_verdict_record *old = &stored->verdict;
    struct kvr_result copy = *stored;
    struct kvr_witness_value witnesses[KVR_MAX_WITNESSES];
    struct kvr_verdict_input input = {.in_l1 = !strcmp(stored->level, "L1"),
                                      .control_failed = old->control_failed,
                                      .ceiling_bug = kvr_result_flagged(stored, "ceiling-bug"),
                                      .ceiling_raised = kvr_result_flagged(stored,
                                                                           "ceiling-raised"),
                                      .core_limit_ns = old->core_limit_ns,
                                      .memory_cause = stored_memory_cause(old),
                                      .witnesses = witnesses};
    input.witness_count = stored_witnesses(old, witnesses);
    if (old->core_limit_resource[0])
        input.resource = old->core_limit_resource;
    copy.verdict.shift_says[0] = 0; /* not left over where it is absent now */
    kvr_verdict_record_fill(&copy, &input);
    snprintf(copy.verdict.m_cause, sizeof copy.verdict.m_cause, "%s", old->m_cause);
    *again = copy.verdict;
    return !strcmp(again->side, old->side) && !strcmp(again->bound, old->bound)
           && !strcmp(again->resource, old->resource) && !strcmp(again->cause, old->cause)
           && !strcmp(again->shift_says, old->shift_says)
           && kvr_verdict_same_number(again->attained, old->attained)
           && kvr_verdict_same_number(again->balance, old->balance);
}
