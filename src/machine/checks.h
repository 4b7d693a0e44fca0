/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Facts about this machine that bear on the numbers: a fact, its effect, what would help.
 */
#ifndef KVR_CHECKS_H
#define KVR_CHECKS_H

#include <stddef.h>

#include "machine.h"

enum kvr_check_status { KVR_CHECK_OK, KVR_CHECK_INFO, KVR_CHECK_WARN, KVR_CHECK_REFUSE,
                        KVR_CHECK_UNKNOWN };

struct kvr_check {
    char id[40]; /* kebab-case */
    enum kvr_check_status status;
    char value[160], text[240], fix[200]; /* "" if none */
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
