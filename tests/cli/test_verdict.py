# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts in runs, in show and of the instrument itself; roofs. No time is judged here."""

import json

import harness
from harness import check, check_refused, read_json, run, run_tiny

SIDES = {"memory", "core", "even", "undecided"}
BOUNDS = {"memory", "core", "balanced", "overlap", "latency", "undecided"}


def test_a_run_of_six_rounds_has_verdicts():
    run_tiny("-k", "fp16,int8q8,lookat.u8", "-r", "6", "--bytes", "8M", "-o", "json:out.json",
             code=0)
    for row in read_json("out.json")["results"]:
        verdict = row["verdict"]
        check(verdict["side"] in SIDES and verdict["bound"] in BOUNDS, f"{verdict}")
        check(verdict["why"], f"{row['name']} does not say why")
        check(verdict["balance"] > 0 and verdict["attained"] > 0, f"{verdict}")


def test_fewer_rounds_decide_nothing():
    run_tiny("-k", "fp16", "-r", "2", "-o", "json:out.json", code=0)
    verdict = read_json("out.json")["results"][0]["verdict"]
    check(verdict["side"] == "undecided" and "rounds" in verdict["why"], f"{verdict}")


def test_show_computes_them_again():
    run_tiny("-k", "fp16,lookat.u8", "-r", "6", "-o", "json:out.json", code=0)
    outcome = run("show", "out.json", code=0)
    check("verdicts" in outcome.out, "the table has verdicts", outcome)
    check("computed again" not in outcome.err, "stored and recomputed verdicts agree", outcome)
    stored = read_json("out.json")
    verdict = stored["results"][0]["verdict"]
    verdict["side"] = "core" if verdict["side"] != "core" else "memory"
    with open("forged.json", "w", encoding="utf-8") as file:
        json.dump(stored, file)
    outcome = run("show", "forged.json", code=0)
    check("computed again" in outcome.err, "a forged side is told", outcome)


def test_the_verdict_is_tested():
    outcome = run("verify", "--verdict", limit_s=240)
    check(outcome.code in (0, 1), "an answer", outcome)
    for word in ("truth", "latency", "settings:", "undecided"):
        check(word in outcome.out, f"the matrix lacks {word}", outcome)


def test_roofs():
    outcome = run("roofs", "-t", "1", "--max-mem", "128M", "-o", "json:roofs.json", code=0,
                  limit_s=240)
    check("read/ladder/8k/1t" in outcome.out, "the table shows the ladder", outcome)
    ceilings = read_json("roofs.json")["ceilings"]
    check({"read", "read-family", "copy", "triad", "latency", "fma", "load"}
          <= {row["type"] for row in ceilings} or "fma" not in {row["type"] for row in ceilings},
          f"{sorted({row['type'] for row in ceilings})}")
    check(all(row["value"] > 0 for row in ceilings), "every ceiling has a value")
    run("show", "roofs.json", code=0)


def test_roofs_refuses():
    check_refused(run("roofs", "-t", "0"), 2)
    check_refused(run("roofs", "--pages", "3k"), 2)
    check_refused(run("roofs", "-o", "json:missing/roofs.json", "--max-mem", "64M", "-t", "1"), 5)


harness.main(globals())
