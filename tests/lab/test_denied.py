# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container or an old kernel refuses: each call or file that is denied gives a row or a
refusal with its reason; never a crash, and never a claim that nobody could have checked."""

import json
import os
import subprocess
import sys

import harness
from harness import check, check_refused, read_json, run, run_tiny

LAB = os.path.abspath(os.environ["KVROOF_LAB"])
DENY = os.path.join(LAB, "deny")
REFUSE = os.path.join(LAB, "librefuse.so")
SANITIZED = os.environ.get("KVROOF_SANITIZED", "none") != "none"
NO_FILTER, NO_CALL = 77, 78

# Denied calls, and what doctor says: rows by id, with the words of its value, text or fix.
CALLS = {
    "mbind=EPERM": {"mbind": "EPERM", "page-place": "mbind fails (EPERM)"},
    "mbind=ENOSYS": {"mbind": "ENOSYS", "page-place": "mbind fails (ENOSYS)"},
    "set_mempolicy=EPERM": {"set-mempolicy": "EPERM"},
    "set_mempolicy=ENOSYS": {"set-mempolicy": "ENOSYS"},
    "get_mempolicy=EPERM": {"get-mempolicy": "EPERM", "set-mempolicy": "EPERM"},
    "get_mempolicy=ENOSYS": {"get-mempolicy": "ENOSYS"},
    "move_pages=EPERM": {"move-pages": "EPERM", "page-place": "move_pages fails (EPERM)"},
    "move_pages=ENOSYS": {"move-pages": "ENOSYS", "page-place": "move_pages fails (ENOSYS)"},
    "mlock=EPERM": {"memlock": "EPERM"},
    "mlock=ENOMEM": {"memlock": "ENOMEM"},
    "prlimit64=EPERM": {"memlock": "EPERM"},
    "sched_setaffinity=EPERM": {"pinning": "EPERM"},
    "sched_setaffinity=EINVAL": {"pinning": "EINVAL"},
    "perf_event_open=EACCES": {"counters": "perf_event_paranoid or a seccomp filter"},
    "perf_event_open=EPERM": {"counters": "EPERM"},
    "perf_event_open=ENOENT": {"counters": "hypervisor does not expose"},
    "perf_event_open=EMFILE": {"counters": "file descriptor"},
    "perf_event_open=EBUSY": {"counters": "another program"},
    "perf_event_open=ENOSYS": {"counters": "without perf events"},
    "perf_event_open=EIO": {"counters": "EIO"},
}

# Files that cannot be opened, and the rows that are unknown then.
FILES = {
    "/proc/self/cgroup": ("cpu-quota", "memory-limit"),
    "/proc/self/status": ("seccomp", "mems"),
    "/proc/self/comm": ("emulation",),
    "/proc/self/smaps": ("pages",),
    "/proc/meminfo": ("swap",),
    "/proc/stat": ("steal", "interrupts"),
    "/proc/uptime": ("interrupts",),
    "/proc/loadavg": ("load",),
    "/proc/cpuinfo": ("cpu-features",),
    "/proc/pressure/memory": ("pressure",),
    "/proc/sys/kernel/perf_event_paranoid": ("perf-event-paranoid",),
    "/proc/sys/kernel/numa_balancing": ("numa-balancing",),
    "/sys/kernel/mm/ksm/run": ("ksm",),
    "/sys/kernel/mm/transparent_hugepage/enabled": ("thp",),
    "/sys/devices/system/cpu/online": ("cpuset", "offline-cpus"),
    "/sys/devices/system/cpu/present": ("offline-cpus",),
    "/sys/devices/system/node/has_memory": ("mems",),
    "/sys/devices/system/clocksource/clocksource0/current_clocksource": ("clock-source",),
}


def try_filter():
    """Skips where this kernel takes no filter."""
    probe = subprocess.run([DENY, "mlock=EPERM", "--", "/bin/true"], check=False,
                           stderr=subprocess.PIPE)
    if probe.returncode == NO_FILTER:
        raise harness.Skip(f"no seccomp filter here: {probe.stderr.decode()}")
    check(probe.returncode == 0, f"deny: {probe}")


def denied(*rules):
    """What starts the program so."""
    return [DENY, *rules, "--"]


def rows_of(outcome):
    """The checks by id."""
    check(outcome.code == 0, "doctor tells, it does not fail", outcome)
    return {row["id"]: row for row in outcome.json()}


def python_denied(code, *rules):
    """The last line of stderr, and the exit code, of Python code that is denied calls."""
    done = subprocess.run([*denied(*rules), sys.executable, "-c", code], check=False,
                          stderr=subprocess.PIPE)
    return done.returncode, (done.stderr.decode().splitlines() or [""])[-1]


def test_the_launcher_denies():
    try_filter()
    ask, small, large = ("import os; os.sched_getaffinity(0)",
                         "import mmap; mmap.mmap(-1, 1 << 20)",
                         "import mmap; mmap.mmap(-1, 1 << 28)")
    for code, rule, words in ((ask, "sched_getaffinity=EPERM", "PermissionError"),
                              (ask, "mlock=EPERM", None), (small, "mmap:100000000=ENOMEM", None),
                              (large, "mmap:100000000=ENOMEM", "Cannot allocate")):
        status, last = python_denied(code, rule)
        check((status == 0) == (words is None) and (words or "") in last, f"{rule}: {last}")
    for rule, status in (("nonsense=EPERM", NO_CALL), ("mlock=ENONSENSE", NO_CALL), ("mlock", 2)):
        check(python_denied(ask, rule)[0] == status, f"{rule} is no rule")


def test_denied_calls_have_rows():
    try_filter()
    before = rows_of(run("doctor", "--format", "json"))
    for rule, expected in CALLS.items():
        outcome = run("doctor", "--format", "json", wrapper=denied(rule))
        rows = rows_of(outcome)
        check(set(rows) == set(before), f"{rule}: no row is lost", outcome)
        check(rows["seccomp"]["value"] == "filter", f"{rule}: the filter is seen", outcome)
        for name, words in expected.items():
            row = rows[name]
            check(row["status"] != "ok", f"{rule}: {name} claims to work", outcome)
            check(words in json.dumps(row), f"{rule}: {row}", outcome)


def test_huge_pages_that_are_refused():
    try_filter()
    for error in ("EPERM", "EINVAL"):
        outcome = run("doctor", "--format", "json", wrapper=denied(f"madvise={error}"))
        row = rows_of(outcome)["pages"]
        check(error in json.dumps(row), f"madvise: {row}", outcome)


def test_denials_without_a_row_of_their_own():
    try_filter()
    for rule in ("prctl=EPERM", "arch_prctl=EPERM", "faccessat2=ENOSYS", "uname=EPERM",
                 "fork=EAGAIN"):
        outcome = run("doctor", "--format", "json", wrapper=denied(rule))
        if outcome.code == NO_CALL:
            continue # of another architecture
        rows = rows_of(outcome)
        amx = rows["amx-permission"]
        check(rule != "arch_prctl=EPERM" or amx["value"] in ("none", "refused", "not in XCR0"),
              f"no permission that was refused: {amx}", outcome)


def test_which_cpus_may_be_used_is_not_told():
    """hwloc asks for ever where no answer is allowed."""
    try_filter()
    for command in (["doctor"], ["run", "--dry-run"], ["list", "topology"]):
        outcome = run(*command, wrapper=denied("sched_getaffinity=EPERM"), limit_s=60)
        check(outcome.code == 3 and outcome.out == "", "refused", outcome)
        check("sched_getaffinity" in outcome.err, "with its reason", outcome)


def refused_run(rules, words, **changes):
    """A run that cannot be: exit 3 with the words, no result file."""
    outcome = run("run", "-k", "fp16", "-n", "512", "--bytes", "128M", "--layout", "heads",
                  "--progress", "off", "-r", "1", "-o", "json:out.json",
                  *changes.pop("options", ("-t", "1")), wrapper=denied(*rules) if rules else (),
                  env=harness.environment(**changes), limit_s=60)
    check_refused(outcome, 3, *words)
    check(not os.path.exists("out.json"), "no result of a run that was not", outcome)


def test_runs_that_are_refused():
    try_filter()
    refused_run(["mmap:100000000=ENOMEM"], ["address space", "ulimit"])
    refused_run(["mprotect:100000000=ENOMEM"], ["overcommit"])
    refused_run(["sched_setaffinity=EPERM"], ["pinned thread", "not permitted", "doctor"])
    refused_run(["getrusage=EPERM"], ["getrusage", "page faults"])
    if (os.cpu_count() or 1) < 2 or len(os.sched_getaffinity(0)) < 2:
        raise harness.Skip("a second thread wants a second CPU")
    refused_run(["clone3=ENOSYS", "clone=EAGAIN"], ["2 pinned threads", "pids.max"],
                options=("-t", "2"))


def test_a_run_without_placement_still_measures():
    try_filter()
    outcome = run_tiny("-k", "fp16", "-r", "1", "-o", "json:out.json",
                       wrapper=denied("mbind=EPERM", "move_pages=EPERM", "get_mempolicy=EPERM",
                                      "set_mempolicy=EPERM", "madvise=EPERM", "mlock=EPERM",
                                      "perf_event_open=EACCES"))
    if outcome.code == 3: # with several nodes mbind is needed
        check("mbind" in outcome.err, "refused with its reason", outcome)
        return
    check(outcome.code == 0, "measured", outcome)
    rows = {row["id"]: row for row in read_json("out.json")["checks"]}
    for name in ("mbind", "move-pages", "get-mempolicy", "set-mempolicy", "counters", "memlock"):
        check(rows[name]["status"] != "ok", f"the result holds what was refused: {rows[name]}")
    check(rows["counters"]["value"] == "EACCES", f"{rows['counters']}")


def preloaded(**changes):
    """The environment with the library that refuses."""
    if SANITIZED:
        raise harness.Skip("a library cannot be loaded before a sanitizer's")
    return harness.environment(LD_PRELOAD=REFUSE, **changes)


def test_refused_files_are_unknown():
    before = rows_of(run("doctor", "--format", "json", env=preloaded()))
    tried = 0
    for path, names in FILES.items():
        if not os.path.exists(path):
            continue
        for error in (13, 5):
            outcome = run("doctor", "--format", "json",
                          env=preloaded(REFUSE_PATH=path, REFUSE_ERROR=str(error)))
            rows = rows_of(outcome)
            check(set(rows) == set(before), f"{path}: no row is lost", outcome)
            for name in names:
                check(rows[name]["status"] == "unknown", f"{path}: {rows[name]}", outcome)
        tried += 1
    check(tried >= 10, f"only {tried} of the files are here")


def test_refused_threads():
    if len(os.sched_getaffinity(0)) < 2:
        raise harness.Skip("a second thread wants a second CPU")
    preloaded()
    refused_run([], ["2 pinned threads", "temporarily unavailable"], options=("-t", "2"),
                LD_PRELOAD=REFUSE, REFUSE_THREADS="1")


def outcome_of_counting(first):
    """A run of two threads where the n-th and later counters cannot be opened: "refused", "some"
    (an event is not counted because a thread lacks it), "all"."""
    events = ("task-clock", "page-faults", "context-switches")
    outcome = run_tiny("-k", "fp16", "-n", "512", "--bytes", "256k", "-t", "2", "-r", "1",
                       "--counters", "perf:" + ",".join(events), "-o", "json:out.json",
                       env=preloaded(REFUSE_COUNTERS=str(first)))
    if outcome.code:
        check_refused(outcome, 3, "EMFILE", "ulimit -n")
        return "refused"
    lacking = 0
    for result in read_json("out.json")["results"]:
        for name in events:
            why = result["unavailable"].get(f"counter {name}")
            check((why is None) == (name in result["counters"]), f"{name}: counted or says why")
            if why is not None:
                check("of 2" in why and "EMFILE" in why and "ulimit -n" in why, f"{name}: {why}")
                lacking += 1
    return "some" if lacking else "all"


def test_counters_are_refused_half_way():
    """Proven when the program starts, then a thread that is made later gets none."""
    rows = {row["name"]: row for row in run("list", "counters", "--format", "json").json()}
    if rows["task-clock"]["state"] != "counts":
        raise harness.Skip(f"no software event: {rows['task-clock']['why']}")
    if len(os.sched_getaffinity(0)) < 2:
        raise harness.Skip("a second thread wants a second CPU")
    seen = [outcome_of_counting(first) for first in (1, 3, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 60)]
    check(seen[0] == "refused" and seen[-1] == "all", f"none, and all: {seen}")
    check("some" in seen, f"between them a thread that is later than the proof: {seen}")


harness.main(globals())
