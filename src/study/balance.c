/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "balance.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../measure/stats.h"

enum { MAX_ROUNDS = 4096 };

/* The value of one round that an estimate is taken over. */
typedef double round_value(const struct kvr_round *round);

static double value_t(const struct kvr_round *r)
{
    return r->t_ns;
}
static double value_m(const struct kvr_round *r)
{
    return r->m_ns;
}
static double value_c(const struct kvr_round *r)
{
    return r->c_ns;
}
static double value_speedup(const struct kvr_round *r)
{
    return r->fp16_ns / r->t_ns;
}
static double value_fp16(const struct kvr_round *r)
{
    return r->fp16_ns;
}
static double value_roof(const struct kvr_round *r)
{
    return 100 * (r->e_ns > 0 ? r->e_ns : fmax(r->m_ns, r->c_ns)) / r->t_ns;
}
static double value_prepare_share(const struct kvr_round *r)
{
    double prepare_ns = r->phases[KVR_PHASE_PREPARE].t_ns, all_ns = 0;
    for (int p = 0; p < KVR_PHASES; p++)
        all_ns += r->phases[p].t_ns > 0 ? r->phases[p].t_ns : 0;
    if (!(prepare_ns > 0))
        return NAN;
    /* T is a sample of its own: what disturbs one of the two would make a share above 1 of them. */
    return prepare_ns / fmax(r->t_ns, all_ns);
}
static double value_read_roof(const struct kvr_round *r)
{
    return 100 * r->m_ns / r->t_ns;
}
static double value_core_roof(const struct kvr_round *r)
{
    return 100 * r->c_ns / r->t_ns;
}
static double value_ghz(const struct kvr_round *r)
{
    return r->clock_ghz;
}

static struct kvr_estimate over_rounds(const struct kvr_result *result, round_value *value)
{
    double values[MAX_ROUNDS];
    size_t n = 0;
    for (size_t i = 0; i < result->round_count && n < MAX_ROUNDS; i++)
        if (!result->rounds[i].invalid)
            values[n++] = value(&result->rounds[i]);
    return kvr_median(values, n);
}

void kvr_name_interval(struct kvr_result *r, const char *name, const struct kvr_estimate *e)
{
    if (e->interval || !isfinite(e->median)) /* an interval of nothing is not missed */
        kvr_result_available(r, name);
    else
        kvr_result_unavailable(r, name, "fewer than 6 valid rounds");
}

static void store(struct kvr_result *r, const struct kvr_estimate *e, double *median,
                  const char *name, double ci95[2])
{
    *median = e->median;
    if (e->interval) {
        ci95[0] = e->low;
        ci95[1] = e->high;
    }
    kvr_name_interval(r, name, e);
}

/* Serial phases: no T below the sum of the larger of M and C in each, but for what the readers'
 * own error allows. */
static void judge_phases(struct kvr_result *result, const struct kvr_estimate *roof)
{
    if (roof->median > 110)
        kvr_result_flag(result, "ceiling-bug");
    else if (roof->median > 103) {
        kvr_result_flag(result, "ceiling-raised");
        result->ceiling_raised_percent = roof->median;
    }
}

static void judge_ceiling(struct kvr_result *result, const struct kvr_estimate *read_roof,
                          const struct kvr_estimate *core_roof)
{
    /* A kernel that streams the same addresses faster than every reader proves that memory can. */
    if (read_roof->median > 103) {
        kvr_result_flag(result, "ceiling-raised");
        result->ceiling_raised_percent = read_roof->median;
    }
    if (read_roof->median > 110 || core_roof->median > 103)
        kvr_result_flag(result, "ceiling-bug");
}

