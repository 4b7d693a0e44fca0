/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * All cases of a comparison together: intervals, Holm's adjustment, the sentinel, the outcome.
 */
#ifndef KVR_JUDGE_H
#define KVR_JUDGE_H

#include "decide.h"

/* One case's, or the sentinel's, processes: natural logarithms, NAN where a process lacks it. In a
 * comparison by pairs, base[i] and other[i] are pair i and both counts are equal. */
struct kvr_series {
    double *base, *other;
    size_t base_count, other_count;
};

/* Fills change, floor and outcome of comparison->cases, whose threshold is set, from series[i] of
 * cases[i], at comparison->level. `sentinel` may be empty: then it is unknown, and unchanged.
 * `threshold` is the general one, for the sentinel. */
void kvr_judge(const struct kvr_series *series, const struct kvr_series *sentinel,
               double threshold, struct kvr_comparison *comparison);

bool kvr_all_decided(const struct kvr_comparison *comparison);

/* The robust time of a process: the median of `count` values, NAN without any. Sorts them. */
double kvr_process_median(double *values, size_t count);

#endif
