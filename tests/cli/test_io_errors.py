# SPDX-License-Identifier: GPL-3.0-or-later
"""Outputs that cannot be written: exit code 5."""

import os
import subprocess

import harness
from harness import PROGRAM, check, environment, need, run_tiny


def unwritable(target, *words):
    """Refused with exit code 5 before a case was measured."""
    outcome = run_tiny("-k", "fp16", "--progress", "plain", "-o", target)
    check(outcome.code == 5, f"exit code {outcome.code}, expected 5", outcome)
    check("[1/1]" not in outcome.err, "refused before anything is measured", outcome)
    for word in words:
        check(word in outcome.err, f"the message does not name {word!r}", outcome)


def closed_stdout(*arguments):
    """Runs with a stdout whose reader is gone."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return subprocess.run([PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=writer,
                              stderr=subprocess.PIPE, env=environment(), check=False,
                              timeout=harness.TIMEOUT_S)
    finally:
        os.close(writer)


def test_no_such_folder():
    unwritable("json:no/such/folder/out.json", "no/such/folder/out.json")


def test_a_folder():
    os.mkdir("folder")
    unwritable("json:folder", "folder")


def test_below_a_file():
    with open("file", "w", encoding="utf-8"):
        pass
    unwritable("csv:file/out.csv", "file/out.csv")


def test_a_file_system_that_takes_no_files():
    unwritable("json:/proc/kvroof.json", "/proc/kvroof.json")


def test_one_of_several():
    unwritable("json:/proc/kvroof.json")
    outcome = run_tiny("-k", "fp16", "-o", "json:good.json", "-o", "csv:no/folder.csv", code=5)
    check(not os.path.exists("good.json"), "nothing was measured, nothing is left", outcome)


def test_read_only_results_folder():
    with open("results", "w", encoding="utf-8"):
        pass
    run_tiny("-k", "fp16", code=5)


def test_full_device():
    if not os.path.exists("/dev/full"):
        raise harness.Skip("no /dev/full on this host")
    for form in ("json", "jsonl", "csv", "md"):
        outcome = run_tiny("-k", "fp16", "-o", form + ":/dev/full")
        check(outcome.code == 5, f"{form}: exit code {outcome.code}, expected 5", outcome)
        check("/dev/full" in outcome.err, "the message names the file", outcome)


def test_full_stdout():
    if not os.path.exists("/dev/full"):
        raise harness.Skip("no /dev/full on this host")
    for arguments in (("list", "kernels"), ("list", "codecs", "--format", "json"), ("--help",),
                      ("--version",), ("run", "--help"), ("run", "--dry-run")):
        with open("/dev/full", "wb") as full:
            outcome = harness.run(*arguments, stdout=full)
        check(outcome.code == 5, f"exit code {outcome.code}, expected 5", outcome)


def test_file_too_large():
    # A limit on file sizes stands for a disk that fills up during the run.
    shell = need("sh")
    outcome = run_tiny("-k", "all", "-r", "3", "-o", "json:out.json",
                       wrapper=(shell, "-c", "trap '' XFSZ; ulimit -f 2; exec \"$@\"", "sh"))
    check(outcome.code == 5, f"exit code {outcome.code}, expected 5", outcome)


def test_closed_pipe():
    for arguments in (("list", "kernels"), ("run", "--dry-run"), ("--help",),
                      ("run", *harness.TINY, "-k", "fp16", "-o", "json:out.json")):
        done = closed_stdout(*arguments)
        check(done.returncode == 5, f"{arguments}: exit code {done.returncode}, expected 5")
    check(os.path.exists("out.json"), "the result file is written all the same")


harness.main(globals())
