# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is interrupted keeps what it has measured and says that it is partial."""

import os
import signal
import subprocess
import time

import harness
from harness import PROGRAM, check, environment, interrupt_when, read_json


def interrupted(number, ready, *arguments):
    """Starts a run that would last for minutes, sends the signal when a line is ready()."""
    command = [PROGRAM, "run", "-k", "all", "-d", "64", "-n", "512", "--bytes", "4M", "-t", "1",
               "-r", "9", "--min-time", "0.02", "--progress", "plain", *arguments]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, env=environment()) as process:
        lines = interrupt_when(process, ready, harness.TIMEOUT_S, number)
        process.stderr.read()
        code = process.wait(harness.TIMEOUT_S)
    expected = 128 + number
    check(code == expected, f"exit code {code}, expected {expected}, after {lines}")


def after_a_case(line):
    """The plain progress line of a finished case."""
    return line.startswith("[")


def at_once(_):
    """The first line of all, long before a case is done."""
    return True


SIZES = ("--bytes", "4M,8M,16M,32M,64M", "-n", "512,1k,2k")


def test_interrupt_keeps_results():
    for number in (signal.SIGINT, signal.SIGTERM):
        interrupted(number, after_a_case, *SIZES, "-o", "json:out.json", "-o", "jsonl:out.jsonl")
        result = read_json("out.json")
        check(result["complete"] is False, "a partial file says so")
        check(result["results"], "and keeps what was measured")
        check(any("scan" in row for row in result["results"]), "with its figures")
        with open("out.jsonl", encoding="utf-8") as file:
            lines = [harness.strict_json(line) for line in file]
        check(any("scan" in line for line in lines), "so does the JSONL file")
        check(sorted(os.listdir(".")) == ["out.json", "out.jsonl"], f"{os.listdir('.')}")


def test_hangup():
    """A terminal that closes loses no result, and nohup's order stands."""
    interrupted(signal.SIGHUP, after_a_case, *SIZES, "-o", "json:out.json")
    check(read_json("out.json")["complete"] is False, "a partial file says so")
    ignored = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        command = [PROGRAM, "run", *harness.TINY, "-k", "fp16", "--progress", "plain"]
        with subprocess.Popen([*command, "-o", "json:all.json"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              env=environment()) as process:
            interrupt_when(process, at_once, harness.TIMEOUT_S, signal.SIGHUP)
            process.stderr.read()
            check(process.wait(harness.TIMEOUT_S) == 0, "it runs on")
    finally:
        signal.signal(signal.SIGHUP, ignored)
    check(read_json("all.json")["complete"] is True, "to its end")


def test_early_interrupt():
    interrupted(signal.SIGINT, at_once, *SIZES, "-o", "json:out.json")
    check(read_json("out.json")["complete"] is False, "a file without results is valid too")


def test_show_reads_a_partial_file():
    interrupted(signal.SIGINT, after_a_case, *SIZES, "-o", "json:out.json")
    outcome = harness.run("show", "out.json", code=0)
    text = (outcome.out + outcome.err).lower()
    check("partial" in text or "incomplete" in text or "not complete" in text or
          "interrupted" in text, "show says that the run was cut short", outcome)


def test_kill_leaves_jsonl():
    command = [PROGRAM, "run", "-k", "all", "-d", "64", *SIZES, "-t", "1", "--progress", "plain",
               "-o", "jsonl:out.jsonl"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, env=environment()) as process:
        interrupt_when(process, after_a_case, harness.TIMEOUT_S, signal.SIGKILL)
        process.wait(harness.TIMEOUT_S)
    with open("out.jsonl", encoding="utf-8") as file:
        lines = [harness.strict_json(line) for line in file]
    check(len(lines) >= 2, "a killed run leaves what it measured")
    harness.run("show", "out.jsonl", code=0)


def catches(process, number):
    """True once the process has a handler for the signal; False if it ended before."""
    while process.poll() is None:
        with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
            caught = [line.split()[1] for line in status if line.startswith("SigCgt:")]
        if caught and int(caught[0], 16) >> (number - 1) & 1:
            return True
        time.sleep(.001)
    return False


def ended_by(number, *command):
    """Its code and both streams, when the signal came as soon as it was looked for."""
    with subprocess.Popen([PROGRAM, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env=environment()) as process:
        if catches(process, number):
            process.send_signal(number)
        out, err = process.communicate(timeout=harness.TIMEOUT_S)
    return process.returncode, out, err


def test_fidelity_keeps_old_files():
    for number in (signal.SIGINT, signal.SIGTERM):
        with open("old.json", "w", encoding="ascii") as file:
            file.write("old")
        code, out, err = ended_by(number, "fidelity", "--codec", "lookat", "--seeds", "100", "-o",
                                  "json:old.json", "-o", "csv:new.csv")
        check(code == 128 + number, f"exit code {code}: {err}")
        check(not out, f"no half of a table: {out}")
        check(err.startswith("kvroof: ") and "interrupted" in err and err.count("\n") == 1,
              f"one line says what happened: {err}")
        check(os.listdir(".") == ["old.json"], f"nothing new lies there: {os.listdir('.')}")
        with open("old.json", encoding="ascii") as file:
            check(file.read() == "old", "and the old file is whole")


def test_fidelity_renames():
    """A reader of the old file never sees half of a new one."""
    with open("old.json", "w", encoding="ascii") as file:
        file.write("old")
    with open("old.json", encoding="ascii") as old:
        harness.run("fidelity", "--codec", "int4", "-n", "64", "-o", "json:old.json", code=0)
        check(old.read() == "old", "what was open is as it was")
    check(read_json("old.json")["rows"], "and the name has the new one")
    check(os.listdir(".") == ["old.json"], f"nothing else is left: {os.listdir('.')}")


def test_verify_ends():
    code, out, err = ended_by(signal.SIGINT, "verify", "--kernel", "fp16", "--cases", "1000000")
    check(code == 130, f"exit code {code}: {err}")
    check(not out and err.startswith("kvroof: verify: interrupted"), f"{out} {err}")


def test_roofs_in_set_up():
    """Memory whose pages are still being got is not waited for, nor called a result."""
    code, out, err = ended_by(signal.SIGINT, "roofs", "-q", "-o", "json:roofs.json")
    check(code == 130, f"exit code {code}: {err}")
    check(not out and "interrupted before anything was measured" in err, f"{out} {err}")
    check(not os.listdir("."), f"{os.listdir('.')}")


def test_doctor_ends():
    for _ in range(50): # it may be done before the signal comes
        code, out, _ = ended_by(signal.SIGINT, "doctor")
        check(code in (0, 130), f"exit code {code}")
        check(not out or out.endswith("\n"), f"no half of a line: {out}")
        if code == 130:
            return
    raise harness.Failure("it never was interrupted")


harness.main(globals())
