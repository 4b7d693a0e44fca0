# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs kvroof and checks what a user sees: exit code, stdout, stderr, files.

A test file defines functions test_*() and ends in harness.main(globals()). Each runs in an empty
working folder of its own. $KVROOF names the program, $KVROOF_SOURCE the source tree. Exit codes as
Meson wants them: 0, 1, and 77 if something could not be tested here, with the reason printed.
Tests in Python of other folders end in harness.script() and skip in the same way.
"""

import fcntl
import hashlib
import importlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback

PROGRAM = os.path.abspath(os.environ["KVROOF"])
SOURCE = os.path.abspath(os.environ["KVROOF_SOURCE"])
TIMEOUT_S = 120

# The smallest run that is still a run: nothing here looks at the figures.
TINY = ["-d", "64", "-n", "512", "--bytes", "4M", "-t", "1", "--layout", "heads", "-r", "2",
        "--min-time", "0.001", "--budget", "600", "--progress", "off"]
# Kernels that between them need the rates which the others need too.
ROOFS_OF = "fp16,int4q8,int8.materialised,lookat.u8,lookat.f32"
ROOFS_BYTES = "64k,1M,4M"  # one of each level
# What a run may change of TINY and still fit the ceilings of another tiny run.
FITS_TINY_ROOFS = {"-k", "-o", "-r", "-n", "-m", "-q", "-v", "-d", "--label", "--tag", "--format",
                   "--layout", "--op", "--progress", "--strict", "--isa", "--counters", "--keys",
                   "--queries", "--values", "--calibration", "--group-queries", "--batch",
                   "--codebook", "--codebook-residency", "--prove", "--value-format", "--bytes=4M",
                   "--bytes=1M", "--bytes=64k"}


held = []  # own_cpu() and its lock


class Skip(Exception):
    """Raised with the reason why this host cannot run the test."""


class Failure(Exception):
    """A check that did not hold."""


class Outcome:
    """What one call of the program left behind."""

    def __init__(self, command, code, out, err):
        self.command, self.code, self.out, self.err = command, code, out, err

    def show(self):
        """The call as text, cut to a length that one can read."""
        return (f"  $ {' '.join(self.command)}\n  exit code {self.code}\n"
                f"  stdout: {self.out[-1500:]!r}\n  stderr: {self.err[-1500:]!r}")

    def json(self):
        """stdout as JSON; refuses NaN and Infinity."""
        return strict_json(self.out, self.show())


def environment(**changes):
    """The tests' environment: no terminal, no user profiles, plain messages."""
    env = dict(os.environ, LC_ALL="C.UTF-8", TERM="dumb", NO_COLOR="1")
    for name in ("KVROOF_DATA", "XDG_CONFIG_HOME", "GITHUB_STEP_SUMMARY"):
        env.pop(name, None)
    env["XDG_CONFIG_HOME"] = os.path.join(os.getcwd(), "config")
    env.update(changes)
    return env


def run(*arguments, code=None, wrapper=(), env=None, stdout=subprocess.PIPE, limit_s=TIMEOUT_S,
        program=PROGRAM):
    """Runs the program; with `code`, fails unless it exits so."""
    command = [*wrapper, program, *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=stdout,
                          stderr=subprocess.PIPE, env=env or environment(), timeout=limit_s,
                          check=False)
    outcome = Outcome(command, done.returncode, (done.stdout or b"").decode("utf-8", "replace"),
                      done.stderr.decode("utf-8", "replace"))
    if code is not None:
        check(outcome.code == code, f"exit code {outcome.code}, expected {code}", outcome)
    return outcome


def once(make, *key):
    """The path of a file beside the program that make(path) writes for the first test of this
    build that asks for it; the others wait."""
    built = os.stat(PROGRAM)
    mark = hashlib.sha256(f"{PROGRAM} {built.st_mtime_ns} {built.st_size} {key}".encode())
    path = os.path.join(os.path.dirname(PROGRAM), f"tiny-{mark.hexdigest()[:16]}.json")
    with open(path + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path):
            make(path + ".new")
            os.rename(path + ".new", path)
    return path


def tiny_roofs():
    """A result of this build and machine whose ceilings other tiny runs may use: two thirds of a
    tiny run are its ceilings."""
    return once(lambda path: run("run", "-k", ROOFS_OF, *TINY, "--bytes", ROOFS_BYTES, "-r", "1",
                                 "-q", "-o", f"json:{path}", code=0), "roofs")


# Every kernel that this host has, as small as a run of it gets.
EVERY_KERNEL = ("-k", "all", "--isa", "all", "-r", "1", "--bytes", "1M")


def measured(*arguments):
    """out.json, as run_tiny() leaves it with these arguments: for a test that looks at what is done
    with a result, or at fields that no run changes. One run serves all such tests of a build."""
    shutil.copy(once(lambda path: run_tiny(*arguments, "-o", f"json:{path}", code=0, limit_s=400),
                     *arguments), "out.json")


def own_cpu():
    """A CPU that no other test of this build measures on, as long as there is one: threads are
    pinned, and tests that run side by side would all share the first CPU."""
    if not held:
        cpus = sorted(os.sched_getaffinity(0))
        for cpu in cpus:
            lock = open(os.path.join(os.path.dirname(PROGRAM), f"test-cpu-{cpu}.lock"), "w",
                        encoding="utf-8")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                held.append((cpu, lock))  # until this test ends
                break
            except BlockingIOError:
                lock.close()
        else:
            held.append((cpus[os.getpid() % len(cpus)], None))
    return held[0][0]


