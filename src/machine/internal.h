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

/* limits.c: fills cgroup_cpus and cgroup_memory_bytes. */
void kvr_limits_load(struct kvr_machine *machine);

/* machine.c: total bytes of a node and the bytes of it that are free or can be reclaimed from
 * clean file pages. 0 or -errno. */
int kvr_node_memory(const char *root, uint32_t node, uint64_t *total, uint64_t *available);

/* checks_*.c */
void kvr_checks_cpu(const struct kvr_machine *machine, struct kvr_checks *checks);
void kvr_checks_memory(const struct kvr_machine *machine, struct kvr_checks *checks);
void kvr_checks_system(const struct kvr_machine *machine, struct kvr_checks *checks);

#endif
