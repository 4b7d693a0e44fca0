/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the host and this build can give to the flags, and how much memory a run may take.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan_build.h"

enum { HUGE_PAGE_BYTES = 2 << 20 };
#define DEFAULT_HALF_BYTES (UINT64_C(1) << 30)

static int check_isas(struct kvr_build *build)
{
    char why[240];
    for (size_t i = 0; i < build->options->isa_count; i++) {
        const char *isa = build->options->isas[i];
        int status = kvr_isa_check(isa, build->machine->isa.usable, why, sizeof why);
        if (status)
            return kvr_build_fail(build, status, "--isa: '%.40s' %s", isa, why);
    }
    return 0;
}

/* Every pattern of --kernel must mean at least one kernel that can run here. */
static int check_kernels(struct kvr_build *build)
{
    char why[240];
    struct kvr_selections *selections = malloc(sizeof *selections);
    int status = selections ? 0 : kvr_build_fail(build, -ENOMEM, "out of memory");
    for (size_t i = 0; i < build->options->kernel_count && !status; i++) {
        const char *pattern = build->options->kernels[i];
        const struct kvr_selection *lacking = NULL;
        bool usable = false;
        status =
            kvr_select(pattern, "auto", build->machine->isa.usable, selections, why, sizeof why);
        if (status) {
            kvr_build_fail(build, status, "--kernel: '%.60s' %s", pattern, why);
            break;
        }
        for (size_t s = 0; s < selections->count; s++) {
            usable = usable || selections->items[s].usable_count;
            if (!selections->items[s].usable_count)
                lacking = &selections->items[s];
        }
        if (usable || !lacking)
            continue;
        kvr_explain_unusable(lacking, &build->machine->isa, why, sizeof why);
        status = kvr_build_fail(build, -ENODEV, "--kernel: '%.60s' cannot run: %s", pattern, why);
    }
    free(selections);
    return status;
}

static const struct kvr_cpu *find_cpu(const struct kvr_machine *machine, uint32_t os_index)
{
    for (size_t i = 0; i < machine->cpu_count; i++) {
        if (machine->cpus[i].os_index == os_index)
            return &machine->cpus[i];
    }
    return NULL;
}

/* Counts the CPUs that may be used and the distinct cores among them. */
static int count_cpus(struct kvr_build *build)
{
    const struct kvr_machine *machine = build->machine;
    const struct kvr_options *options = build->options;
    size_t count = options->cpu_count ? options->cpu_count : machine->cpu_count;
    uint32_t cores[KVR_MAX_CPUS];
    if (!count)
        return kvr_build_fail(build, -ENODEV, "this process is allowed to use no CPU");
    for (size_t i = 0; i < count; i++) {
        const struct kvr_cpu *cpu =
            options->cpu_count ? find_cpu(machine, options->cpus[i]) : &machine->cpus[i];
        if (!cpu)
            return kvr_build_fail(build, -ENODEV,
                                  "--cpus: this process may not use CPU %u; "
                                  "`kvroof list topology` shows those that it may",
                                  options->cpus[i]);
        bool known = false;
        for (uint32_t c = 0; c < build->core_count && !known; c++)
            known = cores[c] == cpu->core;
        if (!known)
            cores[build->core_count++] = cpu->core;
    }
    build->cpu_count = (uint32_t)count;
    return 0;
}

static int check_threads(struct kvr_build *build)
{
    const struct kvr_options *options = build->options;
    for (size_t i = 0; i < options->thread_count; i++) {
        uint32_t threads = options->threads[i];
        if (threads == UINT32_MAX || threads <= build->cpu_count)
            continue;
        return kvr_build_fail(build, -ENODEV,
                              "--threads %u: %s %u CPU%s; use -t max or at most "
                              "-t %u",
                              threads, options->cpu_count ? "--cpus names" : "this host has",
                              build->cpu_count, build->cpu_count == 1 ? "" : "s", build->cpu_count);
    }
    return 0;
}

static int check_node(struct kvr_build *build)
{
    const struct kvr_machine *machine = build->machine;
    const struct kvr_options *options = build->options;
    char nodes[120] = "";
    size_t used = 0;
    if (!options->mem_given || options->mem != KVR_MEM_NODE)
        return 0;
    for (size_t i = 0; i < machine->node_count; i++) {
        if (machine->nodes[i].os_index == options->mem_node)
            return 0;
        if (used < sizeof nodes)
            used += (size_t)snprintf(nodes + used, sizeof nodes - used, "%s%u", i ? ", " : "",
                                     machine->nodes[i].os_index);
    }
    return kvr_build_fail(build, -ENODEV,
                          "--mem node:%u: this host has no such node; its nodes: %s",
                          options->mem_node, *nodes ? nodes : "none that is reported");
}

int kvr_build_check_flags(struct kvr_build *build)
{
    int status = check_isas(build);
    if (!status)
        status = check_kernels(build);
    if (!status)
        status = count_cpus(build);
    if (!status)
        status = check_threads(build);
    return status ? status : check_node(build);
}

int kvr_build_memory(struct kvr_build *build)
{
    const struct kvr_options *options = build->options;
    struct kvr_plan *plan = build->plan;
    enum kvr_mem_policy policy = options->mem_given ? options->mem : KVR_MEM_LOCAL;
    uint64_t usable = kvr_memory_usable_bytes(build->machine, policy, options->mem_node,
                                              options->cpus, options->cpu_count);
    uint64_t wish = build->profile->dram_bytes ? build->profile->dram_bytes : DEFAULT_HALF_BYTES;
    uint64_t limit = usable / 10 * 6;
    char least[24];
    if (!usable)
        limit = usable = options->max_mem_bytes ? options->max_mem_bytes : 2 * wish;
    if (options->max_mem_bytes)
        limit = options->max_mem_bytes < usable ? options->max_mem_bytes : usable;
    plan->max_mem_bytes = limit;
    build->node_limits = usable < kvr_machine_usable_bytes(build->machine) &&
                         (!options->max_mem_bytes || limit < options->max_mem_bytes);
    build->half_max_bytes = limit / 2 / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
    if (!build->half_max_bytes) {
        kvr_size_text(2 * HUGE_PAGE_BYTES, least, sizeof least);
        return kvr_build_fail(build, options->max_mem_bytes ? -EINVAL : -ENODEV,
                              "--max-mem: a run needs at least %s of memory", least);
    }
    if (options->evict_given && options->evict_bytes > build->half_max_bytes) {
        kvr_size_text(build->half_max_bytes, least, sizeof least);
        return kvr_build_fail(build, -ENODEV,
                              "--evict: more than a half of the arena, which is at most %s; raise "
                              "--max-mem or lower --evict",
                              least);
    }
    plan->arena_reduced = wish > build->half_max_bytes;
    plan->arena_half_bytes = plan->arena_reduced ? build->half_max_bytes : wish;
    return 0;
}

int kvr_build_reserve(struct kvr_build *build, uint64_t bytes)
{
    uint64_t *half = &build->plan->arena_half_bytes;
    if (bytes > build->half_max_bytes)
        return -ENOMEM;
    if (bytes > *half)
        *half = (bytes + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
    return 0;
}
