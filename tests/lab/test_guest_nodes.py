# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest with 4 nodes on 2 sockets: what is listed, where keys and threads go, what is refused."""

import guest
import harness
from guest import TINY
from harness import check, check_refused

OPTIONS = " ".join((
    "-M q35 -m 1G -smp 4,sockets=2,cores=2,threads=1", guest.ram("256M", "256M", "256M", "256M"),
    *(f"-numa node,nodeid={i},cpus={i},memdev=m{i}" for i in range(4)),
    guest.distances((0, 1, 12), (2, 3, 12), (0, 2, 32), (0, 3, 32), (1, 2, 32), (1, 3, 32))))

SCENARIO = f"""
keep topology kvroof list topology --format json
keep doctor kvroof doctor --format json
keep no-node {TINY} -t 1 --mem node:7
keep no-cpu {TINY} -t 1 -c 9
keep no-domain {TINY} -t 1 -c M5:0
keep no-place {TINY} -t 1 -c S1:0-2
keep many {TINY} -t 5
watch bind {TINY} -t 1 -c 0 --mem node:2
watch local {TINY} -t 1 -c M3:0 --mem local
watch spread {TINY} -t 2 -c S1:0-1 --mem interleave --pages 4k
watch huge {TINY} -t 1 --mem interleave --pages thp
watch socket {TINY} -t 2 -c S1:0-1
keep whole {TINY} -t 1 -c 3 --mem node:1 -o json:whole.json
cat whole.json >/out/whole.json
keep matrix kvroof roofs --numa --max-mem 64M --pages 4k --format json
"""


def booted():
    """The guest, booted once."""
    return guest.boot(OPTIONS, SCENARIO)


def test_topology():
    rows = booted().rows("topology")
    cpus = [(row["index"], row["package"], row["node"]) for row in rows if row["object"] == "cpu"]
    check(cpus == [(0, 0, 0), (1, 0, 1), (2, 1, 2), (3, 1, 3)], f"CPUs {cpus}")
    nodes = {row["index"]: row["note"] for row in rows if row["object"] == "node"}
    check(nodes == {0: "distances 10 12 32 32", 1: "distances 12 10 32 32",
                    2: "distances 32 32 10 12", 3: "distances 32 32 12 10"}, f"nodes {nodes}")
    check("this system" in rows[-1]["note"], f"the guest is its own system: {rows[-1]}")


def test_doctor():
    checks = booted().check_status("doctor")
    for name in ("mbind", "move-pages", "get-mempolicy", "page-place", "pinning"):
        check(checks[name]["status"] == "ok", f"{checks[name]}")
    check(checks["numa-nodes"]["status"] == "ok", f"{checks['numa-nodes']}")
    check(checks["numa-nodes"]["value"] == "4", f"{checks['numa-nodes']}")
    check(checks["sub-numa-clusters"]["status"] != "ok", f"{checks['sub-numa-clusters']}")
    check(checks["hypervisor"]["status"] != "ok", f"{checks['hypervisor']}")


def test_refused():
    check_refused(booted().outcome("no-node"), 3, "--mem node:7", "0, 1, 2, 3")
    check_refused(booted().outcome("no-cpu"), 3, "--cpus", "CPU 9")
    check_refused(booted().outcome("no-domain"), 3, "M5")
    check_refused(booted().outcome("no-place"), 3, "S1", "2 usable CPUs")
    check_refused(booted().outcome("many"), 3, "--threads 5", "4 CPUs")


def test_a_bound_arena_lies_on_its_node():
    for policy, nodes in booted().pages("bind"):
        check(policy == "bind:2", f"policy {policy}")
        check(set(nodes) == {2}, f"pages {nodes}")
    check(booted().pinned("bind") == [0], f"CPUs {booted().pinned('bind')}")


def test_local_is_the_node_of_the_thread():
    for _, nodes in booted().pages("local"):
        check(set(nodes) == {3}, f"pages {nodes}")
    check(booted().pinned("local") == [3], f"CPUs {booted().pinned('local')}")


def test_interleave_is_even():
    for policy, nodes in booted().pages("spread"):
        check(policy.startswith("interleave"), f"policy {policy}")
        check(set(nodes) == {0, 1, 2, 3}, f"pages {nodes}")
        check(max(nodes.values()) - min(nodes.values()) <= 1, f"pages {nodes}")


def test_huge_pages_are_interleaved_whole():
    units = [nodes for policy, nodes in booted().mappings("huge") if policy.startswith("bind")]
    check(all(len(nodes) == 1 for nodes in units), f"a unit lies on one node: {units}")
    totals = [sum(nodes.get(node, 0) for nodes in units) for node in range(4)]
    check(min(totals) > 0 and max(totals) - min(totals) <= 2 * 512, f"2 MiB in turns: {totals}")


def test_threads_of_a_socket():
    pinned = booted().pinned("socket")  # one thread measures alone at times
    check(pinned and set(pinned) <= {2, 3}, f"CPUs {pinned}")
    for _, nodes in booted().pages("socket"):  # each thread has touched its half
        check(set(nodes) == {2, 3}, f"pages {nodes}")
        check(max(nodes.values()) < 2 * min(nodes.values()), f"pages {nodes}")


def test_a_whole_run():
    outcome = booted().outcome("whole")
    check(outcome.code == 0, "a run ends", outcome)
    result = harness.strict_json(booted().text("whole.json"))
    case = result["results"][0]
    check(case["mem"] == "node:1" and case["cpus"] == [3], f"{case['mem']} {case['cpus']}")
    check(case["verified"] is True, "the scores were checked", outcome)
    proof = next(row for row in result["checks"] if row["id"] == "placement")
    check(proof["status"] == "ok" and proof["value"].startswith("1, "), f"{proof}")
    nodes = {node["node"]: node["cpus"] for node in result["machine"]["numa"]}
    check(nodes == {0: [0], 1: [1], 2: [2], 3: [3]}, f"nodes {nodes}")


def test_the_numa_matrix():
    outcome = booted().outcome("matrix")
    check(outcome.code == 0, "a matrix is measured", outcome)
    cells = outcome.json()["numa_matrix"]
    pairs = {(cell["cpu_node"], cell["mem_node"]): cell["distance"] for cell in cells}
    check(len(cells) == 16 and pairs[0, 1] == 12 and pairs[0, 3] == 32 and pairs[2, 3] == 12,
          f"cells {pairs}")
    check(all(cell["placed_fraction"] == 1 for cell in cells), f"each on its node: {cells}")


harness.main(globals())
