# SPDX-License-Identifier: GPL-3.0-or-later
"""The dispatch ladder: an older CPU, emulated, gets its own kernels and no illegal instruction."""

import os

import harness
from harness import check, check_refused, need, run

# CPU model of the emulator, ISA names that its kernels may carry.
LADDER = (("Nehalem", {"scalar"}), ("Haswell", {"scalar", "avx2"}))


# Emulation is slow: this only ends what hangs.
LIMIT_S = 400


def on(cpu, *arguments, code=0):
    """Runs the program on this emulated CPU; what the emulator itself says is left out."""
    outcome = run(*arguments, code=code, wrapper=(need("qemu-x86_64"), "-cpu", cpu),
                  limit_s=LIMIT_S)
    outcome.err = "".join(line for line in outcome.err.splitlines(True)
                          if not line.startswith("qemu-x86_64: warning:"))
    return outcome


def isas_in(text):
    """The ISA names of all codec.variant@isa in a text."""
    return {part.split("@")[1].split("/")[0].rstrip(",;:") for part in text.split() if "@" in part}


def test_verify():
    # Not the gathers: qemu 7.2 takes a vector index in ymm4 for "no index" and gathers element 0
    # (real CPUs do not; the suite `kernels` checks them natively). Not LOOKAT, whose training
    # takes minutes in an emulator.
    for cpu, expected in LADDER:
        outcome = on(cpu, "verify", "--cases", "3", "--kernel", "fp16")
        check(isas_in(outcome.out) == expected, f"{cpu}: {isas_in(outcome.out)}", outcome)
    # Every AVX2 kernel of the affine codecs, tiled ones included.
    for cpu, codecs in (("Nehalem", ("int8", "int4q8")),
                        ("Haswell", ("int8", "int4", "int4g32", "int8q8", "int4q8",
                                     "q8_0", "q4_0"))):
        for codec in codecs:
            outcome = on(cpu, "verify", "--cases", "2", "--kernel", codec)
            check(isas_in(outcome.out) == dict(LADDER)[cpu], f"{isas_in(outcome.out)}", outcome)


def test_kernels():
    for cpu, expected in LADDER:
        rows = on(cpu, "list", "kernels", "--format", "json").json()
        usable = {row["name"].split("@")[1] for row in rows if row["usable"] in (True, "yes")}
        check(usable == expected, f"{cpu}: {usable} of {rows}")


def test_isa():
    for cpu, expected in LADDER:
        rows = on(cpu, "list", "isa", "--format", "json").json()
        usable = {row["name"] for row in rows if row["state"] == "usable"}
        check(("avx2" in usable) == ("avx2" in expected), f"{cpu}: {usable}")
        check(not any(name.startswith("avx512") for name in usable), f"{cpu}: {usable}")


def test_start():
    for cpu, _ in LADDER:
        on(cpu, "--version")
        on(cpu, "list", "codecs")
        on(cpu, "run", "--help")
        on(cpu, "run", "--dry-run")


def test_an_isa_that_is_not_there():
    def refused(cpu, *arguments):
        outcome = on(cpu, "run", "-d", "64", "-n", "512", "--bytes", "4M", *arguments,
                     "-o", "json:out.json", code=None)
        check_refused(outcome, 3)
        check(not os.path.exists("out.json"), "nothing was measured", outcome)
    for isa in ("avx2", "avx512"):
        refused("Nehalem", "-k", "fp16", "--isa", isa)
    refused("Haswell", "-k", "fp16@avx512")


def test_wishes_of_a_profile_stay_within_the_cpu():
    for cpu, _ in LADDER:
        outcome = on(cpu, "run", "-p", "quick", "--dry-run")
        cases = [line for line in outcome.out.splitlines() if not line.startswith("not measured")]
        check(cases, "there are cases", outcome)
        for line in cases:
            check("@avx512" not in line, f"{cpu}: {line}")


harness.main(globals())
