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
                 "M1:0-1, C0");
    return -EINVAL;
}

static uint32_t domain_of(const struct kvr_cpu *cpu, char kind)
{
    return kind == 'S' ? cpu->package : kind == 'M' ? cpu->node : kind == 'C' ? cpu->cache : 0;
}

/* CPUs of a domain in likwid's order: the first CPU of every core, then the second, ... */
static size_t domain_cpus(const struct kvr_machine *machine, char kind, uint32_t index,
                          uint32_t *cpus)
{
    uint32_t members[KVR_MAX_CPUS], siblings[KVR_MAX_CPUS], most = 0;
    size_t count = 0, ordered = 0;
    for (size_t i = 0; i < machine->cpu_count; i++) {
        const struct kvr_cpu *cpu = &machine->cpus[i];
        if (domain_of(cpu, kind) != index)
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

/* "N, S0, M0, M1, C0": the domains that have usable CPUs here. */
static void known_domains(const struct kvr_machine *machine, char *text, size_t bytes)
{
    size_t used = (size_t)snprintf(text, bytes, "N");
    for (const char *kind = "SMC"; *kind; kind++)
        for (size_t i = 0; i < machine->cpu_count && used < bytes; i++) {
            bool seen = false;
            for (size_t j = 0; j < i; j++)
                seen |= domain_of(&machine->cpus[j], *kind) == domain_of(&machine->cpus[i], *kind);
            if (!seen)
                used += (size_t)snprintf(text + used, bytes - used, ", %c%u", *kind,
                                         domain_of(&machine->cpus[i], *kind));
        }
}

static int bad_domain(const char *domain, const struct kvr_machine *machine, char *why,
                      size_t why_bytes)
{
    char known[120];
    known_domains(machine, known, sizeof known);
    snprintf(why, why_bytes,
             "has the domain '%.20s'; this host has %s (node, sockets, NUMA nodes, last-level "
             "caches), each alone or with a :LIST",
             domain, known);
    return -EINVAL;
}

static int no_place(const char *domain, size_t member_count, uint32_t place,
                    const struct kvr_machine *machine, char *why, size_t why_bytes)
{
    char known[120];
    int length = (int)strcspn(domain, ":");
    known_domains(machine, known, sizeof known);
    if (member_count)
        snprintf(why, why_bytes, "asks for place %u of %.*s, which has %zu usable CPU%s here",
                 place, length, domain, member_count, member_count == 1 ? "" : "s");
    else
        snprintf(why, why_bytes, "asks for %.*s, which has 0 usable CPUs here; this host has %s",
                 length, domain, known);
    return -ENODEV;
}

/* The letter and number of "S0:0-3"; a lone one means all its CPUs. */
static bool read_domain(const char *domain, uint32_t *index)
{
    size_t length = strcspn(domain, ":");
    unsigned long value = 0;
    if (!*domain || !strchr("NSMC", *domain) || (domain[length] && !domain[length + 1]))
        return false;
    if (strspn(domain + 1, "0123456789") != length - 1 || length > 9 ||
        (*domain == 'N' ? length > 2 : length < 2))
        return false;
    if (length > 1)
        value = strtoul(domain + 1, NULL, 10);
    *index = (uint32_t)value;
    return *domain != 'N' || !value;
}

/* One "S0:0-3", or "S0". */
static int parse_domain(const char *domain, const struct kvr_machine *machine, uint32_t *cpus,
                        size_t max, size_t *count, char *why, size_t why_bytes)
{
    uint32_t members[KVR_MAX_CPUS], places[KVR_MAX_CPUS], index;
    const char *colon = strchr(domain, ':');
    if (!read_domain(domain, &index))
        return bad_domain(domain, machine, why, why_bytes);
    size_t member_count = domain_cpus(machine, *domain, index, members);
    int place_count = colon ? parse_list(colon + 1, places, why, why_bytes) : (int)member_count;
    if (place_count < 0)
        return place_count;
    for (int i = 0; !colon && i < place_count; i++)
        places[i] = (uint32_t)i;
    if (!member_count)
        return no_place(domain, 0, 0, machine, why, why_bytes);
    for (int i = 0; i < place_count; i++) {
        if (places[i] >= member_count)
            return no_place(domain, member_count, places[i], machine, why, why_bytes);
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
