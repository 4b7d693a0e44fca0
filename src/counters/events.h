/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What can be counted: an event as perf_event_open(2) names it, with its unit.
 */
#ifndef KVR_COUNTERS_EVENTS_H
#define KVR_COUNTERS_EVENTS_H

#include <stdint.h>

/* perf_event_open's type for an event by the number that the CPU's manual gives it. */
enum { KVR_EVENT_TYPE_RAW = 4 };

struct kvr_event {
    char name[48];
    uint32_t type;            /* PERF_TYPE_*, or the number of a PMU of this system */
    uint64_t config, config1;
    char unit[16];            /* of count x scale: "", bytes, flops, joules, ns */
    double scale;             /* units of one count */
    char meaning[160];
};

#endif
