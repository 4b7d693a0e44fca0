/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where the level of a series changes. Pure functions of the series.
 */
#ifndef KVR_PELT_H
#define KVR_PELT_H

#include <stdbool.h>
#include <stddef.h>

enum { KVR_LEAST_SEGMENT = 3 }; /* a level of fewer values is an outlier */

/* Segments of a series: they begin at starts[0] = 0, starts[1] ... */
struct kvr_levels {
    size_t *starts; /* owned by the caller: free() */
    size_t count;
};

/* Puts the median of the five values around it in place of each value that is further from it than
 * six times the noise, until none is (Hampel's filter): single results that were disturbed. A level
 * of three values stays. 0 or -ENOMEM. */
int kvr_calm(double *values, size_t count);

/* The segments of least cost by PELT (Killick, Fearnhead and Eckley, Journal of the American
 * Statistical Association 107, 2012, 1590-1598): squares about the mean of a segment over the
 * noise's variance, which the differences of neighbours tell (median, MAD), and 2 ln(count) for
 * each change, as BIC has it for a mean and a place. 0 or -ENOMEM. */
int kvr_pelt(const double *values, size_t count, struct kvr_levels *segments);

/* One change: from the segment before it to the one that begins at `at`. */
struct kvr_step { size_t at; double difference, error, freedom, p; };

/* Student's t between the neighbours of start `index` >= 1, with the variance that is left within
 * all segments. p is two-sided and holds for the best of all places where a level may begin and
 * end (Bonferroni) among `series` such series: 1 at most. */
struct kvr_step kvr_step_of(const double *values, size_t count,
                            const struct kvr_levels *segments, size_t index, size_t series);

/* PELT, then without the changes that could be chance: the least significant goes until all that
 * are left have p < alpha. 0 or -ENOMEM. */
int kvr_find_steps(const double *values, size_t count, size_t series, double alpha,
                   struct kvr_levels *segments);

/* The least step that would be found if it began with the last KVR_LEAST_SEGMENT values; NAN: too
 * few values. */
double kvr_step_floor(const double *values, size_t count, const struct kvr_levels *segments,
                      size_t series, double alpha);

#endif
