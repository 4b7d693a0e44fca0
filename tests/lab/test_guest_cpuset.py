# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest with an offline CPU, and in it a cpuset of two CPUs and one node."""

import guest
import harness
from guest import TINY
from harness import check, check_refused

OPTIONS = " ".join((
    "-M q35 -m 688M -smp 4,sockets=2,cores=2,threads=1", guest.ram("448M", "192M", "48M"),
    "-numa node,nodeid=0,cpus=0-1,memdev=m0 -numa node,nodeid=1,cpus=2-3,memdev=m1",
    "-numa node,nodeid=2,memdev=m2", guest.distances((0, 1, 20), (0, 2, 30), (1, 2, 30))))

SCENARIO = f"""
echo 0 >/sys/devices/system/cpu/cpu1/online
keep topology kvroof list topology --format json
keep doctor kvroof doctor --format json
keep offline {TINY} -t 1 -c 1
keep too-many {TINY} -t 4
keep plan {TINY} -t max --heads 6 --dry-run
watch around {TINY} -t 2 -c N:1-2
mkdir /group
mount -t cgroup2 group /group
echo +cpuset >/group/cgroup.subtree_control
mkdir /group/few
echo 2-3 >/group/few/cpuset.cpus
echo 1 >/group/few/cpuset.mems
echo $$ >/group/few/cgroup.procs
keep few-topology kvroof list topology --format json
keep few-doctor kvroof doctor --format json
keep few-cpu {TINY} -t 1 -c 0
keep few-node {TINY} -t 1 --mem node:0
keep few-threads {TINY} -t 3
watch few-local {TINY} -t 2
watch few-spread {TINY} -t 1 --mem interleave --pages 4k
keep few-one taskset 8 kvroof list topology --format json
"""


def booted():
    """The guest, booted once."""
    return guest.boot(OPTIONS, SCENARIO)


def indices(name, kind):
    """The indices of one kind of object in a listed topology."""
    return [row["index"] for row in booted().rows(name) if row["object"] == kind]


def test_an_offline_cpu_is_left_out():
    check(indices("topology", "cpu") == [0, 2, 3], f"{booted().rows('topology')}")
    check(indices("topology", "node") == [0, 1, 2], f"{booted().rows('topology')}")
    row = booted().check_status("doctor")["offline-cpus"]
    check(row["status"] == "info" and row["value"] == "1", f"{row}")


def test_an_offline_cpu_is_refused():
    check_refused(booted().outcome("offline"), 3, "--cpus", "CPU 1")
    check_refused(booted().outcome("too-many"), 3, "--threads 4", "3 CPUs")


def test_max_counts_what_is_online():
    outcome = booted().outcome("plan")
    check(outcome.code == 0 and "/3t/" in outcome.out, "three threads", outcome)


def test_places_skip_the_offline_cpu():
    pinned = booted().pinned("around")
    check(pinned and set(pinned) <= {2, 3}, f"places 1 and 2 are CPUs 2 and 3, not {pinned}")


def test_a_cpuset_is_the_machine():
    check(indices("few-topology", "cpu") == [2, 3], f"{booted().rows('few-topology')}")
    check(indices("few-topology", "node") == [1], f"{booted().rows('few-topology')}")
    row = booted().check_status("few-doctor")["cpuset"]
    check(row["status"] == "info", f"{row}")
    row = booted().check_status("few-doctor")["mems"]
    check(row["status"] == "info" and "1" in row["value"], f"{row}")
    check(indices("few-one", "cpu") == [3], f"{booted().rows('few-one')}")


def test_what_lies_outside_is_refused():
    check_refused(booted().outcome("few-cpu"), 3, "--cpus", "CPU 0")
    check_refused(booted().outcome("few-node"), 3, "--mem node:0")
    check_refused(booted().outcome("few-threads"), 3, "--threads 3", "2 CPUs")


def test_memory_of_a_cpuset():
    for name in ("few-local", "few-spread"):
        for _, nodes in booted().pages(name):
            check(set(nodes) == {1}, f"{name}: pages {nodes}")
    pinned = booted().pinned("few-local")
    check(pinned and set(pinned) <= {2, 3}, f"CPUs {pinned}")


harness.main(globals())
