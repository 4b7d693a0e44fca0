# SPDX-License-Identifier: GPL-3.0-or-later
"""kvroof fleet: planted nodes among many, groups, what is no result, and two ranks that only the
environment makes ranks."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess

import harness
from comparing import EMULATED
from fleets import fleet
from harness import (PROGRAM, TINY, check, check_refused, environment, need, read_json, read_text,
                     run)

RUN = ["-k", "fp16.fused", "--isa", "scalar", *TINY, "--counters", "off", "--roofs",
       harness.tiny_roofs()]
LAUNCHERS = ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_STEP_NUM_TASKS", "SLURM_JOB_ID",
             "SLURM_STEP_ID", "PMI_RANK", "PMI_SIZE", "PMIX_RANK", "PMIX_SIZE", "PMIX_NAMESPACE",
             "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK",
             "MV2_COMM_WORLD_SIZE")


def alone(**changes):
    """The tests' environment without any launcher but this one."""
    env = environment()
    for name in LAUNCHERS:
        env.pop(name, None)
    return dict(env, **changes)


def merged(*arguments, code=0):
    """The fleet as JSON, and the nodes that are named."""
    document = run("fleet", *arguments, "--format", "json", code=code, env=alone()).json()
    check(document["schema"] == "kvroof.fleet/1", f"{document['schema']}")
    return document, [node["name"] for group in document["groups"] for node in group["nodes"]
                      if node["outlier"]]


def test_a_thousand_nodes_with_three_bad_ones():
    bad = {17: 1.25, 400: 1.3, 998: 1.4}
    paths = fleet("nodes", 1000, bad)
    document, named = merged(*paths)
    check(named == ["node0017", "node0400", "node0998"], f"{named}")
    check(document["node_count"] == 1000 and len(document["groups"]) == 1, "one group")
    worst = document["groups"][0]["nodes"][998]
    check(abs(worst["ratio"] - 1.4) < .15 and worst["slower"] == 20, f"{worst}")
    outcome = run("fleet", *paths, code=0, env=alone())
    check("outlier: node0998 reads" in outcome.out and "slower in 20 of 20 cases" in outcome.out,
          "a sentence", outcome)
    need("gnuplot")
    run("plot", *paths, "-k", "fleet", "-o", "pictures", code=0)
    first = read_text("pictures/fleet.svg")
    run("plot", *paths, "-k", "fleet", "-o", "again", code=0)
    check(first == read_text("again/fleet.svg"), "the picture is deterministic")
    for word in ("node0998", "1000 nodes, the furthest, 3 named", "*: named as an outlier"):
        check(word in first, f"the picture lacks {word!r}")


def test_the_gate():
    paths = fleet("nodes", 40, {17: 1.4})
    run("fleet", *paths, "--gate", code=1, env=alone())
    run("fleet", *paths, "--gate", "--threshold", "60%", code=0, env=alone())


def test_good_fleets_have_no_outlier():
    for seed, count in ((3, 5), (4, 8), (5, 30), (6, 100)):
        _, named = merged(*fleet(f"nodes{count}", count, seed=seed))
        check(named == [], f"{count} nodes: {named}")


def test_a_case_that_is_slow_on_one_node():
    def change(node, result):
        if node == 7:
            result["results"][4]["rounds"] = [
                dict(one, t_ns=one["t_ns"] * 2) for one in result["results"][4]["rounds"]]
            result["results"][4]["scan"]["ns_per_key"] *= 2
    paths = fleet("nodes", 40, change=change)
    document, named = merged(*paths)
    check(named == ["node0007"], f"{named}")
    node = document["groups"][0]["nodes"][7]
    check(node["slower"] == 1 and [c["outlier"] for c in node["cases"]].index(True) == 4, f"{node}")
    rows = list(csv.DictReader(io.StringIO(run("fleet", *paths, "--format", "csv", code=0,
                                               env=alone()).out)))
    check(len(rows) == 40 * 20 and [row["node"] for row in rows if row["outlier"] == "1"] ==
          ["node0007"], "CSV")
    markdown = run("fleet", *paths, "--format", "md", code=0, env=alone()).out
    check("| --- |" in markdown and "- outlier: node0007" in markdown, markdown[-300:])


def test_groups_are_not_mixed():
    def change(node, result):
        if node >= 30:
            result["machine"]["fingerprint"] = "another"
            for row in result["results"]:
                row["rounds"] = [dict(one, t_ns=one["t_ns"] * 3) for one in row["rounds"]]
                row["scan"]["ns_per_key"] *= 3
    document, named = merged(*fleet("nodes", 50, change=change))
    check([len(group["nodes"]) for group in document["groups"]] == [30, 20], "two groups")
    check(named == [], f"another machine is no outlier: {named}")
    outcome = run("fleet", "nodes/node-0000.json", EMULATED, code=0, env=alone())
    check("group 2 of 2" in outcome.out and "no outlier can be named" in outcome.out,
          "too few to judge", outcome)


