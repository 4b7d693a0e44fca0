/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The sentinel: one plain read of main memory, always the same, in every round and at the run's
 * start, middle and end. It knows no kernel, so when it changes, the machine (or a neighbour) did.
 */
#ifndef KVR_SENTINEL_H
#define KVR_SENTINEL_H

#include "session.h"

/* The sentinel of the session's current team, over its reference half. Scans point into it: it
 * does not move. */
struct kvr_sentinel {
    struct kvr_lists lists;
    struct kvr_score_buffers buffers;
    uint32_t cursors[KVR_MAX_THREADS];
    struct kvr_scan scan;
    struct kvr_sample_request request;
    bool open; /* false: the half may lie in a cache, so nothing in it tells of main memory */
};

/* 0 (also when there is nothing to read: open is false then) or -ENOMEM. Close in any case. */
int kvr_sentinel_open(struct kvr_session *session, struct kvr_sentinel *sentinel);
void kvr_sentinel_close(struct kvr_sentinel *sentinel);

/* ns per 64-byte line, wall time over the lines of all threads; NAN if it is not open. */
double kvr_sentinel_take(struct kvr_session *session, struct kvr_sentinel *sentinel);

/* Start, middle and end of a run: a figure for each. */
enum kvr_sentinel_place { KVR_SENTINEL_START, KVR_SENTINEL_MIDDLE, KVR_SENTINEL_END,
                          KVR_SENTINEL_PLACES };

/* The median of several reads by so many threads; NAN where it cannot be read. Changes the team. */
double kvr_sentinel_place(struct kvr_session *session, unsigned threads);

/* The same read as the rounds of a result took it, in their midst: the median; NAN without one. */
double kvr_sentinel_of_rounds(const struct kvr_result *result);
extern const char kvr_no_sentinel[]; /* why rounds have none */

/* The check `sentinel` from ns per line at the three places: warn where they differ by more than a
 * tenth. Pure. */
void kvr_sentinel_check(struct kvr_checks *checks, const double ns[KVR_SENTINEL_PLACES]);

#endif
