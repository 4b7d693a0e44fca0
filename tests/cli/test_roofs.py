# SPDX-License-Identifier: GPL-3.0-or-later
"""roofs: the machine's own ceilings."""

import os

import harness
from harness import check, check_refused, read_json, run


def test_ceilings():
    outcome = run("roofs", "-t", "1", "-q", "--max-mem", "512M", "-o", "json:roofs.json", code=0)
    check(outcome.err == "", "-q is quiet", outcome)
    check("GB/s" in outcome.out, "a table with units", outcome)
    result = read_json("roofs.json")
    check(result["schema"] == "kvroof.result/1" and result["complete"] is True, "a whole result")
    kinds = {(row["kind"], row["type"]) for row in result["ceilings"]}
    for kind in (("bandwidth", "read"), ("rate", "load"), ("rate", "fma")):
        check(kind in kinds, f"no {kind} among {kinds}")
    for row in result["ceilings"]:
        check(row["value"] > 0 and row["unit"], f"{row}")
    check("GB/s" in run("show", "roofs.json", code=0).out, "show prints the ceilings again")


def test_bad_input():
    for arguments, code in ((("-t", "0"), 2), (("-c", "abc"), 2), (("--pages", "3m"), 2),
                            (("-o", "yaml:x"), 2), (("-c", "1023"), 3), (("--mem", "node:63"), 3)):
        check_refused(run("roofs", *arguments, "-o", "json:out.json"), code)
        check(not os.path.exists("out.json"), f"{arguments}: a refusal leaves no result")


def test_output_that_cannot_be_written():
    outcome = run("roofs", "-o", "json:no/such/folder/out.json", code=5)
    check("no/such/folder" in outcome.err, "the message names the file", outcome)


harness.main(globals())
