# SPDX-License-Identifier: GPL-3.0-or-later
"""run --prove: clean code passes, and what enters the kernel between the stamps fails the run.

The violations are planted from outside: a kernel of an attention's values calls memset, and a
library that is loaded first has a memset that does more than it should.
"""

import os
import subprocess

import harness
from harness import Skip, check, environment, need, read_json, read_text, run_tiny, tiny_roofs

PLANT = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int what;                 /* 0: nothing yet */
static int helpers_only;
static pthread_t first;
static volatile char *fresh;     /* pages that nobody has touched */
static volatile size_t touched, calls;
enum { PAGES = 50000, EVERY = 64 };

__attribute__((constructor)) static void begin(void)
{
    const char *plant = getenv("PLANT");
    first = pthread_self();
    fresh = mmap(0, 4096ul * PAGES, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    madvise((void *)fresh, 4096ul * PAGES, MADV_NOHUGEPAGE);
    helpers_only = getenv("PLANT_IN_HELPERS") != 0;
    what = plant ? plant[0] : 0;
}

/* A system that lacks the one or the other. */
int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
    static int (*real)(int, ...);
    if (option == 59 && getenv("NO_DISPATCH")) { /* PR_SET_SYSCALL_USER_DISPATCH */
        errno = EINVAL;
        return -1;
    }
    real = dlsym(RTLD_NEXT, "prctl");
    return real(option, a, b, c, d);
}

