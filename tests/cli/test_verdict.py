# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts in runs, in show and of the instrument itself. No time is judged here."""

import copy
import json

import harness
from harness import check, read_json, read_results, run, run_tiny

SIDES = {"memory", "core", "even", "undecided"}
BOUNDS = {"memory", "core", "balanced", "overlap", "latency", "undecided"}


def test_a_run_of_six_rounds_has_verdicts():
    run_tiny("-k", "fp16,int8q8,lookat.u8", "-r", "6", "--bytes", "8M", "-o", "json:out.json",
             code=0)
    for row in read_results("out.json"):
        verdict = row["verdict"]
        check(verdict["side"] in SIDES and verdict["bound"] in BOUNDS, f"{verdict}")
        check(verdict["why"], f"{row['name']} does not say why")
        check(verdict["balance"] > 0 and verdict["attained"] > 0, f"{verdict}")


def test_fewer_rounds_decide_nothing():
    run_tiny("-k", "fp16", "-r", "2", "-o", "json:out.json", code=0)
    verdict = read_results("out.json")[0]["verdict"]
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
    stored = read_json("out.json")
    name = stored["results"][0]["name"]
    for key in ("attained", "balance"):
        changed = copy.deepcopy(stored)
        was = changed["results"][0]["verdict"][key]
        changed["results"][0]["verdict"][key] = 2.5 * was
        with open("forged.json", "w", encoding="utf-8") as file:
            json.dump(changed, file)
        outcome = run("show", "forged.json", code=0)
        check(f"{name}: computed again from its rounds the verdict's {key} is {was!r}, not "
              f"{2.5 * was!r} as stored" in outcome.err, "what differs is said", outcome)


def test_the_verdict_is_tested():
    outcome = run("verify", "--verdict", limit_s=240)
    check(outcome.code in (0, 1), "an answer", outcome)
    for word in ("truth", "latency", "settings:", "undecided"):
        check(word in outcome.out, f"the matrix lacks {word}", outcome)


harness.main(globals())
