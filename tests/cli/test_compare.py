# SPDX-License-Identifier: GPL-3.0-or-later
"""kvroof compare: three answers, two machines, what cannot be compared, and both sides run now."""

import csv
import io
import json
import os
import signal
import stat
import subprocess
import time
import xml.etree.ElementTree as ElementTree

import harness
from comparing import EMULATED, HERE, made, names
from harness import PROGRAM, TINY, Skip, check, check_refused, environment, read_json, run

OPTIONS = ["-k", "fp16.fused", "--isa", "scalar", *TINY[:-2], "--counters", "off", "--roofs",
           harness.tiny_roofs()]


def compared(*arguments, code):
    """The comparison as JSON."""
    return run("compare", *arguments, "--format", "json", code=code).json()


def cases(document):
    """Of the first comparison, by name."""
    found = {case["name"]: case for case in document["comparisons"][0]["cases"]}
    check(found, "a comparison has cases")
    return found


def test_equal_files_are_no_regression():
    made("a.json")
    for arguments in (("a.json", "a.json"), (HERE, HERE)):
        document = compared(*arguments, code=0)
        check(document["schema"] == "kvroof.compare/1", f"{document['schema']}")
        check(all(c["outcome"] == "ok" for c in cases(document).values()), f"{document}")


def test_regression_is_found_and_named():
    slow = names()[1]
    made("a.json")
    made("b.json", {slow: 1.1})
    outcome = run("compare", "a.json", "b.json", code=1)
    check(f"regressed: {slow} +10" in outcome.out, "the case is named", outcome)
    found = cases(compared("a.json", "b.json", code=1))
    for name, case in found.items():
        check(case["outcome"] == ("regressed" if name == slow else "ok"), f"{name}: {case}")
    case = found[slow]
    check(abs(case["ratio"] - 1.1) < 1e-6, f"{case}")
    check(1.05 < case["interval"][0] < 1.1 < case["interval"][1], f"{case}")
    check(case["normalised"] and case["how"] == "welch" and case["p_holm"] < .05, f"{case}")
    check(case["base_processes"] == case["new_processes"] == 5, f"{case}")


def test_improvement_is_named():
    fast = names()[0]
    made("a.json")
    made("b.json", {fast: 1 / 1.2})
    outcome = run("compare", "a.json", "b.json", code=0)
    check(f"improved: {fast}" in outcome.out, "the case is named", outcome)


def test_inconclusive_says_what_would_decide():
    made("a.json", noise=30)
    made("b.json", {names()[1]: 1.06}, noise=30)
    outcome = run("compare", "a.json", "b.json", code=4)
    check("inconclusive: " + names()[1] in outcome.out, "the case is named", outcome)
    check("would decide" in outcome.out, "and what would decide it", outcome)
    check("a threshold below it" in outcome.out, "the floor is above the threshold", outcome)


def test_thresholds_only_and_ignore():
    first, second = names()[:2]
    made("a.json")
    made("b.json", {first: 1.1, second: 1.1})
    compared("a.json", "b.json", "--threshold", "20%", code=0)
    compared("a.json", "b.json", "--threshold", "1%", code=1)
    found = cases(compared("a.json", "b.json", "--threshold", f"{first}=20%", code=1))
    check(found[first]["outcome"] == "ok", f"{found[first]}")
    check(found[second]["outcome"] == "regressed", f"{found[second]}")
    kernel = first.split("/", 1)[0]
    found = cases(compared("a.json", "b.json", "--only", kernel, code=1))
    check(list(found) == [first], f"{list(found)}")
    found = cases(compared("a.json", "b.json", "--ignore", f"{first},{second}", code=0))
    check(first not in found and second not in found, f"{list(found)}")
    outcome = run("compare", "a.json", "a.json", "--threshold", "zzz*=9%", code=0)
    check("zzz*=9% names none of these cases" in outcome.out, "it changes nothing", outcome)


def test_changed_sentinel_is_no_regression():
    made("a.json")
    made("b.json", {name: 1.3 for name in names()})
    compared("a.json", "b.json", code=1)
    # The same plain read is a quarter faster: only by it are these cases slower.
    made("c.json", sentinel=.7)
    document = compared("a.json", "c.json", code=4)
    check(document["comparisons"][0]["sentinel"]["changed"] is True, f"{document}")
    # The whole machine is slower, the plain read as well: no case is.
    made("d.json", {name: 1.3 for name in names()}, sentinel=1.3)
    compared("a.json", "d.json", code=0)


