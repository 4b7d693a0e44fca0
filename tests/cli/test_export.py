# SPDX-License-Identifier: GPL-3.0-or-later
"""export, and run -o with the same formats: what is written where, and what is refused."""

import csv
import io
import json
import os
import subprocess
import xml.etree.ElementTree

import harness
from harness import (PROGRAM, SOURCE, check, check_refused, environment, read_json, read_text, run,
                     run_tiny)

SAMPLE = os.path.join(SOURCE, "tests", "report", "golden", "run.json")
OTHERS = ("gbench", "gha-bigger", "gha-smaller", "bmf", "openmetrics", "junit")
ALL = OTHERS + ("csv", "md", "json", "jsonl", "table")


def variant(name, change):
    """The sample with a change, as a file."""
    document = read_json(SAMPLE)
    change(document)
    with open(name, "w", encoding="utf-8") as file:
        json.dump(document, file)
    return name


def test_every_format_at_once():
    outputs = [text for form in ALL for text in ("-o", f"{form}:out.{form}")]
    outcome = run("export", SAMPLE, *outputs, code=0)
    check(outcome.out == "" and outcome.err == "", "nothing is printed", outcome)
    check(sorted(os.listdir(".")) == sorted(f"out.{form}" for form in ALL), os.listdir("."))
    for form in ALL:
        text = read_text(f"out.{form}")
        check(text, f"out.{form} holds something")
        if form in OTHERS:
            check(text == run("export", SAMPLE, "-o", form + ":-", code=0).out, f"{form}:-")
    check(read_text("out.openmetrics").endswith("\n# EOF\n"), "OpenMetrics has an end")


def test_a_run_writes_the_same():
    outputs = [text for form in OTHERS for text in ("-o", f"{form}:run.{form}")]
    run_tiny("-k", "fp16,lookat.u8", "-o", "json:out.json", *outputs, code=0)
    for form in OTHERS:
        exported = run("export", "out.json", "-o", form + ":-", code=0).out
        check(read_text(f"run.{form}") == exported, f"{form} of the run and of its result")
    check(sorted(os.listdir(".")) == sorted(["out.json", *(f"run.{form}" for form in OTHERS)]),
          f"no other file: {os.listdir('.')}")


def test_values_are_those_of_the_result():
    cases = {row["name"]: row for row in read_json(SAMPLE)["results"] if "scan" in row}
    check(len(cases) > 3, f"cases to look for: {list(cases)}")
    rows = run("export", SAMPLE, "-o", "gha-smaller:-", code=0).json()
    check({row["name"]: row["value"] for row in rows} ==
          {name: row["scan"]["ns_per_key"] for name, row in cases.items()}, "ns a key")
    rows = run("export", SAMPLE, "-o", "gha-bigger:-", code=0).json()
    for row in rows:
        expected = 1e9 / cases[row["name"]]["scan"]["ns_per_key"]
        check(abs(row["value"] / expected - 1) < 1e-8, f"keys per second of {row}")
    metrics = run("export", SAMPLE, "-o", "bmf:-", code=0).json()
    for name, row in cases.items():
        for key, expected in zip(("value", "lower_value", "upper_value"),
                                 (row["scan"]["ns_per_key"], *row["scan"]["ci95"])):
            found = metrics[name]["latency"][key]
            check(abs(found / expected - 1) < 1e-8, f"{key} of {name}: {found}")
    check(set(metrics) == set(cases), "what was not measured is left out")


def test_csv():
    rows = list(csv.reader(io.StringIO(run("export", SAMPLE, "-o", "csv:-", code=0).out)))
    rounds = sum(len(row.get("rounds", [])) for row in read_json(SAMPLE)["results"])
    check(rounds > 3 and len(rows) == 1 + rounds, f"one row per round: {len(rows)}")
    check("t_ns [ns/key]" in rows[0], f"units stand in the header: {rows[0]}")
    check({len(row) for row in rows} == {len(rows[0])}, "as many cells in every row")


def test_junit():
    root = xml.etree.ElementTree.fromstring(run("export", SAMPLE, "-o", "junit:-", code=0).out)
    suite = root.find("testsuite")
    skipped = [case for case in suite.iter("testcase") if case.find("skipped") is not None]
    missing = [row for row in read_json(SAMPLE)["results"] if "scan" not in row]
    check(missing and len(skipped) == len(missing) == int(suite.get("skipped")), "skipped cases")
    check("avx512vbmi" in skipped[0].find("skipped").get("message"), "with their reason")


