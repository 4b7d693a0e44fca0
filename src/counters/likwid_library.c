/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <likwid.h>
#include <stdio.h>

#include "likwid.h"

static int group_name(int k, char *name, size_t bytes)
{
    char **names, **shortly, **at_length;
    perfmon_setVerbosity(0);
    if (topology_init())
        return -1;
    int count = perfmon_getGroups(&names, &shortly, &at_length);
    if (k < count)
        snprintf(name, bytes, "%s", names[k]);
    if (count > 0)
        perfmon_returnGroups(count, names, shortly, at_length);
    return k < count ? 0 : -1;
}

static int init(int threads, const int *cpus)
{
    perfmon_setVerbosity(0);
    int rc = topology_init();
    if (!rc)
        rc = numa_init();
    if (rc)
        return rc < 0 ? rc : -rc;
    affinity_init();
    rc = perfmon_init(threads, cpus);
    return rc < 0 ? rc : -rc;
}

static const char *event_name(int group, int event)
{
    return perfmon_getEventName(group, event);
}

static void finish(void)
{
    perfmon_stopCounters();
    perfmon_finalize();
    affinity_finalize();
    numa_finalize();
    topology_finalize();
}

static const struct kvr_likwid_library library = {
    .group_name = group_name,
    .init = init,
    .add_group = perfmon_addEventSet,
    .set_up = perfmon_setupCounters,
    .start = perfmon_startCounters,
    .read_cpu = perfmon_readCountersCpu,
    .event_count = perfmon_getNumberOfEvents,
    .event_name = event_name,
    .result = perfmon_getResult,
    .finish = finish,
};
const struct kvr_likwid_library *const kvr_likwid = &library;
