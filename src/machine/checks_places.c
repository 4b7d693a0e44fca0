/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Facts about where threads and memory can be: kinds of cores, allowed nodes, clusters, distances.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "files.h"
#include "internal.h"

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

/* What the kernel says of a CPU's kind: its PMU's list on x86, its capacity on Arm. */
struct kind {
    bool efficient;    /* in the list of cpu_atom */
    uint64_t capacity; /* cpu_capacity; 0: not told */
};

static bool same_kind(const struct kind *a, const struct kind *b)
{
    return a->efficient == b->efficient && a->capacity == b->capacity;
}

static struct kind read_kind(const struct kvr_machine *machine, uint32_t cpu,
                             const uint32_t *efficient, int efficient_count)
{
    char path[80];
    struct kind kind = {0};
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%" PRIu32 "/cpu_capacity", cpu);
    if (kvr_file_u64(machine->root, path, &kind.capacity))
        kind.capacity = 0;
    for (int i = 0; i < efficient_count; i++)
        kind.efficient |= efficient[i] == cpu;
    return kind;
}

/* Several private caches of one level also tell of several kinds of cores. */
static bool caches_differ(const struct kvr_machine *machine)
{
    for (size_t i = 0; i < machine->cache_count; i++)
        for (size_t j = 0; j < i; j++)
            if (machine->caches[i].level == machine->caches[j].level &&
                machine->caches[i].level <= 2)
                return true;
    return false;
}

static void check_hybrid(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    static const char *const atoms = "/sys/devices/cpu_atom/cpus";
    uint32_t efficient[KVR_MAX_CPUS];
    char list[1024];
    size_t others = 0;
    int count = 0;
    if (kvr_check_refused(machine, checks, "hybrid-cores", atoms) ||
        kvr_check_refused(machine, checks, "hybrid-cores",
                          "/sys/devices/system/cpu/cpu0/cpu_capacity"))
        return;
    if (kvr_file_text(machine->root, atoms, list, sizeof list) == 0)
        count = kvr_cpu_list_parse(list, efficient, KVR_MAX_CPUS);
    struct kind first = read_kind(machine, machine->cpus[0].os_index, efficient, count);
    for (size_t i = 1; i < machine->cpu_count; i++) {
        struct kind kind = read_kind(machine, machine->cpus[i].os_index, efficient, count);
        others += !same_kind(&kind, &first);
    }
    bool hybrid = others || caches_differ(machine);
    struct kvr_check *check = kvr_check_add(
        checks, "hybrid-cores", hybrid ? KVR_CHECK_WARN : KVR_CHECK_OK, "%s",
        hybrid ? "the allowed CPUs are of several kinds, with clocks, widths and caches of their "
                 "own: figures of several threads mix them, and those of one thread hold for its "
                 "kind" : "no sign of cores of several kinds");
    if (others)
        SET(check->value, "%zu of %zu differ from CPU %" PRIu32, others, machine->cpu_count,
            machine->cpus[0].os_index);
    else
        SET(check->value, hybrid ? "caches differ" : "one kind");
    if (hybrid)
        SET(check->fix, "choose CPUs of one kind with -c");
}

/* Numbers of a list file; -1 if it cannot be read. */
static int count_list(const char *list)
{
    uint32_t numbers[KVR_MAX_CPUS];
    return kvr_cpu_list_parse(list, numbers, KVR_MAX_CPUS);
}

static void check_mems(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    char allowed[256], online[256];
    int allowed_count = -1, online_count = -1;
    if (kvr_file_field(machine->root, "/proc/self/status", "Mems_allowed_list", allowed,
                       sizeof allowed) == 0)
        allowed_count = count_list(allowed);
    if (kvr_file_text(machine->root, "/sys/devices/system/node/has_memory", online,
                      sizeof online) == 0)
        online_count = count_list(online);
    if (allowed_count < 0 || online_count < 0) {
        kvr_check_add(checks, "mems", KVR_CHECK_UNKNOWN,
                      "the nodes that have memory, or the allowed ones, cannot be read");
        return;
    }
    bool fewer = allowed_count < online_count;
    struct kvr_check *check = kvr_check_add(
        checks, "mems", fewer ? KVR_CHECK_INFO : KVR_CHECK_OK, fewer ?
        "a cpuset allows %d of %d nodes with memory: the others cannot be measured, and a "
        "working set may be smaller" : "memory of every node may be used (%d of %d)",
        allowed_count, online_count);
    SET(check->value, "%.150s", allowed);
    if (fewer)
        SET(check->fix, "widen cpuset.mems of the control group");
}

