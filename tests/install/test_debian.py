# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian package builds from a copy of the tree, holds what it should, and lintian finds no
error in it."""

import glob
import os
import shutil
import subprocess

import harness
from harness import SOURCE, Skip, check, need


def call(*command, folder=".", limit_s=1500):
    """A program of the system; its exit code and all that it printed."""
    env = {name: value for name, value in os.environ.items()
           if name not in ("CC", "CFLAGS", "KVROOF", "DESTDIR")}
    # What is tested is the package: half of the time would be the optimiser's.
    env.update(LC_ALL="C.UTF-8", DEB_BUILD_OPTIONS="parallel=2", DEB_CFLAGS_APPEND="-O1")
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, env=env, stdin=subprocess.DEVNULL, timeout=limit_s,
                          check=False)
    return done.returncode, done.stdout


def test_package():
    for tool in ("dpkg-buildpackage", "dh", "lintian", "fakeroot"):
        need(tool)
    shutil.copytree(SOURCE, "kvroof", symlinks=True, ignore=shutil.ignore_patterns(
        "build*", ".git", "results", "__pycache__"))
    code, text = call("dpkg-checkbuilddeps", folder="kvroof")
    if code:
        raise Skip(text.strip())
    code, text = call("dpkg-buildpackage", "-us", "-uc", "-b", folder="kvroof")
    check(code == 0, f"dpkg-buildpackage: {text[-3000:]}")
    changes, packages = glob.glob("*.changes"), glob.glob("kvroof_*.deb")
    check(len(changes) == 1 and len(packages) == 1, f"packages: {os.listdir('.')}")
    code, text = call("lintian", "--allow-root", "--fail-on", "error", *changes)
    print(text, end="")
    check(code == 0, f"lintian: {text}")
    code, text = call("dpkg-deb", "--extract", packages[0], "root")
    check(code == 0, text)
    for path in ("bin/kvroof", "share/kvroof/data/k.npy", "share/kvroof/profiles/quick.yaml",
                 "share/man/man1/kvroof.1.gz", "share/man/man5/kvroof-result.5.gz",
                 "share/bash-completion/completions/kvroof"):
        check(os.path.exists(os.path.join("root/usr", path)), f"the package lacks {path}")
    code, text = call(os.path.abspath("root/usr/bin/kvroof"), "run", "-p", "quick", "--dry-run",
                      folder="/")
    check(code == 0 and "lookat" in text, f"the packaged program: {text}")
    with open("root/usr/bin/kvroof", "rb") as file:
        check(os.getcwd().encode() not in file.read(), "the program holds the path of its build")


harness.main(globals())
