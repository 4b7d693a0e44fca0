# SPDX-License-Identifier: GPL-3.0-or-later
"""list: what there is to choose from."""

import harness
from harness import check, check_refused, run

KINDS = ("kernels", "codecs", "profiles", "isa", "topology", "checks", "counters")


def rows_of(kind, *arguments):
    """The rows of a list in JSON."""
    value = run("list", kind, "--format", "json", *arguments, code=0).json()
    rows = value if isinstance(value, list) else value.get(kind, value)
    check(rows, f"list {kind} is empty")
    return rows


def test_tables():
    for kind in KINDS:
        outcome = run("list", kind, code=0)
        check(outcome.out.strip(), "a table on stdout", outcome)
        check(outcome.err == "", "and nothing else", outcome)


def test_json():
    for kind in KINDS:
        rows_of(kind)


def test_kernels():
    names = run("list", "kernels", "--all", code=0).out
    for kernel in ("fp16.fused@scalar", "int8.fused@scalar", "int8q8.fused@scalar",
                   "int4.fused@scalar", "int4q8.fused@scalar", "lookat.f32@scalar",
                   "lookat.u8@scalar"):
        check(kernel in names, f"list kernels --all lacks {kernel}:\n{names}")


def test_kernels_of_this_host():
    mine = " ".join(row["name"] for row in rows_of("kernels") if row["usable"] in (True, "yes"))
    check("@scalar" in mine, "every host can run the scalar kernels")
    usable = {row["name"] for row in rows_of("isa") if row["state"] == "usable"}
    check(("@avx2" in mine) == ("avx2" in usable), f"kernels as the CPU has them: {usable}")


def test_codecs():
    text = run("list", "codecs", code=0).out
    for codec in ("fp16", "bf16", "int8", "int8q8", "int4", "int4q8", "lookat", "kivi2",
                  "kivi4", "squat2", "squat4", "asymkv1", "wkvquant"):
        check(codec in text, f"list codecs lacks {codec}:\n{text}")
    check("2601.10155" in text, f"a codec names its paper:\n{text}")


def test_systems_without_a_scan():
    listed = {row["name"]: row for row in rows_of("codecs")}
    every = {row["name"]: row for row in rows_of("codecs", "--all")}
    check(set(listed) < set(every), f"--all adds systems: {sorted(every)}")
    runnable = {row["name"].split(".")[0] for row in rows_of("kernels")}
    for name in ("kvtc", "aqua-kv", "dms", "chunkkv", "lattice"):
        check(name in every and name not in listed, f"{name} only with --all")
        check(name not in runnable and "key_bytes" not in every[name], f"{name} is no codec")
        check(every[name]["summary"].startswith("no "), f"why not: {every[name]}")


def test_profiles():
    text = run("list", "profiles", code=0).out
    for profile in ("quick", "ci", "roofline", "evidence", "full"):
        check(profile in text, f"list profiles lacks {profile}:\n{text}")


def test_unknown():
    check_refused(run("list", "kernel"), 2, "kernel", "kernels")
    check_refused(run("list"), 2)
    check_refused(run("list", "kernels", "--format", "yaml"), 2, "yaml")


harness.main(globals())
