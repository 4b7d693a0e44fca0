/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Memory between two pages that must not be touched, for tests of the peak family.
 */
#ifndef KVR_TESTS_GUARDED_H
#define KVR_TESTS_GUARDED_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct guarded {
    unsigned char *first, *end; /* usable bytes, whole pages, zero */
    unsigned char *map;
    size_t map_bytes;
};

/* At least `bytes` usable bytes; aborts without memory. */
static inline struct guarded guarded_map(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t usable = (bytes + page - 1) / page * page;
    struct guarded g = {.map_bytes = usable + 2 * page};
    g.map = mmap(NULL, g.map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.map == MAP_FAILED || mprotect(g.map + page, usable, PROT_READ | PROT_WRITE))
        abort();
    g.first = g.map + page;
    g.end = g.first + usable;
    return g;
}

static inline void guarded_unmap(struct guarded *g)
{
    munmap(g->map, g->map_bytes);
}

/* Steps of a small generator (Knuth's MMIX constants), the upper bits mixed down. */
static inline uint64_t guarded_random(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return *state ^ *state >> 29;
}

#endif
