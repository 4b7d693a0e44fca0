/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stats.h"

#include <math.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

enum { MAX_VALUES = 4096 };

struct kvr_estimate kvr_median(const double *values, size_t count)
{
    double sorted[MAX_VALUES];
    size_t n = 0;
    for (size_t i = 0; i < count && n < MAX_VALUES; i++)
        if (!isnan(values[i]))
            sorted[n++] = values[i];
    struct kvr_estimate e = {NAN, NAN, NAN, false};
    if (n == 0)
        return e;
    gsl_sort(sorted, 1, n);
    e.median = gsl_stats_median_from_sorted_data(sorted, 1, n);
    e.low = e.high = e.median;
    /* P(median outside [x(k), x(n+1-k)]) = 2 P(Binomial(n, 1/2) <= k - 1). */
    size_t k = 0;
    while (k + 1 <= n / 2 && 2 * gsl_cdf_binomial_P((unsigned)k, .5, (unsigned)n) <= .05)
        k++;
    if (k) {
        e.low = sorted[k - 1];
        e.high = sorted[n - k];
        e.interval = true;
    }
    return e;
}

double kvr_relative_half_width(const struct kvr_estimate *estimate)
{
    if (!estimate->interval)
        return NAN;
    return (estimate->high - estimate->low) / 2 / fabs(estimate->median);
}

double kvr_sign_confidence(const double *values, size_t count, double threshold, bool below)
{
    unsigned n = 0, on_side = 0;
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i]))
            continue;
        n++;
        on_side += below ? values[i] < threshold : values[i] > threshold;
    }
    if (!n)
        return NAN;
    return on_side ? gsl_cdf_binomial_P(on_side - 1, .5, n) : 0;
}

double kvr_variation(const double *values, size_t count)
{
    if (count < 2)
        return NAN;
    double mean = gsl_stats_mean(values, 1, count);
    return gsl_stats_sd_m(values, 1, count, mean) / mean;
}
