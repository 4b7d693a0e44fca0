# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands and options that the program itself names in its help."""

import os
import re

import harness
from harness import check, run

MADE = os.path.join(os.environ["KVROOF_BUILD"], "src", "manual")


def commands():
    """Names, in the order of kvroof --help."""
    names = re.findall(r"^  (\w+) +\S", run("--help", code=0).out, re.M)
    names = [name for name in names if name != "kvroof"]
    check(len(names) >= 7, f"commands were found: {names}")
    return names


def options(command):
    """{long name: letter or ""} of a command."""
    text = run(command, "--help", code=0).out
    found = re.findall(r"^  (?:-(\w), |    )--([a-z-]+)", text, re.M)
    check(found, f"{command} --help names options")
    return {name: letter for letter, name in found}


def made(name):
    """The text of a file that the build made."""
    return harness.read_text(os.path.join(MADE, name))


def compare(where, found, expected):
    """Fails, and says which side lacks what."""
    check(found == expected, f"{where}: not in the help: {sorted(set(found) - set(expected))}, "
          f"missing: {sorted(set(expected) - set(found))}, found {found}")
