/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Linux's software events of one thread: they need no counter of the CPU, only permission.
 */
#ifndef KVR_PERF_EVENTS_H
#define KVR_PERF_EVENTS_H

#include <stdint.h>

struct kvr_perf_events { int fds[3]; unsigned count; }; /* count 0: not allowed here */
struct kvr_perf_counts { uint64_t faults, migrations, switches; };

/* Of the calling thread. What is not allowed is not counted: see `count`. */
void kvr_perf_events_open(struct kvr_perf_events *events);
void kvr_perf_events_close(struct kvr_perf_events *events);
/* Leaves *counts alone where nothing is counted. */
void kvr_perf_events_read(const struct kvr_perf_events *events, struct kvr_perf_counts *counts);

#endif