def test_what_is_no_result():
    paths = fleet("nodes", 6)
    text = read_text(paths[3])

    def refused(*words, replace=None, change=None):
        result = json.loads(text)
        if change:
            change(result)
        with open(paths[3], "w", encoding="utf-8") as file:
            file.write(replace if replace is not None else json.dumps(result))
        check_refused(run("fleet", *paths, env=alone()), 2, "node-0003.json", *words)

    def times(factor):
        def change(result):
            for one in result["results"][0]["rounds"]:
                one["t_ns"] *= factor
        return change
    refused(replace=text[:len(text) // 2])
    refused(replace="")
    refused("schema", change=lambda result: result.update(schema="kvroof.fidelity/1"))
    refused("schema", change=lambda result: result.update(schema="kvroof.result/2"))
    refused("mixed units", change=times(1000))
    refused("t_ns", change=times(0))
    refused("t_ns", change=times(-1))
    refused("no measured case", change=lambda result: result.update(results=[]))
    refused("two results are named",
            change=lambda result: result["results"].append(result["results"][0]))
    check_refused(run("fleet", *paths[:2], "nowhere.json", env=alone()), 2, "nowhere.json")


def test_a_copy_counts_once():
    paths = fleet("nodes", 6)
    shutil.copy(paths[2], "nodes/copy.json")
    outcome = run("fleet", *paths, "nodes/copy.json", code=0, env=alone())
    check("6 nodes" in outcome.out and "copy.json is the same result" in outcome.err, "", outcome)
    fleet("more", 6, seed=9)
    document, _ = merged(*paths, "more/node-0002.json")
    names = [node["name"] for node in document["groups"][0]["nodes"]]
    check(len(set(names)) == 7 and any("node0002 (more/node-0002.json)" in name for name in names),
          f"a host with two results: {names}")


def test_the_command_line():
    check_refused(run("fleet", env=alone()), 2, "which results", "srun")
    check_refused(run("fleet", "-k", "fp16", env=alone()), 2, "which results", "srun")
    paths = fleet("nodes", 2)
    check_refused(run("fleet", "-k", "fp16", *paths, env=alone()), 2, "measure, or read")
    check_refused(run("fleet", *paths, "--folder", "x", env=alone()), 2, "--folder")
    check_refused(run("fleet", *paths, "--treshold", "5%", env=alone()), 2, "--threshold")
    check_refused(run("fleet", *paths, "--threshold", "5", env=alone()), 2, "percent")
    check_refused(run("fleet", *paths, "--format", "junit", env=alone()), 2, "table, json")
    slurm = alone(SLURM_PROCID="0", SLURM_STEP_NUM_TASKS="2")
    batch = alone(SLURM_PROCID="0", SLURM_NTASKS="2", SLURM_JOB_ID="7")
    check("2 nodes" in run("fleet", *paths, code=0, env=slurm).out, "results win over a launcher")
    check_refused(run("fleet", "-k", "fp16", env=batch), 2, "sbatch", "srun")
    check("2 nodes" in run("fleet", *paths, code=0, env=batch).out, "a script may read results")
    for width in (40, 60, 80):
        text = run("fleet", "--help", code=0, env=alone(COLUMNS=str(width))).out
        paragraph = text[text.index("Two uses"):text.index("Examples")].splitlines()
        check(all(len(line) <= width for line in paragraph), f"--help is broken at {width}: {text}")
        shortest = min(len(one + " " + two.split()[0]) for one, two in
                       zip(paragraph, paragraph[1:]) if one and two)
        check(shortest >= width - 2, f"a line of --help ends early at {width}: {text}")
    check_refused(run("fleet", "-o", "json:x.json", "--folder", "f", env=slurm), 2, "--folder")
    check_refused(run("fleet", "--dry-run", "--folder", "f", env=slurm), 2, "--dry-run")
    check_refused(run("fleet", "-k", "nothing-like-it", "--folder", "f", env=slurm), 2, "nothing")
    check(read_text("f/rank-0000.done").startswith("2 "), "the others need not wait for it")
    check_refused(run("fleet", "-k", "fp16", env=slurm), 2, "--folder")
    check_refused(run("fleet", "-k", "fp16", env=alone(SLURM_PROCID="x", SLURM_STEP_ID="0",
                                                         SLURM_NTASKS="2")), 2, "SLURM_PROCID")
    check_refused(run("fleet", "-k", "fp16", env=alone(PMI_RANK="2", PMI_SIZE="2")), 2, "PMI_RANK")
    check_refused(run("fleet", "-k", "fp16", env=alone(PMI_RANK="2")), 2, "PMI_SIZE")


def rank(number, env, *arguments):
    """One process of a job."""
    with open(f"rank{number}.out", "wb") as out, open(f"rank{number}.err", "wb") as err:
        return subprocess.Popen([PROGRAM, "fleet", *RUN, *arguments], env=env, stdout=out,
                                stderr=err, stdin=subprocess.DEVNULL)


def test_two_ranks_by_their_environment():
    """Each launcher's own variables; the second rank comes first."""
    for index, names in enumerate((("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
                                   ("PMI_RANK", "PMI_SIZE"),
                                   ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"))):
        processes = [rank(number, alone(**{names[0]: str(number), names[1]: "2"}), "--folder",
                          f"job{index}") for number in (1, 0)]
        codes = [process.wait(harness.TIMEOUT_S) for process in processes]
        check(codes == [0, 0], f"{names}: {codes} {read_text('rank0.err')}")
        check(read_text("rank1.out") == "", "only the first rank prints")
        check("2 nodes" in read_text("rank0.out"), read_text("rank0.out"))
        document = read_json(f"job{index}/fleet.json")
        check(document["node_count"] == 2 and document["missing"] == [], f"{document}")
    again = rank(0, alone(PMI_RANK="0", PMI_SIZE="2"), "--folder", "job1")
    check(again.wait(harness.TIMEOUT_S) == 2 and "earlier fleet" in read_text("rank0.err"),
          "results of another job are not taken for this one's")


def test_a_rank_that_is_missing():
    env = alone(SLURM_PROCID="0", SLURM_STEP_ID="0", SLURM_NTASKS="3")
    os.mkdir("job")
    with open("job/rank-0002.json", "w", encoding="utf-8") as file:
        file.write('{"schema": "kvroof.result/1", "results": [')
    process = rank(0, env, "--folder", "job", "--timeout", "0.5")
    code = process.wait(harness.TIMEOUT_S)
    out, err = read_text("rank0.out"), read_text("rank0.err")
    check(code == 3, f"exit code {code}: {err}")
    check("missing: rank 1: had not ended when --timeout was over; it left no result" in
          " ".join(out.split()), out)
    check("missing: rank 2" in out and "rank-0002.json" in out, out)
    document = read_json("job/fleet.json")
    check(document["node_count"] == 1 and len(document["missing"]) == 2, f"{document}")


def test_a_rank_that_fails():
    processes = [rank(number, alone(PMI_RANK=str(number), PMI_SIZE="2"), "--folder", "job",
                      *(["--roofs", "nowhere.json"] if number else [])) for number in (1, 0)]
    codes = [process.wait(harness.TIMEOUT_S) for process in processes]
    check(codes == [2, 3], f"{codes}: {read_text('rank1.err')}")
    check("missing: rank 1" in read_text("rank0.out") and "exit code" in read_text("rank0.out"),
          read_text("rank0.out"))


def test_a_rank_whose_options_are_refused():
    """Its parsers, run's and fleet's, refuse what another build may take; the first one need not
    wait for it."""
    for index, options in enumerate((["--folder", "job", "-k", ""],
                                     ["--no-such-option", "5", "--folder", "job"],
                                     ["--threshold", "5", "--folder=job"])):
        second = rank(1, alone(PMI_RANK="1", PMI_SIZE="2"), *options)
        check(second.wait(harness.TIMEOUT_S) == 2, read_text("rank1.err"))
        check(read_text("job/rank-0001.done").startswith("2 "), f"start {index}: it says so")
        check("earlier fleet" not in read_text("rank1.err"), "a refusal before is forgotten")
        if not index:
            os.unlink("job/rank-0001.done")
    paths = fleet("nodes", 2)
    check_refused(run("fleet", *paths, "--threshold", "5", "--folder", "read",
                      env=alone(PMI_RANK="1", PMI_SIZE="2")), 2, "percent")
    check(not os.path.exists("read"), "who reads results leaves nothing")
    first = rank(0, alone(PMI_RANK="0", PMI_SIZE="2"), "--folder", "job", "--timeout", "9999")
    check(first.wait(harness.TIMEOUT_S) == 3, read_text("rank0.err"))
    out = " ".join(read_text("rank0.out").split())
    check("missing: rank 1" in out and "exit code 2: it refused" in out, out)


def test_an_interrupted_fleet_keeps_what_there_is():
    process = subprocess.Popen(
        [PROGRAM, "fleet", "--folder", "job", *RUN], stdin=subprocess.DEVNULL, text=True,
        env=alone(PMI_RANK="0", PMI_SIZE="2"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with process:
        harness.interrupt_when(process, lambda line: "waiting for 1 of 2" in line, 60,
                               signal.SIGTERM)
        out = process.stdout.read()
        process.stderr.read()
        code = process.wait(harness.TIMEOUT_S)
    check(code == 143, f"exit code {code}")
    check("missing: rank 1" in out and "interrupted" in out, out)
    check(read_json("job/fleet.json")["node_count"] == 1, "the first one's is kept")


harness.main(globals())
