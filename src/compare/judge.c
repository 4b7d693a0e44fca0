/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "judge.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <math.h>
#include <stdlib.h>

double kvr_process_median(double *values, size_t count)
{
    if (!count)
        return NAN;
    gsl_sort(values, 1, count);
    return gsl_stats_median_from_sorted_data(values, 1, count);
}

static void change_of(const struct kvr_series *s, bool pairs, double alpha, struct kvr_change *c)
{
    if (pairs)
        kvr_change_of_pairs(s->base, s->other, s->base_count, alpha, c);
    else
        kvr_change_of_files(s->base, s->base_count, s->other, s->other_count, alpha, c);
}

static void sum_up(struct kvr_comparison *k)
{
    double *floors = malloc((k->case_count + 1) * sizeof *floors);
    size_t n = 0, inconclusive = 0, regressed = 0;
    for (size_t i = 0; i < k->case_count; i++) {
        const struct kvr_change *c = &k->cases[i].change;
        inconclusive += c->outcome == KVR_INCONCLUSIVE;
        regressed += c->outcome == KVR_REGRESSED;
        if (floors && isfinite(c->floor))
            floors[n++] = expm1(c->floor);
    }
    k->outcome = regressed ? KVR_REGRESSED : inconclusive ? KVR_INCONCLUSIVE : KVR_OK;
    k->floor = kvr_process_median(floors, n);
    k->worst_floor = n ? floors[n - 1] : NAN; /* sorted by now */
    free(floors);
}

void kvr_judge(const struct kvr_series *series, const struct kvr_series *sentinel,
               double threshold, struct kvr_comparison *k)
{
    double alpha = 1 - k->level;
    struct kvr_change **changes = malloc((k->case_count + 1) * sizeof *changes);
    change_of(sentinel, k->pairs, alpha, &k->sentinel);
    k->sentinel_known = isfinite(k->sentinel.log_ratio);
    k->sentinel_changed = kvr_sentinel_moved(&k->sentinel, threshold);
    for (size_t i = 0; i < k->case_count; i++) {
        change_of(&series[i], k->pairs, alpha, &k->cases[i].change);
        if (changes)
            changes[i] = &k->cases[i].change;
    }
    if (changes) /* without memory for it, nothing is regressed */
        kvr_holm(changes, k->case_count);
    free(changes);
    for (size_t i = 0; i < k->case_count; i++)
        kvr_change_decide(&k->cases[i].change, k->cases[i].threshold, alpha, k->sentinel_changed);
    sum_up(k);
}

bool kvr_all_decided(const struct kvr_comparison *k)
{
    for (size_t i = 0; i < k->case_count; i++)
        if (k->cases[i].change.outcome == KVR_INCONCLUSIVE)
            return false;
    return true;
}
