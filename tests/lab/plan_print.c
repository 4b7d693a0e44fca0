/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a run would do on a machine that hwloc is pointed to by its variables (and whose other files
 * lie below a root): CPUs of threads, domains, nodes, and what is refused there. Goldens are made
 * of it, so neither anything of the host that prints it nor the wording of a refusal appears.
 * usage: plan_print [ROOT]
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "../../src/cli/cpus.h"
#include "../../src/machine/machine.h"
#include "../../src/machine/memory.h"

/* "0-3,8-14:2": runs of numbers with one step, as taskset writes them, in the given order. */
static void print_numbers(const uint32_t *numbers, size_t count)
{
    for (size_t i = 0, end; i < count; i = end) {
        uint32_t step = i + 1 < count ? numbers[i + 1] - numbers[i] : 0;
        for (end = i + 1; end < count && numbers[end] - numbers[end - 1] == step;)
            end++;
        if (step != 1 && end - i < 3) /* two numbers are no series */
            end = i + 1;
        printf("%s%" PRIu32, i ? "," : "", numbers[i]);
        if (end > i + 1)
            printf("-%" PRIu32, numbers[end - 1]);
        if (end > i + 1 && step != 1)
            printf(":%" PRIu32, step);
    }
    printf("%s\n", count ? "" : "none");
}

static void print_caches(const struct kvr_machine *machine)
{
    for (size_t i = 0; i < machine->cache_count; i++)
        printf("cache L%" PRIu32 ": %" PRIu64 " KiB, shared by %" PRIu32 "\n",
               machine->caches[i].level, machine->caches[i].size_bytes >> 10,
               machine->caches[i].shared_by);
}

static void print_nodes(const struct kvr_machine *machine)
{
    uint32_t cpus[KVR_MAX_CPUS];
    for (size_t n = 0; n < machine->node_count; n++) {
        const struct kvr_node *node = &machine->nodes[n];
        size_t count = 0;
        for (size_t i = 0; i < machine->cpu_count; i++)
            if (machine->cpus[i].node == node->os_index)
                cpus[count++] = machine->cpus[i].os_index;
        printf("node %" PRIu32 ": %" PRIu64 " MiB, distances", node->os_index,
               node->total_bytes >> 20);
        for (size_t i = 0; i < machine->node_count; i++)
            if (node->distances[i])
                printf(" %" PRIu32, node->distances[i]);
        printf("%s, CPUs ", node->distances[0] ? "" : " not told");
        print_numbers(cpus, count);
    }
}

static void print_threads(const struct kvr_machine *machine)
{
    const size_t counts[] = {1, 2, 5, machine->core_count, machine->cpu_count};
    uint32_t cpus[KVR_MAX_CPUS], missing;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        printf("%zu thread%s: CPUs ", counts[i], counts[i] == 1 ? "" : "s");
        if (kvr_machine_choose_cpus(machine, NULL, 0, counts[i], cpus, &missing))
            printf("too few\n");
        else
            print_numbers(cpus, counts[i]);
    }
}

static void print_domains(const struct kvr_machine *machine)
{
    const char *const forms[] = {"N:0-1", "S0:0-1", "S1:1,0", "M0:0-1", "M%u:0", "S0:0@S1:0"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        uint32_t cpus[KVR_MAX_CPUS];
        size_t count = 0;
        char text[32], why[200] = "";
        if (strchr(forms[i], '%')) /* the last node */
            snprintf(text, sizeof text, "M%u:0", machine->nodes[machine->node_count - 1].os_index);
        else
            snprintf(text, sizeof text, "%s", forms[i]);
        int rc = kvr_cpus_parse(text, machine, cpus, KVR_MAX_CPUS, &count, why, sizeof why);
        printf("-c %s: ", text);
        if (rc)
            printf("refused, %s\n", strerrorname_np(-rc));
        else
            print_numbers(cpus, count);
    }
}

static void print_memory(const struct kvr_machine *machine)
{
    const struct kvr_memory_request requests[] = {
        {.bytes = 4 << 20, .policy = KVR_MEM_NODE,
         .node = machine->nodes[machine->node_count - 1].os_index},
        {.bytes = 4 << 20, .policy = KVR_MEM_INTERLEAVE},
        {.bytes = 4 << 20, .policy = KVR_MEM_LOCAL},
    };
    const char *const names[] = {"of the last node", "interleaved", "local"};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct kvr_memory memory;
        const char *why = "";
        int rc = kvr_memory_map(machine, &requests[i], &memory, &why);
        printf("memory %s: %s\n", names[i], rc ? strerrorname_np(-rc) : "reserved");
        if (!rc)
            kvr_memory_unmap(&memory);
    }
    if (machine->root[0])
        printf("memory in all: %" PRIu64 " MiB, usable %" PRIu64 " MiB\n",
               machine->mem_total_bytes >> 20, kvr_machine_usable_bytes(machine) >> 20);
}

/* Nothing is bound to a CPU of the same number here. */
static int print_pinning(const struct kvr_machine *machine)
{
    cpu_set_t before, after;
    int refused = 0, rc = sched_getaffinity(0, sizeof before, &before);
    for (size_t i = 0; i < machine->cpu_count; i++)
        refused += kvr_pin_self(machine, machine->cpus[i].os_index) == -ENOTSUP;
    rc |= sched_getaffinity(0, sizeof after, &after);
    printf("pinned: %zu of %zu CPUs, %s\n", machine->cpu_count - (size_t)refused,
           machine->cpu_count,
           rc == 0 && CPU_EQUAL(&before, &after) ? "affinity as before" : "AFFINITY CHANGED");
    return rc;
}

int main(int argc, char **argv)
{
    static struct kvr_machine machine;
    const char *why = "";
    int rc = kvr_machine_load(&machine, argc > 1 ? argv[1] : NULL, &why);
    if (rc) {
        printf("refused: %s\n", why);
        return 0;
    }
    printf("%s: %zu CPUs, %zu cores, %zu nodes\n",
           machine.this_system ? "THIS SYSTEM" : "foreign", machine.cpu_count, machine.core_count,
           machine.node_count);
    print_caches(&machine);
    print_nodes(&machine);
    print_threads(&machine);
    print_domains(&machine);
    print_memory(&machine);
    return print_pinning(&machine) != 0;
}