long syscall(long number, ...)
{
    static long (*real)(long, ...);
    long a[6];
    __builtin_va_list list;
    __builtin_va_start(list, number);
    for (int i = 0; i < 6; i++)
        a[i] = __builtin_va_arg(list, long);
    __builtin_va_end(list);
    if (number == SYS_seccomp && getenv("NO_SECCOMP")) {
        errno = ENOSYS;
        return -1;
    }
    real = dlsym(RTLD_NEXT, "syscall");
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void act(void)
{
    struct timespec t;
    volatile char *page;
    if (helpers_only && pthread_equal(first, pthread_self()))
        return;
    switch (what) {
    case 'g': syscall(SYS_getpid); break;
    case 's': syscall(SYS_sched_yield); break;
    case 'c': clock_gettime(CLOCK_MONOTONIC, &t); break;
    case 'm':
        page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        page[0] = 1;
        munmap((void *)page, 4096);
        break;
    case 'f': /* now and then: every page stays */
        if (++calls % EVERY == 0 && touched < PAGES)
            fresh[4096 * touched++] = 1;
        break;
    }
}

void *memset(void *to, int value, size_t bytes)
{
    volatile char *at = to;
    if (bytes >= 64 && bytes <= 2048)
        act();
    for (size_t i = 0; i < bytes; i++)
        at[i] = (char)value;
    return to;
}
"""

# The values step of this run is the one that calls memset.
ATTENTION = ["-k", "fp16", "--isa", "scalar", "--op", "attention"]


def plant():
    """The path of the library."""
    compiler = os.environ.get("CC", "cc").split()
    need(compiler[0])
    with open("plant.c", "w", encoding="utf-8") as file:
        file.write(PLANT)
    built = subprocess.run([*compiler, "-O1", "-fno-builtin", "-shared", "-fPIC", "-o", "plant.so",
                            "plant.c", "-ldl"], stderr=subprocess.PIPE, text=True, check=False)
    if built.returncode:
        raise Skip(f"no library can be built here: {built.stderr[-300:]}")
    return os.path.abspath("plant.so")


def proof(outcome, path):
    """The check bypass of a result; a host without a method says so with exit code 3."""
    if outcome.code == 3 and "nothing here catches" in outcome.err:
        raise Skip(outcome.err.strip())
    check(outcome.code in (0, 1), f"exit code {outcome.code}", outcome)
    checks = [row for row in read_json(path)["checks"] if row["id"] == "bypass"]
    check(len(checks) == 1, "one check bypass", outcome)
    return checks[0]


def test_clean_run_passes():
    outcome = run_tiny("-k", "fp16,lookat.u8", "--prove", "-o", "json:out.json")
    row = proof(outcome, "out.json")
    check(outcome.code == 0, "exit code 0", outcome)
    value = row["value"]
    check(row["status"] == "ok", f"{row}", outcome)
    check(value["regions"] > 0, "regions were proven", outcome)
    for name in ("syscalls", "vdso_calls", "faults", "switches"):
        check(value[name] == 0, f"{name} of clean code: {value[name]}", outcome)
    check(value["preemptions"] >= 0 and value["method"], f"{value}", outcome)
    check(("interrupts" in value) != ("interrupts not counted" in value["method"]), f"{value}",
          outcome)
    line = next((line for line in outcome.out.splitlines() if line.startswith("bypass:")), "")
    check(f"{value['regions']} regions" in line and "no kernel entry" in line, line, outcome)


def test_every_kind_of_case_passes():
    for options in (["-k", "fp16,lookat.u8", "--op", "step"], ATTENTION,
                    ["-k", "int8.materialised"], ["-k", "int8.fused", "--evict", "1M"]):
        ceilings = [] if "--evict" in options else ["--roofs", tiny_roofs()]  # evicting reads more
        outcome = run_tiny(*options, *ceilings, "--prove", "-o", "json:out.json")
        row = proof(outcome, "out.json")
        check(outcome.code == 0 and row["status"] == "ok", f"{row}", outcome)


def test_controls_are_proven_too():
    outcome = run_tiny("-p", "quick", "-k", "fp16", "-r", "6", "--prove", "-o", "json:out.json",
                       "--bytes", "128M", "--max-mem", "512M")
    row = proof(outcome, "out.json")
    check(outcome.code == 0 and row["status"] == "ok", f"{row}", outcome)
    controls = [row for row in read_json("out.json")["checks"] if row["id"] == "verdict-controls"]
    check(len(controls) == 1 and controls[0]["status"] != "refuse", f"{controls}", outcome)


def test_without_it_nothing_is_claimed():
    outcome = run_tiny("-k", "fp16", "-o", "json:out.json", code=0)
    row = proof(outcome, "out.json")
    check(row["status"] == "unknown" and "value" not in row, f"{row}", outcome)
    check("--prove" in row["fix"], "it says how", outcome)
    check("bypass:" not in outcome.out, "no line in the table", outcome)


def caught(what, name, field, threads="1", **more):
    """A run with that violation fails, names it, and marks its result."""
    env = environment(LD_PRELOAD=plant(), PLANT=what, **more)
    ceilings = ["--roofs", tiny_roofs()] if threads == "1" else ["-t", threads]
    outcome = run_tiny(*ATTENTION, *ceilings, "--prove", "-o", "json:out.json", env=env)
    row = proof(outcome, "out.json")
    check(outcome.code == 1, f"exit code {outcome.code} with {name}", outcome)
    check(row["status"] == "refuse", f"{row}", outcome)
    check(row["value"][field] > 0, f"{field} of {row['value']}", outcome)
    check(name in row["text"] and "thread" in row["text"], row["text"], outcome)
    check("fp16" in row["text"], "the kernel or case is named", outcome)
    check("--prove:" in outcome.err and name in outcome.err, "stderr names it", outcome)
    check(any("kernel-entry" in result.get("flags", [])
              for result in read_json("out.json")["results"]), "the result is marked", outcome)
    check("no kernel entry" not in outcome.out, "the table claims nothing", outcome)
    return row


def test_planted_system_call():
    caught("getpid", "getpid", "syscalls")


def test_planted_yield():
    caught("sched_yield", "sched_yield", "syscalls")


def test_planted_mapping():
    caught("mmap", "mmap", "syscalls")


def test_planted_first_touch():
    row = caught("first touch", "page fault", "faults")
    check(row["value"]["syscalls"] == 0, f"{row}")


def test_planted_vdso_call():
    row = caught("clock_gettime", "clock_gettime", "vdso_calls")
    check(row["value"]["syscalls"] == 0, f"{row}")


def test_planted_in_a_helper():
    if len(os.sched_getaffinity(0)) < 2:
        raise Skip("one CPU: a run has no helper threads")
    row = caught("getpid", "getpid", "syscalls", threads="2", PLANT_IN_HELPERS="1")
    check("by thread 1" in row["text"], row["text"])


def test_the_other_method():
    library = plant()
    env = environment(LD_PRELOAD=library, NO_DISPATCH="1")
    outcome = run_tiny(*ATTENTION, "--roofs", tiny_roofs(), "--prove", "-o", "json:out.json",
                       env=env)
    row = proof(outcome, "out.json")
    check(outcome.code == 0 and row["status"] == "ok", f"{row}", outcome)
    check("seccomp" in row["value"]["method"], f"{row}", outcome)
    caught("getpid", "getpid", "syscalls", NO_DISPATCH="1")


def test_no_method():
    env = environment(LD_PRELOAD=plant(), NO_DISPATCH="1", NO_SECCOMP="1")
    outcome = run_tiny("-k", "fp16", "--prove", "-o", "json:out.json", env=env)
    harness.check_refused(outcome, 3, "--prove", "dispatch", "seccomp")
    check(not os.path.exists("out.json"), "no result without a proof", outcome)


def test_planted_without_proof_is_not_seen():
    env = environment(LD_PRELOAD=plant(), PLANT="getpid")
    outcome = run_tiny(*ATTENTION, "-o", "json:out.json", env=env, code=0)
    check("kernel-entry" not in read_text("out.json"), "only --prove looks", outcome)


def test_interrupt_is_no_violation():
    with subprocess.Popen([harness.PROGRAM, "run", "-k", "all", "-d", "64", "--bytes", "4M", "-t",
                           "1", "--prove", "--progress", "plain", "-o", "json:out.json"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, env=environment()) as process:
        harness.interrupt_when(process, lambda line: line.startswith("["), harness.TIMEOUT_S)
        err = process.stderr.read()
        code = process.wait(harness.TIMEOUT_S)
    if code == 3:
        raise Skip(err.strip())
    check(code == 130, f"exit code {code}: {err}")
    row = next(row for row in read_json("out.json")["checks"] if row["id"] == "bypass")
    check(row["status"] == "ok" and row["value"]["syscalls"] == 0, f"{row}")


harness.main(globals())