def test_one_process_a_side():
    slow = names()[0]
    made("a.json", processes=1)
    for factor, code in ((1.0, 0), (1.2, 4), (1.31, 4), (1.34, 1), (3, 1)):
        made("b.json", {slow: factor}, processes=1)
        outcome = run("compare", "a.json", "b.json", code=code)
        check("one process on a side" in outcome.out, "it is said", outcome)


def test_missing_and_new_cases_are_named():
    first, second, third = names()[:3]
    made("a.json", change=lambda result: result["results"].pop(0))
    made("b.json", change=lambda result: result["results"].pop(1))
    outcome = run("compare", "a.json", "b.json", code=0)
    check(f"missing from the new side: {second}" in outcome.out, "a missing case", outcome)
    check(f"new, without a base: {first}" in outcome.out, "a new case", outcome)
    check(third in outcome.out, "what both have is compared", outcome)


def test_changed_verdict_is_named():
    def turn(result):
        result["results"][0]["verdict"].update(side="core", bound="core")
    made("a.json", change=lambda result: result["results"][0]["verdict"].update(
        side="memory", bound="memory"))
    made("b.json", change=turn)
    outcome = run("compare", "a.json", "b.json", code=0)
    check(f"verdict changed: {names()[0]}: from memory side, memory to core side, core"
          in " ".join(outcome.out.split()), "named, although its time did not change", outcome)


def test_build_and_microcode_are_printed():
    def other(result):
        result["tool"]["version"] = "0.0.9"
        result["machine"]["microcode"] = "0x2b000123"
    made("a.json")
    made("b.json", change=other)
    outcome = run("compare", "a.json", "b.json", code=0)
    for words in ("builds differ", "0.0.9", "microcode differs", "0x2b000123"):
        check(words in outcome.out, f"{words} is not said", outcome)


def test_several_new_results():
    made("a.json")
    made("b.json", {names()[0]: 1.2})
    document = compared("a.json", "a.json", "b.json", code=1)
    check([c["outcome"] for c in document["comparisons"]] == ["ok", "regressed"], f"{document}")


def test_two_machines():
    outcome = run("compare", HERE, EMULATED, code=4)
    check("another machine" in outcome.err and "--table" in outcome.err, "why not", outcome)
    check("Haswell" in outcome.out and "emulated" in outcome.out, "both are shown", outcome)
    rows = run("compare", HERE, EMULATED, "--table", "--format", "json", code=0).json()
    machines = {row["machine"] for row in rows}
    check(len(machines) == 2, f"{machines}")
    check(all(row["ns_per_key"] > 0 for row in rows), f"{rows}")
    run("compare", HERE, EMULATED, "--gate-across-machines", "--only", "*", code=None)

    def foreign(result):
        result["machine"]["fingerprint"] = "0123456789abcdef"
    made("a.json")
    made("b.json", {names()[0]: 1.2}, change=foreign)
    run("compare", "a.json", "b.json", code=4)
    run("compare", "a.json", "b.json", "--table", code=0)
    outcome = run("compare", "a.json", "b.json", "--gate-across-machines", code=1)
    check("two machines" in outcome.out, "said all the same", outcome)


def test_table_of_machines_is_ordered_and_priced():
    def tag(result):
        result["tags"] = {"cost": "0.00002"}
    made("a.json", change=tag)
    rows = run("compare", "a.json", HERE, "--table", "--sort", "ns", "--format", "json",
               code=0).json()
    times = [row["ns_per_key"] for row in rows]
    check(times == sorted(times) and len(times) > 3, f"{times}")
    priced = [row for row in rows if "cost_per_1e9_keys" in row]
    check(len(priced) == len(names()), f"{rows}")
    for row in priced:
        check(abs(row["cost_per_1e9_keys"] / (row["ns_per_key"] * .00002) - 1) < .01, f"{row}")
    text = run("compare", "a.json", HERE, "--table", "--format", "csv", code=0).out
    check(len(list(csv.DictReader(io.StringIO(text)))) == len(rows), text)
    check_refused(run("compare", "a.json", HERE, "--table", "--sort", "speed"), 2, "speedup")


def test_formats():
    made("a.json")
    made("b.json", {names()[0]: 1.2})
    rows = list(csv.DictReader(io.StringIO(run("compare", "a.json", "b.json", "--format", "csv",
                                               code=1).out)))
    check([row["case"] for row in rows] == names(), f"{rows}")
    check(rows[0]["outcome"] == "regressed" and rows[1]["outcome"] == "ok", f"{rows}")
    outcome = run("compare", "a.json", "b.json", "--format", "md", code=1)
    check("| ---: |" in outcome.out and "- regressed: " in outcome.out, "Markdown", outcome)
    check_refused(run("compare", "a.json", "b.json", "--format", "jsonl"), 2, "csv")


