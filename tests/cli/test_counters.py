# SPDX-License-Identifier: GPL-3.0-or-later
"""--counters: what is refused and how, and events of the kernel from the option to the result."""

import json
import os

import harness
from harness import check, check_refused, run, run_tiny

ONE = ("-k", "fp16", "--bytes", "256k", "-r", "1")


def measured(*arguments):
    """The result of a small run."""
    run_tiny(*ONE, *arguments, "-o", "json:r.json", code=0)
    document = harness.read_json("r.json")
    harness.check_schema(document)
    return document


def states():
    """Name of an event: its row."""
    return {row["name"]: row for row in run("list", "counters", "--format", "json", code=0).json()}


def check_of(document, name):
    return next(c for c in document["checks"] if c["id"] == name)


def test_names_first():
    for text, words in (("cycles", ["auto, off, perf"]), ("pref", ["perf"]), ("perf:", ["perf"]),
                        ("auto:x", ["auto"]), ("perf:cycle", ['"cycle"', '"cycles"']),
                        ("perf:cycles,task-clok", ['"task-clock"']),
                        ("perf:rxyz", ["list counters"])):
        check_refused(run_tiny(*ONE, "--counters", text), 2, *words)
        check_refused(run_tiny(*ONE, "--dry-run", "--counters", text), 2, *words)


def test_absent_is_3():
    rows = states()
    absent = [name for name, row in rows.items() if row["state"] == "unavailable"]
    if not absent:
        raise harness.Skip("every event that has a name counts here")
    for name in absent:
        check(rows[name]["why"], f"{name} is unavailable without a reason")
    check_refused(run_tiny(*ONE, "--counters", f"perf:{absent[0]}"), 3, absent[0],
                  "perf_event_paranoid", "what helps")
    run_tiny(*ONE, "--dry-run", "--counters", f"perf:{absent[0]}", code=0)


def test_software_events():
    rows = states()
    wanted = ("task-clock", "page-faults", "context-switches")
    lacking = [name for name in wanted if rows[name]["state"] != "counts"]
    if lacking:
        raise harness.Skip(f"{lacking[0]}: {rows[lacking[0]]['why']}")
    for more in ((), ("-t", "2"), ("--prove",)):
        if more == ("-t", "2") and os.cpu_count() < 2:
            continue
        document = measured("--counters", "perf:" + ",".join(wanted), *more)
        backend = check_of(document, "counters-backend")
        check(backend["value"] == "perf" and "start and stop take" in backend["text"], f"{backend}")
        shown = " ".join(run("show", "r.json", code=0).out.split())
        check("start and stop take" in shown, "what counting costs is printed")
        check(("(threads " in shown) == ("-t" in more), f"least and most of threads: {shown}")
        for result in document["results"]:
            counters = result["counters"]
            for name in wanted:
                check(counters[name]["quality"] == "measured", f"{name}: {counters[name]}")
                check(counters[name]["running"] == 1, f"{name}: {counters[name]}")
            check(counters["task-clock"]["value"] > 0, f"time passes: {counters}")
            faults = sum(r["faults"] for r in result["rounds"])
            check(faults or counters["page-faults"]["total"] < 50,
                  f"no fault between the stamps, few around them: {counters}")
            check(counters["flops-model"]["quality"] == "modelled", f"{counters}")
            check("flops" not in counters, f"nothing counted these: {counters}")
            threads = counters["task-clock"].get("threads", [])
            several = result["threads"] if result["threads"] > 1 else 0
            check([own["thread"] for own in threads] == list(range(several)), f"{counters}")
            check(all(own["value"] > 0 for own in threads), f"time passes for each: {threads}")
            check(("thread_least" in counters["task-clock"]) == bool(several), f"{counters}")


def test_passes():
    """Of passes that are timed one by one, and of those that others lie between, T alone."""
    row = states()["task-clock"]
    if row["state"] != "counts":
        raise harness.Skip(f"task-clock: {row['why']}")
    fewer = ("-n", "512", "--heads", "4", "--counters", "perf:task-clock,page-faults")
    for more in (("-k", "fp16,int8.materialised", "--evict", "0"),
                 ("-k", "fp16", "--evict", "8M")):
        run_tiny(*more, "-r", "2", *fewer, "-o", "json:r.json", code=0)
        document = harness.read_json("r.json")
        harness.check_schema(document)
        for result in document["results"]:
            check("counters" not in result["unavailable"], f"{result['unavailable']}")
            counters = result["counters"]
            check(counters["task-clock"]["value"] > 0, f"{counters}")
            check(("flops-model" in counters) == (result["variant"] != "materialised"),
                  f"the model knows the operations of the scan: {counters}")
    run_tiny("-k", "fp16", "--evict", "8M", "-r", "2", *fewer, "--prove", "-o", "json:r.json",
             code=0)
    for result in harness.read_json("r.json")["results"]:
        check("--prove" in result["unavailable"]["counters"], f"{result['unavailable']}")


