/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KVR_CPUS_H
#define KVR_CPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../machine/machine.h"

/* True if `text` names CPUs by an affinity domain ("S0:0-3"), which needs the machine to resolve,
 * and not by numbers ("0-3,8"). */
bool kvr_cpus_by_domain(const char *text);

/* "0-3,8", or domains in likwid's words joined with @: N (the whole node), S0 (a socket), M1 (a
 * NUMA node), C0 (the CPUs of a last-level cache), all of it or S0:LIST, which counts inside the
 * domain, physical cores first, then their siblings. Duplicates are merged. `machine` may be NULL
 * for numbers. 0; -EINVAL: not understood; -ENODEV: this host has no such domain or place; why[] is
 * a clause after the quoted text. */
int kvr_cpus_parse(const char *text, const struct kvr_machine *machine, uint32_t *cpus, size_t max,
                   size_t *count, char *why, size_t why_bytes);

#endif
