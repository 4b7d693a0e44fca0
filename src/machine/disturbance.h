/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What took time from this machine's CPUs while something ran, as the kernel counts it: stolen by
 * the hypervisor, waited for, throttled, interrupted. Read before and after; never inside a sample.
 */
#ifndef KVR_DISTURBANCE_H
#define KVR_DISTURBANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "checks.h"
#include "machine.h"

enum kvr_pressure { KVR_PRESSURE_CPU, KVR_PRESSURE_MEMORY, KVR_PRESSURE_IO, KVR_PRESSURES };

/* All counters since boot; what a kernel does not tell has its flag unset. */
struct kvr_disturbance {
    double uptime_s;                      /* since boot, below root as well; 0: not told */
    bool has_stat, has_pressure, has_quota, has_thermal;
    uint64_t steal_ticks, all_ticks;      /* of all CPUs, /proc/stat */
    uint64_t interrupts;                  /* of all CPUs */
    uint64_t pressure_us[KVR_PRESSURES];  /* in which some task waited, /proc/pressure */
    double pressure_avg10[KVR_PRESSURES]; /* per cent of the last 10 s */
    uint64_t throttled, throttled_us;     /* periods and time, of all control groups above us */
    uint64_t thermal;                     /* events, of all allowed CPUs */
};

/* Reads /proc/stat, /proc/pressure, the control groups' cpu.stat and thermal_throttle below the
 * machine's root. Never fails. */
void kvr_disturbance_read(const struct kvr_machine *machine, struct kvr_disturbance *now);

/* What happened between two readings; NAN: not told. */
struct kvr_disturbed {
    double steal;    /* fraction of all CPUs' time */
    double pressure; /* fraction of `seconds` in which some task waited for a CPU */
    double throttled_ms, interrupts_per_s;
};
struct kvr_disturbed kvr_disturbed_between(const struct kvr_disturbance *before,
                                           const struct kvr_disturbance *after, double seconds);

/* Checks steal, pressure, throttling and interrupts of the time between two readings; before =
 * NULL: since boot (pressure: of the last 10 s), where only pressure can warn. Pure. */
void kvr_disturbance_checks(const struct kvr_disturbance *before,
                            const struct kvr_disturbance *after, size_t cpu_count,
                            struct kvr_checks *checks);

#endif
