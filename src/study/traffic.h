/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bytes a key that cross each boundary of the memory hierarchy, from where a case's data lie.
 */
#ifndef KVR_TRAFFIC_H
#define KVR_TRAFFIC_H

#include "beside.h"

struct kvr_traffic_request {
    const struct kvr_case *c;
    const struct kvr_kernel *kernel; /* that scores the keys */
    const char *level;             /* which holds the working set: "L1", "L2", "L3", "DRAM" */
    const struct kvr_lists *keys;  /* codes, whole lines a part; the order list is read as well */
    const struct kvr_beside *beside;
    const struct kvr_lists *copy;  /* materialised: the float16 copy; NULL: none */
    bool copy_past_caches;         /* it is written by non-temporal stores */
    uint64_t l1_bytes;             /* 0: taken to hold all tables */
};

/* What a level holds does not cross the boundaries beyond it; a warm codebook stays in the core's
 * caches. Parts count as they lie in memory and as M reads them: the last one of a head whole.
 * A group's queries read what the first of them brought near: counted once. What each of them has
 * for itself stays in L1 and counts in l1 alone: the tile that a tiled kernel writes and reads, and
 * tables, an entry a look-up of kernels that load or gather it, or else once a head, into
 * registers. Tables of all queries, or rows that a scan reads, that half of L1 does not hold cross
 * to L2 as well: a line a look-up, and what an op writes of tables. A copy is written and read:
 * through the caches it crosses a boundary three times (allocated, written back, read), past them
 * it goes to memory at every level and crosses when it is read. */
void kvr_traffic_count(const struct kvr_traffic_request *request, struct kvr_traffic *traffic);

#endif