def test_off_and_none():
    document = measured("--counters", "off")
    for result in document["results"]:
        check("counters" not in result and "counters" not in result["unavailable"],
              f"off is silent: {result}")
    if states()["cycles"]["state"] == "counts":
        return
    document = measured()
    backend = check_of(document, "counters-backend")
    check(backend["value"] == "none" and "cycles" in backend["text"], f"none says why: {backend}")
    shown = run("show", "r.json", code=0).out
    check(shown.count("Nothing was counted") == 1, f"one line says it:\n{shown}")
    check("ENOENT" not in shown, f"and no more than it:\n{shown}")
    for result in document["results"]:
        check("counters" not in result["unavailable"], f"said once, not of each: {result}")
        check(all(c["quality"] == "modelled" for c in result["counters"].values()),
              f"{result['counters']}")


def replay(*lines):
    """The option's value for a recording of these lines."""
    with open("counts", "w", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in lines))
    return "replay:counts"


def replayed():
    """The lines of a recording for this machine, without its end."""
    print_of = measured("--counters", "off")["machine"]["fingerprint"]
    head = ("kvroof-counters 1", f"machine {print_of}")
    events = ("event cycles 1 48 -", "event instructions 1 48 -", "event dram-reads 64 32 bytes",
              "event fp32-512 16 48 flops", "event energy-pkg 0.000001 64 joules")
    marks = [f"mark 0 {1000 * i} {1000 * i} {100 * i} {250 * i} {(4294967290 + i) % 2 ** 32} "
             f"{9 * i} {500 * i}"
             for i in range(64)]
    return head, events, marks


def test_points_by_counters():
    harness.need("gnuplot")
    head, events, marks = replayed()
    measured("--counters", replay(*head, *events, *marks, "end 64"))
    run("plot", "r.json", "-k", "roofline", "-o", "pictures", code=0)
    rows = [line.split("\t") for line in
            harness.read_text(os.path.join("pictures", "roofline.tsv")).splitlines()]
    places = {row[2]: row[3] for row in rows if row[0] == "place"}
    marks = {row[2] for row in rows if row[0] == "point"}
    counted = {number for number, name in places.items() if "by counters" in name}
    check(counted and counted < marks and marks <= set(places),
          f"points by counters have marks of their own, beside those of the model: {rows}")
    picture = harness.read_text(os.path.join("pictures", "roofline.svg"))
    check("by counters" in picture, "the picture's legend names them")


def test_replay():
    head, events, marks = replayed()
    document = measured("--counters", replay(*head, *events, *marks, "end 64"))
    check(check_of(document, "counters-backend")["status"] == "warn", "a replay is said to be")
    for result in document["results"][:1]:
        counters = result["counters"]
        check(abs(counters["ipc"]["value"] - 2.5) < 1e-9, f"{counters}")
        check(counters["dram-reads"]["total"] in (64, 128), f"over the wrap: {counters}")
        check(counters["memory-bytes"]["quality"] == "measured", f"{counters}")
        joules, a_key = counters["joules-per-million-keys"], counters["energy-pkg"]["value"]
        check(abs(joules["value"] - 1e6 * a_key) <= 1e-9 * joules["value"], f"{counters}")
        check(abs(counters["energy-pkg"]["total"] / counters["cycles"]["total"] - 5e-6) < 1e-12,
              f"500 microjoules to 100 cycles: {counters}")
    shown = run("show", "r.json", code=0).out
    for words in ("ipc 2.5", "joules-per-million-keys", "by the model"):
        check(words in shown, f"show prints what was counted:\n{shown}")
    document["results"][0]["counters"] = [1]
    with open("bad.json", "w", encoding="utf-8") as file:
        json.dump(document, file)
    check_refused(run("show", "bad.json"), 2, "counters", "array")
    for lines, words in (
            ((*head, *events, *marks[:3]), ["cut off", "end"]),
            (("kvroof-counters 1", "machine 0000000000000000", "end 0"), ["another machine"]),
            ((*head, *events, marks[5], marks[4], "end 2"), ["counts backwards"])):
        check_refused(run_tiny(*ONE, "--counters", replay(*lines)), 2, *words)
    check_refused(run_tiny(*ONE, "--counters", "replay:/nowhere"), 2, "/nowhere")


harness.main(globals())
