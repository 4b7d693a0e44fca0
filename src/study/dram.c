/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dram.h"

#include <math.h>

#include "../measure/stats.h"

#define SAMPLE_S 6e-3
enum { PAIRS = 9, MOST_PAIRS = 27 };

double kvr_dram_part_ratio(struct kvr_session *s, struct kvr_scan *whole, uint32_t part)
{
    struct kvr_segments segments[KVR_MAX_THREADS];
    uint32_t counts[KVR_MAX_THREADS], cursors[KVR_MAX_THREADS];
    struct kvr_lists lists = *whole->lists;
    struct kvr_scan some = *whole;
    struct kvr_sample of_whole, of_part;
    double ratios[MOST_PAIRS], ratio = NAN;
    for (unsigned t = 0; t < s->threads; t++) {
        segments[t] = whole->lists->segments[t];
        counts[t] = segments[t].count = (segments[t].count + part - 1) / part;
        cursors[t] = 0;
    }
    lists.segments = segments;
    lists.counts = counts;
    some.lists = &lists;
    some.cursors = cursors;
    struct kvr_sample_request all = kvr_scan_request(whole), few = kvr_scan_request(&some);
    kvr_sample_plan(s->sampler, &all, SAMPLE_S);
    few.slices = all.slices;
    few.slice_segments = all.slice_segments;
    for (size_t i = 0; i < MOST_PAIRS && !kvr_session_stopped(s); i++) {
        few.warm_segments = i ? 0 : counts[0];
        kvr_sample_take(s->sampler, &all, &of_whole);
        kvr_sample_take(s->sampler, &few, &of_part);
        ratios[i] = of_part.robust_ns / of_whole.robust_ns;
        ratio = kvr_median(ratios, i + 1).median;
        if (i + 1 >= PAIRS && fabs(ratio - 1) <= .03)
            break;
    }
    return ratio;
}
