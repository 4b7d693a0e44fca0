/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The machine's own ceilings in full: `kvroof roofs`.
 */
#ifndef KVR_ROOFS_H
#define KVR_ROOFS_H

#include "session.h"

/* Ladder, rates, and per level and thread count the read family, copy, triad and (one thread)
 * latency: ceilings of the session's record. 0; -EINTR; -errno. */
int kvr_roofs_measure(struct kvr_session *session, const unsigned *threads, size_t thread_counts);

/* Latency of dependent loads at a level, by the session's team of one: a ceiling of its record.
 * `bytes`: the level's working set. Overwrites the subject half. */
void kvr_roofs_latency(struct kvr_session *session, const char *level, uint64_t bytes);

#endif
