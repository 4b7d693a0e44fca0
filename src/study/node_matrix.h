/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The NUMA matrix: what the cores of each node get from the memory of each. A node without CPUs
 * is memory only.
 */
#ifndef KVR_NODE_MATRIX_H
#define KVR_NODE_MATRIX_H

#include "session.h"

/* Half of the arena that a session needs for it: the matrix maps its own memory, node by node. */
#define KVR_NUMA_HALF_BYTES ((uint64_t)2 << 20)

/* Fills the record's matrix for all nodes with memory and those of --cpus; the checks numa-matrix
 * (nodes left out, pages that lie elsewhere) and numa-distances. 0; -EINTR; -errno. */
int kvr_numa_measure(struct kvr_session *session);

/* The check numa-distances: whether latencies from one node order as firmware's distances do; only
 * pairs of different distances count, and a difference of 5 % is none. Pure. */
void kvr_numa_check_distances(struct kvr_checks *checks, const struct kvr_numa_cell *cells,
                              size_t count);

#endif
