/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "team.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "clock.h"

enum { SPINS_BEFORE_SLEEP = 200000 };

struct helper {
    struct kvr_team *team;
    pthread_t thread;
    unsigned index;
    uint32_t cpu;
    int error;
};

struct kvr_team {
    unsigned threads;
    int (*pin)(const void *, uint32_t);
    const void *context;
    struct helper *helpers; /* [threads], 0 unused */
    void (*job)(void *, unsigned);
    void *argument;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool stop;
    /* Each on a line of its own: a helper that polls must not slow one that arrives. */
    _Alignas(64) atomic_uint generation;
    _Alignas(64) atomic_uint finished;
    _Alignas(64) atomic_uint arrived;
    _Alignas(64) atomic_uint phase;
};

static inline void relax(void)
{
#if defined __x86_64__
    __builtin_ia32_pause();
#elif defined __aarch64__
    __asm__ volatile("yield");
#endif
}

static void wait_for_work(struct kvr_team *team, unsigned seen)
{
    for (int i = 0; i < SPINS_BEFORE_SLEEP; i++) {
        if (atomic_load_explicit(&team->generation, memory_order_acquire) != seen)
            return;
        relax();
    }
    pthread_mutex_lock(&team->mutex);
    while (atomic_load_explicit(&team->generation, memory_order_acquire) == seen)
        pthread_cond_wait(&team->wake, &team->mutex);
    pthread_mutex_unlock(&team->mutex);
}

static void *helper_main(void *argument)
{
    struct helper *self = argument;
    struct kvr_team *team = self->team;
    unsigned seen = 0;
    self->error = team->pin(team->context, self->cpu);
    kvr_flush_subnormals();
    atomic_fetch_add_explicit(&team->finished, 1, memory_order_release);
    for (;;) {
        wait_for_work(team, seen);
        seen++;
        if (team->stop)
            return NULL;
        team->job(team->argument, self->index);
        atomic_fetch_add_explicit(&team->finished, 1, memory_order_release);
    }
}

static void publish(struct kvr_team *team)
{
    atomic_store_explicit(&team->finished, 0, memory_order_relaxed);
    pthread_mutex_lock(&team->mutex);
    atomic_fetch_add_explicit(&team->generation, 1, memory_order_release);
    pthread_cond_broadcast(&team->wake);
    pthread_mutex_unlock(&team->mutex);
}

static void wait_finished(struct kvr_team *team, unsigned count)
{
    while (atomic_load_explicit(&team->finished, memory_order_acquire) < count)
        relax();
}

static void join(struct kvr_team *team, unsigned created)
{
    team->stop = true;
    publish(team);
    for (unsigned i = 1; i < created; i++)
        pthread_join(team->helpers[i].thread, NULL);
    pthread_cond_destroy(&team->wake);
    pthread_mutex_destroy(&team->mutex);
    free(team->helpers);
    free(team);
}

int kvr_team_start(struct kvr_team **result, const uint32_t *cpus, unsigned threads,
                   int (*pin)(const void *context, uint32_t cpu), const void *context)
{
    int error = 0;
    unsigned created = 1;
    *result = NULL;
    struct kvr_team *team = aligned_alloc(64, (sizeof *team + 63) / 64 * 64);
    if (!team)
        return -ENOMEM;
    *team = (struct kvr_team){.threads = threads, .pin = pin, .context = context};
    team->helpers = calloc(threads, sizeof *team->helpers);
    if (!team->helpers) {
        free(team);
        return -ENOMEM;
    }
    pthread_mutex_init(&team->mutex, NULL);
    pthread_cond_init(&team->wake, NULL);
    for (; created < threads && !error; created++) {
        team->helpers[created] =
            (struct helper){.team = team, .index = created, .cpu = cpus[created]};
        error = -pthread_create(&team->helpers[created].thread, NULL, helper_main,
                                &team->helpers[created]);
        if (error)
            break;
    }
    wait_finished(team, created - 1);
    if (!error)
        error = pin(context, cpus[0]);
    for (unsigned i = 1; i < created && !error; i++)
        error = team->helpers[i].error;
    if (error) {
        join(team, created);
        return error;
    }
    kvr_flush_subnormals();
    *result = team;
    return 0;
}

void kvr_team_stop(struct kvr_team *team)
{
    if (team)
        join(team, team->threads);
}

unsigned kvr_team_threads(const struct kvr_team *team)
{
    return team->threads;
}

void kvr_team_run(struct kvr_team *team, void (*job)(void *argument, unsigned thread),
                  void *argument)
{
    team->job = job;
    team->argument = argument;
    if (team->threads > 1)
        publish(team);
    job(argument, 0);
    wait_finished(team, team->threads - 1);
}

void kvr_team_barrier(struct kvr_team *team)
{
    if (team->threads == 1)
        return;
    unsigned phase = atomic_load_explicit(&team->phase, memory_order_acquire);
    if (atomic_fetch_add_explicit(&team->arrived, 1, memory_order_acq_rel) + 1 == team->threads) {
        atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
        atomic_fetch_add_explicit(&team->phase, 1, memory_order_release);
        return;
    }
    while (atomic_load_explicit(&team->phase, memory_order_acquire) == phase)
        relax();
}
