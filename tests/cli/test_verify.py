# SPDX-License-Identifier: GPL-3.0-or-later
"""verify: every kernel against its reference."""

import harness
from harness import check, check_refused, run


def test_everything_agrees():
    outcome = run("verify", "--cases", "8", code=0, limit_s=280)
    for kernel in ("fp16.fused@scalar", "lookat.u8@scalar", "int4q8.fused@scalar"):
        check(kernel in outcome.out, f"verify does not name {kernel}", outcome)


def test_choice():
    one = run("verify", "--kernel", "lookat.u8@scalar", "--cases", "5", code=0)
    check("lookat.u8" in one.out and "fp16" not in one.out, "only what was asked for", one)
    scalar = run("verify", "--isa", "scalar", "--kernel", "lookat", "--cases", "5", code=0)
    check("@scalar" in scalar.out and "@avx" not in scalar.out, "only this ISA", scalar)


def test_seed_repeats():
    texts = {run("verify", "--cases", "5", "--seed", "3", "--kernel", "fp16", code=0).out
             for _ in range(2)}
    check(len(texts) == 1, f"equal seeds give equal texts: {texts}")


def test_bad_input():
    check_refused(run("verify", "--kernel", "lokat"), 2, "lokat", "lookat")
    check_refused(run("verify", "--isa", "axv2"), 2, "axv2", "avx2")
    for text in ("0", "-1", "abc", "99999999999999999999"):
        check_refused(run("verify", "--cases", text), 2)
    check_refused(run("verify", "--seed", "abc"), 2)
    for option, text in (("--kernel", "fp16"), ("--isa", "scalar"), ("--cases", "5")):
        check_refused(run("verify", "--verdict", option, text), 2, "--verdict", option)


harness.main(globals())
