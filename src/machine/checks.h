/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Facts about this machine that bear on the numbers: a fact, its effect, what would help.
 */
#ifndef KVR_CHECKS_H
#define KVR_CHECKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine.h"

enum kvr_check_status { KVR_CHECK_OK, KVR_CHECK_INFO, KVR_CHECK_WARN, KVR_CHECK_REFUSE,
                        KVR_CHECK_UNKNOWN };

/* The value of check `bypass`: what `run --prove` counted between the stamps (MEASURING 9). */
struct kvr_bypass_value {
    uint64_t regions; /* one thread in one sample; 0: nothing was proven, this is no value */
    /* Asked for by measured code: each fails the proof. */
    uint64_t syscalls, vdso_calls, faults, switches; /* switches: voluntary ones */
    /* What happens to it. */
    uint64_t preemptions, migrations, interrupts;
    bool interrupts_known;
    double stolen_percent;          /* of the time of all regions; NAN unknown, as below */
    double ready_us;                /* outside the stamps, per sample */
    double t_ratio, t_ratio_ci95[2]; /* a plain read with the proof over one without */
    char method[200];
};

struct kvr_check {
    char id[40]; /* kebab-case */
    enum kvr_check_status status;
    char value[160], text[480], fix[200]; /* "" if none */
    struct kvr_bypass_value bypass;       /* in place of value, where it has regions */
};

struct kvr_checks {
    struct kvr_check *items;
    size_t count, capacity;
};

/* printf-style `text`; returns the new check (never NULL: exits on out of memory) so that the
 * caller may fill value and fix with snprintf. Replaces an earlier check of the same id. */
struct kvr_check *kvr_check_add(struct kvr_checks *checks, const char *id,
                                enum kvr_check_status status, const char *text, ...)
    __attribute__((format(printf, 4, 5)));
void kvr_checks_free(struct kvr_checks *checks);
const char *kvr_check_status_name(enum kvr_check_status status);

/* The facts that need no measurement: counters, hypervisor, quota, memory, caches as reported,
 * SMT, governor, THP, clock source, build type and emulation. Adds rows; never fails. */
void kvr_machine_checks(const struct kvr_machine *machine, struct kvr_checks *checks);

#endif
