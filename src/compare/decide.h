/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From times of processes to a decision. Pure functions; times are natural logarithms of ns a key,
 * normalised by the caller. The process is the unit: the rounds of one are not independent.
 */
#ifndef KVR_DECIDE_H
#define KVR_DECIDE_H

#include "../report/comparison.h"

/* Between processes where nobody measured it, and how many of it a single process must move. */
#define KVR_USUAL_SPREAD .09
#define KVR_SPREADS 3

/* Each fills a change but for p_holm, outcome and needed. `alpha` is one minus the level of the
 * interval. NAN in the input is left out. */

/* differences[i]: new minus base of pair i; base and other: the same processes, for the floor. */
void kvr_change_of_pairs(const double *base, const double *other, size_t count, double alpha,
                         struct kvr_change *change);
/* Welch's t; a side with one process makes it a comparison by the spread of the other side (three
 * processes or more), else by KVR_USUAL_SPREAD. */
void kvr_change_of_files(const double *base, size_t base_count, const double *other,
                         size_t other_count, double alpha, struct kvr_change *change);

/* Holm's step-down adjustment of p over all changes, into p_holm; NAN stays. */
void kvr_holm(struct kvr_change *const *changes, size_t count);

/* Sets outcome and needed from interval, p_holm and threshold (.05: five percent slower). With
 * sentinel_changed nothing is regressed. */
void kvr_change_decide(struct kvr_change *change, double threshold, double alpha,
                       bool sentinel_changed);
/* Whether the sentinel itself moved: its 99 % interval leaves out 0, by more than half the
 * threshold. */
bool kvr_sentinel_moved(const struct kvr_change *sentinel, double threshold);

enum { KVR_MOST_LOOKS = 5 };
/* The pairs at which a comparison of least..most pairs is looked at, ascending, `most` last; the
 * number of looks, at most KVR_MOST_LOOKS. */
size_t kvr_looks_of(size_t least, size_t most, size_t looks[KVR_MOST_LOOKS]);
/* Pocock's nominal alpha of each of so many looks, so that all together have 5 % (Pocock,
 * Biometrika 64, 1977, 191-199). */
double kvr_pocock_alpha(size_t looks);

#endif
