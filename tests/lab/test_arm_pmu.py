# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest with a PMU: one emulated Neoverse N1 that executes one instruction a cycle, so that every
count is known. What the backend perf counts of loops, and a whole run with counters."""

import functools
import math

import arm
import guest
import harness
from harness import check, check_refused

# As little as a run can have: there is nothing in its figures but the counts.
RUN = ("kvroof run -k fp16 --isa scalar -d 64 -n 512 --bytes 64k -t 1 -r 1 --min-time 0.0001 "
       "--max-mem 64M --pages 4k --budget 60 --progress off")

SCENARIO = f"""
keep devices ls /sys/bus/event_source/devices
echo 0 >/proc/sys/kernel/perf_user_access
keep system-call pmu_count 2
keep many pmu_count 24
echo 1 >/proc/sys/kernel/perf_user_access
keep user-space pmu_count 2
keep counted {RUN} --counters perf:cycles,instructions -o json:/out/counted.json
keep lacking {RUN} --counters perf:instructions,r2a
"""

LEAST_RUNNING = .5  # below, a count is not used


@functools.lru_cache
def booted():
    """The guest, booted once."""
    return guest.boot("", SCENARIO, arm.machine("-cpu", "neoverse-n1", "-smp", "1", "-m", "1G"))


def test_the_guest_has_a_pmu():
    check("armv8_pmuv3" in booted().outcome("devices").out, "no PMU", booted().outcome("devices"))


def test_exact_by_system_calls():
    arm.check_exact(booted().outcome("system-call"), "read by system calls")


def test_exact_in_user_space():
    arm.check_exact(booted().outcome("user-space"), "read in user space")


def test_more_events_than_counters():
    rows, _ = arm.counts(booted().outcome("many"))
    check(len(rows) == 72, f"three loops of 24 events, not {len(rows)}")
    for row in rows:
        name, loops, value, quality, running = row
        if running < LEAST_RUNNING:
            check(quality == "absent" and math.isnan(value), f"{name} is no 0: {row}")
        else:
            check(quality == ("measured" if running > .999 else "scaled"), f"{row}")
            check(loops < value < 4 * loops, f"about 2 n: {row}")
    qualities = {row[3] for row in rows}
    check({"scaled", "absent"} <= qualities, f"24 events share 7 counters: {qualities}")


def test_a_run():
    outcome = booted().outcome("counted")
    check(outcome.code == 0, "a run with counters", outcome)
    result = harness.strict_json(booted().text("counted.json"))
    backend = [row for row in result["checks"] if row["id"] == "counters-backend"][0]
    check(backend["status"] == "ok" and "in user space" in backend["text"], f"{backend}")
    counted = [row["counters"] for row in result["results"]]
    check(counted, "a case was counted")
    for counters in counted:
        cycles, instructions = counters["cycles"], counters["instructions"]
        check(cycles["total"] == instructions["total"] > 0, f"one a cycle: {counters}")
        check(cycles["quality"] == "measured" and counters["ipc"]["value"] == 1, f"{counters}")


def test_an_event_that_the_pmu_lacks():
    check_refused(booted().outcome("lacking"), 3, "r2a", "did not count")


harness.main(globals())
