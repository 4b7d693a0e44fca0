/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How many interrupts some CPUs have taken, from /proc/interrupts.
 */
#ifndef KVR_INTERRUPTS_H
#define KVR_INTERRUPTS_H

#include <stddef.h>
#include <stdint.h>

struct kvr_interrupts {
    int fd;
    char *text; /* owned, touched beforehand */
    size_t bytes;
};

/* 0 or -errno; `path` is /proc/interrupts but in tests. */
int kvr_interrupts_open(struct kvr_interrupts *interrupts, const char *path);
void kvr_interrupts_close(struct kvr_interrupts *interrupts);

/* Since boot, all kinds, summed over `cpus` (Linux CPU numbers). 0, or -errno if the file cannot
 * be read or has no such CPU. */
int kvr_interrupts_read(struct kvr_interrupts *interrupts, const uint32_t *cpus, size_t cpu_count,
                        uint64_t *count);

#endif
