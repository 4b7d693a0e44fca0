/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Medians and their intervals by order statistics: no assumption on the distribution, which on
 * shared machines is anything but normal.
 */
#ifndef KVR_STATS_H
#define KVR_STATS_H

#include <stdbool.h>
#include <stddef.h>

struct kvr_estimate {
    double median, low, high;
    bool interval; /* false: too few values for 95 % (under 6), low = high = median */
};

/* The narrowest symmetric pair [x(k), x(n+1-k)] that covers the median with at least 95 %
 * (binomial; n = 9: x2, x8, 96.1 %; n = 6: x1, x6, 96.9 %). Values that are NAN are left out;
 * no value at all: median NAN. Does not modify `values`; count <= 4096. */
struct kvr_estimate kvr_median(const double *values, size_t count);

/* Half-width of the interval relative to the median; NAN without interval. */
double kvr_relative_half_width(const struct kvr_estimate *estimate);

/* How sure the sign test is (1 - its one-sided p) that the median lies above the threshold; with
 * `below`, below it. NAN without values. */
double kvr_sign_confidence(const double *values, size_t count, double threshold, bool below);

/* Standard deviation over mean; NAN for fewer than two values. */
double kvr_variation(const double *values, size_t count);

#endif
