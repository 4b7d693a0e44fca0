# SPDX-License-Identifier: GPL-3.0-or-later
"""Every byte of the keys is read exactly once a scan, and nothing between the stamps leaves user
space, seen from outside the kernels, by an emulator and on this CPU itself.

usage: test_audit.py qemu SCAN-AUDIT PLUGIN | step SCAN-AUDIT AUDIT-STEP
"""

import os
import platform
import re
import subprocess
import sys

import harness
from harness import Failure, Skip, check

HOW, SCAN = sys.argv[1], os.path.abspath(sys.argv[2])
OBSERVER = os.path.abspath(sys.argv[3]) if len(sys.argv) > 3 else ""

# What the program is known for. Every x86-64 CPU can run each of them somehow.
MAIN_FORMATS = ("dense_f16.fused@", "affine8_q8.fused@", "affine4.fused@", "lookup_u8.u8@")

MODES = ("plain", "ahead", "streams")
PASSES = 3  # of scan_audit over the fold of a reader

# Scalar code and tiles take a line apart in several loads, and so does a scan that looks codes up
# in parts of a table one after the other. What counts for the memory is that the line is still in
# the first cache then: that few bytes of other keys have come in between.
READ_AGAIN = ("affine8.fused@scalar", "affine8_q8.fused@scalar", "affine8g.fused@scalar",
              "affine8g_q8.q8@scalar", "affine4_f16.tiled@", "affine4g_f16.tiled@",
              "lookup_u8.u8@avx2")
MOST_REACH = 512


def command(*arguments):
    """scan_audit under the observer."""
    if HOW == "qemu":
        return [harness.need("qemu-x86_64"), "-cpu", "max", "-d", "plugin", "-plugin", OBSERVER,
                SCAN, *arguments]
    text = subprocess.run([harness.need("nm"), SCAN], capture_output=True, text=True,
                          check=True).stdout
    places = [re.search(rf"^(\w+) T {name}$", text, re.MULTILINE).group(1)
              for name in ("audit_begin", "audit_end")]
    return [OBSERVER, *places, SCAN, *arguments]


def execute(words):
    """Runs a command; its output and errors as one text."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=100, check=False)
    if done.returncode == 77:
        raise Skip(done.stdout.strip())
    if "plugin" in done.stdout and "audit" not in done.stdout.replace(OBSERVER, ""):
        raise Skip(f"this qemu takes no plugins of version 1: {done.stdout.strip()[-300:]}")
    check(done.returncode == 0, f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def need_observer():
    """Skips where the observer could not be built."""
    if platform.machine() != "x86_64":
        raise Skip("the observers are for x86-64")
    if not OBSERVER:
        raise Skip("built without Zydis (package libzydis-dev), which decodes instructions")


def kernels(which="--list"):
    """What can run where the observer looks."""
    need_observer()
    words = [SCAN, which]
    if HOW == "qemu":
        words = [harness.need("qemu-x86_64"), "-cpu", "max", *words]
    names = execute(words).split()
    if HOW == "step":  # a step takes 20 us: only what the emulator does not know
        names = [name for name in names if "@avx512" in name]
        if not names:
            raise Skip("this CPU has no AVX-512; the emulator sees every kernel that it can run")
    return names


def audit(kernel, mode):
    """The counts of one audited scan."""
    lines = [line for line in execute(command(kernel, mode)).splitlines() if "audit key" in line]
    check(len(lines) == 1, f"{kernel} {mode}: one audited scan, not {lines}")
    return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", lines[0])}


def check_clean(kernel, mode):
    """An audit as it shall be."""
    seen = audit(kernel, mode)
    what = f"{kernel} {mode}: {seen}"
    check(seen["key_bytes"] > 0 and seen["instructions"] > 0, f"nothing was seen: {what}")
    check(seen["never"] == 0, f"a byte is not read: {what}")
    if kernel.startswith(READ_AGAIN):
        check(seen["reach"] <= MOST_REACH, f"a byte is read again much later: {what}")
    else:
        check(seen["once"] == seen["key_bytes"], f"a byte is not read exactly once: {what}")
    check(seen["key_writes"] == 0, f"keys are written: {what}")
    check(seen["system_calls"] == 0, f"a system call between the stamps: {what}")
    check(seen.get("vague", 0) == 0, f"reads that could not be followed: {what}")


def test_every_kernel_reads_each_byte_once():
    names, faults = kernels(), []
    for kernel in names:
        for mode in MODES:
            try:
                check_clean(kernel, mode)
            except Failure as failure:
                faults.append(str(failure))
    check(not faults, "\n".join(faults))
    print(f"        {len(names)} kernels: {' '.join(names)}")


def test_readers_read_each_byte_as_often_as_they_say():
    faults = []
    for reader in kernels("--list-readers"):
        for mode, times in (("plain", 1), ("ahead", 1), ("fold", PASSES)):
            seen = audit(reader, mode)
            if (seen["least"], seen["most"]) != (times, times) or not seen["key_bytes"]:
                faults.append(f"{reader} {mode}: not {times} reads of each byte: {seen}")
            if seen["key_writes"] or seen["system_calls"] or seen.get("vague", 0):
                faults.append(f"{reader} {mode}: more than reads: {seen}")
    check(not faults, "\n".join(faults))


def test_the_main_formats_are_among_them():
    names = kernels()
    missing = [form for form in MAIN_FORMATS if not any(n.startswith(form) for n in names)]
    if missing and HOW == "step":
        raise Skip(f"no kernel of this CPU's AVX-512 for {missing}; the emulator sees another")
    check(not missing, f"no {missing} in {names}")


def test_faults_are_found():
    kernel = next(name for name in kernels() if name.startswith("dense_f16.fused@"))
    once = audit(kernel, "plain")
    reread = audit(kernel, "reread")
    check(reread["more"] == 1 and reread["once"] == once["once"] - 1, f"a byte again: {reread}")
    check(reread["reach"] > MOST_REACH, f"and after a whole segment: {reread}")
    skipped = audit(kernel, "skip")
    check(skipped["never"] == once["key_bytes"] // 3, f"a segment left out: {skipped}")
    check(audit(kernel, "syscall")["system_calls"] == 1, "a system call")


harness.main(globals())
