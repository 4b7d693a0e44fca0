# SPDX-License-Identifier: GPL-3.0-or-later
"""kvroof compare --history: planted changes with their commit, none, and folders that are none."""

import csv
import io
import json
import os
import random
import shutil

import harness
from comparing import EMULATED, made, names
from harness import check, check_refused, run


def history(folder, count, factor=None, seed=1, change=None):
    """Results of so many days; factor(day, name) is how much slower a case was. Every process
    also differs by 3 %, which its sentinel shows."""
    os.makedirs(folder, exist_ok=True)
    rng = random.Random(seed)
    for day in range(count):
        slower = {name: (factor(day, name) if factor else 1) * (1 + rng.gauss(0, .005))
                  for name in names()}

        def finish(result, day=day):
            result["started"] = f"2026-01-{day + 1:02}T00:00:00Z"
            result["tags"] = {"commit": f"c{day:04}"}
            machine = 1 + rng.gauss(0, .03)
            for row in result["results"]:
                for one in row["rounds"]:
                    one["t_ns"] *= machine
                    one["sentinel_ns"] *= machine
            if change:
                change(day, result)
        # The order of names is not that of time.
        made(os.path.join(folder, f"{(day * 7) % 100:02}.json"), slower, processes=2,
             change=finish)


def found(*arguments, code):
    """The history as JSON; its cases by name."""
    document = run("compare", "--history", *arguments, "--format", "json", code=code).json()
    check(document["schema"] == "kvroof.history/1", f"{document['schema']}")
    return document, {case["name"]: case for case in document["cases"]}


def test_a_steady_history_has_no_change():
    history("days", 20)
    document, cases = found("days", code=0)
    check(document["results"] == 20 and document["outcome"] == "ok", f"{document}")
    for name in names():
        check(cases[name]["changes"] == [] and cases[name]["normalised"], f"{cases[name]}")


def test_a_regression_is_found_with_its_commit():
    slow, other = names()[:2]
    history("days", 20, lambda day, name: 1.1 if name == slow and day >= 12 else 1)
    document, cases = found("days", code=1)
    check(document["outcome"] == "regressed", f"{document}")
    (change,) = cases[slow]["changes"]
    check(change["commit"] == "c0012" and change["since"] == "2026-01-13T00:00:00Z", f"{change}")
    check(change["interval"][0] < 1.1 < change["interval"][1], f"{change}")
    check(cases[other]["changes"] == [], f"{cases[other]}")
    outcome = run("compare", "--history", "days", code=1)
    check(f"regressed: {slow} +" in outcome.out and "c0012" in outcome.out, "named", outcome)
    rows = list(csv.DictReader(io.StringIO(
        run("compare", "--history", "days", "--format", "csv", code=1).out)))
    check([row["commit"] for row in rows] == ["c0012"], f"{rows}")
    check("regressed" in run("compare", "--history", "days", "--format", "md", code=1).out, "md")
    found("days", "--threshold", "20%", code=0)
    found("days", "--ignore", slow, code=0)


def test_what_was_repaired_is_no_regression():
    slow = names()[0]
    history("days", 24, lambda day, name: 1.15 if name == slow and 8 <= day < 16 else 1)
    _, cases = found("days", code=0)
    check([change["commit"] for change in cases[slow]["changes"]] == ["c0008", "c0016"] and
          [change["outcome"] for change in cases[slow]["changes"]] == ["regressed", "improved"],
          f"{cases[slow]}")


def test_the_programs_commit_where_no_tag_is():
    slow = names()[0]

    def untag(day, result):
        del result["tags"]
        result["tool"]["git"] = f"git{day}"
    history("days", 16, lambda day, name: 1.2 if name == slow and day >= 8 else 1, change=untag)
    _, cases = found("days", code=1)
    check(cases[slow]["changes"][0]["commit"] == "git8", f"{cases[slow]}")


def test_other_machines_and_copies_are_left_out():
    history("days", 8)
    shutil.copy(EMULATED, "days/zz.json")
    with open("days/zz.json", encoding="utf-8") as file:
        other = json.load(file)
    other["started"] = "2025-01-01T00:00:00Z"
    with open("days/zz.json", "w", encoding="utf-8") as file:
        json.dump(other, file)
    shutil.copy("days/07.json", "days/copy.json")
    outcome = run("compare", "--history", "days", "--format", "json", code=0)
    document = outcome.json()
    check(document["other_machines"] == 1 and document["results"] == 8, f"{document}")
    check("same result" in outcome.err, "a copy is named", outcome)


def test_what_is_no_result_is_named_and_left_out():
    history("days", 8)
    for name, schema in (("00-fidelity", "kvroof.fidelity/1"), ("99-fleet", "kvroof.fleet/1")):
        with open(f"days/{name}.json", "w", encoding="utf-8") as file:
            json.dump({"schema": schema, "rows": []}, file)
    outcome = run("compare", "--history", "days", "--format", "json", code=0)
    document = outcome.json()
    check(document["results"] == 8 and len(document["cases"]) == len(names()), f"{document}")
    for name in ("00-fidelity.json", "99-fleet.json"):
        check(f"days/{name} is no result" in outcome.err, "it is named", outcome)
    os.mkdir("others")
    os.rename("days/99-fleet.json", "others/fleet.json")
    check_refused(run("compare", "--history", "others"), 2, "others", "kvroof run")


def test_too_few_results_are_inconclusive():
    history("days", 5)
    outcome = run("compare", "--history", "days", code=4)
    check("fewer than 6 results" in outcome.out, "and it says why", outcome)


def test_what_is_no_history():
    check_refused(run("compare", "--history", "nowhere"), 2, "nowhere", "--history")
    os.mkdir("empty")
    check_refused(run("compare", "--history", "empty"), 2, "empty", "kvroof run")
    history("days", 6)
    check_refused(run("compare", "--history", "days", "days/00.json"), 2, "--history")
    check_refused(run("compare", "--history", "days", "--table"), 2, "--history")
    for strange in ({}, {"schema": "kvroof.result/2"}):
        with open("days/other.json", "w", encoding="utf-8") as file:
            json.dump(strange, file)
        check_refused(run("compare", "--history", "days"), 2, "other.json", "schema")
    with open("days/00.json", encoding="utf-8") as file:
        text = file.read()
    with open("days/other.json", "w", encoding="utf-8") as file:
        file.write(text[:len(text) // 2])
    check_refused(run("compare", "--history", "days"), 2, "other.json")
    result = json.loads(text)
    result["results"][0]["rounds"][0]["t_ns"] = -1
    with open("days/other.json", "w", encoding="utf-8") as file:
        json.dump(result, file)
    check_refused(run("compare", "--history", "days"), 2, "other.json", "t_ns")
    result = json.loads(text)
    for one in result["results"][0]["rounds"]:
        one["t_ns"] *= 1000
    with open("days/other.json", "w", encoding="utf-8") as file:
        json.dump(result, file)
    check_refused(run("compare", "--history", "days"), 2, "other.json", "mixed units")


harness.main(globals())
