# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest with a node that has memory and no CPU, described by HMAT, behind a memory-side cache."""

import guest
import harness
from guest import TINY
from harness import check, check_refused

# (initiator, target, latency in ns, bandwidth) of ACPI's heterogeneous memory attribute table.
PATHS = ((0, 0, 80, "200G"), (0, 1, 140, "60G"), (0, 2, 250, "30G"),
         (1, 0, 140, "60G"), (1, 1, 80, "200G"), (1, 2, 320, "20G"))

OPTIONS = " ".join((
    "-M q35,hmat=on -m 896M -smp 4,sockets=2,cores=2,threads=1", guest.ram("384M", "256M", "256M"),
    "-numa node,nodeid=0,memdev=m0,cpus=0-1 -numa node,nodeid=1,memdev=m1,cpus=2-3",
    "-numa node,nodeid=2,memdev=m2,initiator=0",
    guest.distances((0, 1, 21), (0, 2, 17), (1, 2, 28)),
    *(f"-numa hmat-lb,initiator={a},target={b},hierarchy=memory,data-type=access-latency,"
      f"latency={ns} -numa hmat-lb,initiator={a},target={b},hierarchy=memory,"
      f"data-type=access-bandwidth,bandwidth={rate}" for a, b, ns, rate in PATHS),
    "-numa hmat-cache,node-id=2,size=64M,level=1,associativity=direct,policy=write-back,line=64"))

SCENARIO = f"""
keep topology kvroof list topology --format json
keep doctor kvroof doctor --format json
keep cache cat /sys/devices/system/node/node2/memory_side_cache/index1/size
keep no-cpus {TINY} -t 1 -c M2:0
watch far {TINY} -t 1 -c 0 --mem node:2
watch local {TINY} -t 2 -c M1:0-1
keep matrix kvroof roofs --numa --max-mem 64M --pages 4k --format json
"""


def booted():
    """The guest, booted once."""
    return guest.boot(OPTIONS, SCENARIO)


def test_the_guest_is_what_it_shall_be():
    check(booted().outcome("cache").out.strip() == str(64 << 20), "a memory-side cache",
          booted().outcome("cache"))


def test_topology():
    rows = booted().rows("topology")
    nodes = {row["index"]: (row["cpus"], row["note"]) for row in rows if row["object"] == "node"}
    check(nodes == {0: (2, "distances 10 21 17"), 1: (2, "distances 21 10 28"),
                    2: (0, "distances 17 28 10")}, f"nodes {nodes}")
    cpus = [(row["index"], row["node"]) for row in rows if row["object"] == "cpu"]
    check(cpus == [(0, 0), (1, 0), (2, 1), (3, 1)], f"no CPU is node 2's: {cpus}")
    levels = {row["index"] for row in rows if row["object"] == "cache"}
    check(levels <= {1, 2, 3}, f"the cache of the memory is none of the CPUs: {levels}")


def test_doctor():
    row = booted().check_status("doctor")["numa-nodes"]
    check(row["status"] == "info" and row["value"] == "3", f"{row}")
    check("no" in row["text"] and "CPU" in row["text"], f"{row}")


def test_no_thread_there():
    check_refused(booted().outcome("no-cpus"), 3, "M2")


def test_memory_there():
    for policy, nodes in booted().pages("far"):
        check(policy == "bind:2", f"policy {policy}")
        check(set(nodes) == {2}, f"pages {nodes}")
    check(booted().pinned("far") == [0], f"CPUs {booted().pinned('far')}")


def test_local_is_never_there():
    for _, nodes in booted().pages("local"):
        check(set(nodes) == {1}, f"pages {nodes}")


def test_the_numa_matrix():
    outcome = booted().outcome("matrix")
    check(outcome.code == 0, "a matrix is measured", outcome)
    pairs = {(cell["cpu_node"], cell["mem_node"]): cell["distance"]
             for cell in outcome.json()["numa_matrix"]}
    check(pairs == {(0, 0): 10, (0, 1): 21, (0, 2): 17, (1, 0): 21, (1, 1): 10, (1, 2): 28},
          f"no row of the node without CPUs, but a column: {pairs}")


harness.main(globals())
