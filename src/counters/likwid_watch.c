/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A library that drives devices may hang in any call, even after it counted well in a child. It
 * cannot be taken out of a process: what was measured is written, and the process ends.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "likwid.h"

enum { LIMIT_S = 20, EXIT_IMPOSSIBLE = 3 };

struct kvr_likwid_watch {
    const struct kvr_counters *counters;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t ending;
    bool ended;
    _Atomic int64_t until_s; /* of CLOCK_MONOTONIC; 0: no call is on */
    bool silent;
    int kept[2];
};

static int64_t now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static unsigned limit_of(const struct kvr_counters *c)
{
    return c->limit_s ? c->limit_s : LIMIT_S;
}

static void begin_silence(struct kvr_likwid_watch *w)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    fflush(NULL); /* or its helpers write what is buffered here once more */
    for (int i = 0; i < 2; i++) {
        w->kept[i] = null < 0 ? -1 : fcntl(i + 1, F_DUPFD_CLOEXEC, 3);
        if (w->kept[i] >= 0)
            dup2(null, i + 1);
    }
    if (null >= 0)
        close(null);
}

static void end_silence(struct kvr_likwid_watch *w)
{
    fflush(NULL);
    for (int i = 0; i < 2; i++)
        if (w->kept[i] >= 0) {
            dup2(w->kept[i], i + 1);
            close(w->kept[i]);
        }
}

static void give_up(struct kvr_likwid_watch *w)
{
    const struct kvr_counters *c = w->counters;
    char why[160];
    snprintf(why, sizeof why, "likwid counted at first, and then did not come back from a call "
             "within %u s; run without it: --counters off", limit_of(c));
    if (w->silent)
        end_silence(w);
    if (c->hung)
        c->hung(c->hung_context, why);
    else
        fprintf(stderr, "kvroof: %s\n", why);
    fflush(NULL);
    _exit(EXIT_IMPOSSIBLE);
}

static void *watch(void *argument)
{
    struct kvr_likwid_watch *w = argument;
    pthread_mutex_lock(&w->mutex);
    while (!w->ended) {
        struct timespec wake;
        int64_t until_s = atomic_load(&w->until_s);
        if (until_s && now_s() > until_s)
            give_up(w);
        clock_gettime(CLOCK_REALTIME, &wake);
        wake.tv_sec++;
        pthread_cond_timedwait(&w->ending, &w->mutex, &wake);
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

struct kvr_likwid_watch *kvr_likwid_watch_start(const struct kvr_counters *c)
{
    struct kvr_likwid_watch *w = calloc(1, sizeof *w);
    sigset_t all, before;
    if (!w)
        return NULL;
    w->counters = c;
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->ending, NULL);
    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int rc = pthread_create(&w->thread, NULL, watch, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc) {
        free(w);
        return NULL;
    }
    return w;
}

void kvr_likwid_watch_end(struct kvr_likwid_watch *w)
{
    pthread_mutex_lock(&w->mutex);
    w->ended = true;
    pthread_cond_signal(&w->ending);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    free(w);
}

void kvr_likwid_call(struct kvr_likwid_watch *w, bool silent)
{
    w->silent = silent;
    if (silent)
        begin_silence(w);
    atomic_store(&w->until_s, now_s() + limit_of(w->counters));
}

void kvr_likwid_called(struct kvr_likwid_watch *w)
{
    atomic_store(&w->until_s, 0);
    if (w->silent)
        end_silence(w);
}
