/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { MOST_THREADS = 64 };

struct pool {
    int (*job)(void *context, size_t i);
    void *context;
    size_t count;
    const struct kvr_progress *progress;
    atomic_size_t next, done;
    atomic_int status;
};

unsigned kvr_pool_threads(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set))
        return 1;
    int count = CPU_COUNT(&set);
    return count < 1 ? 1 : count > MOST_THREADS ? MOST_THREADS : (unsigned)count;
}

static void run(struct pool *pool, bool shows)
{
    for (size_t i = atomic_fetch_add(&pool->next, 1); i < pool->count;
         i = atomic_fetch_add(&pool->next, 1)) {
        int status = atomic_load(&pool->status) ? 0 : pool->job(pool->context, i), none = 0;
        if (status)
            atomic_compare_exchange_strong(&pool->status, &none, status);
        size_t done = atomic_fetch_add(&pool->done, 1) + 1;
        if (shows)
            pool->progress->show(pool->progress, done, pool->count);
    }
}

static void *work(void *pool)
{
    run(pool, false);
    return NULL;
}

int kvr_pool_run(unsigned threads, size_t count, int (*job)(void *context, size_t i), void *context,
                 const struct kvr_progress *progress)
{
    struct pool pool = {.job = job, .context = context, .count = count, .progress = progress};
    pthread_t ids[MOST_THREADS];
    unsigned started = 0;
    if (progress->show && count)
        progress->show(progress, 0, count);
    while (started + 1 < threads && started + 1 < count && started < MOST_THREADS &&
           !pthread_create(&ids[started], NULL, work, &pool))
        started++;
    run(&pool, progress->show); /* the caller is one of them, and enough if no other starts */
    for (unsigned i = 0; i < started; i++)
        pthread_join(ids[i], NULL);
    return atomic_load(&pool.status);
}
