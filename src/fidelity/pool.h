/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KVR_POOL_H
#define KVR_POOL_H

#include <stddef.h>

/* CPUs that this process may run on, at least 1. */
unsigned kvr_pool_threads(void);

/* Who is told how far the jobs are: at first, and by the calling thread after each of its own. */
struct kvr_progress {
    void (*show)(const struct kvr_progress *progress, size_t done, size_t count); /* NULL: nobody */
    const char *what; /* "codebooks" */
};

/* job(context, i) for every i below count, on up to `threads` threads at once, in any order. After
 * a job that returned non-zero no further one is started. 0, or the first such value. */
int kvr_pool_run(unsigned threads, size_t count, int (*job)(void *context, size_t i),
                 void *context, const struct kvr_progress *progress);

#endif
