/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The machine's own ceilings in full: `kvroof roofs`.
 */
#ifndef KVR_ROOFS_H
#define KVR_ROOFS_H

#include "session.h"

/* Per level and thread count the ladder, the read family, copy, triad and (one thread) latency, as
 * far as the record has them not yet; and the proof of DRAM, check dram-proven. After
 * kvr_session_ceilings. Overwrites both arena halves. 0; -EINTR; -errno. */
int kvr_roofs_levels(struct kvr_session *session, const unsigned *threads, size_t thread_counts);

/* Ladder, rates, and per level and thread count the read family, copy, triad and (one thread)
 * latency: ceilings of the session's record. 0; -EINTR; -errno. */
int kvr_roofs_measure(struct kvr_session *session, const unsigned *threads, size_t thread_counts);

/* True if the record has a ceiling of this type for the current number of threads and this level
 * (NULL: any) already, be it from a stored result. */
bool kvr_roofs_has(const struct kvr_session *session, const char *type, const char *level);

/* ns of one dependent load of one thread, the session's team of one, over a random cycle of the
 * lines of [base, base + bytes), which is overwritten; at most KVR_MOST_CHAIN_BYTES. `flush`: is
 * read before, so that the chain comes from memory; NULL: the chain is walked once before. NAN: no
 * memory for it. */
#define KVR_MOST_CHAIN_BYTES ((uint64_t)KVR_LINE_BYTES << 22)
double kvr_roofs_chase_ns(struct kvr_session *session, unsigned char *base, uint64_t bytes,
                          const struct kvr_memory *flush);

/* Latency of dependent loads at a level, by the session's team of one: a ceiling of its record.
 * `bytes`: the level's working set. Overwrites the subject half. */
void kvr_roofs_latency(struct kvr_session *session, const char *level, uint64_t bytes);

#endif
