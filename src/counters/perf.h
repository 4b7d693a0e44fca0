/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The backend `perf` over a table of system calls, so that tests can be the kernel.
 */
#ifndef KVR_COUNTERS_PERF_H
#define KVR_COUNTERS_PERF_H

#include <linux/perf_event.h>
#include <sys/types.h>

#include "counters.h"

struct kvr_perf_system {
    /* A descriptor or -errno. */
    int (*open)(struct perf_event_attr *attribute, int pid, int cpu, int group);
    ssize_t (*read)(int fd, void *data, size_t bytes);
    void (*close)(int fd);
    /* The event's page, read-only; NULL: none. */
    struct perf_event_mmap_page *(*map)(int fd);
    void (*unmap)(struct perf_event_mmap_page *page);
    /* The CPU's counter of this number, by one instruction; NULL: this architecture has none. */
    uint64_t (*counter)(uint32_t number);
    /* The clock that a page's time fields mean. */
    uint64_t (*ticks)(void);
    /* What config1 asks the kernel to allow such reads with, best first; the last is 0. */
    const uint64_t *config1;
};
extern const struct kvr_perf_system kvr_perf_linux;

/* The sentence for an errno of perf_event_open: cause, paranoid level, remedy. */
void kvr_perf_explain(const struct kvr_machine *machine, int error, char *text, size_t bytes);

/* Inside perf*.c: a group of events that are on counters at the same time. */
enum { KVR_MAX_GROUP = 16 };
struct kvr_perf_group {
    int fds[KVR_MAX_GROUP]; /* fds[0] leads */
    struct perf_event_mmap_page *pages[KVR_MAX_GROUP]; /* NULL: none */
    uint32_t events[KVR_MAX_GROUP]; /* indices */
    size_t count;
    bool software, system_wide;
};

/* Readings without a system call; false: not possible now, nothing is changed. */
bool kvr_perf_read_pages(const struct kvr_perf_system *system, const struct kvr_perf_group *group,
                         struct kvr_reading *readings);

#endif
