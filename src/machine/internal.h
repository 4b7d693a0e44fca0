/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of this folder share and nobody else needs.
 */
#ifndef KVR_MACHINE_INTERNAL_H
#define KVR_MACHINE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "checks.h"
#include "machine.h"

/* FNV-1a, 64 bits (Fowler, Noll, Vo); start with KVR_FNV_START. */
#define KVR_FNV_START UINT64_C(0xcbf29ce484222325)
uint64_t kvr_fnv1a(uint64_t hash, const void *data, size_t bytes);

/* topology.c: fills cpus, core_count, caches, nodes (but for their memory) and this_system.
 * *shape hashes caches and NUMA shape of the whole machine, whatever the affinity of this process.
 * 0 or -errno with *why. */
int kvr_topology_load(struct kvr_machine *machine, uint64_t *shape, const char **why);

/* limits.c: fills what cgroups limit. */
void kvr_limits_load(struct kvr_machine *machine);

/* Calls what is not NULL for this process's control groups and each of their ancestors, with the
 * folder that holds the group's files (below root). */
typedef void kvr_group_look(void *context, const char *root, const char *folder);
struct kvr_group_visit {
    kvr_group_look *v2, *v1_cpu, *v1_memory;
};
void kvr_groups_visit(const char *root, const struct kvr_group_visit *visit, void *context);

/* machine.c: total bytes of a node and the bytes of it that are free or can be reclaimed from
 * clean file pages. 0 or -errno. */
int kvr_node_memory(const char *root, uint32_t node, uint64_t *total, uint64_t *available);

/* checks_*.c */
void kvr_checks_cpu(const struct kvr_machine *machine, struct kvr_checks *checks);
void kvr_checks_memory(const struct kvr_machine *machine, struct kvr_checks *checks);
void kvr_checks_system(const struct kvr_machine *machine, struct kvr_checks *checks);
void kvr_checks_places(const struct kvr_machine *machine, struct kvr_checks *checks);
void kvr_checks_probes(const struct kvr_machine *machine, struct kvr_checks *checks);

/* True, with the check `id` unknown, if the file is there but cannot be read: what it would have
 * said must not pass for absent. */
bool kvr_check_refused(const struct kvr_machine *machine, struct kvr_checks *checks, const char *id,
                       const char *path);

/* "EPERM", or "errno N" for one without a name; valid until the thread's next call. */
const char *kvr_errno_name(int number);

#endif
