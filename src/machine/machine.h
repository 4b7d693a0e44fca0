/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What this machine is: topology (hwloc), caches as reported, NUMA nodes, limits. hwloc and libnuma
 * are included only by this folder. Absence of anything is normal: a machine without cache
 * information, with one core, in a cpuset or with an offline CPU is described like any other.
 *
 * Every file of /proc and /sys is read below `root` ("" in production), so that tests can replace
 * it. Strings are owned by the struct.
 */
#ifndef KVR_MACHINE_H
#define KVR_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dmi.h"
#include "isa.h"

enum { KVR_MAX_CPUS = 1024, KVR_MAX_NODES = 64, KVR_MAX_CACHES = 16 };

struct kvr_cpu {
    uint32_t os_index;  /* Linux CPU number */
    uint32_t core;      /* logical core index: CPUs with the same one are SMT siblings */
    uint32_t package;   /* logical index */
    uint32_t node;      /* os_index of its nearest NUMA node */
    uint32_t cache;     /* logical index of its last-level cache; without one, its package */
};

/* Several entries of one level only where cores differ (hybrid CPUs); the first one is the cache
 * of the first allowed CPU. */
struct kvr_cache_level {
    uint32_t level;            /* 1 (data), 2, 3 */
    uint64_t size_bytes;       /* as reported; 0: not reported */
    uint32_t shared_by;        /* CPUs */
    uint64_t measured_plateau_bytes; /* filled by study/ceilings; 0: not measured */
};

/* A machine lists them in ascending order of os_index. */
struct kvr_node {
    uint32_t os_index;
    uint64_t total_bytes;
    uint64_t free_bytes; /* that a process can have, see kvr_node_memory; 0: unknown */
    uint32_t cpu_count;
    uint32_t distances[KVR_MAX_NODES]; /* to nodes[j]; 0: not reported */
};

struct kvr_machine {
    char root[256];
    struct kvr_isa_info isa;
    struct kvr_cpu cpus[KVR_MAX_CPUS]; /* allowed CPUs only, ascending */
    size_t cpu_count;
    size_t core_count;                 /* distinct cores among them */
    struct kvr_cache_level caches[KVR_MAX_CACHES];
    size_t cache_count;                /* 0: none reported */
    struct kvr_node nodes[KVR_MAX_NODES];
    size_t node_count;                 /* allowed ones only */
    size_t system_node_count;          /* with memory, allowed or not; 0: not told */
    bool this_system;                  /* false: a foreign hwloc topology, nothing is bound */
    uint64_t mem_total_bytes, mem_available_bytes; /* /proc/meminfo; 0: unknown */
    uint64_t cgroup_memory_bytes;      /* tightest limit of cgroup v2 or v1; 0: none */
    struct kvr_memory_peak memory_peak; /* the memory's theoretical bandwidth, by firmware */
    uint64_t cgroup_free_bytes;        /* the least that one of them leaves; 0 without a limit */
    int cgroup_error;                  /* -errno of a limit that cannot be read; 0: none */
    double cgroup_cpus;                /* quota in CPUs, v2 cpu.max or v1 cfs_quota; 0: none */
    char kernel[96];                   /* uname -r */
    char hostname[64];
    char microcode[24];                /* as /proc/cpuinfo tells it; "" where it does not */
    char thp[16];                      /* always, madvise, never; "" unknown */
    /* "" where not told; governor "mixed" where the allowed CPUs differ */
    char clocksource[32], governor[32], smt[16];
    char fingerprint[17];              /* 64-bit hash, hex: CPU model and features, caches, NUMA
                                          shape (no sizes), hypervisor, kernel major.minor, THP
                                          mode */
};

/* 0, or -errno with *why set to a static or machine-independent English sentence. `root` may be
 * NULL (= ""). Frees nothing; kvr_machine_free releases what hwloc holds (none is kept). */
int kvr_machine_load(struct kvr_machine *machine, const char *root, const char **why);

/* Reported size of a data or unified cache level, 0 if not reported. */
uint64_t kvr_machine_cache_bytes(const struct kvr_machine *machine, uint32_t level);

/* Memory that one may use: the least of MemAvailable, the nodes' sum where it is believed (not
 * below half of MemTotal, but where the cpuset leaves nodes out) and what the cgroup leaves. */
uint64_t kvr_machine_usable_bytes(const struct kvr_machine *machine);
/* Whether this process may not take memory from every node that has some. */
bool kvr_machine_mems_limited(const struct kvr_machine *machine);

/* Parses "0-3,8" (no spaces) into os indices, in order of mention. Returns the count, or -EINVAL
 * for bad syntax, -ERANGE beyond max. */
int kvr_cpu_list_parse(const char *list, uint32_t *cpus, size_t max);

/* Chooses `threads` CPUs, one per core first, in the order of `wanted` (all allowed CPUs if
 * wanted_count is 0). 0, or -ENODEV when a wanted CPU is not allowed (*missing = its number),
 * -ERANGE when there are fewer CPUs than threads. */
int kvr_machine_choose_cpus(const struct kvr_machine *machine, const uint32_t *wanted,
                            size_t wanted_count, size_t threads, uint32_t *cpus,
                            uint32_t *missing);

/* Pins the calling thread to one CPU. 0 or -errno; -ENOTSUP on a foreign topology. */
int kvr_pin_self(const struct kvr_machine *machine, uint32_t cpu);

#endif
