/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "files.h"
#include "internal.h"

uint64_t kvr_fnv1a(uint64_t hash, const void *data, size_t bytes)
{
    const unsigned char *byte = data;
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    return hash;
}

int kvr_node_memory(const char *root, uint32_t node, uint64_t *total, uint64_t *available)
{
    static const char *const reclaimable[] = {"Active(file)", "Inactive(file)", "SReclaimable"};
    char path[80];
    snprintf(path, sizeof path, "/sys/devices/system/node/node%" PRIu32 "/meminfo", node);
    int rc = kvr_file_kib(root, path, "MemTotal", total);
    if (rc == 0)
        rc = kvr_file_kib(root, path, "MemFree", available);
    if (rc)
        return rc;
    /* As the kernel counts MemAvailable: what it keeps of a node for itself is neither free nor
     * reclaimable (its watermarks are about a 60th; at them whoever is bound there is killed). */
    uint64_t kept = *total / 32, reclaimed = 0, bytes;
    for (size_t i = 0; i < sizeof reclaimable / sizeof *reclaimable; i++)
        if (kvr_file_kib(root, path, reclaimable[i], &bytes) == 0)
            reclaimed += bytes;
    *available += reclaimed - (reclaimed / 2 < kept ? reclaimed / 2 : kept);
    *available -= *available < kept ? *available : kept;
    return 0;
}

static size_t count_system_nodes(const char *root)
{
    char text[256];
    uint32_t nodes[KVR_MAX_CPUS];
    int count = kvr_file_text(root, "/sys/devices/system/node/has_memory", text, sizeof text)
                    ? 0
                    : kvr_cpu_list_parse(text, nodes, KVR_MAX_CPUS); /* the same syntax */
    return count > 0 ? (size_t)count : 0;
}

static void load_memory(struct kvr_machine *machine)
{
    uint64_t total, available;
    if (kvr_file_kib(machine->root, "/proc/meminfo", "MemTotal", &total) == 0)
        machine->mem_total_bytes = total;
    if (kvr_file_kib(machine->root, "/proc/meminfo", "MemAvailable", &available) == 0)
        machine->mem_available_bytes = available;
    /* A foreign topology's nodes and modules are not the ones of this system's /sys. */
    if (!machine->this_system && machine->root[0] == '\0') {
        snprintf(machine->memory_peak.text, sizeof machine->memory_peak.text,
                 "the topology is not this system's");
        return;
    }
    kvr_memory_peak_load(machine->root, &machine->memory_peak);
    machine->system_node_count = count_system_nodes(machine->root);
    for (size_t i = 0; i < machine->node_count; i++) {
        struct kvr_node *node = &machine->nodes[i];
        if (kvr_node_memory(machine->root, node->os_index, &total, &available) == 0) {
            node->total_bytes = total;
            node->free_bytes = available;
        }
    }
}

static void load_kernel(struct kvr_machine *machine)
{
    struct utsname names;
    if (machine->root[0]) {
        kvr_file_text(machine->root, "/proc/sys/kernel/osrelease", machine->kernel,
                      sizeof machine->kernel);
        kvr_file_text(machine->root, "/proc/sys/kernel/hostname", machine->hostname,
                      sizeof machine->hostname);
    } else if (uname(&names) == 0) {
        snprintf(machine->kernel, sizeof machine->kernel, "%.95s", names.release);
        snprintf(machine->hostname, sizeof machine->hostname, "%.63s", names.nodename);
    }
}

/* The word in brackets of "always [madvise] never". */
static void load_thp(struct kvr_machine *machine)
{
    char text[128];
    kvr_file_text(machine->root, "/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof text);
    char *word = strchr(text, '[');
    char *end = word ? strchr(word, ']') : NULL;
    if (!end)
        return;
    *end = '\0';
    if (strcmp(word + 1, "always") == 0 || strcmp(word + 1, "madvise") == 0 ||
        strcmp(word + 1, "never") == 0)
        snprintf(machine->thp, sizeof machine->thp, "%s", word + 1);
}

/* "" without cpufreq, "mixed" when the allowed CPUs differ. */
static void load_governor(struct kvr_machine *machine)
{
    for (size_t i = 0; i < machine->cpu_count; i++) {
        char path[96], text[sizeof machine->governor];
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%" PRIu32
                 "/cpufreq/scaling_governor", machine->cpus[i].os_index);
        if (kvr_file_text(machine->root, path, text, sizeof text))
            continue;
        if (machine->governor[0] == '\0')
            memcpy(machine->governor, text, sizeof text);
        else if (strcmp(machine->governor, text) != 0)
            snprintf(machine->governor, sizeof machine->governor, "mixed");
    }
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return kvr_fnv1a(hash, text, strlen(text) + 1); /* with the zero: "ab","c" is not "a","bc" */
}

