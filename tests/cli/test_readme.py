# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command that the README shows works as it is written.

Taken are the fenced blocks marked `sh`, line by line in order, in a folder that looks like the
source tree after a build. What clones or builds is left out: it has happened. A run gets the
smallest settings where the line does not say its own.
"""

import os
import re
import shlex
import subprocess

import harness
from harness import PROGRAM, SOURCE, check, environment, read_text

LEFT_OUT = re.compile(r"^(git |cd |\./bootstrap\.sh (setup|test)\b|meson |ninja |\.ci/run\b)")
SMALL = (("--tokens", "512"), ("--bytes", "4M"), ("--threads", "1"), ("--rounds", "2"),
         ("--min-time", "0.001"), ("--budget", "240"))
LIMIT_S = 300
SHORT = {"--tokens": "-n", "--threads": "-t", "--rounds": "-r"}


def commands(name):
    """The command lines of a document's sh blocks, continued lines joined."""
    text = read_text(os.path.join(SOURCE, name))
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def smaller(line):
    """The line with the settings of a tiny run."""
    line = re.sub(r"^\./bootstrap\.sh run( --)?", "build/kvroof run", line)
    line = re.sub(r"--processes \d+", "--processes 2", line)
    if re.match(r"build/kvroof verify --cases \d+$", line):  # cli-verify runs it as it stands
        return line + " --kernel lookat"
    if not re.match(r"build/kvroof run\b", line) or "--help" in line:
        return line
    words = shlex.split(line, comments=True)
    given = {word.split("=")[0] for word in words}
    if "--heads" in given:  # the other way to give the size of a pass
        given.add("--bytes")
    extra = [text for option, value in SMALL
             if option not in given and SHORT.get(option) not in given for text in (option, value)]
    if "--threads" in extra:
        extra += ["--cpus", str(harness.own_cpu())]
    if harness.fits_tiny_roofs(words[2:], {"code": 0}):
        extra += ["--roofs", harness.tiny_roofs()]
    head, rest = line.split("run", 1)
    return head + "run " + shlex.join(extra) + rest


def prepare():
    """A folder with what the README's reader has before them."""
    os.symlink(os.path.join(SOURCE, "profiles"), "profiles")
    os.mkdir("build")
    os.symlink(PROGRAM, "build/kvroof")
    data = os.path.join(SOURCE, "profiles", "data")
    for theirs, ours in (("keys.npy", "k.npy"), ("calibration.npy", "calib_k.npy"),
                         ("queries.npy", "q.npy")):
        os.symlink(os.path.join(data, ours), theirs)


def test_commands():
    prepare()
    lines = [line for line in commands("README.md") if not LEFT_OUT.match(line)]
    check(len(lines) >= 5, f"the README shows its commands: {lines}")
    for line in lines:
        done = subprocess.run(["/bin/sh", "-c", smaller(line)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, env=environment(), check=False,
                              timeout=LIMIT_S)
        outcome = harness.Outcome([smaller(line)], done.returncode, done.stdout, done.stderr)
        answers = (0, 1, 4) if line.startswith("build/kvroof compare") else (0,)
        check(done.returncode in answers, "a command of the README fails", outcome)


def test_links():
    found = [(name, target) for name in ("README.md", "CONTRIBUTING.md") for target in
             re.findall(r"\]\(([^)#:]+)\)", read_text(os.path.join(SOURCE, name)))]
    check(found, "no link was found")
    for name, target in found:
        check(os.path.exists(os.path.join(SOURCE, target)), f"{name} links to {target}")


def test_paths_in_contributing():
    text = read_text(os.path.join(SOURCE, "CONTRIBUTING.md"))
    paths = re.findall(r"`((?:src|kernels|tests|profiles|plots|schema)/[\w./-]*)`", text)
    check(len(paths) >= 6, f"the folders of the map: {paths}")
    for path in paths:
        check(os.path.exists(os.path.join(SOURCE, path)), f"CONTRIBUTING.md names {path}")


harness.main(globals())
