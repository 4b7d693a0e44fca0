# SPDX-License-Identifier: GPL-3.0-or-later
"""meson install: what lies where, and that the program there needs nothing but what lies there."""

import atexit
import glob
import os
import shutil
import subprocess
import tempfile

import harness
from harness import SOURCE, check, need

BUILD = os.environ["KVROOF_BUILD"]
PREFIX = os.environ["KVROOF_PREFIX"].lstrip("/")
FOLDERS = []  # the installation, made once


def installed():
    """The prefix of an installation below a folder of its own, moved after it was made."""
    if not FOLDERS:
        meson = need("meson")
        top = tempfile.mkdtemp(prefix="kvroof-install-")
        atexit.register(shutil.rmtree, top, ignore_errors=True)
        done = subprocess.run([meson, "install", "-C", BUILD, "--no-rebuild", "--destdir",
                               os.path.join(top, "stage")], capture_output=True, text=True,
                              check=False)
        check(done.returncode == 0, f"meson install: {done.stdout}{done.stderr}")
        os.rename(os.path.join(top, "stage", PREFIX), os.path.join(top, "moved"))
        FOLDERS.append(os.path.join(top, "moved"))
    return FOLDERS[0]


def call(*arguments, code=0, prefix=None):
    """The installed program, in the working folder, with a clean environment."""
    program = os.path.join(prefix or installed(), "bin", "kvroof")
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": os.getcwd(), "LC_ALL": "C.UTF-8",
           "TERM": "dumb"}
    done = subprocess.run([program, *arguments], capture_output=True, text=True, env=env,
                          stdin=subprocess.DEVNULL, timeout=harness.TIMEOUT_S, check=False)
    outcome = harness.Outcome([program, *arguments], done.returncode, done.stdout, done.stderr)
    check(done.returncode == code, f"exit code {done.returncode}, expected {code}", outcome)
    return outcome


def copy():
    """A copy of the installation, to be spoiled."""
    shutil.copytree(installed(), "copy")
    return os.path.abspath("copy")


def test_files():
    def names(pattern):
        return {os.path.basename(path) for path in glob.glob(os.path.join(SOURCE, pattern))}
    for folder, expected in (
            ("share/kvroof/profiles", names("profiles/*.yaml")),
            ("share/kvroof/profiles/machines", names("profiles/machines/*.yaml")),
            ("share/kvroof/plots", names("plots/*.gp")),
            ("share/kvroof/schema", names("schema/*.json")),
            ("share/kvroof/data", {"k.npy", "q.npy", "v.npy", "calib_k.npy", "README.md"}),
            ("share/man/man1", {"kvroof.1"}), ("share/man/man5", {"kvroof-result.5"}),
            ("share/bash-completion/completions", {"kvroof"}),
            ("share/zsh/site-functions", {"_kvroof"}),
            ("share/fish/vendor_completions.d", {"kvroof.fish"}), ("bin", {"kvroof"})):
        path = os.path.join(installed(), folder)
        check(expected, f"{folder}: nothing is expected")
        check(os.path.isdir(path), f"{folder} is not installed")
        found = {name for name in os.listdir(path) if os.path.isfile(os.path.join(path, name))}
        check(found == expected, f"{folder}: {sorted(found)} instead of {sorted(expected)}")


def test_profiles():
    rows = call("list", "profiles", "--format", "json").json()
    rows = rows if isinstance(rows, list) else next(iter(rows.values()))
    check({"quick", "ci", "full"} <= {row["name"] for row in rows}, f"profiles: {rows}")
    for row in rows:
        check(row["path"].startswith(installed()), f"{row['path']} is not of the installation")


def test_plan():
    check("lookat" in call("run", "-p", "quick", "--dry-run").out, "the cases of quick")


def test_data():
    """A spoiled file of the installation is noticed: it is the one that is read."""
    prefix = copy()
    path = os.path.join(prefix, "share/kvroof/data/k.npy")
    with open(path, "r+b") as file:
        file.truncate(100)
    outcome = call("run", "-k", "fp16", *harness.TINY, "-o", "json:x.json", prefix=prefix, code=2)
    check(path in outcome.err, "the file is named", outcome)


def test_pictures_and_prediction():
    need("gnuplot")
    prefix = copy()
    call("run", "-k", "fp16,lookat.u8", *harness.TINY, "-o", "json:x.json", prefix=prefix)
    with open(os.path.join(prefix, "share/kvroof/plots/speedup.gp"), "a",
              encoding="utf-8") as file:
        file.write("# of this copy\n")
    call("plot", "x.json", "-k", "speedup", "-o", "pictures", prefix=prefix)
    check("<svg" in harness.read_text("pictures/speedup.svg"), "a picture is drawn")
    check("of this copy" in harness.read_text("pictures/speedup.gp"), "by the script installed")
    check(call("show", "x.json", prefix=prefix).out, "the result is shown")
    call("show", "x.json", "--on", "server", prefix=prefix)
    os.unlink(os.path.join(prefix, "share/kvroof/profiles/machines/server.yaml"))
    call("show", "x.json", "--on", "server", prefix=prefix, code=2)


def test_program_alone():
    """Without its files it says what is missing, and does with what it is shown."""
    os.makedirs("alone/bin")
    shutil.copy(os.path.join(installed(), "bin", "kvroof"), "alone/bin")
    if os.path.exists(os.path.join("/", PREFIX, "share", "kvroof")):
        raise harness.Skip(f"/{PREFIX} has an installation, which the program would find")
    outcome = call("run", "--dry-run", prefix="alone", code=2)
    check("no profile was found" in outcome.err, "profiles are missed", outcome)
    shutil.copy(os.path.join(SOURCE, "profiles", "quick.yaml"), ".")
    call("run", "-p", "./quick.yaml", "--dry-run", prefix="alone")
    outcome = call("run", "-p", "./quick.yaml", "-k", "fp16", *harness.TINY, prefix="alone", code=2)
    check("KVROOF_DATA" in outcome.err, "data is missed", outcome)


def test_no_trace_of_the_source():
    with open(os.path.join(installed(), "bin", "kvroof"), "rb") as file:
        program = file.read()
    for folder in ("profiles", "plots"):
        check(os.path.join(SOURCE, folder).encode() not in program,
              "the program knows its source tree")


harness.main(globals())
