/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The events of linux/perf_event.h that have a name of their own, and package energy.
 */
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../machine/files.h"
#include "counters.h"

#define HARDWARE(name, config, what) {name, PERF_TYPE_HARDWARE, config, 0, "", 1, what}
#define SOFTWARE(name, config, unit, what) {name, PERF_TYPE_SOFTWARE, config, 0, unit, 1, what}
static const struct kvr_event generic[] = {
    HARDWARE("cycles", PERF_COUNT_HW_CPU_CYCLES, "cycles of the core, at its real clock"),
    HARDWARE("instructions", PERF_COUNT_HW_INSTRUCTIONS, "instructions retired"),
    HARDWARE("branches", PERF_COUNT_HW_BRANCH_INSTRUCTIONS, "branches retired"),
    HARDWARE("cache-references", PERF_COUNT_HW_CACHE_REFERENCES,
             "accesses that reach the last cache, as this CPU defines them"),
    HARDWARE("cache-misses", PERF_COUNT_HW_CACHE_MISSES,
             "accesses that miss the last cache, as this CPU defines them"),
    SOFTWARE("page-faults", PERF_COUNT_SW_PAGE_FAULTS, "", "page faults"),
    SOFTWARE("context-switches", PERF_COUNT_SW_CONTEXT_SWITCHES, "", "switches to another task"),
    SOFTWARE("cpu-migrations", PERF_COUNT_SW_CPU_MIGRATIONS, "", "moves to another CPU"),
    SOFTWARE("task-clock", PERF_COUNT_SW_TASK_CLOCK, "ns", "time on a CPU"),
};

#define POWER "/sys/bus/event_source/devices/power/"

/* Joules of all packages, where this system tells them. */
static bool find_energy(const struct kvr_machine *machine, struct kvr_event *event)
{
    char config[32], scale[32];
    uint64_t type;
    if (kvr_file_u64(machine->root, POWER "type", &type) ||
        kvr_file_text(machine->root, POWER "events/energy-pkg", config, sizeof config) ||
        kvr_file_text(machine->root, POWER "events/energy-pkg.scale", scale, sizeof scale) ||
        strncmp(config, "event=", 6))
        return false;
    *event = (struct kvr_event){.name = "energy-pkg", .type = (uint32_t)type,
                                .config = strtoull(config + 6, NULL, 0), .unit = "joules",
                                .scale = strtod(scale, NULL), .meaning = "energy of all packages"};
    return event->scale > 0;
}

void kvr_events_generic(const struct kvr_machine *machine, struct kvr_event *events,
                        size_t *count)
{
    *count = sizeof generic / sizeof *generic;
    memcpy(events, generic, sizeof generic);
    if (find_energy(machine, &events[*count]))
        ++*count;
}

bool kvr_event_is_software(const struct kvr_event *event)
{
    return event->type == PERF_TYPE_SOFTWARE;
}
