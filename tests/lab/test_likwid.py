# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of likwid's counts into a result, where likwid has access: this program with its linked
likwid, whose functions are played by likwid_played.c over the groups that likwid's own files define
for Ice Lake servers. What a real machine would count is not known here; that each event of a group
is taken, scaled, proven and combined as it should be is."""

import os
import subprocess

import harness
from harness import check, check_refused, read_json, run, run_tiny

LAB = os.path.abspath(os.environ["KVROOF_LAB"])
GROUPS = "/usr/share/likwid/perfgroups/ICX"
CHANNELS = 8  # of memory, in the group MEM of these CPUs

# One unit of the played recording (likwid_played.c).
INSTRUCTIONS, LINES, JOULES = 2e6, 1 << 18, .25


def environment(**more):
    """The tests' environment with that library."""
    if not os.environ["KVROOF_LIKWID"]:
        raise harness.Skip("this program was built without likwid")
    if os.environ["KVROOF_SANITIZED"] != "none":
        raise harness.Skip("a sanitizer wants to be loaded first")
    if not os.path.isdir(GROUPS):
        raise harness.Skip(f"likwid's files of groups are not installed: {GROUPS}")
    return harness.environment(LD_PRELOAD=os.path.join(LAB, "liblikwid_played.so"),
                               LIKWID_PLAYED=GROUPS, **more)


def played(*arguments, code=0, **more):
    """A small run with that library."""
    return run_tiny("-k", "fp16", "--bytes", "256k", "-r", "1", *arguments, code=code,
                    env=environment(**more))


def counted(group, *arguments):
    """Counters of each case of a run with a group, and the rows of what is not available."""
    played("--counters", f"likwid:{group}", *arguments, "-o", "json:r.json")
    document = read_json("r.json")
    harness.check_schema(document)
    backend = next(c for c in document["checks"] if c["id"] == "counters-backend")
    check(backend["value"] == "likwid", f"{backend}")
    check("start and stop take" in backend["text"], f"its cost is told: {backend}")
    check(document["results"], "a case was measured")
    return [(result["counters"], result["unavailable"], result) for result in document["results"]]


def near(a, b):
    """Equal but for rounding."""
    return abs(a - b) <= 1e-6 * abs(b)


def test_memory():
    """Channels of the uncore add up to bytes of memory, in GB/s and against the model."""
    for counters, unavailable, result in counted("MEM"):
        instructions = counters["instructions"]["value"]
        units = instructions / INSTRUCTIONS  # a key
        reads = [c for name, c in counters.items() if name.startswith("dram-reads")]
        writes = [c for name, c in counters.items() if name.startswith("dram-writes")]
        check(len(reads) == len(writes) == CHANNELS, f"each channel: {sorted(counters)}")
        check(all(near(c["value"], units * LINES * 64) for c in reads + writes), f"{counters}")
        bytes_ = counters["memory-bytes"]
        check(near(bytes_["value"], 2 * CHANNELS * units * LINES * 64), f"{counters}")
        check(bytes_["quality"] == "measured" and counters["memory-gb-per-s"]["value"] > 0,
              f"{counters}")
        model = counters["memory-bytes-model"]
        check(model["quality"] == "modelled", f"{model}")
        apart = model["value"] > 0 and abs(bytes_["value"] / model["value"] - 1) > .1
        check(("counter-mismatch" in result["flags"]) == apart, f"{result['flags']} {model}")
        check("counters" not in unavailable, f"{unavailable}")


def test_energy():
    """The package's energy a million keys; a temperature is no count."""
    for counters, unavailable, _ in counted("ENERGY"):
        units = counters["instructions"]["value"] / INSTRUCTIONS
        check(near(counters["energy-pkg"]["value"], units * JOULES), f"{counters}")
        check(counters["energy-pkg"]["unit"] == "joules/key", f"{counters}")
        joules = counters["joules-per-million-keys"]
        check(near(joules["value"], 1e6 * units * JOULES) and joules["unit"] == "joules/Mkey",
              f"package energy alone: {counters}")
        check(near(counters["PWR_DRAM_ENERGY"]["value"], units * JOULES), f"{counters}")
        check("did not count" in unavailable["counter TEMP_CORE"], f"{unavailable}")
    shown = run("show", "r.json", code=0).out
    check("joules/Mkey" in shown, f"show prints it:\n{shown}")


def test_what_did_not_count_is_not_used():
    """Multiply-adds of which the recording has another number than were done."""
    for counters, unavailable, _ in counted("FLOPS_SP"):
        refused = [why for name, why in unavailable.items() if name.startswith("counter fp32-")]
        check(refused and all("did not count" in why or "not proven" in why for why in refused),
              f"{unavailable}")
        check("flops" not in counters and "cycles" in counters, f"{counters}")


def test_a_team():
    """Each thread's own; the system's is read by one of them."""
    if len(os.sched_getaffinity(0)) < 2:
        raise harness.Skip("one CPU")
    for counters, _, _ in counted("MEM", "-t", "2", "-n", "512"):
        check([t["thread"] for t in counters["instructions"]["threads"]] == [0, 1], f"{counters}")
        check("threads" not in counters["dram-reads"], f"{counters}")
        check(counters["memory-bytes"]["value"] > 0, f"{counters}")
    played("--counters", "likwid:MEM", "-t", "2", "-n", "512", "-o", "json:r.json",
           LIKWID_FAILS="MEM")
    for result in read_json("r.json")["results"]:
        why = result["unavailable"]["counter instructions"]
        check("not for this team" in why, f"refused half-way: {result['unavailable']}")
        check("instructions" not in result["counters"], f"{result['counters']}")


def test_a_call_that_hangs():
    """A reading that never comes back ends the run; what was measured before it is written."""
    command = [harness.PROGRAM, "run", *harness.TINY, "-r", "1", "-k",
               "fp16,int8,int4,lookat.u8", "-n", "256,1k", "--counters", "likwid:MEM",
               "--progress", "plain", "-o", "json:r.json", "--roofs", harness.tiny_roofs()]
    with subprocess.Popen(command, env=environment(LIKWID_HANGS=os.path.abspath("hangs")),
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as process:
        lines = []
        for line in process.stderr:
            lines.append(line)
            if line.startswith("["):  # a case is measured
                with open("hangs", "w", encoding="utf-8"):
                    pass
        code = process.wait(harness.TIMEOUT_S)
    said = "".join(lines)
    check(code == 3, f"exit code {code}: {said}")
    check("likwid counted at first, and then did not come back" in said, said)
    check("--counters off" in said, said)
    document = read_json("r.json")
    harness.check_schema(document)
    measured = [result for result in document["results"] if "scan" in result]
    check(document["complete"] is False and measured, f"{len(measured)} were measured")
    check(all(result["counters"] for result in measured), "and counted")


def test_group_names():
    for more in ((), ("--dry-run",)):
        check_refused(played("--counters", "likwid:MEMM", *more, code=None), 2, '"MEMM"', '"MEM"')
    check_refused(played("--counters", "likwid:XYZZYXYZZY", code=None), 2, "likwid-perfctr -a")


harness.main(globals())
