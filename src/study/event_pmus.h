/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside src/study only: the PMUs of a system by name.
 */
#ifndef KVR_EVENT_PMUS_H
#define KVR_EVENT_PMUS_H

#include <stddef.h>
#include <stdint.h>

enum { KVR_MAX_PMUS = 64 };

struct kvr_pmus {
    char names[KVR_MAX_PMUS][30];
    uint32_t types[KVR_MAX_PMUS]; /* as perf_event_open(2) wants them */
    size_t count;
};

/* "hardware" and "raw" are Linux's own and always there; "NAME" is that PMU, "NAME_*" those that
 * end in a number instead, in ascending order. None is found: count is 0. */
void kvr_pmus_find(const char *root, const char *pattern, struct kvr_pmus *pmus);

#endif
