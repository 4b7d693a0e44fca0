/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <gsl/gsl_fit.h>
#include <math.h>
#include <stdio.h>

#include "../measure/stats.h"
#include "deep.h"

static double slope(const struct kvr_deep_series *d, size_t i)
{
    const double x[] = {0, d->once_per_key, d->twice_per_key};
    const double y[] = {d->placebo[i], d->once[i], d->twice[i]};
    double c0, c1, c00, c01, c11, sum;
    gsl_fit_linear(x, 1, y, 1, 3, &c0, &c1, &c00, &c01, &c11, &sum);
    return c1;
}

/* Medians of paired ratios and of one slope per try, because a neighbour may double any of them. */
void kvr_deep_judge(const struct kvr_deep_series *d, struct kvr_sensitivity *out)
{
    double slopes[KVR_DEEP_MOST_TRIES], effects[KVR_DEEP_MOST_TRIES];
    double placebos[KVR_DEEP_MOST_TRIES];
    for (size_t i = 0; i < d->tries; i++) {
        slopes[i] = slope(d, i);
        effects[i] = d->twice[i] / d->placebo[i] - 1;
        placebos[i] = d->placebo[i] / d->base[i] - 1;
    }
    struct kvr_estimate e = kvr_median(slopes, d->tries);
    struct kvr_estimate placebo = kvr_median(placebos, d->tries);
    double spread = fmax(fabs(placebo.low), fabs(placebo.high));
    double none = kvr_median(d->placebo, d->tries).median;
    out->slope_ns = e.median;
    out->s = e.median * d->rate;
    out->ci95[0] = e.interval ? e.low * d->rate : NAN;
    out->ci95[1] = e.interval ? e.high * d->rate : NAN;
    out->threshold = fmax(KVR_DEEP_LEAST_EFFECT, spread);
    out->effect = kvr_median(effects, d->tries).median;
    /* Whatever is injected also takes a slot of the front end: what that alone costs is no sign of
     * a full resource. */
    double slot_ns = d->issue_slope_ns > 0 ? d->issue_slope_ns : 0;
    out->effect -= slot_ns * d->twice_per_key / none;
    double visible = KVR_DEEP_FULL * d->twice_per_key / d->rate / none;
    const char *says = "between";
    if (isnan(out->s) || isnan(out->effect))
        says = "unresolved";
    else if (out->effect <= out->threshold)
        says = visible > out->threshold && (e.high - slot_ns) * d->rate < KVR_DEEP_FULL
                   ? "slack"
                   : "unresolved";
    else if (out->s >= KVR_DEEP_FULL && e.low * d->rate > KVR_DEEP_SLACK)
        says = "full";
    else if (out->s <= KVR_DEEP_SLACK && e.high * d->rate < KVR_DEEP_FULL)
        says = "slack";
    snprintf(out->says, sizeof out->says, "%s", says);
}
