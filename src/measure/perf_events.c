/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "perf_events.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_event(uint64_t config, int group)
{
    struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
                                   .size = sizeof attr,
                                   .config = config,
                                   .read_format = PERF_FORMAT_GROUP,
                                   .exclude_hv = 1};
    return (int)syscall(SYS_perf_event_open, &attr, 0, -1, group, PERF_FLAG_FD_CLOEXEC);
}

void kvr_perf_events_open(struct kvr_perf_events *events)
{
    static const uint64_t configs[] = {PERF_COUNT_SW_PAGE_FAULTS, PERF_COUNT_SW_CPU_MIGRATIONS,
                                       PERF_COUNT_SW_CONTEXT_SWITCHES};
    *events = (struct kvr_perf_events){.count = 0};
    for (unsigned i = 0; i < sizeof configs / sizeof *configs; i++) {
        int fd = open_event(configs[i], i ? events->fds[0] : -1);
        if (fd < 0) {
            kvr_perf_events_close(events);
            return;
        }
        events->fds[events->count++] = fd;
    }
}

void kvr_perf_events_close(struct kvr_perf_events *events)
{
    while (events->count)
        close(events->fds[--events->count]);
}

void kvr_perf_events_read(const struct kvr_perf_events *events, struct kvr_perf_counts *counts)
{
    struct {
        uint64_t count, values[3];
    } group;
    if (events->count && read(events->fds[0], &group, sizeof group) == sizeof group)
        *counts = (struct kvr_perf_counts){group.values[0], group.values[1], group.values[2]};
}
