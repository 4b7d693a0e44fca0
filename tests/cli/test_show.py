# SPDX-License-Identifier: GPL-3.0-or-later
"""show: the table again, from a stored result."""

import os

import harness
from harness import check, check_refused, read_json, run, run_tiny


def test_table():
    measured = run_tiny("-k", "fp16,lookat.u8", "-o", "json:out.json", code=0)
    shown = run("show", "out.json", code=0)
    for row in read_json("out.json")["results"]:
        kernel = f"{row['codec']}.{row['variant']}"
        check(kernel in shown.out or row["codec"] in shown.out, f"lacks {kernel}", shown)
    check(measured.out.split("\n")[0] == shown.out.split("\n")[0], "it is the same table", shown)
    check(os.listdir(".") == ["out.json"], "show writes no file")


def test_round_trip():
    run_tiny("-k", "all", "-o", "json:out.json", code=0)
    again = run("show", "out.json", "--format", "json", code=0).json()
    first = read_json("out.json")
    check(len(again["results"]) == len(first["results"]), "every result comes back")
    for old, new in zip(first["results"], again["results"]):
        for name in ("name", "rounds", "cost", "checksum", "cpus"):
            check(old[name] == new[name], f"{name} of {old['name']}: {old[name]} {new[name]}")


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


harness.main(globals())
