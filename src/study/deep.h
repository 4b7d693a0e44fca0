/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A second opinion on what a core is full of (run --deep; MEASURING.md, section 3): the same kernel
 * with k extra instructions of one resource per block, k in {0, n, 2n}. Where the resource is full
 * each of them costs its time, 1 / rate; where it has room they hide. s = slope x rate.
 *
 * The declared work over the measured rates (resources.h) says what must be full; this says what
 * is, without a declaration and with everything that shares a port or the front end.
 */
#ifndef KVR_DEEP_H
#define KVR_DEEP_H

#include "subject.h"

#define KVR_DEEP_FULL .7
#define KVR_DEEP_SLACK .3
#define KVR_DEEP_LEAST_EFFECT .05 /* below it, or within the placebo's spread, nothing counts */

enum { KVR_MAX_SENSITIVITIES = 20 };

struct kvr_sensitivity {
    char resource[16]; /* load, shuffle, shuffle2, valu, fma, intdot, convert, gather, issue */
    char on;           /* 'c': the core alone; 't': the case where its keys lie */
    double slope_ns;   /* of one core, per injected instruction */
    double s;          /* slope x rate, about 0 to 1 */
    double ci95[2];    /* of s; NAN with fewer than six tries */
    double effect;     /* what 2n of them add, relative, beyond what as many no-operations do */
    double threshold;  /* what an effect must exceed to count */
    /* full, slack, between; unresolved: a full resource's effect could have gone unseen, below the
     * threshold or in the spread over tries. */
    char says[12];
};

/* ns a key of every try; a series' values of one try are paired. NAN: no value. */
struct kvr_deep_series {
    const double *base;           /* the kernel as it is */
    const double *placebo;        /* compiled like the injected ones, with nothing injected */
    const double *once, *twice;   /* with n and 2n */
    size_t tries;                 /* at most KVR_DEEP_MOST_TRIES */
    double once_per_key, twice_per_key; /* injected instructions; several cores: of one of them,
                                           per key of all */
    double rate;                  /* instructions a ns of one core */
    double issue_slope_ns;        /* what a no-operation costs here; NAN: not known */
};
enum { KVR_DEEP_MOST_TRIES = 64 };

/* Fills everything but resource and on. Pure. */
void kvr_deep_judge(const struct kvr_deep_series *series, struct kvr_sensitivity *out);

/* Measures a prepared subject: C and T of its kernel's copies, alternating, in its own requests'
 * lists, cursors and look-ahead. out has room for KVR_MAX_SENSITIVITIES; *count receives how many
 * were written, all of C before all of T, 0 where the kernel has no copies. A resource whose rate
 * was not measured is left out. Takes at most KVR_DEEP_SECONDS on a quiet machine, on a busy one as
 * long as the budget has left. 0; -EINTR; -ETIME: the budget has no room for six tries; -EDOM: a
 * copy does not score as its kernel does, so that it is not the same body. */
int kvr_deep_measure(struct kvr_session *session, const struct kvr_subject *subject,
                     struct kvr_sensitivity *out, size_t *count);
#define KVR_DEEP_SECONDS 3.0

#endif
