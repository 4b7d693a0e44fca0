# SPDX-License-Identifier: GPL-3.0-or-later
"""What export writes, read by the programs that it is written for.

Bencher's adapter and github-action-benchmark are in no package: of them the documented forms are
checked, the schema of the one and what the other's reader takes from a row.
"""

import copy
import json
import os
import re
import subprocess
import sys

import harness
from comparing import made, names
from harness import SOURCE, Skip, check, need, need_module, read_text, run, run_tiny

GOLDEN = os.path.join(SOURCE, "tests", "report", "golden")
SCHEMA = os.path.join(SOURCE, "tests", "cli", "junit.xsd")
MEASURED = {}  # of the one run of this file
COMPARE = "/usr/share/benchmark/compare.py"  # of libbenchmark-tools


def golden(form):
    """The text of the sample run."""
    return read_text(os.path.join(GOLDEN, "run." + form))


def measured(form):
    """The text of a run made here, which is the file out.FORMAT, too."""
    if not MEASURED:
        run_tiny("-k", "fp16,lookat.u8", "-r", "3", "-o", "json:out.json", code=0)
        MEASURED["out.json"] = read_text("out.json")
    with open("out.json", "w", encoding="utf-8") as file:
        file.write(MEASURED["out.json"])
    run("export", "out.json", "-o", f"{form}:out.{form}", code=0)
    return read_text(f"out.{form}")


def call(*command, text=None, code=0):
    """stdout and stderr of another program that must end so."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False,
                          env=harness.environment(), timeout=harness.TIMEOUT_S)
    check(done.returncode == code, f"{command[:4]}: {done.returncode}, {done.stdout[-800:]} "
          f"{done.stderr[-800:]}")
    return done.stdout + done.stderr


# ---- Google Benchmark ----

def compare(old, new):
    """What its compare.py says of two files."""
    if not os.path.exists(COMPARE):
        raise Skip("no compare.py on this host (Debian: libbenchmark-tools)")
    need_module("scipy")
    return call(sys.executable, COMPARE, "--no-color", "benchmarks", old, new)


def test_gbench_compare():
    document = json.loads(measured("gbench"))
    slower = copy.deepcopy(document)
    for row in slower["benchmarks"]:
        row["real_time"] *= 1.5
        row["cpu_time"] *= 1.5
    with open("slower.gbench", "w", encoding="utf-8") as file:
        json.dump(slower, file)
    text = compare("out.gbench", "slower.gbench")
    names = {row["name"] for row in document["benchmarks"]}
    check(len(names) > 4, f"rows: {names}")
    for name in names:
        check(re.search(rf"^{re.escape(name)} +\+0\.5000 +\+0\.5000 ", text, re.M),
              f"{name}: {text}")
    check(re.search(r"^OVERALL_GEOMEAN +\+0\.5000 ", text, re.M), f"a mean over all rows: {text}")
    check("U Test, Repetitions: 3 vs 3" in text, f"rounds are repetitions: {text}")


def test_gbench_sample():
    with open("sample.json", "w", encoding="utf-8") as file:
        file.write(golden("gbench.json"))
    text = compare("sample.json", "sample.json")
    check(re.search(r"^OVERALL_GEOMEAN +\+0\.0000 ", text, re.M), "the cases without time are out")


# ---- Prometheus ----

def test_promtool_lints():
    promtool = need("promtool")
    for text in (golden("openmetrics.txt"), measured("openmetrics")):
        said = call(promtool, "check", "metrics", text=text)
        check(said == "", f"no complaint: {said}")


def test_promtool_reads_openmetrics():
    promtool = need("promtool")
    text = measured("openmetrics")
    samples = sum(line.startswith("kvroof_") for line in text.splitlines())
    with open("dated.txt", "w", encoding="utf-8") as file:  # it stores samples at their time
        file.write(re.sub(r"^(kvroof_.*)$", r"\1 1767323045", text, flags=re.M))
    said = call(promtool, "tsdb", "create-blocks-from", "openmetrics", "dated.txt", "blocks")
    check(samples > 15 and re.search(rf" {samples} +{samples} +{samples} ", said),
          f"all {samples} samples are stored: {said}")
    with open("dated.txt", "a", encoding="utf-8") as file:
        file.write("kvroof_late 1\n")
    call(promtool, "tsdb", "create-blocks-from", "openmetrics", "dated.txt", "more", code=1)


def test_prometheus_client_reads_openmetrics():
    need_module("prometheus_client")
    # pylint: disable-next=import-outside-toplevel # where it is missing the others still run
    from prometheus_client.openmetrics import parser
    for text in (golden("openmetrics.txt"), measured("openmetrics")):
        families = {f.name: f for f in parser.text_string_to_metric_families(text)}
        times = families["kvroof_key_time_seconds"]
        check(times.unit == "seconds" and times.type == "gauge", f"{times}")
        check(times.samples and all(0 < s.value < 1e-3 for s in times.samples), f"{times.samples}")


# ---- JUnit ----

def test_junit_schema():
    xmllint = need("xmllint")
    made("a.json")
    made("b.json", {names()[0]: 1.2}, change=lambda result: result["results"].pop(1))
    compared = run("compare", "a.json", "b.json", "--format", "junit", code=1).out
    for text in (golden("junit.xml"), measured("junit"), compared):
        call(xmllint, "--noout", "--schema", SCHEMA, "-", text=text)
    wrong = golden("junit.xml").replace('failures="0"', 'failures="none"')
    call(xmllint, "--noout", "--schema", SCHEMA, "-", text=wrong, code=3)


# ---- github-action-benchmark, Bencher ----

def test_github_action_benchmark():
    for form, unit in (("gha-bigger", "keys/s"), ("gha-smaller", "ns/key")):
        for text in (golden(form + ".json"), measured(form)):
            rows = json.loads(text)
            check(isinstance(rows, list) and rows, "an array that is not empty")
            check(len({row["name"] for row in rows}) == len(rows), "a case is known by its name")
            for row in rows:
                check(set(row) - {"range"} == {"name", "unit", "value", "extra"}, f"{row}")
                check(type(row["value"]) in (int, float) and row["value"] > 0, f"{row}")
                check(row["unit"] == unit and isinstance(row["extra"], str), f"{row}")
                spread = row.get("range", "± 0")  # few rounds have none
                check(spread.startswith("± ") and float(spread[2:]) >= 0, f"{row}")


BMF = {"type": "object", "minProperties": 1, "additionalProperties": {
    "type": "object", "minProperties": 1, "additionalProperties": {
        "type": "object", "required": ["value"], "additionalProperties": False, "properties": {
            name: {"type": "number"} for name in ("value", "lower_value", "upper_value")}}}}


def test_bencher():
    jsonschema = need_module("jsonschema")
    for text in (golden("bmf.json"), measured("bmf")):
        document = json.loads(text)
        jsonschema.validate(document, BMF)
        for name, metrics in document.items():
            check(len(name) <= 1024 and {"latency", "throughput"} <= set(metrics), name)
            for key, metric in metrics.items():
                check(re.fullmatch(r"[a-z0-9-]{1,64}", key), f"a slug: {key}")
                check(metric.get("lower_value", metric["value"]) <= metric["value"] <=
                      metric.get("upper_value", metric["value"]), f"{name} {key} {metric}")


harness.main(globals())
