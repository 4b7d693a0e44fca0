# SPDX-License-Identifier: GPL-3.0-or-later
"""show: the table again, from a stored result."""

import json
import os

import harness
from harness import (EVERY_KERNEL, SOURCE, check, check_refused, measured,
                     read_json, read_results, run, run_tiny)


def test_table():
    measured = run_tiny("-k", "fp16,lookat.u8", "-o", "json:out.json", code=0)
    shown = run("show", "out.json", code=0)
    for row in read_results("out.json"):
        kernel = f"{row['codec']}.{row['variant']}"
        check(kernel in shown.out or row["codec"] in shown.out, f"lacks {kernel}", shown)
    check(measured.out.split("\n")[0] == shown.out.split("\n")[0], "it is the same table", shown)
    check(os.listdir(".") == ["out.json"], "show writes no file")


def test_round_trip():
    measured(*EVERY_KERNEL)
    again = run("show", "out.json", "--format", "json", code=0).json()
    first = read_json("out.json")
    check(len(again["results"]) == len(first["results"]), "every result comes back")
    for old, new in zip(first["results"], again["results"]):
        for name in ("name", "rounds", "cost", "checksum", "cpus", "unavailable"):
            check(old.get(name) == new.get(name), f"{name} of {old['name']}: {old} {new}")


def test_jsonl_is_read_too():
    run_tiny("-k", "fp16", "-o", "jsonl:out.jsonl", code=0)
    check("fp16" in run("show", "out.jsonl", code=0).out, "the JSONL of a run is a result")


def refuse(name, content):
    """A file that is no result: exit code 2, named in the message."""
    with open(name, "wb") as file:
        file.write(content)
    check_refused(run("show", name), 2, name)


def test_no_results():
    check_refused(run("show", "missing.json"), 2, "missing.json")
    check_refused(run("show"), 2)
    os.mkdir("folder")
    check_refused(run("show", "folder"), 2, "folder")
    refuse("empty.json", b"")
    refuse("cut.json", b'{"schema": "kvroof.result/1", "results": [')
    refuse("list.json", b"[1, 2, 3]")
    refuse("binary.json", bytes(range(256)))
    refuse("other.json", b'{"schema": "something.else/1"}')
    refuse("newer.json", b'{"schema": "kvroof.result/2", "complete": true, "results": []}')
    refuse("types.json", b'{"schema": "kvroof.result/1", "complete": true, "results": [42]}')
    refuse("deep.json", b"[" * 100000)


def test_claims():
    measured("-k", "fp16,lookat.u8")
    claims = read_json("out.json")["claims"]
    check(len(claims) == 13, f"a ledger of 13 rows, not {len(claims)}")
    shown = run("show", "out.json", code=0)
    for claim in claims:
        check(claim["id"] in shown.out, f"show lacks {claim['id']}", shown)
        rows = [line for line in shown.out.splitlines() if claim["id"] in line]
        check(any(claim["holds"] in row for row in rows), f"{claim['holds']} in {rows}", shown)
        check(claim["why"][:30] in shown.out, f"show lacks the reasons of {claim['id']}", shown)
    check("2601.10155" in run("show", "out.json", "--format", "md", code=0).out, "Markdown, too")


def test_claims_of_a_killed_run():
    run_tiny("-k", "fp16", "-o", "jsonl:out.jsonl", code=0)
    with open("out.jsonl", encoding="utf-8") as file:
        lines = file.readlines()
    with open("cut.jsonl", "w", encoding="utf-8") as file:
        file.writelines(lines[:-1])
    check("key-bytes-int8-int4" in run("show", "cut.jsonl", code=0).out, "they follow from results")


def test_crossings():
    run_tiny("-k", "fp16,lookat.u8", "-n", "64,128", "--bytes", "1M", "--isa", "scalar",
             "-o", "json:out.json", code=0)  # by itself each length might take another ISA
    crossings = read_json("out.json").get("crossings", [])
    check(any(row["what"] == "faster-than-fp16" and row["axis"] == "tokens" for row in crossings),
          f"no series of lookat over tokens: {crossings}")
    shown = run("show", "out.json", code=0)
    for row in crossings:
        check("/n*/" in row["series"] and row["series"] in shown.out, f"lacks {row}", shown)
        check(("at" in row) == row["reached"] and row["why"], f"where, or why not: {row}")
    document = read_json("out.json")
    del document["crossings"]
    with open("older.json", "w", encoding="utf-8") as file:
        json.dump(document, file)
    again = run("show", "older.json", "--format", "json", code=0).json()["crossings"]
    check(again == crossings, f"they follow from the results: {again}")


