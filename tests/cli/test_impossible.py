# SPDX-License-Identifier: GPL-3.0-or-later
"""What a flag asks for and this host cannot give: exit code 3, and nothing in its place."""

import os

import harness
from harness import check, check_refused, read_results, run_tiny, tiny_roofs


def impossible(*arguments, words=()):
    """Exit code 3, the words in the message, no result."""
    outcome = run_tiny(*arguments, "-o", "json:out.json")
    check_refused(outcome, 3, *words)
    check(not os.path.exists("out.json"), "nothing was measured", outcome)


def test_cpu():
    impossible("-k", "fp16", "-t", "1", "-c", "1023", words=("1023",))
    impossible("-k", "fp16", "-t", "1", "-c", "S900:0", words=("S900", "N, S0", "M0", "C0"))
    impossible("-k", "fp16", "-t", "1", "-c", "M0:1000", words=("place 1000 of M0",))


def test_more_threads_than_cpus():
    impossible("-k", "fp16", "-t", "1000", words=("1000",))


def test_node():
    impossible("-k", "fp16", "--mem", "node:63", words=("63", "its nodes: 0"))


def test_memory():
    impossible("-k", "fp16", "--bytes", "1G", "--max-mem", "64M", words=("max-mem",))
    impossible("-k", "fp16", "--bytes", "1024G")


def no_pool(pages, kib):
    """Without reserved pages of a size: what reserves them, in a dry run as well."""
    pool = f"/sys/kernel/mm/hugepages/hugepages-{kib}kB"
    try:
        with open(f"{pool}/free_hugepages", encoding="utf-8") as file:
            free, words = int(file.read()), ("root", f"{pool}/nr_hugepages", "--pages thp")
    except FileNotFoundError:
        free, words = 0, ("hugepagesz=", "--pages thp")
    if free:
        raise harness.Skip(f"this host has a pool of pages of {kib} KiB")
    impossible("-k", "fp16", "--pages", pages, words=words)
    impossible("-k", "fp16", "--pages", pages, "--dry-run", words=words)


def test_huge_pages_without_a_pool():
    no_pool("2m", 2048)


def test_gigantic_pages_without_a_pool():
    no_pool("1g", 1048576)


def test_foreign_topology():
    outcome = run_tiny("-k", "fp16", "-t", "1", "-o", "json:out.json",
                       env=harness.environment(
                           HWLOC_SYNTHETIC="numa:2(memory=8GiB) core:2 pu:1"))
    check_refused(outcome, 3, "not this system's", "HWLOC_SYNTHETIC")


def test_budget():
    outcome = run_tiny("-k", "fp16", "--budget", "0.001", "-o", "json:out.json", code=3)
    check("budget" in outcome.err, "the message names the reason", outcome)
    check(not os.path.exists("out.json"), "nothing was measured", outcome)


def test_budget_leaves_no_zero():
    run_tiny("-k", "all", "--budget", "10", "--roofs", tiny_roofs(), "-o", "json:out.json", code=0)
    rows = read_results("out.json")
    check(any("scan" in row for row in rows), "something was measured")
    for row in rows:
        check("scan" in row or row.get("unavailable"), f"{row['name']}: a figure or a reason")
        for one in row.get("rounds", []):
            check(one["t_ns"] > 0 and one["m_ns"] > 0, f"{row['name']}: {one}")


harness.main(globals())
