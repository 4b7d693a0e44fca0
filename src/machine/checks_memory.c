/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Facts about memory: caches as reported, nodes, limits, pages, what the kernel does behind it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "internal.h"

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

static const uint64_t one_mib = UINT64_C(1) << 20;

/* More last-level cache than any CPU has for each of the CPUs that share it: a guest is often told
 * a whole host's cache, or a made-up one. */
static bool is_implausible(const struct kvr_machine *machine, const struct kvr_cache_level *cache)
{
    uint32_t sharers = cache->shared_by ? cache->shared_by : 1;
    if (machine->mem_total_bytes && cache->size_bytes > machine->mem_total_bytes / 2)
        return true;
    return cache->level >= 3 && cache->size_bytes > 256 * one_mib &&
           cache->size_bytes / sharers > 64 * one_mib;
}

static void check_caches(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    char list[160] = "";
    size_t length = 0;
    const struct kvr_cache_level *wrong = NULL;
    for (size_t i = 0; i < machine->cache_count && length < sizeof list; i++) {
        const struct kvr_cache_level *cache = &machine->caches[i];
        length += (size_t)snprintf(list + length, sizeof list - length,
                                   "%sL%" PRIu32 " %" PRIu64 " KiB for %" PRIu32, length ? ", " :
                                   "", cache->level, cache->size_bytes >> 10, cache->shared_by);
        if (!wrong && is_implausible(machine, cache))
            wrong = cache;
    }
    struct kvr_check *check;
    if (machine->cache_count == 0)
        check = kvr_check_add(checks, "reported-caches", KVR_CHECK_INFO,
                              "no cache is reported: the measured plateaus decide alone what a "
                              "level is");
    else if (wrong)
        check = kvr_check_add(checks, "reported-caches", KVR_CHECK_INFO,
                              "the L%" PRIu32 " of %" PRIu64 " MiB for %" PRIu32 " CPUs is "
                              "implausible: it is only the first guess, the measured plateau "
                              "decides", wrong->level, wrong->size_bytes / one_mib,
                              wrong->shared_by);
    else
        check = kvr_check_add(checks, "reported-caches", KVR_CHECK_OK,
                              "the first guess; the measured plateau decides");
    SET(check->value, "%s", machine->cache_count ? list : "none");
}

static void check_nodes(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    uint64_t total = 0;
    size_t without_cpus = 0;
    struct kvr_check *check;
    for (size_t i = 0; i < machine->node_count; i++) {
        total += machine->nodes[i].total_bytes;
        without_cpus += machine->nodes[i].cpu_count == 0;
    }
    if (without_cpus)
        check = kvr_check_add(checks, "numa-nodes", KVR_CHECK_INFO,
                              "%zu of %zu nodes have no allowed CPU: their memory is remote to "
                              "every thread", without_cpus, machine->node_count);
    else
        check = kvr_check_add(checks, "numa-nodes", KVR_CHECK_OK, "each node has allowed CPUs");
    SET(check->value, "%zu", machine->node_count);
    bool limited = kvr_machine_mems_limited(machine);
    if (machine->mem_total_bytes == 0 || total == 0) {
        kvr_check_add(checks, "node-memory", KVR_CHECK_UNKNOWN,
                      "the memory of the nodes, or MemTotal, is not told");
        return;
    }
    bool believed = total >= machine->mem_total_bytes / 2 || limited;
    const char *text = limited    ? "the allowed nodes have %" PRIu64 " MiB of the %" PRIu64 " MiB "
                                    "of MemTotal"
                       : believed ? "the nodes' %" PRIu64 " MiB agree with the %" PRIu64 " MiB of "
                                    "MemTotal"
                                  : "the nodes' %" PRIu64 " MiB are less than half of the %" PRIu64
                                    " MiB of MemTotal and not believed: MemAvailable counts";
    check = kvr_check_add(checks, "node-memory", believed ? KVR_CHECK_OK : KVR_CHECK_INFO, text,
                          total / one_mib, machine->mem_total_bytes / one_mib);
    SET(check->value, "%" PRIu64, total);
}

/* The working set of level DRAM is 1 GiB a half of the arena, within 60 % of what is usable. */
static void check_free(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    uint64_t usable = kvr_machine_usable_bytes(machine);
    struct kvr_check *check;
    if (usable == 0) {
        kvr_check_add(checks, "free-memory", KVR_CHECK_UNKNOWN,
                      "no source tells how much memory is available");
    } else if (usable * 6 / 10 < 2048 * one_mib) {
        check = kvr_check_add(checks, "free-memory", KVR_CHECK_WARN,
                              "too little for the usual working set of 2 x 1 GiB: a smaller one "
                              "may partly stay in cache");
        SET(check->value, "%" PRIu64, usable);
        SET(check->fix, "free memory, or raise the control group's limit");
    } else {
        check = kvr_check_add(checks, "free-memory", KVR_CHECK_OK,
                              "%" PRIu64 " MiB may be used", usable / one_mib);
        SET(check->value, "%" PRIu64, usable);
    }
}