static void rates(struct kvr_result *r, double peak_flops)
{
    struct kvr_op_result *o = &r->result;
    double ns = o->ns_per_key, keys = r->tokens;
    const struct kvr_traffic *t = &r->traffic;
    /* All that crosses the boundary of the level that has the data, with a materialised copy. */
    double bytes = t->mem_read + t->mem_write + t->mem_allocate;
    bool phases = r->rounds[0].e_ns > 0;
    o->keys_per_s = 1e9 / ns;
    if (strcmp(r->level, "DRAM")) {
        bytes = !strcmp(r->level, "L3") ? t->l2_l3 : !strcmp(r->level, "L2") ? t->l1_l2 : t->l1;
        bytes = bytes > 0 ? bytes : r->cost.stream_bytes / keys;
    }
    o->gb_per_s = bytes / ns;
    if (r->cost.lookups > 0 && !phases)
        o->lookups_per_s = r->cost.lookups / keys * 1e9 / ns;
    double line_bytes = phases ? bytes : r->cost.stream_bytes / keys;
    o->cycles_per_line = o->cycles_per_key * KVR_LINE_BYTES / line_bytes;
    /* The cost counts the scan; the time of serial phases is not the scan's alone. */
    if (r->cost.executed_flops > 0 && !phases) {
        o->flops_per_s = r->cost.executed_flops / keys * 1e9 / ns;
        o->arithmetic_intensity = r->cost.executed_flops / r->cost.stream_bytes;
        double read_gb_per_s = r->cost.stream_bytes / keys / o->m_ns_per_key;
        o->ridge_point = peak_flops / (read_gb_per_s * 1e9);
    }
}

double kvr_peak_flops(const struct kvr_run_record *record, unsigned threads)
{
    double best = NAN;
    for (size_t i = 0; i < record->ceiling_count; i++) {
        const struct kvr_ceiling *c = &record->ceilings[i];
        if (!strcmp(c->kind, "rate") && !strcmp(c->type, "fma") && !strcmp(c->dtype, "f32") &&
            !(c->value * threads * 1e9 <= best))
            best = c->value * threads * 1e9;
    }
    return best;
}

void kvr_balance(struct kvr_result *r, double peak_flops)
{
    struct kvr_op_result *o = &r->result;
    struct kvr_estimate t = over_rounds(r, value_t), m = over_rounds(r, value_m);
    struct kvr_estimate c = over_rounds(r, value_c), ghz = over_rounds(r, value_ghz);
    struct kvr_estimate roof = over_rounds(r, value_roof);
    struct kvr_estimate read_roof = over_rounds(r, value_read_roof);
    struct kvr_estimate core_roof = over_rounds(r, value_core_roof);
    struct kvr_estimate speedup = over_rounds(r, value_speedup);
    double values[MAX_ROUNDS];
    size_t n = 0;

    for (size_t i = 0; i < r->round_count && n < MAX_ROUNDS; i++)
        if (!r->rounds[i].invalid)
            values[n++] = r->rounds[i].t_ns;
    if (!n)
        return;
    store(r, &t, &o->ns_per_key, "ci95", o->ci95);
    o->cv = kvr_variation(values, n);
    if (isnan(o->cv))
        kvr_result_unavailable(r, "cv", "fewer than 2 valid rounds");
    else
        kvr_result_available(r, "cv");
    o->m_ns_per_key = m.median;
    o->c_ns_per_key = c.median;
    store(r, &speedup, &o->speedup_vs_fp16, "speedup_ci95", o->speedup_ci95);
    r->fp16_ns_per_key = over_rounds(r, value_fp16).median;
    store(r, &roof, &o->percent_of_roof, "percent_of_roof_ci95", o->percent_of_roof_ci95);
    o->percent_of_read_roof = read_roof.median;
    snprintf(o->roof, sizeof o->roof, "%s", m.median >= c.median ? "memory" : "core");
    o->prepare_share = over_rounds(r, value_prepare_share).median;
    if (!(r->rounds[0].e_ns > 0)) /* in serial phases T is above each of M and C by nature */
        judge_ceiling(r, &read_roof, &core_roof);
    else
        judge_phases(r, &roof);
    if (kvr_result_flagged(r, "ceiling-raised") && o->percent_of_roof > 100) {
        /* T takes M's place; the flag carries the figure */
        o->percent_of_roof = 100;
        for (int i = 0; i < 2; i++)
            o->percent_of_roof_ci95[i] = fmin(o->percent_of_roof_ci95[i], 100);
    }
    if (kvr_relative_half_width(&t) > .03)
        kvr_result_flag(r, "noisy");
    /* Wall time over all keys of all threads; a core's cycles are threads times that. */
    o->cycles_per_key = o->ns_per_key * ghz.median * r->threads;
    rates(r, peak_flops);
}