def test_step_summary():
    summary = os.path.abspath("summary.md")
    with open(summary, "w", encoding="utf-8") as file:
        file.write("before\n")
    env = environment(GITHUB_STEP_SUMMARY=summary)
    outcome = run("export", SAMPLE, "-o", "md:out.md", "--step-summary", code=0, env=env)
    check(outcome.out == "", "stdout stays empty", outcome)
    check(read_text(summary) == "before\n" + read_text("out.md"), "appended to what is there")
    run("export", SAMPLE, "--step-summary", code=0, env=env)
    check(read_text(summary) == "before\n" + 2 * read_text("out.md"), "and once more")
    run_tiny("-k", "fp16", "--step-summary", code=0, env=env)
    check(len(read_text(summary)) > len("before\n" + 2 * read_text("out.md")), "by a run, too")
    check(len(os.listdir("results")) == 1, "whose result is kept all the same")
    for arguments in (("export", SAMPLE, "--step-summary"), ("run", "--step-summary")):
        check_refused(run(*arguments), 3, "GITHUB_STEP_SUMMARY", "md:FILE")
    before = read_text(summary)
    run_tiny("-k", "fp16", "-o", "md:out.md", code=0, env=env)
    check(read_text(summary) == before, "unasked nothing is appended")
    check_refused(run("export", SAMPLE, "--step-summary",
                      env=environment(GITHUB_STEP_SUMMARY="no/such/summary.md")), 5, "summary.md")


def test_bad_options():
    check_refused(run("export"), 2, "which RESULT")
    check_refused(run("export", SAMPLE), 2, "FORMAT:FILE")
    check_refused(run("export", SAMPLE, SAMPLE, "-o", "csv:-"), 2, "one RESULT")
    check_refused(run("export", SAMPLE, "-o", "out.json"), 2, "FORMAT:FILE")
    check_refused(run("export", SAMPLE, "-o", "gbench:"), 2, "FORMAT:FILE")
    check_refused(run("export", SAMPLE, "-o", "csv:a", "-o", "md:a"), 2, "two outputs")
    check_refused(run("export", SAMPLE, "-o", "csv:-", "-o", "md:-"), 2, "stdout")
    check_refused(run("export", SAMPLE, "--outptu", "csv:-"), 2, "--output")
    for wrong, nearest in (("gbnech", "gbench"), ("junti", "junit"), ("gha-biger", "gha-bigger"),
                           ("openmetric", "openmetrics"), ("CSV", "csv")):
        for command in (("export", SAMPLE), ("run",)):
            check_refused(run(*command, "-o", wrong + ":out"), 2, wrong, nearest)
    check_refused(run("export", SAMPLE, "-o", "x" * 200 + ":out"), 2, "unknown format")
    check_refused(run("export", SAMPLE, *["-o", "csv:a"] * 17), 2, "16")
    check(os.listdir(".") == [], f"nothing is written: {os.listdir('.')}")


def test_bad_results():
    check_refused(run("export", "missing.json", "-o", "csv:out"), 2, "missing.json")
    with open("cut.json", "w", encoding="utf-8") as file:
        file.write(read_text(SAMPLE)[:3000])
    check_refused(run("export", "cut.json", "-o", "gbench:out"), 2, "cut.json")
    newer = variant("newer.json", lambda d: d.update(schema="kvroof.result/2"))
    check_refused(run("export", newer, "-o", "gbench:out"), 2, "newer.json")
    check(not os.path.exists("out"), "nothing is written")


def test_the_result_is_not_overwritten():
    copy = variant("own.json", lambda d: None)
    before = read_text(copy)
    for form in ("json", "jsonl", "csv", "gbench"):
        check_refused(run("export", copy, "-o", f"{form}:./own.json"), 2, "the result itself")
    check(read_text(copy) == before, "it is still there")


def test_numbers_that_are_not_finite():
    """Of a file that says so: 1e308 ns a key times the keys, and the rate of 1e-305."""
    for value in (1e308, 1e-305):
        for change in (lambda row, v: row["rounds"][1].update(t_ns=v),
                       lambda row, v: row["scan"].update(ns_per_key=v)):
            name = variant("odd.json", lambda d, c=change, v=value: c(
                [row for row in d["results"] if "scan" in row][1], v))
            for form in ("gbench", "gha-bigger", "gha-smaller", "bmf"):
                check_refused(run("export", name, "-o", form + ":out"), 2, name, "not finite",
                              form)
            check(os.listdir(".") == [name], "nothing is written")
            run("export", name, "-o", "csv:-", code=0)