static void check_limit(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    uint64_t limit = machine->cgroup_memory_bytes;
    struct kvr_check *check;
    if (limit == 0 && machine->cgroup_error) {
        kvr_check_add(checks, "memory-limit", KVR_CHECK_UNKNOWN,
                      "a limit of a control group cannot be read (%s): a process beyond it is "
                      "killed; give --max-mem", kvr_errno_name(-machine->cgroup_error));
        return;
    }
    if (limit == 0) {
        check = kvr_check_add(checks, "memory-limit", KVR_CHECK_OK,
                              "no control group limits memory");
        SET(check->value, "none");
        return;
    }
    if (machine->mem_total_bytes && limit >= machine->mem_total_bytes)
        check = kvr_check_add(checks, "memory-limit", KVR_CHECK_OK,
                              "the control group's limit is above what the machine has");
    else
        check = kvr_check_add(checks, "memory-limit", KVR_CHECK_INFO,
                              "a control group limits memory to %" PRIu64 " MiB: a process beyond "
                              "it is killed, so the working set stays within it",
                              limit / one_mib);
    SET(check->value, "%" PRIu64, limit);
}

/* What a data sheet would say; measured ceilings are compared with it. */
static void check_peak(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    const struct kvr_memory_peak *peak = &machine->memory_peak;
    bool told = peak->gb_per_s > 0;
    struct kvr_check *check;
    if (!told) {
        check = kvr_check_add(checks, "memory-peak", KVR_CHECK_UNKNOWN, "%s",
                              peak->text[0] ? peak->text : "firmware was not asked");
    } else {
        const char *at_most = peak->upper_bound ? "at most " : "";
        check = kvr_check_add(checks, "memory-peak", KVR_CHECK_OK,
                              "%s%.1f GB/s in theory, for all memory: %s%s", at_most,
                              peak->gb_per_s, peak->text, machine->isa.hypervisor ?
                              "; a guest may be told made-up ones" : "");
        SET(check->value, "%s%.1f", at_most, peak->gb_per_s);
    }
    SET(check->fix, "%s", peak->fix);
}

static void check_pages(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    long bytes = sysconf(_SC_PAGESIZE);
    struct kvr_check *check = kvr_check_add(
        checks, "page-size", bytes == 4096 ? KVR_CHECK_OK : KVR_CHECK_INFO,
        bytes == 4096 ? "the usual base page" : "base pages are not 4 KiB: --pages 4k means these");
    SET(check->value, "%ld", bytes);
    if (kvr_check_refused(machine, checks, "thp", "/sys/kernel/mm/transparent_hugepage/enabled"))
        return;
    if (machine->thp[0] == '\0')
        check = kvr_check_add(checks, "thp", KVR_CHECK_INFO,
                              "this kernel has no transparent huge pages: --pages thp gets base "
                              "pages, which cost translation");
    else if (strcmp(machine->thp, "never") == 0)
        check = kvr_check_add(checks, "thp", KVR_CHECK_WARN,
                              "transparent huge pages are off: --pages thp gets base pages, which "
                              "cost translation");
    else
        check = kvr_check_add(checks, "thp", KVR_CHECK_OK,
                              "transparent huge pages are given on request; what was got is read "
                              "from smaps in every run");
    SET(check->value, "%s", machine->thp[0] ? machine->thp : "none");
    if (check->status == KVR_CHECK_WARN)
        SET(check->fix,
            "as root: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
}

/* A switch of the kernel that should be 0 while measuring. */
static void check_switch(const struct kvr_machine *machine, struct kvr_checks *checks,
                         const char *id, const char *path, bool matters, const char *on,
                         const char *off)
{
    uint64_t value;
    struct kvr_check *check;
    if (kvr_check_refused(machine, checks, id, path))
        return;
    if (kvr_file_u64(machine->root, path, &value)) {
        check = kvr_check_add(checks, id, KVR_CHECK_OK, "this kernel does not have it");
        SET(check->value, "none");
        return;
    }
    bool active = value != 0 && matters;
    check = kvr_check_add(checks, id, active ? KVR_CHECK_WARN : KVR_CHECK_OK, "%s",
                          active ? on : off);
    SET(check->value, "%" PRIu64, value);
    if (active)
        SET(check->fix, "as root: echo 0 > %s", path);
}

static void check_swap(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    uint64_t total, available;
    if (kvr_file_kib(machine->root, "/proc/meminfo", "SwapTotal", &total) ||
        kvr_file_kib(machine->root, "/proc/meminfo", "SwapFree", &available)) {
        kvr_check_add(checks, "swap", KVR_CHECK_UNKNOWN, "/proc/meminfo does not tell");
        return;
    }
    uint64_t used = total > available ? total - available : 0;
    struct kvr_check *check;
    if (used)
        check = kvr_check_add(checks, "swap", KVR_CHECK_INFO,
                              "%" PRIu64 " MiB are swapped out: memory was short, and a page read "
                              "back faults inside a sample, which makes it void", used / one_mib);
    else
        check = kvr_check_add(checks, "swap", KVR_CHECK_OK, "nothing is swapped out");
    SET(check->value, "%" PRIu64, used);
}

void kvr_checks_memory(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    check_caches(machine, checks);
    check_nodes(machine, checks);
    check_free(machine, checks);
    check_limit(machine, checks);
    check_peak(machine, checks);
    check_pages(machine, checks);
    check_switch(machine, checks, "numa-balancing", "/proc/sys/kernel/numa_balancing",
                 machine->node_count > 1,
                 "the kernel unmaps pages to see who uses them, and moves them: faults and "
                 "changing places inside samples",
                 "pages stay where they were put");
    check_switch(machine, checks, "ksm", "/sys/kernel/mm/ksm/run", true,
                 "the kernel may merge equal pages where it is asked to: fewer distinct lines and "
                 "a background thread; equal key blocks are permuted per page",
                 "equal pages are not merged");
    check_swap(machine, checks);
}
