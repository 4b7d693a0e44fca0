# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests that have several nodes, a PMU and SVE at once: whole runs of the program on each node,
with counters in the result file.

The first has one CPU and two nodes of memory alone, because the emulator (QEMU 7.2) counts exactly
only there: its instructions and cycles are those of the machine's one clock, which all CPUs move.
In the second, with four CPUs, a counter also sees what the others executed while it ran, and the
proof that a counter counts (instructions to 1 %) now and then fails in truth; so that run is tried
some times, and its counts are not held against a known number.

The program has no kernel that uses SVE: here it is a property of the guest, whose longer registers
the kernel saves when it switches. Events of caches, memory controllers and floating point are not
emulated: such a one opens or not, and counts nothing."""

import functools

import arm
import guest
import harness
from harness import check, check_refused

CPU = ("-cpu", "max,pauth-impdef=on,sve=on", "-m", "1G")
RUN = ("kvroof run -k fp16 --isa scalar -d 64 -n 512 -r 1 --min-time 0.0001 --max-mem 64M "
       "--pages 4k --budget 60 --progress off")
COUNT = "--counters perf:cycles,instructions"

# By different spellings of two numbers, more events than the seven counters of the PMU.
MANY = ",".join(["cycles", "instructions"] + ["r" + "0" * zeros + number for zeros in range(5)
                                              for number in ("8", "11")])

MEMORY_NODES = f"""
keep cpuinfo cat /proc/cpuinfo
keep topology kvroof list topology --format json
echo 0 >/proc/sys/kernel/perf_user_access
keep system-call pmu_count 2
keep called {RUN} --bytes 64k -t 1 --mem node:1 {COUNT} -o json:/out/called.json
echo 1 >/proc/sys/kernel/perf_user_access
keep user-space pmu_count 2
keep bound {RUN} --bytes 64k -t 1 --mem node:2 {COUNT} -o json:/out/bound.json
keep spread {RUN} --bytes 64k -t 1 --mem interleave {COUNT} -o json:/out/spread.json
keep shared {RUN} --bytes 64k -t 1 --counters perf:{MANY} -o json:/out/shared.json
keep strict {RUN} --bytes 64k -t 1 --strict --counters perf:{MANY}
"""

# Until it succeeds, five times at most.
CPU_NODES = f"""
echo 1 >/proc/sys/kernel/perf_user_access
for i in 1 2 3 4 5; do
    keep team {RUN} --bytes 256k -t 2 -c 0,2 --mem local {COUNT} -o json:/out/team.json
    grep -q '^0$' /out/team.code && break
done
"""


@functools.lru_cache
def of_memory():
    """One CPU on node 0, nodes 1 and 2 without one."""
    nodes = " ".join(f"-numa node,nodeid={i},memdev=m{i}{',cpus=0' * (not i)}" for i in range(3))
    return guest.boot(f"-smp 1 {guest.ram('512M', '256M', '256M')} {nodes}", MEMORY_NODES,
                      arm.machine(*CPU))


@functools.lru_cache
def of_cpus():
    """Four nodes with a CPU each."""
    nodes = " ".join(f"-numa node,nodeid={i},memdev=m{i},cpus={i}" for i in range(4))
    return guest.boot(f"-smp 4,sockets=4,cores=1 {guest.ram(*['256M'] * 4)} {nodes}", CPU_NODES,
                      arm.machine(*CPU))


def result_of(booted, name):
    """The result file of a run that succeeded."""
    outcome = booted.outcome(name)
    check(outcome.code == 0, "a run with counters", outcome)
    document = harness.strict_json(booted.text(name + ".json"))
    harness.check_schema(document)
    check(document["results"], "a case was measured", outcome)
    return document


def row(document, name):
    """A check by its id."""
    return next(c for c in document["checks"] if c["id"] == name)


def test_the_guest():
    features = of_memory().outcome("cpuinfo").out.split()
    check("sve" in features and "sve2" in features, f"no SVE: {features}")
    rows = of_memory().rows("topology")
    nodes = [r["index"] for r in rows if r["object"] == "node"]
    check(nodes == [0, 1, 2], f"three nodes: {rows}")


def test_exact():
    arm.check_exact(of_memory().outcome("system-call"), "read by system calls")
    arm.check_exact(of_memory().outcome("user-space"), "read in user space")


def test_runs_on_each_node():
    for name, mem, how in (("called", "node:1", "by system calls"),
                           ("bound", "node:2", "in user space"),
                           ("spread", "interleave", "in user space")):
        document = result_of(of_memory(), name)
        backend, placed = row(document, "counters-backend"), row(document, "placement")
        check(backend["status"] == "ok" and how in backend["text"], f"{backend}")
        check(placed["status"] == "ok", f"{placed}")
        for result in document["results"]:
            check(result["mem"] == mem and result["placed_fraction"] == 1, f"{result['name']}")
            counters = result["counters"]
            cycles, instructions = counters["cycles"], counters["instructions"]
            check(cycles["total"] == instructions["total"] > 0, f"one a cycle: {counters}")
            check(cycles["quality"] == instructions["quality"] == "measured", f"{counters}")
            # No instruction on 128 bits does more than eight multiply-adds.
            check(instructions["value"] >= counters["flops-model"]["value"] / 16, f"{counters}")


def test_more_events_than_counters():
    document = result_of(of_memory(), "shared")
    backend = row(document, "counters-backend")
    check(backend["status"] == "warn" and "share counters" in backend["fix"], f"{backend}")
    for result in document["results"]:
        counted = [result["counters"][name] for name in MANY.split(",")
                   if name in result["counters"]]
        absent = [name for name in MANY.split(",") if name not in result["counters"]]
        check(all(.5 <= c["running"] <= 1 and c["value"] > 0 for c in counted), f"{counted}")
        check(absent or any(c["quality"] == "scaled" for c in counted), f"shared: {counted}")
        check(all("%" in result["unavailable"][f"counter {name}"]
                  or "not counted" in result["unavailable"][f"counter {name}"]
                  for name in absent), f"each says why: {result['unavailable']}")


def test_more_events_than_counters_in_strict_mode():
    check_refused(of_memory().outcome("strict"), 3, "--strict", "share their counters",
                  "name fewer")


def test_a_team_on_two_nodes():
    document = result_of(of_cpus(), "team")
    for result in document["results"]:
        check(result["cpus"] == [0, 2] and result["mem"] == "local", f"{result['name']}")
        for name in ("cycles", "instructions", "ipc"):
            counter = result["counters"][name]
            check([own["thread"] for own in counter["threads"]] == [0, 1], f"{name}: {counter}")
            check(all(own["value"] > 0 for own in counter["threads"]), f"{name}: {counter}")
            check(counter["thread_least"] <= counter["value"] <= counter["thread_most"],
                  f"{name}: {counter}")


harness.main(globals())