def test_what_fits_in_a_step():
    run_tiny("-k", "fp16,lookat.u8", "--op", "scan,step", "--bytes", "1M", "-n", "64",
             "-o", "json:out.json", code=0)
    shown = run("show", "out.json", "--step-ms", "2.5", code=0)
    check("a decoding step of 2.5 ms" in shown.out, "the step that was asked for", shown)
    check("- scan of" not in shown.out, "a scan is no step", shown)
    for row in read_json("out.json")["results"]:
        if row["op"] == "step":
            heads = int(2.5e6 / row["step"]["ns_per_key"] / 64)
            start = f"- step of {row['codec']}.{row['variant']}@{row['isa']}, 64 tokens"
            line = next((x for x in shown.out.splitlines() if x.startswith(start)), "")
            check(f": {heads} " in line, f"{heads} heads of {row['name']}: {line}", shown)
    check("step of 10 ms" in run("show", "out.json", code=0).out, "the usual step")


def test_on_another_machine():
    measured("-k", "fp16,int8q8,lookat", "--bytes", "64k")
    names = {row["name"] for row in read_results("out.json")}
    for machine in ("server", "laptop"):
        path = os.path.join(SOURCE, "profiles", "machines", machine + ".yaml")
        table = run("show", "out.json", "--on", path, code=0)
        check("Assumed" in table.out and "estimate" in table.out, "it says its sources", table)
        check("checked out of sample" in table.out or "Not checked" in table.out,
              "and whether the method was checked", table)
        named = run("show", "out.json", "--on", machine, code=0)
        check(table.out == named.out, "by its name", table)
        rows = run("show", "out.json", "--on", path, "--format", "json", code=0).json()
        check({row["name"] for row in rows} == names, f"a row for every case: {rows}")
        for row in rows:
            check(row["measured_ns"] > 0, f"no time: {row}")
            check(("predicted_ns" in row and row["predicted_ns"] > 0 and row["side"])
                  != ("refused" in row), f"a prediction or a reason: {row}")


def test_on_bad_machine():
    measured("-k", "fp16")
    path = os.path.join(SOURCE, "profiles", "machines", "server.yaml")
    with open(path, encoding="utf-8") as file:
        good = file.read()
    check_refused(run("show", "out.json", "--on", "missing.yaml"), 2, "missing.yaml")
    check_refused(run("show", "out.json", "--on", "nix"), 2, "'nix'", "Shipped: laptop, server")
    check_refused(run("show", "out.json", "--on", "sever"), 2, "did you mean server?")
    for bad in ("0", "-1", "x", "1x", ""):
        check_refused(run("show", "out.json", "--step-ms", bad), 2, "--step-ms")
    check_refused(run("show", "out.json", "--on", "."), 2)
    check_refused(run("show", "out.json", "--on", path, "--format", "csv"), 2, "--on")
    check_refused(run("show", "missing.json", "--on", path), 2, "missing.json")
    for old, new, word in (("clock_ghz: 3.55", "clock_ghz: nan", "line 6"),
                           ("clock_ghz: 3.55", "clock_ghz: 1e400", "line 6"),
                           ("cores: 96", "cores: many", "cores"),
                           ("gb_per_s: 35", "gb_per_s: -35", "line"),
                           ("bandwidth:", "bandwith:", "bandwidth"),
                           (good, "", "bad.yaml"), (good, "\0\1", "bad.yaml"),
                           (good, "{" * 1000, "bad.yaml"), (good, "a: " * 1000, "bad.yaml")):
        with open("bad.yaml", "w", encoding="utf-8") as file:
            file.write(good.replace(old, new))
        check_refused(run("show", "out.json", "--on", "bad.yaml"), 2, "bad.yaml", word)


harness.main(globals())
