# SPDX-License-Identifier: GPL-3.0-or-later
"""What a flag asks for and this host cannot give: exit code 3, and nothing in its place."""

import os

import harness
from harness import check, check_refused, read_results, run_tiny


def impossible(*arguments, words=()):
    """Exit code 3, the words in the message, no result."""
    outcome = run_tiny(*arguments, "-o", "json:out.json")
    check_refused(outcome, 3, *words)
    check(not os.path.exists("out.json"), "nothing was measured", outcome)


def test_cpu():
    impossible("-k", "fp16", "-t", "1", "-c", "1023", words=("1023",))


def test_more_threads_than_cpus():
    impossible("-k", "fp16", "-t", "1000", words=("1000",))


def test_node():
    impossible("-k", "fp16", "--mem", "node:63", words=("63",))


def test_memory():
    impossible("-k", "fp16", "--bytes", "1G", "--max-mem", "64M", words=("max-mem",))
    impossible("-k", "fp16", "--bytes", "1024G")


def test_huge_pages_without_a_pool():
    with open("/proc/meminfo", encoding="utf-8") as file:
        free = [line for line in file if line.startswith("HugePages_Free")]
    if free and int(free[0].split()[1]) > 0:
        raise harness.Skip("this host has a pool of huge pages")
    impossible("-k", "fp16", "--pages", "2m")


def test_budget():
    outcome = run_tiny("-k", "fp16", "--budget", "0.001", "-o", "json:out.json", code=3)
    check("budget" in outcome.err, "the message names the reason", outcome)
    check(not os.path.exists("out.json"), "nothing was measured", outcome)


def test_budget_leaves_no_zero():
    run_tiny("-k", "all", "--budget", "30", "-o", "json:out.json", code=0)
    rows = read_results("out.json")
    check(any("scan" in row for row in rows), "something was measured")
    for row in rows:
        check("scan" in row or row.get("unavailable"), f"{row['name']}: a figure or a reason")
        for one in row.get("rounds", []):
            check(one["t_ns"] > 0 and one["m_ns"] > 0, f"{row['name']}: {one}")


harness.main(globals())
