/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "perf_refusal.h"

#include <errno.h>

#define NOT_EXPOSED                                                                                \
    KVR_CHECK_INFO,                                                                                \
        "the hypervisor does not expose the counters, or the kernel does not know this one",       \
        "bare metal, or a guest with a virtual PMU"
#define REFUSED                                                                                    \
    KVR_CHECK_INFO, "perf_event_open is refused: perf_event_paranoid or a seccomp filter",         \
        "as root: sysctl kernel.perf_event_paranoid=1; in a container add CAP_PERFMON"
#define NO_DESCRIPTOR                                                                              \
    KVR_CHECK_UNKNOWN, "no file descriptor is left to open a counter with", "raise ulimit -n"

static const struct kvr_perf_refusal refusals[] = {
    {ENOENT, NOT_EXPOSED},
    {EOPNOTSUPP, NOT_EXPOSED},
    {ENODEV, NOT_EXPOSED},
    {EACCES, REFUSED},
    {EPERM, REFUSED},
    {EMFILE, NO_DESCRIPTOR},
    {ENFILE, NO_DESCRIPTOR},
    {EBUSY, KVR_CHECK_UNKNOWN, "another program holds the counters for itself",
     "stop it (the NMI watchdog: sysctl kernel.nmi_watchdog=0)"},
    {EINVAL, KVR_CHECK_INFO,
     "this event is not to be had here: a hypervisor may hide what a driver lists, or this CPU has "
     "no such number",
     "bare metal; kvroof list counters tries every event"},
    {ENOSYS, KVR_CHECK_INFO,
     "this kernel is built without perf events, or an emulator or filter answers for it",
     "a kernel with CONFIG_PERF_EVENTS"},
};

const struct kvr_perf_refusal *kvr_perf_refusal(int error)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (refusals[i].error == error)
            return &refusals[i];
    return NULL;
}