/* What two results must share to be compared as runs on one machine. Nothing that a reboot, a load
 * or an affinity changes takes part. */
static void make_fingerprint(struct kvr_machine *machine, uint64_t shape)
{
    const struct kvr_isa_info *isa = &machine->isa;
    const uint64_t numbers[] = {isa->family, isa->model, isa->stepping, isa->usable, shape};
    unsigned major = 0, minor = 0;
    uint64_t hash = hash_text(KVR_FNV_START, isa->vendor);
    hash = hash_text(hash, isa->name);
    hash = kvr_fnv1a(hash, numbers, sizeof numbers);
    hash = hash_text(hash, isa->hypervisor ? isa->hypervisor_name : "none");
    if (sscanf(machine->kernel, "%u.%u", &major, &minor) == 2) {
        hash = kvr_fnv1a(hash, &major, sizeof major);
        hash = kvr_fnv1a(hash, &minor, sizeof minor);
    }
    hash = hash_text(hash, machine->thp);
    snprintf(machine->fingerprint, sizeof machine->fingerprint, "%016" PRIx64, hash);
}

int kvr_machine_load(struct kvr_machine *machine, const char *root, const char **why)
{
    uint64_t shape;
    memset(machine, 0, sizeof *machine);
    if (!root)
        root = "";
    if (strlen(root) >= sizeof machine->root) {
        *why = "the path of the root is too long";
        return -ENAMETOOLONG;
    }
    strcpy(machine->root, root);
    int rc = kvr_topology_load(machine, &shape, why);
    if (rc)
        return rc;
    *why = "";
    kvr_isa_detect(&machine->isa);
    load_memory(machine);
    kvr_limits_load(machine);
    load_kernel(machine);
    load_thp(machine);
    load_governor(machine);
    kvr_file_text(root, "/sys/devices/system/clocksource/clocksource0/current_clocksource",
                  machine->clocksource, sizeof machine->clocksource);
    kvr_file_text(root, "/sys/devices/system/cpu/smt/control", machine->smt, sizeof machine->smt);
    kvr_file_field(root, "/proc/cpuinfo", "microcode", machine->microcode,
                   sizeof machine->microcode);
    make_fingerprint(machine, shape);
    return 0;
}

uint64_t kvr_machine_cache_bytes(const struct kvr_machine *machine, uint32_t level)
{
    for (size_t i = 0; i < machine->cache_count; i++)
        if (machine->caches[i].level == level)
            return machine->caches[i].size_bytes;
    return 0;
}

bool kvr_machine_mems_limited(const struct kvr_machine *machine)
{
    uint32_t with_memory = 0;
    for (size_t i = 0; i < machine->node_count; i++)
        with_memory += machine->nodes[i].total_bytes > 0;
    return machine->this_system && with_memory < machine->system_node_count;
}

uint64_t kvr_machine_usable_bytes(const struct kvr_machine *machine)
{
    const uint64_t none = UINT64_MAX;
    uint64_t least = none, node_total = 0, node_free = 0;
    for (size_t i = 0; i < machine->node_count; i++) {
        node_total += machine->nodes[i].total_bytes;
        node_free += machine->nodes[i].free_bytes;
    }
    if (machine->mem_available_bytes)
        least = machine->mem_available_bytes;
    else if (machine->mem_total_bytes)
        least = machine->mem_total_bytes;
    bool believed = node_total >= machine->mem_total_bytes / 2 || kvr_machine_mems_limited(machine);
    if (node_free && believed && node_free < least)
        least = node_free;
    if (machine->cgroup_free_bytes && machine->cgroup_free_bytes < least)
        least = machine->cgroup_free_bytes;
    return least == none ? 0 : least;
}