def fits_tiny_roofs(arguments, keywords):
    """Whether a call measures what the shared ceilings hold for."""
    texts = [str(text) for text in arguments]
    given = {f"{text}={value}" if text == "--bytes" else text
             for text, value in zip(texts, texts[1:] + [""]) if text.startswith("-")}
    return given <= FITS_TINY_ROOFS and keywords.get("code") == 0 and not (
        keywords.keys() - {"code", "limit_s", "env"})


def run_tiny(*arguments, own_roofs=False, **keywords):
    """`kvroof run` with the smallest settings; later options win over TINY's. The ceilings of a
    run that must succeed are those of another tiny run where they fit, unless it wants its own."""
    given = {text for text in map(str, arguments) if text.startswith("-")}
    placed = given & {"-t", "-c", "-p", "--threads", "--cpus"} or keywords.get("wrapper")
    settings = [] if placed else ["-c", own_cpu()]
    if not own_roofs and fits_tiny_roofs(arguments, keywords):
        settings += ["--roofs", tiny_roofs()]
    for option, value in zip(TINY[::2], TINY[1::2]):
        if option not in given and not (option == "--bytes" and "--heads" in given):
            settings += [option, value]
    return run("run", *settings, *arguments, **keywords)


def check(condition, message, outcome=None):
    """Fails the test with the message, and the call it is about."""
    if not condition:
        raise Failure(message + ("\n" + outcome.show() if outcome else ""))


def check_refused(outcome, code, *words):
    """A refusal: the exit code, nothing on stdout, one short message that holds the words."""
    check(outcome.code == code, f"exit code {outcome.code}, expected {code}", outcome)
    check(outcome.out == "", "a refusal prints nothing to stdout", outcome)
    check(outcome.err.startswith("kvroof: "), "a message begins with the program's name", outcome)
    check(outcome.err.count("\n") <= 6, "a refusal is short", outcome)
    check("Sanitizer" not in outcome.err, "a sanitizer's report is no refusal", outcome)
    for word in words:
        check(word.lower() in outcome.err.lower(), f"the message does not name {word!r}", outcome)


def strict_json(text, where=""):
    """Parses JSON as the result schema wants it: no NaN, no Infinity, no null."""
    def refuse(constant):
        raise Failure(f"{constant} in JSON\n{where}")
    try:
        value = json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise Failure(f"not JSON: {error}\n{where}") from error

    def walk(node, path):
        check(node is not None, f"null at {path}\n{where}")
        if isinstance(node, dict):
            for key, item in node.items():
                walk(item, f"{path}.{key}")
        elif isinstance(node, list):
            for index, item in enumerate(node):
                walk(item, f"{path}[{index}]")
    walk(value, "$")
    return value


def read_json(path):
    """A JSON file, as strictly."""
    with open(path, encoding="utf-8") as file:
        return strict_json(file.read(), path)


def read_results(path):
    """The rows of a result file; a loop over them is not over nothing."""
    rows = read_json(path)["results"]
    check(rows, f"{path} holds no row")
    return rows


def read_text(path):
    """A text file."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def need(tool):
    """The path of a program of the system, or a skip."""
    path = shutil.which(tool)
    if path is None:
        raise Skip(f"no {tool} on this host")
    return path


def need_module(name):
    """A module that Debian packages as python3-NAME, or a skip."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Skip(f"no python3-{name} on this host") from error


def check_schema(result, name="kvroof.result.1.json"):
    """A result against a schema that ships. Last in a test: what follows a skip is not run."""
    jsonschema = need_module("jsonschema")
    schema = read_json(os.path.join(SOURCE, "schema", name))
    jsonschema.Draft7Validator.check_schema(schema)
    try:
        jsonschema.validate(result, schema)
    except jsonschema.ValidationError as error:
        raise Failure(f"{list(error.absolute_path)}: {error.message}") from error


def interrupt_when(process, ready, limit_s, number=signal.SIGINT):
    """Reads stderr until a line satisfies ready(), then sends the signal; the lines read."""
    def too_late(*_):
        raise Failure(f"no line to wait for within {limit_s} s")
    previous = signal.signal(signal.SIGALRM, too_late)
    signal.alarm(limit_s)
    lines = []
    try:
        for line in process.stderr:
            lines.append(line)
            if ready(line):
                process.send_signal(number)
                break
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
    return lines


def script(test):
    """Runs one function of the command line's words, which returns what is wrong, and exits."""
    try:
        wrong = test(*sys.argv[1:])
    except Skip as reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    for text in wrong:
        print(f"FAILED  {text}")
    sys.exit(1 if wrong else 0)


def cpu_s():
    """The processor time of this test and of what it ran."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main(names):
    """Runs every test_* of the caller's globals() and exits."""
    failed, skipped = [], []
    start = os.getcwd()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a test that is ended leaves no folder
    tests = [(name, test) for name, test in names.items() if name.startswith("test_")]
    if not tests:
        sys.exit("no test_* in this file")
    for name, test in tests:
        with tempfile.TemporaryDirectory(prefix="kvroof-test-") as folder:
            os.chdir(folder)
            before_s = cpu_s()
            try:
                test()
                print(f"ok      {name} ({cpu_s() - before_s:.1f} s CPU)")
            except Skip as reason:
                skipped.append(name)
                print(f"skipped {name}: {reason}")
            except Failure as failure:
                failed.append(name)
                print(f"FAILED  {name}: {failure}")
            except Exception:  # pylint: disable=broad-except # the other tests shall still run
                failed.append(name)
                print(f"FAILED  {name}: {traceback.format_exc()}")
            os.chdir(start)
        sys.stdout.flush()
    sys.exit(1 if failed else 77 if skipped else 0)
