/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Work whose number of events is known before it is done.
 */
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "trust.h"

enum { LOOPS = 1000000, PAGES = 64, SLEEPS = 8, MOVES = 2, CLOCK_NS = 2000000 };
enum { LEAST_STREAM_BYTES = 64 << 20, MOST_STREAM_BYTES = 256 << 20 };

double kvr_known_loop(const void *context, unsigned times)
{
    uint64_t n = (uint64_t)LOOPS * times;
    (void)context;
#if defined __x86_64__
    __asm__ volatile("1: decq %0\n   jnz 1b" : "+r"(n) : : "cc");
#elif defined __aarch64__
    __asm__ volatile("1: subs %0, %0, #1\n   b.ne 1b" : "+r"(n) : : "cc");
#else
    return NAN;
#endif
    return (double)LOOPS * times;
}

static double instructions(const void *context, unsigned times)
{
    return 2 * kvr_known_loop(context, times);
}

/* Anonymous pages of the least size, each touched for the first time. */
static double faults(const void *context, unsigned times)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = PAGES * times * page;
    (void)context;
    volatile char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                            0);
    if (p == MAP_FAILED)
        return NAN;
    madvise((void *)p, bytes, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < bytes; i += page)
        p[i] = 1;
    munmap((void *)p, bytes);
    return PAGES * times;
}

static double sleeps(const void *context, unsigned times)
{
    struct timespec short_time = {.tv_nsec = 1000};
    (void)context;
    for (unsigned i = 0; i < SLEEPS * times; i++)
        nanosleep(&short_time, NULL);
    return SLEEPS * times;
}

/* To another CPU and back. */
static double moves(const void *context, unsigned times)
{
    cpu_set_t allowed, one;
    int cpus[MOVES], count = 0;
    (void)context;
    if (sched_getaffinity(0, sizeof allowed, &allowed))
        return NAN;
    for (int cpu = 0; cpu < CPU_SETSIZE && count < MOVES; cpu++)
        if (CPU_ISSET(cpu, &allowed))
            cpus[count++] = cpu;
    if (count < MOVES)
        return NAN;
    int at = sched_getcpu() == cpus[0];
    for (unsigned i = 0; i < MOVES * times; i++, at ^= 1) {
        CPU_ZERO(&one);
        CPU_SET(cpus[at], &one);
        if (sched_setaffinity(0, sizeof one, &one))
            return NAN;
    }
    sched_setaffinity(0, sizeof allowed, &allowed);
    return MOVES * times;
}

static double thread_ns(void)
{
    struct timespec t = {0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static double spin(const void *context, unsigned times)
{
    double begin = thread_ns(), now;
    (void)context;
    do
        now = thread_ns();
    while (now - begin < (double)CLOCK_NS * times);
    return now - begin;
}

/* Twice the last cache, or so much as does not take long. */
static size_t stream_bytes(const struct kvr_machine *machine)
{
    uint64_t most = 0;
    for (size_t i = 0; i < machine->cache_count; i++)
        if (machine->caches[i].size_bytes > most)
            most = machine->caches[i].size_bytes;
    return most > MOST_STREAM_BYTES / 2    ? MOST_STREAM_BYTES
           : most < LEAST_STREAM_BYTES / 2 ? LEAST_STREAM_BYTES
                                           : (size_t)(2 * most);
}

/* Every line of a buffer read and written: bytes that go one way. */
static double stream(const void *context, unsigned times)
{
    size_t bytes = stream_bytes(context), words = bytes / sizeof(uint64_t);
    volatile uint64_t *p = calloc(words, sizeof *p);
    if (!p)
        return NAN;
    for (unsigned t = 0; t < times; t++)
        for (size_t i = 0; i < words; i += 64 / sizeof *p)
            p[i] = p[i] + i;
    free((void *)p);
    return (double)bytes * times;
}

/* How exact: what user code is sure to do is exact to 1 %; what the system adds to has room. A
 * counter of memory bytes sees all of the system, and caches keep some away from it. */
const struct kvr_trial kvr_trials[] = {
    {"instructions", NULL, instructions, .99, 1.01},
    {"branches", NULL, kvr_known_loop, .99, 1.01},
    {"cycles", NULL, kvr_known_loop, .2, 20},
    {"page-faults", NULL, faults, .99, 2},
    {"context-switches", NULL, sleeps, .9, 20},
    {"cpu-migrations", NULL, moves, .9, 5},
    {"task-clock", NULL, spin, .5, 2},
    {NULL, "bytes", stream, 1. / 128, 10},
    {NULL, "flops", NULL, .99, 1.01},
    {NULL, "joules", spin, 0, INFINITY},
    {NULL, NULL, stream, 0, INFINITY}, /* of anything else: it counts at all */
};
const size_t kvr_trial_count = sizeof kvr_trials / sizeof *kvr_trials;
