# SPDX-License-Identifier: GPL-3.0-or-later
"""Closeness beside speed: a run's result and a fidelity result, in plot and report."""

import json
import os
import re
import shutil

import harness
from harness import check, check_refused, need, read_json, read_text, run, run_tiny

MADE = {}  # texts of the files: they are measured once


def measure():
    """run.json and fidelity.json: FP16, INT8 and LOOKAT-4, and in the run what fidelity lacks."""
    if not MADE:
        run_tiny("-k", "fp16.fused@scalar,int8.fused@scalar,int8q8.fused@scalar,"
                 "lookat.u8@scalar", "-m", "4", "-o", "json:run.json", code=0)
        run("fidelity", "--codec", "fp16,int8,lookat", "-m", "4", "-o", "json:fidelity.json",
            code=0)
        MADE.update({name: read_text(name) for name in ("run.json", "fidelity.json")})
    for name, text in MADE.items():
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)


def changed(name, old, new):
    """A copy of fidelity.json or run.json with another text in it."""
    check(old in MADE[name], f"{name} holds {old}")
    with open("changed.json", "w", encoding="utf-8") as file:
        file.write(MADE[name].replace(old, new))
    return "changed.json"


def rows_of(kind):
    """The rows of the picture's data of one kind, as lists of fields."""
    sheet = read_text(os.path.join("pictures", "quality.tsv")).splitlines()
    return [line.split("\t") for line in sheet if line.startswith(kind + "\t")]


def test_picture():
    need("gnuplot")
    measure()
    outcome = run("plot", "fidelity.json", "run.json", "-k", "quality", "-o", "pictures",
                  "--format", "svg,png,txt", code=0)
    check("fidelity.json has no row of int8q8" in outcome.err, "what is not shown", outcome)
    closeness = {row["codec"] + row.get("table", ""): row["rho"]
                 for row in read_json("fidelity.json")["rows"]
                 if (row["layer"], row["head"], row["text"]) == ("all", "all", "all")}
    points = {row[3].split("@")[0]: row for row in rows_of("point") if row[1] == "1"}
    check(set(points) == {"fp16.fused", "int8.fused", "lookat.u8"}, f"a point a kernel: {points}")
    for name, codec in (("fp16.fused", "fp16"), ("int8.fused", "int8"), ("lookat.u8", "lookatu8")):
        check(abs(float(points[name][5]) - closeness[codec]) < 1e-9, f"rho of {name}")
    times = {result["name"]: result["scan"]["ns_per_key"]
             for result in read_json("run.json")["results"]}
    for row in points.values():
        check(abs(float(row[4]) / times[row[3]] - 1) < 1e-9, f"ns a key of {row[3]}")
    check(points["fp16.fused"][2] == "1", "nothing is closer than FP16, so it is on the front")
    sizes = [float(row[4]) for row in rows_of("point") if row[1] == "2"]
    check(sizes == [4, 64, 128], f"bytes a key: {sizes}")
    check([row[5] for row in rows_of("floor")] == ["0", "0"], "the floor in both panels")
    svg = read_text(os.path.join("pictures", "quality.svg"))
    for word in ("time a key (ns)", "bytes a key", "uniform attention: the floor", "k.npy",
                 "lookat.u8@scalar"):
        check(word in svg, f"the picture lacks {word}")
    check("lookat.u8@scalar" in read_text(os.path.join("pictures", "quality.txt")), "as text")


def test_page():
    measure()
    run("report", "run.json", "-o", "without.html")
    check("r1-quality" not in read_text("without.html"), "no section without closeness")
    run("report", "run.json", "fidelity.json", "-o", "with.html")
    page = read_text("with.html")
    section = page[page.index('<section id="r1-quality">'):]
    section = section[:section.index("</section>")]
    cells = [re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", row)
             for row in re.findall(r"<tr>(.*?)</tr>", section, re.S)]
    names = [row[0] for row in cells]
    check(names == ["kernel", "fp16.fused", "int8.fused", "lookat.u8, m 4, K 256",
                    "uniform attention (the floor)"], f"rows: {names}")
    check(cells[-1][2] == "0.0000" and cells[1][2] == "1.0000", f"rho of floor and FP16: {cells}")
    check(page.count("<article") == 1, "the fidelity result is no result of its own")


def test_refusals():
    measure()
    for command in (["plot", "-k", "quality", "-o", "none"], ["report", "-o", "none.html"]):
        def refused(*words, files, command=command):
            check_refused(run(command[0], *files, *command[1:]), 2, *words)
        refused("fidelity.json", "has no times", "kvroof run", files=["fidelity.json"])
        refused("are both results of kvroof fidelity",
                files=["run.json", "fidelity.json", "fidelity.json"])
        refused("changed.json", "d 128", "d 64", "--head-dim 128", files=[
            "run.json", changed("fidelity.json", '"head_dim": 64', '"head_dim": 128')])
        refused("changed.json", "head_dim", "run kvroof fidelity again", files=[
            "run.json", changed("fidelity.json", '"head_dim"', '"other"')])
        refused("changed.json", "kvroof.fidelity/9", files=[
            "run.json", changed("fidelity.json", "kvroof.fidelity/1", "kvroof.fidelity/9")])
        refused("changed.json", "rho is missing", files=[
            "run.json", changed("fidelity.json", '"rho"', '"roh"')])
        document = json.loads(MADE["fidelity.json"])
        document["rows"] = [row for row in document["rows"]
                            if row["codec"] not in ("fp16", "int8", "lookat")]
        with open("none.json", "w", encoding="utf-8") as file:
            json.dump(document, file)
        refused("none.json", "no row of a case of the run", "fp16, int8, int8q8, lookat",
                "controls alone", files=["run.json", "none.json"])
    check_refused(run("plot", "run.json", "-k", "quality", "-o", "pictures"), 2, "quality",
                  "no fidelity result beside it", "kvroof fidelity -o json:")
    check_refused(run("show", "fidelity.json"), 2, "kvroof.fidelity/1", "kvroof.result/1")


def test_machines():
    """A front is of one machine; the other pictures come all the same."""
    measure()
    fingerprint = read_json("run.json")["machine"]["fingerprint"]
    files = ["run.json", changed("run.json", fingerprint, "another"), "fidelity.json"]
    check_refused(run("plot", *files, "-k", "quality", "-o", "pictures"), 2, "quality",
                  "several machines")
    check(not os.path.exists("pictures/quality.tsv"), "nothing is left")
    if shutil.which("gnuplot"):
        run("plot", *files, "-o", "pictures", code=0)
        check(not os.path.exists("pictures/quality.svg"), "not among all")
        check(os.path.exists("pictures/roofline.svg"), "the others are")


harness.main(globals())
