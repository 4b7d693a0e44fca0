/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clock.h"

#include <time.h>

#if defined __x86_64__
#include <x86intrin.h>
#endif

#if defined __x86_64__
static uint64_t counter_now(void *state)
{
    (void)state;
    /* Loads before the stamp have completed before it is read, and nothing after it starts first.
     */
    _mm_lfence();
    uint64_t ticks = __rdtsc();
    _mm_lfence();
    return ticks;
}
static const char counter_method[] = "rdtsc";
#elif defined __aarch64__
static uint64_t counter_now(void *state)
{
    (void)state;
    uint64_t ticks;
    __asm__ volatile("dsb ld\n\tisb\n\tmrs %0, cntvct_el0" : "=r"(ticks)::"memory");
    return ticks;
}
static const char counter_method[] = "cntvct";
#else
static uint64_t counter_now(void *state)
{
    (void)state;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
static const char counter_method[] = "clock_gettime";
#endif

static uint64_t raw_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void kvr_clock_mark(const struct kvr_clock *clock, struct kvr_clock_mark *mark)
{
    /* The tightest of a few pairs: a preemption between the two reads would skew the rate. */
    uint64_t best = UINT64_MAX;
    *mark = (struct kvr_clock_mark){0};
    for (int i = 0; i < 8; i++) {
        uint64_t before = clock->now(clock->state);
        uint64_t raw = raw_ns();
        uint64_t after = clock->now(clock->state);
        if (after - before < best) {
            best = after - before;
            mark->ticks = before + (after - before) / 2;
            mark->raw_ns = raw;
        }
    }
}

double kvr_clock_rate(const struct kvr_clock_mark *begin, const struct kvr_clock_mark *end)
{
    return (double)(end->ticks - begin->ticks) / (double)(end->raw_ns - begin->raw_ns);
}

void kvr_clock_real(struct kvr_clock *clock, unsigned calibrate_ms)
{
    struct kvr_clock_mark begin, end;
    *clock = (struct kvr_clock){.now = counter_now, .method = counter_method, .ticks_per_ns = 1};
    kvr_clock_mark(clock, &begin);
    do
        kvr_clock_mark(clock, &end);
    while (end.raw_ns - begin.raw_ns < (uint64_t)calibrate_ms * 1000000u);
    clock->ticks_per_ns = kvr_clock_rate(&begin, &end);
}

double kvr_wall_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double kvr_clock_ghz(const struct kvr_clock *clock, uint64_t (*chain)(uint64_t n),
                     double cycles_each, unsigned tries)
{
    enum { OPERATIONS = 60000 };
    uint64_t best = UINT64_MAX;
    chain(OPERATIONS / 8);
    for (unsigned i = 0; i < tries; i++) {
        uint64_t begin = clock->now(clock->state);
        chain(OPERATIONS);
        uint64_t ticks = clock->now(clock->state) - begin;
        if (ticks < best)
            best = ticks;
    }
    return best ? OPERATIONS * cycles_each * clock->ticks_per_ns / (double)best : 0;
}

void kvr_flush_subnormals(void)
{
#if defined __x86_64__
    _mm_setcsr(_mm_getcsr() | 0x8040);
#elif defined __aarch64__
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    __asm__ volatile("msr fpcr, %0" ::"r"(fpcr | (1u << 24)));
#endif
}
