# SPDX-License-Identifier: GPL-3.0-or-later
"""The program without a measurement: version, help, unknown commands and options."""

import os
import re

import harness
from harness import check, check_refused, run


def commands():
    """The commands that the program's own help lists."""
    text = run("--help", code=0).out
    names = re.findall(r"^\s{2,}(?:kvroof )?([a-z]+)\s", text, re.M)
    check(names, f"no command in {text}")
    return names


def test_version():
    outcome = run("--version", code=0)
    check(re.match(r"kvroof \d+\.\d+\.\d+\b", outcome.out), "name and version", outcome)
    check(outcome.out.count("\n") == 1 and outcome.err == "", "one line, on stdout", outcome)


def test_no_argument():
    outcome = run()
    text = outcome.out + outcome.err
    check(outcome.code == 0, "it is a greeting, not an error", outcome)
    check(5 <= text.count("\n") <= 25, "about a dozen lines", outcome)
    check("kvroof run" in text, "it says what to type next", outcome)


def test_help_lists_commands():
    listed = commands()
    for name in ("run", "show", "verify", "plot", "doctor", "list"):
        check(name in listed, f"--help does not list {name}: {listed}")


def test_every_command_has_help():
    for name in commands():
        outcome = run(name, "--help", code=0)
        check("kvroof " + name in outcome.out, "the help shows how it is called", outcome)
        check("example" in outcome.out.lower(), "the help holds examples", outcome)
        check(outcome.err == "", "help goes to stdout", outcome)


def test_help_keeps_its_lines():
    """What is written as a line, an example to copy above all, is not broken at 80 columns."""
    for name in commands():
        text = run(name, "--help", code=0, env=harness.environment(ARGP_HELP_FMT="rmargin=300")).out
        lines = [line for line in text.split("Usage:", 1)[1].splitlines()
                 if line[:2] == "  " and line[2:3].isalpha() and not line.startswith("  or:")]
        wide = [line for line in lines if len(line) > 79]
        check(not wide, f"{name}: {wide}")


def test_run_help_names_every_option():
    text = run("run", "--help", code=0).out
    for option in ("--profile", "--kernel", "--isa", "--head-dim", "--tokens", "--heads",
                   "--bytes", "--subspaces", "--entries", "--layout", "--keys", "--queries",
                   "--values", "--calibration", "--threads", "--cpus", "--mem", "--pages",
                   "--rounds", "--min-time", "--budget", "--seed", "--peak-gb-per-s", "--max-mem",
                   "--strict", "--dry-run", "--format", "--label", "--tag", "--progress",
                   "--color"):
        check(option in text, f"run --help does not name {option}")


def test_unknown_command():
    check_refused(run("runs"), 2, "runs", "did you mean run")
    check_refused(run("verfiy"), 2, "verfiy", "did you mean verify")
    check_refused(run("rnu"), 2, "rnu", "did you mean run")
    check_refused(run("fidel"), 2, "fidel", "did you mean fidelity")
    check_refused(run("xyzzy"), 2, "xyzzy")
    check_refused(run("--no-such-option"), 2, "no-such-option")


def test_unknown_option_of_a_command():
    for name in commands():
        check_refused(run(name, "--no-such-option"), 2, "no-such-option")


def test_missing_value():
    check_refused(run("run", "-k"), 2)
    check_refused(run("run", "--tokens"), 2, "tokens")


def test_stray_argument():
    check_refused(run("run", "fp16"), 2, "fp16")


def test_help_needs_no_measurement():
    run("run", "--help", code=0)
    check(os.listdir(".") == [], "help writes no file")


def test_narrow_terminals():
    """Nothing is wider than 60 columns but words that have no space; no word gets lost."""
    narrow = harness.environment(COLUMNS="60")
    for arguments in ([], ["--help"], *([name, "--help"] for name in commands())):
        outcome, usual = run(*arguments, env=narrow, code=0), run(*arguments, code=0)
        wide = [line for line in outcome.out.splitlines()
                if len(line) > 60 and " " in line.strip()]
        check(not wide, f"{arguments}: {wide}", outcome)
        check(outcome.out.split() == usual.out.split(), f"{arguments}: the same words", outcome)


harness.main(globals())
