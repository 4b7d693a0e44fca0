# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest with a PMU: one emulated Neoverse N1 that executes one instruction a cycle."""

import functools

import arm
import guest
import harness
from harness import check

RUN = ("kvroof run -k fp16 --isa scalar -d 64 -n 512 --bytes 64k -t 1 -r 1 --min-time 0.0005 "
       "--max-mem 64M --pages 4k --budget 60 --progress off ")

SCENARIO = f"""
echo 2 >/proc/sys/kernel/perf_event_paranoid
keep devices ls /sys/bus/event_source/devices
echo 0 >/proc/sys/kernel/perf_user_access
keep system-call pmu_count 2
echo 1 >/proc/sys/kernel/perf_user_access
keep user-space pmu_count 2
keep many pmu_count 24
keep counted {RUN} --counters perf:cycles,instructions -o json:/out/counted.json
keep lacking {RUN} --counters perf:instructions,r2a
"""


@functools.lru_cache
def booted():
    """The guest, booted once."""
    return guest.boot("", SCENARIO, arm.machine())


def test_it():
    for name in ("devices", "system-call", "user-space", "many", "counted", "lacking"):
        print(name, booted().outcome(name).show())


harness.main(globals())
