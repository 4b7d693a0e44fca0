# SPDX-License-Identifier: GPL-3.0-or-later
"""doctor: every check with its effect, as text and as JSON, and what --strict makes of them."""

import os
import shutil

import harness
from harness import check, check_refused, read_json, run

ROOTS = os.path.join(harness.SOURCE, "tests", "machine", "roots")

# What INTERFACE promises to be looked at; every one has a row, whatever this host is.
IDS = """counters perf-event-paranoid likwid cpu-name cpu-features isa amx-permission hypervisor
    container seccomp steal pressure throttling interrupts preemptions faults switches migrations
    cpu-quota memory-limit cpuset mems offline-cpus smt hybrid-cores governor turbo clock-real load
    reported-caches cache-l1 cache-l2 cache-l3 dram-proven free-memory node-memory page-size pages
    thp memlock get-mempolicy mbind set-mempolicy move-pages page-place numa-balancing ksm
    sub-numa-clusters numa-nodes numa-distances clock-source clock-resolution build emulation swap
    sentinel bypass pinning topology""".split()

# Only a run can know these.
OF_A_RUN = """preemptions faults switches migrations cache-l1 cache-l2 cache-l3 dram-proven sentinel
    bypass""".split()

# What no file below a root says: the host's own, whatever --root is.
OF_THE_HOST = {"isa", "amx-permission", "invariant-tsc", "build", "emulation", "clock-real",
               "clock-resolution", "pinning", "topology", "mbind", "get-mempolicy",
               "set-mempolicy", "move-pages", "page-place", "hybrid-cores", "cpuset"}


def checks_of(*arguments):
    """The rows of doctor by id."""
    rows = run("doctor", "--format", "json", *arguments, code=0).json()
    return {row["id"]: row for row in rows}


def root(name):
    """A recorded machine."""
    return os.path.join(ROOTS, name)


def test_text():
    outcome = run("doctor", code=0)
    check(outcome.err == "", "everything is on stdout", outcome)
    first = [line.split()[0] for line in outcome.out.splitlines() if line[:1].strip()]
    for name in IDS:
        check(name in first, f"no row {name}", outcome)
    check("can measure" in outcome.out, "it says what can be measured", outcome)
    check(" ok\n" in outcome.out[-60:], "it ends in a count", outcome)


def test_what_asks_for_something_comes_first():
    lines = run("doctor", "--root", root("pressure"), code=0).out.splitlines()
    order = [line.split()[1] for line in lines
             if len(line.split()) > 1 and line.split()[0] in IDS]
    rank = ["refuse", "warn", "info", "unknown", "ok"]
    check(order[0] == "warn", f"a warning leads: {order}")
    check(order == sorted(order, key=rank.index), f"by urgency: {order}")


def schema_of_checks():
    """The module that validates, and the part of the schema that describes checks."""
    try:
        import jsonschema
    except ImportError as error:
        raise harness.Skip("python3-jsonschema is not installed") from error
    schema = read_json(os.path.join(harness.SOURCE, "schema", "kvroof.result.1.json"))
    return jsonschema, dict(schema["properties"]["checks"], definitions=schema["definitions"])


def test_json_is_what_a_result_holds():
    jsonschema, part = schema_of_checks()
    for arguments in ((), ("--root", root("cgroup-v2"))):
        rows = run("doctor", "--format", "json", *arguments, code=0).json()
        jsonschema.validate(rows, part)
        check(len(rows) > 50, "all rows are there")
        for row in rows:
            check(row.get("text"), f"a fact and its effect: {row}")
            check(row.get("value") or row["status"] == "unknown", f"a value: {row}")


def test_a_wrong_status_is_refused_by_the_schema():
    jsonschema, part = schema_of_checks()
    for row in ({"id": "a", "status": "fine"}, {"id": "Not Kebab", "status": "ok"}):
        try:
            jsonschema.validate([row], part)
        except jsonschema.ValidationError:
            continue
        raise harness.Failure(f"the schema takes {row}")


def test_every_check_is_there():
    rows = checks_of()
    for name in IDS:
        check(name in rows, f"no check {name}")
    for name in OF_A_RUN:
        check(rows[name]["status"] == "unknown" and
              rows[name]["text"].startswith("measured by run"), f"{name}: {rows[name]}")


def test_list_checks_says_the_same():
    listed = {row["id"] for row in run("list", "checks", "--format", "json", code=0).json()}
    check(listed == set(checks_of()), "list checks and doctor know the same checks")


def test_fingerprint_is_alone():
    for option in (["--strict"], ["--format", "json"]):
        check_refused(run("doctor", "--fingerprint", *option), 2, "--fingerprint", option[0])


def test_strict():
    outcome = run("doctor", "--strict", "--root", root("pressure"))
    check(outcome.code == 1, "a warning is exit 1", outcome)
    check("--strict" in outcome.err and "pressure" in outcome.out, "and is said", outcome)
    run("doctor", "--root", root("pressure"), code=0)


def test_strict_where_nothing_warns():
    outcome = run("doctor", "--strict", "--root", root("plain"))
    words = [line.split() for line in outcome.out.splitlines() if line[:1].strip()]
    warned = {word[0] for word in words if len(word) > 1 and word[1] in ("warn", "refuse")}
    check(warned <= OF_THE_HOST, f"the recorded machine is in order: {warned}", outcome)
    check(outcome.code == (1 if warned else 0), f"exit code {outcome.code}: {warned}", outcome)
    if warned:
        raise harness.Skip(f"this host itself warns: {', '.join(sorted(warned))}")


def test_one_file_decides():
    shutil.copytree(root("plain"), "copy")
    before = checks_of("--root", "copy")
    with open("copy/sys/kernel/mm/ksm/run", "w", encoding="ascii") as file:
        file.write("1\n")
    after = checks_of("--root", "copy")
    check(before["ksm"]["status"] == "ok" and after["ksm"]["status"] == "warn",
          f"{before['ksm']} {after['ksm']}")
    check("echo 0" in after["ksm"]["fix"], "with what helps")
    run("doctor", "--strict", "--root", "copy", code=1)


def test_it_changes_nothing():
    shutil.copytree(root("cgroup-v2"), "copy")

    def state():
        return sorted((path, os.stat(os.path.join(path, name)).st_mtime_ns, name)
                      for path, _, names in os.walk(".") for name in names)
    before = state()
    run("doctor", "--root", "copy", code=0)
    check(state() == before, "no file is made or written")


def test_bad_options():
    check_refused(run("doctor", "--format", "yaml"), 2, "yaml", "json")
    check_refused(run("doctor", "--root", "no-such-folder"), 2, "no-such-folder")
    check_refused(run("doctor", "--strikt"), 2, "strict")
    check_refused(run("doctor", "x"), 2, "'x'")


harness.main(globals())