def junit_suites(*arguments, code):
    """Of each suite of a comparison as JUnit: its element and {case: (outcome, message)}."""
    found = []
    root = ElementTree.fromstring(run("compare", *arguments, "--format", "junit", code=code).out)
    for suite in root.findall("testsuite"):
        tests = {}
        for test in suite.findall("testcase"):
            ends = [end for end in test if end.tag in ("failure", "skipped", "error")]
            tests[test.get("name")] = ((ends[0].tag, ends[0].get("message")) if ends
                                       else ("passed", ""))
        check(int(suite.get("tests")) == len(tests), "each case once")
        for tag, count in (("failure", "failures"), ("skipped", "skipped")):
            check(int(suite.get(count)) == sum(t[0] == tag for t in tests.values()), count)
        found.append((suite, tests))
    return found


def test_junit():
    first, second, third = names()[:3]
    made("a.json")
    made("b.json", {first: 1.2, second: 1 / 1.2}, change=lambda result: result["results"].pop(2))
    made("c.json", {second: 1.06}, noise=30)
    (suite, tests), (_, noisy) = junit_suites("a.json", "b.json", "c.json", code=1)
    check("a.json against b.json" in suite.get("name"), f"{suite.attrib}")
    check(tests[first][0] == "failure" and f"regressed: {first} +20" in tests[first][1],
          f"{tests}")
    check(tests[third] == ("skipped", "missing from the new side"), f"{tests}")
    check({t[0] for name, t in tests.items() if name not in (first, third)} == {"passed"},
          f"{tests}")
    check(noisy[second][0] == "skipped" and "would decide" in noisy[second][1], f"{noisy}")
    check(set(noisy) == set(names()), f"{noisy}")
    (_, tests), = junit_suites("b.json", "a.json", "--only", third + "," + second, code=1)
    check(tests[third] == ("skipped", "new, without a base"), f"{tests}")
    check(tests[second][0] == "failure" and first not in tests, f"{tests}")
    for wrong in (("a.json", "b.json", "--table"), ("--history", ".")):
        check_refused(run("compare", *wrong, "--format", "junit"), 2, "--format junit", "csv")


def test_junit_of_two_machines_passes_and_fails_nothing():
    made("a.json")
    made("b.json", {names()[0]: 1.2}, change=lambda result: result["machine"].update(
        fingerprint="0123456789abcdef"))
    (_, tests), = junit_suites("a.json", "b.json", code=4)
    check(set(tests) == set(names()), f"{tests}")
    check(all(t[0] == "skipped" and "two machines" in t[1] for t in tests.values()), f"{tests}")
    outcome = run("compare", HERE, EMULATED, "--format", "junit", code=4)
    check("no case in common" in outcome.err and "another machine" in outcome.err, "why", outcome)
    (_, tests), = junit_suites("a.json", "b.json", "--gate-across-machines", code=1)
    check(tests[names()[0]][0] == "failure", f"{tests}")


def broken(path, change):
    """A copy of a good result, changed as JSON."""
    made(path, change=change)
    return path


