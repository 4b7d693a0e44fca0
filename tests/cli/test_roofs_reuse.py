# SPDX-License-Identifier: GPL-3.0-or-later
"""run --roofs: the ceilings of a stored result instead of measured ones."""

import json
import os

import harness
from harness import check, check_refused, read_json, run, run_tiny

CASES = ("-k", "fp16,int8q8")


def write(path, result):
    """Stores a result that was changed."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(result, file)
    return path


def stored():
    """A small result of roofs; its ladder ends at 32 MiB."""
    run("roofs", "-t", "1", "-q", "--max-mem", "64M", "-o", "json:roofs.json", code=0)
    return read_json("roofs.json")


def check_of(result, name):
    """The one check of that name."""
    found = [row for row in result["checks"] if row["id"] == name]
    check(len(found) == 1, f"{len(found)} checks {name}")
    return found[0]


def ceilings(result, **fields):
    """Ceilings by id that have these fields."""
    rows = [row for row in result["ceilings"]
            if all(row.get(key) == value for key, value in fields.items())]
    check(len({row["id"] for row in rows}) == len(rows), "an id stands for one ceiling")
    return {row["id"]: row for row in rows}


def same_ceilings(old, new, started):
    """What the old result has stands in the new one, and says whence."""
    for kind in ("rate", "bandwidth", "latency"):
        check(ceilings(old, kind=kind) or kind == "latency", f"no {kind} to be re-used")
        for name, row in ceilings(old, kind=kind).items():
            again = ceilings(new, kind=kind).get(name)
            check(again is not None and again["value"] == row["value"], f"{name}: {again}")
            check(again["method"].count("; re-used, measured ") == 1 and started in again["method"],
                  again["method"])
            check(again.get("family") == row.get("family"), f"{name}: the family is kept")


def test_from_roofs_and_from_a_run():
    roofs = stored()
    run_tiny(*CASES, "--roofs", "roofs.json", "-o", "json:first.json", code=0)
    first = read_json("first.json")
    same_ceilings(roofs, first, roofs["started"])
    reused = check_of(first, "roofs-reused")
    check("roofs.json" in reused["text"] and roofs["started"] in reused["text"], f"{reused}")
    for level in ("cache-l1", "cache-l2", "cache-l3"):
        check(check_of(first, level)["text"] == check_of(roofs, level)["text"],
              f"{level} is what was measured there")
    check([c.get("measured_plateau_bytes") for c in first["machine"].get("caches", [])] ==
          [c.get("measured_plateau_bytes") for c in roofs["machine"].get("caches", [])],
          "so are the plateaus")
    check(first["results"] and all(case["rounds"] and all("m_ns" in row for row in case["rounds"])
                                   for case in first["results"]),
          "M is measured in every round")
    run_tiny(*CASES, "--roofs", "first.json", "-o", "json:second.json", code=0)
    second = read_json("second.json")
    old = {name: row for name, row in ceilings(first).items() if name in ceilings(roofs)}
    same_ceilings({"ceilings": list(old.values())}, second, roofs["started"])


def test_the_stored_choice_of_readers_is_used():
    run_tiny(*CASES, "-o", "json:first.json", code=0)
    first, chosen = read_json("first.json"), {}
    for row in first["ceilings"]:
        if row["type"] == "read-family":
            name, value = list(row["family"].items())[-1]  # one that lost
            row["family"], row["value"] = {name: value, "no-such-reader": value / 2}, value
            chosen[row["id"]] = name
    check(chosen, "the run has chosen readers")
    run_tiny(*CASES, "--roofs", write("edited.json", first), "-o", "json:second.json", code=0)
    second = read_json("second.json")
    check(set(ceilings(second, type="read-family")) == set(chosen), "none is chosen anew")
    for case in harness.read_results("second.json"):
        check(case["m_member"] in chosen.values(), f"M was {case['m_member']}, not of {chosen}")


def test_what_has_changed_is_a_warning():
    roofs = stored()
    for row in roofs["ceilings"]:
        if row["type"] == "read":
            row["value"] *= 3
    outcome = run_tiny(*CASES, "--roofs", write("fast.json", roofs), "-o", "json:out.json", code=0)
    reused = check_of(read_json("out.json"), "roofs-reused")
    check(reused["status"] == "warn" and "10 %" in reused["text"] and reused["fix"], f"{reused}",
          outcome)


def test_refusals():
    roofs = stored()
    other = dict(roofs, machine=dict(roofs["machine"], fingerprint="0123456789abcdef"))
    write("other.json", other)
    for more in ((), ("--dry-run",)):
        check_refused(run_tiny(*CASES, "--roofs", "other.json", *more), 3, "other.json",
                      "0123456789abcdef", roofs["machine"]["fingerprint"], "without --roofs")
    check_refused(run_tiny(*CASES, "--roofs", "missing.json"), 2, "--roofs", "missing.json")
    check_refused(run_tiny(*CASES, "--roofs", ""), 2, "--roofs")
    with open("text.json", "w", encoding="utf-8") as file:
        file.write("no result\n")
    check_refused(run_tiny(*CASES, "--roofs", "text.json"), 2, "text.json")
    without = dict(roofs, ceilings=[row for row in roofs["ceilings"] if row["kind"] != "rate"])
    check_refused(run_tiny(*CASES, "--roofs", write("ladder.json", without)), 2, "rates")
    check_refused(run_tiny(*CASES, "--roofs", write("none.json", dict(roofs, ceilings=[]))), 2,
                  "none.json", "kvroof roofs")
    check_refused(run_tiny(*CASES, "--roofs", write("cut.json", dict(roofs, complete=False))), 2,
                  "interrupted")
    check_refused(run_tiny(*CASES, "--roofs", "roofs.json", "--pages", "4k"), 2, "--pages thp")
    check_refused(run_tiny(*CASES, "--roofs", "roofs.json", "--bytes", "128M"), 2, "32M")
    check(not os.path.exists("results"), "a refusal leaves no result")


harness.main(globals())
