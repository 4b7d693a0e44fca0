/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What several threads add to a verdict: whether the node's memory or each core's own limit is
 * full, how many lines are on their way, at how many threads a core-bound case meets the node's
 * roof, and whether CPUs share a core.
 */
#ifndef KVR_THREADS_H
#define KVR_THREADS_H

#include "session.h"

/* Below this share of t times one thread's bandwidth the node limits, not the cores. */
#define KVR_NODE_SHARE .85
/* Two CPUs whose multiply-adds together are less than this times one's share a core. */
#define KVR_CORE_PAIR 1.3

/* GB/s of the read family over such a list, segments rounded up to a power of two; NAN if the
 * record holds none. */
double kvr_family_gb_per_s(const struct kvr_run_record *record, const char *level,
                           const char *layout, uint64_t segment_bytes, unsigned threads);

/* "node" or "core" for a memory-bound case on several threads: its M against M on one thread, of
 * the same list in this run or else of the read families of such lists. NULL for one thread or
 * where one thread's is not known. */
const char *kvr_memory_cause(const struct kvr_run_record *record, const struct kvr_result *result);

/* Fills lines_in_flight and threads_to_node_roof of every measured DRAM result, or the reason under
 * `unavailable`. Needs the record's results and ceilings, nothing else. */
void kvr_threads_conclude(struct kvr_run_record *record);

/* Times the multiply-add rate of the team's first CPU alone, with the second, and of all; check
 * `fma-pair`. *shared_from: threads of the smallest team seen to share cores: 2, `threads`, or 0
 * for none. 0 or -errno; nothing to do for one thread. */
int kvr_threads_pair(struct kvr_session *session, unsigned threads, unsigned *shared_from);

#endif
