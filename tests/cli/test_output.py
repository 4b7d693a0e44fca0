# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run writes, and where."""

import csv
import io
import os

import harness
from harness import (EVERY_KERNEL, check, check_schema, measured, read_json,
                     read_results, read_text, run_tiny)


def test_json_file_and_table():
    outcome = run_tiny("-k", "fp16,lookat.u8", "-o", "json:out.json", code=0)
    check("lookat" in outcome.out and "fp16" in outcome.out, "the table is on stdout", outcome)
    check(outcome.err == "", "--progress off leaves stderr empty", outcome)
    result = read_json("out.json")
    check(result["schema"] == "kvroof.result/1" and result["complete"] is True, "whole")
    check({row["codec"] for row in result["results"]} == {"fp16", "lookat"}, "both are there")
    check(sorted(os.listdir(".")) == ["out.json"], f"one file: {os.listdir('.')}")


def test_fields_of_a_result():
    run_tiny("-k", "lookat.u8", "-m", "4", "-o", "json:out.json", code=0)
    row = read_results("out.json")[0]
    expected = {"codec": "lookat", "variant": "u8", "op": "scan", "head_dim": 64, "tokens": 512,
                "subspaces": 4, "entries": 256, "table": "u8", "layout": "heads", "threads": 1,
                "verified": True}
    for name, value in expected.items():
        check(row[name] == value, f"{name} is {row.get(name)!r}, expected {value!r}")
    check(row["name"].startswith("lookat.u8@" + row["isa"] + "/d64/m4/K256/n512/"), row["name"])
    check(row["cost"]["stream_bytes"] == 4 * 512, f"four bytes a key: {row['cost']}")
    check(len(row["rounds"]) == 2, "as many rounds as -r says")
    for numbers in row["rounds"]:
        for name in ("t_ns", "m_ns", "c_ns"):
            check(numbers[name] > 0, f"{name} of a round is {numbers.get(name)}")
        check("sentinel_ns" in numbers or "sentinel_ns" in row["unavailable"], "or why not")
    for where, name in (("scan", "ci95"), ("scan", "speedup_ci95"), ("verdict", "balance_ci95")):
        check(name not in row[where] and "fewer than 6" in row["unavailable"][name],
              f"two rounds give no {name}: {row['unavailable']}")


def test_schema():
    measured(*EVERY_KERNEL)
    check_schema(read_json("out.json"))


def test_json_on_stdout():
    for arguments in (("-o", "json:-"), ("-o", "json:out.json", "--format", "json")):
        result = run_tiny("-k", "fp16", *arguments, code=0).json()
        check(result["results"][0]["codec"] == "fp16", "stdout holds nothing but the JSON")


def test_jsonl():
    run_tiny("-k", "fp16,lookat.u8", "-o", "jsonl:out.jsonl", code=0)
    lines = [harness.strict_json(line) for line in read_text("out.jsonl").splitlines()]
    check(lines[0]["schema"] == "kvroof.result/1", "the first line is the header")
    codecs = {line["codec"] for line in lines[1:] if "codec" in line}
    check(codecs == {"fp16", "lookat"}, f"a line per case: {codecs}")


def test_csv():
    run_tiny("-k", "fp16,lookat.u8", "-r", "3", "-o", "csv:out.csv", code=0)
    text = read_text("out.csv")
    rows = list(csv.reader(io.StringIO(text)))
    check(len(rows) == 1 + 2 * 3, f"one row per round and a header: {len(rows)}")
    check(len({len(row) for row in rows}) == 1, "every row is as long as the header")
    check(any("ns" in name for name in rows[0]), f"units in the header: {rows[0]}")


def test_markdown():
    text = run_tiny("-k", "fp16", "-o", "json:out.json", "--format", "md", code=0).out
    check("| " in text and "---" in text, f"a Markdown table:\n{text}")


def test_several_outputs():
    run_tiny("-k", "fp16", "-o", "json:a.json", "-o", "csv:b.csv", "-o", "md:c.md", code=0)
    for name in ("a.json", "b.csv", "c.md"):
        check(os.path.getsize(name) > 0, f"{name} is empty")


def test_default_file():
    run_tiny("-k", "fp16", code=0)
    names = os.listdir("results")
    check(len(names) == 1 and names[0].endswith(".json"), f"results/ holds {names}")
    read_json(os.path.join("results", names[0]))


def test_label_and_tags():
    run_tiny("-k", "fp16", "--label", "a \"quoted\" label, ü", "--tag", "branch=main",
             "--tag", "empty=", "-o", "json:out.json", code=0)
    text = read_text("out.json")
    check("branch" in text and "quoted" in text, "label and tags are kept")
    read_json("out.json")


def test_progress():
    outcome = run_tiny("-k", "fp16,lookat.u8", "--progress", "plain", "-o", "json:out.json", code=0)
    counts = [line.split()[0] for line in outcome.err.splitlines() if line.startswith("[")]
    check(counts == ["[1/2]", "[2/2]"], "one line per finished case on stderr", outcome)
    check("\r" not in outcome.err and "\033" not in outcome.err, "and no redrawing", outcome)
    check("[2/2]" not in outcome.out, "stdout carries only what was asked for", outcome)
    quiet = run_tiny("-k", "fp16", "-q", "--progress", "auto", "-o", "json:out.json", code=0)
    check(quiet.err == "", "-q is quiet", quiet)


def test_color():
    plain = run_tiny("-k", "fp16", "-o", "json:out.json", code=0)
    check("\033" not in plain.out, "no colour without a terminal", plain)


def test_an_old_result_survives_a_refused_run():
    with open("out.json", "w", encoding="utf-8") as file:
        file.write("old")
    run_tiny("-k", "fp16", "-d", "0", "-o", "json:out.json", code=2)
    check(read_text("out.json") == "old", "a refused run keeps the old file")


def test_no_locale_in_numbers():
    env = harness.environment(LC_ALL="de_DE.UTF-8", LC_NUMERIC="de_DE.UTF-8")
    run_tiny("-k", "fp16", "-o", "json:out.json", "-o", "csv:out.csv", env=env, code=0)
    read_json("out.json")
    rows = list(csv.reader(io.StringIO(read_text("out.csv"))))
    check(len(rows[0]) == len(rows[1]), "a decimal point is no comma")


harness.main(globals())
