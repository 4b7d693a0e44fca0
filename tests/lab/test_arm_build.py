# SPDX-License-Identifier: GPL-3.0-or-later
"""The program is built for 64-bit Arm and runs there: kernels, clock, a result file."""

import functools
import os

import arm
import harness
from harness import check

# Of no time in emulation is any figure true: as little as a run can have.
RUN = ("run", "-k", "fp16", "-d", "64", "-n", "512", "--bytes", "128k", "-t",
       "1", "-r", "1", "--min-time", "0.001", "--max-mem", "64M", "--budget", "20")


@functools.lru_cache
def on_arm(*arguments):
    """What the program prints and leaves on an emulated Neoverse N1."""
    wrapper = ["qemu-aarch64", "-cpu", "neoverse-n1", "-L", arm.sysroot()]
    env = harness.environment(KVROOF_DATA=os.path.join(harness.SOURCE, "profiles", "data"))
    return harness.run(*arguments, code=0, wrapper=wrapper, env=env, program=arm.program())


def test_kernels():
    rows = on_arm("list", "kernels", "--format", "json").json()
    check(rows, "no kernel")
    for row in rows:
        check(row["name"].endswith("@scalar"), f"a kernel of another CPU: {row}")
        check(row["usable"] == "yes", f"scalar kernels need nothing: {row}")


def test_run():
    path = os.path.abspath("result.json")
    on_arm(*RUN, "-o", "json:" + path)
    result = harness.read_json(path)
    cpu = result["machine"]["cpu"]
    check(cpu["features"] == ["neon"] and cpu["tsc_hz"] > 0, f"no CPU of this kind: {cpu}")
    measured = [row for row in result["results"] if row["rounds"]]
    check(measured, "nothing was measured")
    for row in measured:
        check(row["isa"] == "scalar" and row["verified"], f"kernel {row['name']}")
    harness.check_schema(result)


harness.main(globals())
