# SPDX-License-Identifier: GPL-3.0-or-later
"""roofs: the machine's own ceilings."""

import os

import harness
from harness import check, check_refused, check_schema, read_json, run

ROOFS = ("roofs", "-t", "1", "-q", "--max-mem", "512M")


def test_ceilings():
    outcome = run(*ROOFS, "--peak-gb-per-s", "123.5", "-o", "json:roofs.json", code=0)
    check(outcome.err == "", "-q is quiet", outcome)
    for words in ("GB/s", "load", "copy", "triad", "latency", "best reader", "% of peak",
                  "reported", "measured", "working set", "123.5"):
        check(words in outcome.out, f"no {words!r} in the table", outcome)
    result = read_json("roofs.json")
    check(result["schema"] == "kvroof.result/1" and result["complete"] is True, "a whole result")
    kinds = {(row["kind"], row["type"]) for row in result["ceilings"]}
    for kind in (("bandwidth", "read"), ("rate", "load"), ("rate", "fma")):
        check(kind in kinds, f"no {kind} among {kinds}")
    check(any(row.get("level") == "L1" for row in result["ceilings"]), "the ladder begins in L1")
    for level in ("L1", "DRAM"):
        types = {row["type"] for row in result["ceilings"]
                 if row.get("level") == level and row["type"] != "peak"}
        for wanted in ("read", "read-family", "copy", "triad", "latency"):
            check(wanted in types or not types, f"no {wanted} of {level}: {types}")
    peak = [row for row in result["ceilings"] if row["type"] == "peak"]
    check(len(peak) == 1 and peak[0]["value"] == 123.5, f"the peak is a ceiling: {peak}")
    checks = {row["id"]: row for row in result["checks"]}
    for wanted in ("dram-proven", "memory-peak", "cache-l1"):
        check(wanted in checks, f"no check {wanted}")
    for row in result["ceilings"]:
        check(row["value"] > 0 and row["unit"], f"{row}")
    check(run("show", "roofs.json", code=0).out == outcome.out, "show prints the tables again")
    check_schema(result)


def test_json_on_stdout():
    outcome = run(*ROOFS, "--max-mem", "64M", "--format", "json", "-o", "json:a.json",
                  "-o", "table:a.txt", code=0)
    result = outcome.json()
    check(result == read_json("a.json"), "the file holds the same")
    with open("a.txt", encoding="utf-8") as file:
        check("best reader" in file.read(), "a table can go to a file")
    check_schema(result)


def test_numa():
    outcome = run("roofs", "--numa", "-q", "--max-mem", "256M", "-o", "json:numa.json", code=0)
    check("latency in ns" in outcome.out and "cores of node" in outcome.out, "a table", outcome)
    result = read_json("numa.json")
    check_schema(result)
    nodes = [row["node"] for row in result["machine"]["numa"]]
    cores = {row["node"] for row in result["machine"]["cpus"]}
    cells = {(row["cpu_node"], row["mem_node"]): row for row in result["numa_matrix"]}
    check(len(cells) == len(result["numa_matrix"]), "a cell is there once")
    checks = {row["id"]: row for row in result["checks"]}
    if checks["numa-matrix"]["status"] == "ok":
        check(set(cells) == {(a, b) for a in cores for b in nodes}, f"every cell: {set(cells)}")
    for row in cells.values():
        check(row["gb_per_s"] > 0 and row["latency_ns"] > 0, f"{row}")
    check("numa-distances" in checks and "placement" in checks, f"{sorted(checks)}")
    if checks["placement"]["status"] != "unknown":
        for row in cells.values():
            check(0 <= row["placed_fraction"] <= 1, f"{row}")
    check(run("show", "numa.json", code=0).out == outcome.out, "show prints the tables again")
    json_out = run("show", "numa.json", "--format", "json", code=0).json()
    check(json_out["numa_matrix"] == result["numa_matrix"], "read and written again")


def test_numa_decides_itself():
    for option in (("--mem", "local"), ("-t", "1")):
        check_refused(run("roofs", "--numa", *option), 2, "--numa", "drop")


def test_bad_input():
    for arguments, code in ((("-t", "0"), 2), (("-c", "abc"), 2), (("--pages", "3m"), 2),
                            (("-o", "yaml:x"), 2), (("-o", "csv:x"), 2), (("--format", "md"), 2),
                            (("-o", "json:-", "--format", "json"), 2), (("-t", "100000"), 3),
                            (("-c", "1023"), 3), (("--mem", "node:63"), 3),
                            (("-c", "S900"), 3), (("-c", "D0"), 2)):
        check_refused(run("roofs", *arguments, "-o", "json:out.json"), code)
        check(not os.path.exists("out.json"), f"{arguments}: a refusal leaves no result")


def test_output_that_cannot_be_written():
    outcome = run("roofs", "-o", "json:no/such/folder/out.json", code=5)
    check("no/such/folder" in outcome.err, "the message names the file", outcome)


harness.main(globals())
