/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which CPUs a run uses, and pinning to one of them.
 */
#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "machine.h"

static bool parse_number(const char **text, uint32_t *number)
{
    uint64_t value = 0;
    if (!isdigit((unsigned char)**text))
        return false;
    for (; isdigit((unsigned char)**text); ++*text) {
        value = value * 10 + (uint64_t)(**text - '0');
        if (value > INT32_MAX)
            return false;
    }
    *number = (uint32_t)value;
    return true;
}

int kvr_cpu_list_parse(const char *list, uint32_t *cpus, size_t max)
{
    size_t count = 0;
    for (;;) {
        uint32_t first, last;
        if (!parse_number(&list, &first))
            return -EINVAL;
        last = first;
        if (*list == '-') {
            list++;
            if (!parse_number(&list, &last) || last < first)
                return -EINVAL;
        }
        if (last - first >= max - count)
            return -ERANGE;
        for (uint32_t cpu = first; cpu <= last; cpu++)
            cpus[count++] = cpu;
        if (*list == '\0')
            return (int)count;
        if (*list++ != ',')
            return -EINVAL;
    }
}

static const struct kvr_cpu *find_cpu(const struct kvr_machine *machine, uint32_t os_index)
{
    for (size_t i = 0; i < machine->cpu_count; i++)
        if (machine->cpus[i].os_index == os_index)
            return &machine->cpus[i];
    return NULL;
}

/* Position of candidate `cpu` among its core's: 0 for the first one, 1 for its sibling ... */
static size_t rank_in_core(const struct kvr_cpu *const *candidates, size_t position)
{
    size_t rank = 0;
    for (size_t i = 0; i < position; i++)
        rank += candidates[i]->core == candidates[position]->core;
    return rank;
}

int kvr_machine_choose_cpus(const struct kvr_machine *machine, const uint32_t *wanted,
                            size_t wanted_count, size_t threads, uint32_t *cpus,
                            uint32_t *missing)
{
    const struct kvr_cpu *candidates[KVR_MAX_CPUS];
    size_t count = 0, chosen = 0;
    if (wanted_count == 0)
        for (; count < machine->cpu_count; count++)
            candidates[count] = &machine->cpus[count];
    for (size_t i = 0; i < wanted_count; i++) {
        const struct kvr_cpu *cpu = find_cpu(machine, wanted[i]);
        if (!cpu) {
            *missing = wanted[i];
            return -ENODEV;
        }
        bool known = false; /* a CPU that is named twice serves one thread */
        for (size_t j = 0; j < count; j++)
            known |= candidates[j] == cpu;
        if (!known)
            candidates[count++] = cpu;
    }
    if (threads > count)
        return -ERANGE;
    for (size_t rank = 0; chosen < threads; rank++)
        for (size_t i = 0; i < count && chosen < threads; i++)
            if (rank_in_core(candidates, i) == rank)
                cpus[chosen++] = candidates[i]->os_index;
    return 0;
}

int kvr_pin_self(const struct kvr_machine *machine, uint32_t cpu)
{
    if (!machine->this_system)
        return -ENOTSUP;
    cpu_set_t *set = CPU_ALLOC(cpu + 1);
    if (!set)
        return -ENOMEM;
    size_t bytes = CPU_ALLOC_SIZE(cpu + 1);
    CPU_ZERO_S(bytes, set);
    CPU_SET_S(cpu, bytes, set);
    int rc = sched_setaffinity(0, bytes, set) ? -errno : 0;
    CPU_FREE(set);
    return rc;
}
