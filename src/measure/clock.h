/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Time stamps. A clock is an interface so that the harness can be tested without time: the real
 * one reads the CPU's counter (TSC; CNTVCT on Arm) without leaving user space, a test's one counts.
 */
#ifndef KVR_CLOCK_H
#define KVR_CLOCK_H

#include <stdint.h>

struct kvr_clock {
    uint64_t (*now)(void *state); /* ticks; monotonic per thread and across threads */
    void *state;
    double ticks_per_ns;
    const char *method; /* "rdtsc", "cntvct", "clock_gettime" */
};

/* The CPU's counter, calibrated against CLOCK_MONOTONIC_RAW for `calibrate_ms`. On an architecture
 * without a user-space counter it is clock_gettime, and method says so. */
void kvr_clock_real(struct kvr_clock *clock, unsigned calibrate_ms);

/* Ticks per ns of the counter against CLOCK_MONOTONIC_RAW between two instants of one thread. */
struct kvr_clock_mark {
    uint64_t ticks, raw_ns;
};
void kvr_clock_mark(const struct kvr_clock *clock, struct kvr_clock_mark *mark);
double kvr_clock_rate(const struct kvr_clock_mark *begin, const struct kvr_clock_mark *end);

/* Seconds of CLOCK_MONOTONIC, for budgets and progress; never inside a sample. */
double kvr_wall_s(void);

/* Core clock in GHz from a chain of dependent multiplies (3 cycles each on every x86 core of the
 * last fifteen years; an add of a constant would be folded at rename). `chain(n)` executes n
 * dependent operations of `cycles_each`. The least of `tries` runs of about 50 us counts: a
 * preemption can only lengthen one. */
double kvr_clock_ghz(const struct kvr_clock *clock, uint64_t (*chain)(uint64_t n),
                     double cycles_each, unsigned tries);

/* Flush-to-zero and denormals-are-zero for the calling thread: a subnormal operand costs up to
 * 150 cycles and would be timed as if it were memory. */
void kvr_flush_subnormals(void);

#endif