def test_bad_input():
    made("a.json")
    with open("a.json", encoding="utf-8") as file:
        text = file.read()
    with open("cut.json", "w", encoding="utf-8") as file:
        file.write(text[:len(text) // 2])
    check_refused(run("compare", "a.json", "cut.json"), 2, "cut.json", "truncated")
    check_refused(run("compare", "cut.json", "a.json"), 2, "cut.json", "truncated")
    check_refused(run("compare", "a.json", "none.json"), 2, "none.json")

    def first(result):
        return result["results"][0]
    for words, change in (
            (("schema",), lambda r: r.update(schema="benchmark/3")),
            (("kvroof.result/2",), lambda r: r.update(schema="kvroof.result/2")),
            (("two results",), lambda r: r["results"].append(first(r))),
            (("t_ns",), lambda r: first(r)["rounds"][0].update(t_ns=0)),
            (("t_ns",), lambda r: first(r)["rounds"][0].update(t_ns=-1.5)),
            (("mixed units",), lambda r: [x.update(t_ns=x["t_ns"] / 1000)
                                          for x in first(r)["rounds"]]),
            (("no case in common",), lambda r: [row.update(name=row["name"] + "/q8")
                                                for row in r["results"]])):
        broken("bad.json", change)
        check_refused(run("compare", "a.json", "bad.json"), 2, *words)


def test_bad_options():
    made("a.json")
    for words, arguments in (
            (("base", "new"), ()), (("base", "new"), ("a.json",)),
            (("percent",), ("a.json", "a.json", "--threshold", "5")),
            (("threshold",), ("a.json", "a.json", "--threshold", "-1%")),
            (("threshold",), ("a.json", "a.json", "--threshold", "=5%")),
            (("junit",), ("a.json", "a.json", "--format", "gbench")),
            (("--run",), ("a.json", "a.json", "--pairs", "5")),
            (("--run",), ("a.json", "a.json", "--", "-k", "fp16")),
            (("two sides",), ("--run",)), (("two sides",), ("--run", "--", "-k", "fp16")),
            (("neither",), ("--run", "a.json", "--", "--")),
            (("--pairs",), ("--run", "--", "--processes=3", "--")),
            (("pairs",), ("--run", "--pairs", "9..5", "--", "--")),
            (("1",), ("--run", "--pairs", "1", "--", "--")),
            (("--table",), ("a.json", "a.json", "--sort", "ns")),
            (("--thresh",), ("a.json", "a.json", "--treshold", "5%")),
            (("--table",), ("--run", "--table", "--", "--"))):
        check_refused(run("compare", *arguments), 2, *words)


def test_closed_output():
    made("a.json")
    with open("/dev/full", "wb") as full:
        check(run("compare", "a.json", "a.json", stdout=full).code == 5, "a full disk")


# ---- both sides run now ----

def test_processes_of_one_file():
    harness.run_tiny("-k", "fp16.fused", "--isa", "scalar", "--processes", 3, "-o",
                     "json:a.json", code=0)
    row = read_json("a.json")["results"][0]
    check(sorted({r["process"] for r in row["rounds"]}) == [0, 1, 2], f"{row['rounds']}")
    check(len(row["rounds"]) == 6, f"{len(row['rounds'])} rounds")
    check(os.listdir(".") == ["a.json"], f"{os.listdir('.')}")
    check("ci95" in row["scan"] and "ci95" not in row["unavailable"], "of three processes")
    outcome = run("show", "a.json", code=0)
    check("computed again" not in outcome.err, "verdicts follow from the rounds", outcome)
    case = next(iter(cases(compared("a.json", "a.json", code=None)).values()))
    check(case["how"] == "welch" and case["base_processes"] == 3, f"{case}")
    check_refused(harness.run_tiny("--processes", 0), 2, "processes")
    harness.check_schema(read_json("a.json"))


def started_processes(act):
    """run --processes 3, and act(process) once the second of its processes is there; exit code and
    stderr."""
    command = [PROGRAM, "run", "-k", "fp16.fused", "--isa", "scalar", *TINY, "--processes", "3",
               "--roofs", harness.tiny_roofs(), "-r", "6", "--min-time", "0.05", "--progress",
               "plain", "-o", "json:a.json"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, env=environment()) as process:
        for line in process.stderr:
            if line.startswith("process 2"):
                break
        act(process)
        err = process.stderr.read()
        code = process.wait(harness.TIMEOUT_S)
    return code, err


def child_of(process):
    """The process that it waits for."""
    path = f"/proc/{process.pid}/task/{process.pid}/children"
    if not os.path.exists(path):
        raise Skip("this kernel does not tell a process's children")
    deadline = time.monotonic() + harness.TIMEOUT_S
    while time.monotonic() < deadline:
        children = harness.read_text(path).split()
        if children:
            return int(children[0])
    raise harness.Failure("no second process was started")


def test_a_process_of_a_file_dies():
    code, err = started_processes(lambda process: os.kill(child_of(process), signal.SIGKILL))
    check(code == 3, f"exit code {code}: {err}")
    check("process 2 of 3 was ended by signal 9" in err, f"named: {err}")
    result = read_json("a.json")
    check(result["complete"] is False, "the file says that it is partial")
    seen = {r["process"] for r in result["results"][0]["rounds"]}
    check({0, 2} <= seen, f"the others are kept: {seen}")


def test_processes_are_interrupted():
    code, err = started_processes(lambda process: process.send_signal(signal.SIGINT))
    check(code == 130, f"exit code {code}: {err}")
    result = read_json("a.json")
    check(result["complete"] is False, "the file says that it is partial")
    check({r["process"] for r in result["results"][0]["rounds"]} >= {0}, "the first is kept")


def test_run_finds_a_large_slow_down():
    if "avx2" not in run("list", "isa", code=0).out:
        raise Skip("a kernel that is slower by far is known on x86 only")
    slow = ["-k", "fp16.fused", *TINY[:-2], "--counters", "off", "--roofs", harness.tiny_roofs(),
            "--isa"]
    outcome = run("compare", "--run", "--pairs", "3", "-o", "kept", "--threshold", "20%", "--",
                  *slow, "avx2", "--", "run", *slow, "scalar")
    if "avx2" in outcome.err and outcome.code == 3:
        raise Skip("no AVX2 on this host")
    check(outcome.code == 1, "a kernel that is slower by far", outcome)
    check("regressed: fp16.fused@avx2" in outcome.out, "is found", outcome)
    check("is held against fp16.fused@scalar" in " ".join(outcome.out.split()), "and named",
          outcome)
    check("pair 3 of at most 3" in outcome.err, "progress", outcome)
    kept = sorted(name for name in os.listdir("kept") if name.endswith(".jsonl"))
    check(kept == [f"pair-0{n}-{side}.jsonl" for n in (1, 2, 3) for side in ("base", "new")],
          f"{kept}")
    compared("kept/" + kept[0], "kept/" + kept[2], code=None)


def script(name, text):
    """A program that is a shell script; $KVROOF is the real one."""
    with open(name, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\n{text}\n")
    os.chmod(name, os.stat(name).st_mode | stat.S_IXUSR)
    return os.path.abspath(name)


def test_a_process_that_dies_is_named_and_kept():
    program = script("dies", 'echo >>calls\nif [ "$(wc -l <calls)" = 3 ]; then\n'
                             '  "$KVROOF" "$@" || exit\n  kill -9 $$\nfi\nexec "$KVROOF" "$@"')
    outcome = run("compare", "--run", "--pairs", "5", "-o", "kept", "--", *OPTIONS, "--", program,
                  *OPTIONS, code=3)
    check("signal 9" in outcome.err and "pair 3, new" in outcome.err, "named", outcome)
    check("pair-03-new.jsonl" in outcome.err, "with where it is kept", outcome)
    check(len([n for n in os.listdir("kept") if n.endswith(".jsonl")]) == 10, "all are kept")
    check("1 of 10 processes" in " ".join(outcome.out.split()), "and the result says so", outcome)


def test_a_program_that_cannot_run():
    outcome = run("compare", "--run", "-o", "kept", "--", "./nothing", *OPTIONS, "--", *OPTIONS)
    check(outcome.code == 3 and "./nothing could not be started" in outcome.err, "no program",
          outcome)
    outcome = run("compare", "--run", "-o", "kept", "--", "-k", "fp17", "--", *OPTIONS, code=2)
    check("fp17" in outcome.err, "what the process said is told", outcome)
    with open("file", "w", encoding="utf-8"):
        pass
    check_refused(run("compare", "--run", "-o", "file", "--", *OPTIONS, "--", *OPTIONS), 5, "file")


def test_no_case_in_common_ends_it_after_the_first_pair():
    common = ["--isa", "scalar", *TINY[:-2], "--counters", "off", "--roofs", harness.tiny_roofs()]
    outcome = run("compare", "--run", "--pairs", "5", "-o", "kept", "--", "-k",
                  "fp16.fused,int8.materialised", *common, "--", "-k", "lookat.f32,int4q8",
                  *common, code=2)
    check("have no case in common" in outcome.err, "why", outcome)
    check(outcome.err.count("no case in common") == 1, "said once", outcome)
    kept = sorted(name for name in os.listdir("kept") if name.endswith(".jsonl"))
    check(kept == ["pair-01-base.jsonl", "pair-01-new.jsonl"], f"{kept}")


def test_budget_ends_a_comparison():
    outcome = run("compare", "--run", "--pairs", "2..50", "--budget", "0.5", "-o", "kept", "--",
                  *OPTIONS, "--", *OPTIONS)
    check(outcome.code == 4, "one pair decides nothing", outcome)
    check("budget" in outcome.err, "why it ended", outcome)


def test_interrupt_keeps_what_was_measured():
    command = [PROGRAM, "compare", "--run", "--pairs", "20", "-o", "kept", "--format", "json",
               "--", *OPTIONS, "--", *OPTIONS]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env=environment()) as process:
        harness.interrupt_when(process, lambda line: line.startswith("pair 2"),
                               harness.TIMEOUT_S, signal.SIGINT)
        out = process.stdout.read()
        process.stderr.read()
        code = process.wait(harness.TIMEOUT_S)
    check(code == 130, f"exit code {code}")
    check(json.loads(out)["comparisons"][0]["base_processes"] >= 2, out)
    check("pair-02-new.jsonl" in os.listdir("kept"), f"{os.listdir('kept')}")


harness.main(globals())