def test_nothing_measured():
    """Rows of no case would pass for a pass; what tells reasons is written."""
    def unmeasured(document):
        document["results"] = [row for row in document["results"] if "scan" not in row]
    name = variant("none.json", unmeasured)
    for form in ("gbench", "gha-bigger", "gha-smaller", "bmf"):
        check_refused(run("export", name, "-o", "csv:out.csv", "-o", form + ":out"), 2, name,
                      "no measured case", form)
    check(os.listdir(".") == [name], "nothing is written")
    check("skipped=\"2\"" in run("export", name, "-o", "junit:-", code=0).out, "junit")
    check("kvroof_case_measured" in run("export", name, "-o", "openmetrics:-", code=0).out, "both")
    check(run("export", name, "-o", "csv:-", code=0).out.count("\n") == 1, "the header alone")


def test_a_name_twice():
    def double(document):
        document["results"][1]["name"] = document["results"][0]["name"]
    name = variant("double.json", double)
    for form in OTHERS:
        check_refused(run("export", name, "-o", form + ":out"), 2, "two results", "fp16.fused")


def test_a_run_that_was_killed():
    run_tiny("-k", "fp16,lookat.u8", "-o", "jsonl:out.jsonl", code=0)
    with open("killed.jsonl", "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in read_text("out.jsonl").splitlines()[:2])
    outcome = run("export", "killed.jsonl", "-o", "gha-smaller:-", code=0)
    check(len(outcome.json()) == 1, "one case", outcome)
    check("not marked complete" in outcome.err, "which is said", outcome)


def test_unwritable():
    for target in ("no/such/out", "/proc/kvroof"):
        check_refused(run("export", SAMPLE, "-o", "csv:good", "-o", f"bmf:{target}"), 5, target)
        check(os.listdir(".") == [], "nothing is left")
        outcome = run_tiny("-k", "fp16", "--progress", "plain", "-o", f"junit:{target}", code=5)
        check("[1/1]" not in outcome.err, "refused before anything is measured", outcome)
    if not os.path.exists("/dev/full"):
        raise harness.Skip("no /dev/full on this host")
    for form in ALL:
        check_refused(run("export", SAMPLE, "-o", form + ":/dev/full"), 5, "/dev/full")
        with open("/dev/full", "wb") as full:
            run("export", SAMPLE, "-o", form + ":-", stdout=full, code=5)


def test_closed_pipe():
    for form in ALL:
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([PROGRAM, "export", SAMPLE, "-o", form + ":-"], stdout=writer,
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
                              env=environment(), timeout=harness.TIMEOUT_S)
        os.close(writer)
        check(done.returncode == 5, f"{form}: exit code {done.returncode}, {done.stderr}")


def test_comma_locale():
    """A locale that writes 1,5: made here, if the host can."""
    localedef = harness.need("localedef")
    made = subprocess.run([localedef, "-i", "de_DE", "-f", "UTF-8", "./de_DE.UTF-8"], check=False,
                          capture_output=True)
    if not os.path.isdir("de_DE.UTF-8"):
        raise harness.Skip(f"no locale with a decimal comma: {made.stderr[-200:]}")
    env = environment(LC_ALL="de_DE.UTF-8", LOCPATH=os.getcwd())
    for form in ALL:
        plain = run("export", SAMPLE, "-o", form + ":-", code=0)
        check(run("export", SAMPLE, "-o", form + ":-", code=0, env=env).out == plain.out,
              f"{form} has the same numbers")


def test_fingerprint():
    text = run("doctor", "--fingerprint", code=0).out
    check(len(text) == 17 and int(text, 16) and text.endswith("\n"), f"16 digits: {text!r}")
    run_tiny("-k", "fp16", "-o", "json:out.json", code=0)
    check(read_json("out.json")["machine"]["fingerprint"] == text.strip(), "that of a result")
    with open("/dev/full", "wb") as full:
        run("doctor", "--fingerprint", stdout=full, code=5)


harness.main(globals())