static bool has_cpu_of(const struct kvr_machine *machine, uint32_t node, uint32_t package)
{
    for (size_t i = 0; i < machine->cpu_count; i++)
        if (machine->cpus[i].node == node && machine->cpus[i].package == package)
            return true;
    return false;
}

/* The most nodes that share the package of their first CPU. */
static size_t most_nodes_per_package(const struct kvr_machine *machine)
{
    size_t most = 0;
    for (size_t i = 0; i < machine->node_count; i++) {
        size_t first = 0, count = 0;
        while (first < machine->cpu_count &&
               machine->cpus[first].node != machine->nodes[i].os_index)
            first++;
        for (size_t j = 0; first < machine->cpu_count && j < machine->node_count; j++)
            count += has_cpu_of(machine, machine->nodes[j].os_index,
                                machine->cpus[first].package);
        most = count > most ? count : most;
    }
    return most;
}

static void check_clusters(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    size_t most = most_nodes_per_package(machine);
    struct kvr_check *check = kvr_check_add(
        checks, "sub-numa-clusters", most > 1 ? KVR_CHECK_INFO : KVR_CHECK_OK, "%s", most > 1 ?
        "packages are divided into nodes: one node's bandwidth and share of the last cache are "
        "a part of the package's, and memory beyond the node is remote" :
        "no package is divided into nodes");
    SET(check->value, "%zu", most);
}

/* Rows of the matrix, "10 21; 21 10"; false where something in it is missing. */
static bool distances_text(const struct kvr_machine *machine, char *text, size_t bytes)
{
    size_t length = 0;
    bool whole = true;
    text[0] = '\0';
    for (size_t i = 0; i < machine->node_count; i++)
        for (size_t j = 0; j < machine->node_count; j++) {
            uint32_t distance = machine->nodes[i].distances[j];
            whole &= distance > 0;
            if (length < bytes)
                length += (size_t)snprintf(text + length, bytes - length, "%s%" PRIu32,
                                           !length ? "" : j ? " " : "; ", distance);
        }
    return whole;
}

/* A node is nearest to itself, and the way back is as long. */
static bool distances_are_plausible(const struct kvr_machine *machine)
{
    for (size_t i = 0; i < machine->node_count; i++)
        for (size_t j = 0; j < machine->node_count; j++)
            if (i != j && (machine->nodes[i].distances[j] <= machine->nodes[i].distances[i] ||
                           machine->nodes[i].distances[j] != machine->nodes[j].distances[i]))
                return false;
    return true;
}

static void check_distances(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    char text[150];
    struct kvr_check *check;
    bool whole = distances_text(machine, text, sizeof text);
    if (machine->node_count < 2) {
        check = kvr_check_add(checks, "numa-distances", KVR_CHECK_OK,
                              "one node: there is nothing to be distant from");
        SET(check->value, "none");
        return;
    }
    if (!whole) {
        kvr_check_add(checks, "numa-distances", KVR_CHECK_UNKNOWN,
                      "firmware reports no distances of these nodes: which one is near is known "
                      "by measuring only");
        return;
    }
    bool plausible = distances_are_plausible(machine);
    check = kvr_check_add(checks, "numa-distances", plausible ? KVR_CHECK_OK : KVR_CHECK_INFO,
                          plausible ? "as firmware reports them: an order, no measured latency"
                          : "implausible: a node is not the nearest to itself, or ways there and "
                          "back differ; only a measured latency tells");
    SET(check->value, "%s", text);
}

void kvr_checks_places(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    if (machine->cpu_count)
        check_hybrid(machine, checks);
    check_mems(machine, checks);
    check_clusters(machine, checks);
    check_distances(machine, checks);
}
