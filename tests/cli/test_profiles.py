# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles: the shipped ones, one's own, and defective ones."""

import os

import harness
from harness import SOURCE, check, check_refused, environment, read_json, run


def own_profile(name, text):
    """Puts a profile where users keep theirs; the environment that finds it."""
    folder = os.path.join(os.getcwd(), "config", "kvroof")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name + ".yaml"), "w", encoding="utf-8") as file:
        file.write(text)
    return environment()


def shipped():
    """Names of the profiles in the source tree."""
    names = [file[:-5] for file in os.listdir(os.path.join(SOURCE, "profiles"))
             if file.endswith(".yaml")]
    check("quick" in names, f"no quick profile: {names}")
    return names


def test_shipped_profiles_plan():
    for name in shipped():
        outcome = run("run", "-p", name, "--dry-run", code=0)
        check("@" in outcome.out, f"the plan of {name} names its cases", outcome)
        check(not os.path.exists("results"), "a dry run writes nothing", outcome)


def test_quick_is_the_default():
    text = run("run", "--dry-run", code=0).out
    check(text == run("run", "-p", "quick", "--dry-run", code=0).out, "no -p means quick")
    for kernel in ("fp16.fused", "int8.fused", "int8q8.fused", "int4.fused", "int4q8.fused",
                   "lookat.f32", "lookat.u8"):
        check(kernel in text, f"quick lacks {kernel}:\n{text}")


def test_quick_is_quick():
    outcome = run("run", "--dry-run", code=0)
    cases = [line for line in outcome.out.splitlines() if not line.startswith("not measured:")]
    check(25 <= len(cases) <= 32, f"{len(cases)} cases are no minute", outcome)
    steps = {(name.split("@")[0], "/n4096/" in name) for name in cases if "/step/" in name}
    check(len(steps) == 4 and {name for name, _ in steps} == {"fp16.fused", "lookat.u8"},
          f"{steps}", outcome)


def test_sizing():
    text = run("run", "-p", "sizing", "--dry-run", code=0).out
    for kernel in ("fp16.fused", "int8q8.fused", "lookat.u8"):
        for op in ("step", "attention"):
            check(any(line.startswith(kernel) and f"/{op}/" in line and "/n32768/" in line
                      for line in text.splitlines()), f"sizing lacks {kernel} {op}:\n{text}")
    check("/scan/" not in text, f"a scan alone is no step of a decoder:\n{text}")


def test_shipped_profiles_are_listed():
    text = run("list", "profiles", code=0).out
    for name in shipped():
        check(name in text, f"list profiles lacks {name}:\n{text}")


def test_ceilings_in_full():
    """ceilings: full adds what roofs measures, for the threads of the plan."""
    env = own_profile("roofs", "ceilings: full\ndram_bytes: 32M\nrounds: 1\nmin_time_s: .001\n"
                               "groups:\n  - {kernels: [fp16], bytes: [32M], threads: [1]}\n")
    run("run", "-p", "roofs", "-q", "-o", "json:out.json", env=env, code=0)
    result = read_json("out.json")
    types = {row["type"] for row in result["ceilings"]}
    for wanted in ("read", "read-family", "copy", "triad", "latency", "fma"):
        check(wanted in types, f"no {wanted} among {types}")
    check("dram-proven" in {row["id"] for row in result["checks"]}, "DRAM is judged")
    check(result["profile"]["ceilings"] == "full", "the merged profile says so")


def test_own_profile():
    with open(os.path.join(SOURCE, "profiles", "quick.yaml"), encoding="utf-8") as file:
        env = own_profile("mine", file.read())
    outcome = run("run", "-p", "mine", "--dry-run", env=env, code=0)
    check("fp16.fused" in outcome.out, "a copy of quick is a profile", outcome)
    check("mine" in run("list", "profiles", env=env, code=0).out, "and it is listed")


def test_defective_profiles():
    for text in ("", "groups: [\n", "no_such_key: 1\n", "\x00\x01\x02", "- 1\n- 2\n", "42\n"):
        env = own_profile("bad", text)
        check_refused(run("run", "-p", "bad", "--dry-run", env=env), 2, "bad")


def test_entries_that_no_kernel_serves():
    env = own_profile("odd", "groups:\n- {kernels: [lookat], entries: [17]}\n")
    check_refused(run("run", "-p", "odd", "--dry-run", env=env), 2, "nothing to measure", "entries")


def test_a_profile_by_path_or_missing():
    check_refused(run("run", "-p", "./", "--dry-run"), 2, "Is a directory")
    check_refused(run("run", "-p", "no/such/profile.yaml"), 2, "profile")


harness.main(globals())
