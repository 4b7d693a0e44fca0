/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cpus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool kvr_cpus_by_domain(const char *text)
{
    return *text >= 'A' && *text <= 'Z';
}

static int add_cpu(uint32_t cpu, uint32_t *cpus, size_t max, size_t *count, char *why,
                   size_t why_bytes)
{
    for (size_t i = 0; i < *count; i++) {
        if (cpus[i] == cpu)
            return 0;
    }
    if (*count == max) {
        snprintf(why, why_bytes, "names more than %zu CPUs", max);
        return -EINVAL;
    }
    cpus[(*count)++] = cpu;
    return 0;
}

static int parse_list(const char *list, uint32_t *cpus, char *why, size_t why_bytes)
{
    int found = kvr_cpu_list_parse(list, cpus, KVR_MAX_CPUS);
    if (found > 0)
        return found;
    if (found == -ERANGE)
        snprintf(why, why_bytes, "names more than %d CPUs", KVR_MAX_CPUS);
    else
        snprintf(why, why_bytes,
                 "is not a CPU list; give 0-3,8 or a domain: N:0-3, S0:0-3, "
                 "M1:0-1");
    return -EINVAL;
}

/* CPUs of a domain in likwid's order: the first CPU of every core, then the second, ... */
static size_t domain_cpus(const struct kvr_machine *machine, char kind, uint32_t index,
                          uint32_t *cpus)
{
    uint32_t members[KVR_MAX_CPUS], siblings[KVR_MAX_CPUS], most = 0;
    size_t count = 0, ordered = 0;
    for (size_t i = 0; i < machine->cpu_count; i++) {
        const struct kvr_cpu *cpu = &machine->cpus[i];
        if ((kind == 'S' && cpu->package != index) || (kind == 'M' && cpu->node != index))
            continue;
        siblings[count] = 0;
        for (size_t j = 0; j < count; j++)
            siblings[count] += machine->cpus[members[j]].core == cpu->core;
        most = siblings[count] > most ? siblings[count] : most;
        members[count++] = (uint32_t)i;
    }
    for (uint32_t rank = 0; rank <= most; rank++) {
        for (size_t j = 0; j < count; j++) {
            if (siblings[j] == rank)
                cpus[ordered++] = machine->cpus[members[j]].os_index;
        }
    }
    return ordered;
}

static int bad_domain(const char *domain, char *why, size_t why_bytes)
{
    snprintf(why, why_bytes,
             "has the domain '%.20s'; those known are N:LIST (node), S0:LIST "
             "(socket) and M0:LIST (NUMA node)",
             domain);
    return -EINVAL;
}

/* One "S0:0-3". */
static int parse_domain(const char *domain, const struct kvr_machine *machine, uint32_t *cpus,
                        size_t max, size_t *count, char *why, size_t why_bytes)
{
    uint32_t members[KVR_MAX_CPUS], places[KVR_MAX_CPUS];
    const char *colon = strchr(domain, ':');
    char *end = NULL;
    unsigned long index = 0;
    if (!colon || !colon[1] || !strchr("NSM", *domain))
        return bad_domain(domain, why, why_bytes);
    if (colon > domain + 1) {
        index = domain[1] >= '0' && domain[1] <= '9' ? strtoul(domain + 1, &end, 10) : 0;
        if (end != colon || index > UINT32_MAX || (*domain == 'N' && index))
            return bad_domain(domain, why, why_bytes);
    } else if (*domain != 'N') {
        return bad_domain(domain, why, why_bytes);
    }
    int place_count = parse_list(colon + 1, places, why, why_bytes);
    if (place_count < 0)
        return place_count;
    size_t member_count = domain_cpus(machine, *domain, (uint32_t)index, members);
    for (int i = 0; i < place_count; i++) {
        if (places[i] >= member_count) {
            snprintf(why, why_bytes, "asks for place %u of %.*s, which has %zu usable CPU%s here",
                     places[i], (int)(colon - domain), domain, member_count,
                     member_count == 1 ? "" : "s");
            return -ENODEV;
        }
        int status = add_cpu(members[places[i]], cpus, max, count, why, why_bytes);
        if (status)
            return status;
    }
    return 0;
}

int kvr_cpus_parse(const char *text, const struct kvr_machine *machine, uint32_t *cpus, size_t max,
                   size_t *count, char *why, size_t why_bytes)
{
    uint32_t listed[KVR_MAX_CPUS];
    int status = 0;
    if (!kvr_cpus_by_domain(text)) {
        int found = parse_list(text, listed, why, why_bytes);
        for (int i = 0; i < found && !status; i++)
            status = add_cpu(listed[i], cpus, max, count, why, why_bytes);
        return found < 0 ? found : status;
    }
    char *copy = strdup(text), *rest = copy, *domain = NULL;
    if (!copy)
        return -ENOMEM;
    while (!status && (domain = strsep(&rest, "@")))
        status = parse_domain(domain, machine, cpus, max, count, why, why_bytes);
    free(copy);
    return status;
}
