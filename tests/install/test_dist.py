# SPDX-License-Identifier: GPL-3.0-or-later
"""meson dist packs what is under version control."""

import glob
import os
import subprocess
import tarfile

import harness
from harness import SOURCE, Skip, check, need

BUILD = os.environ["KVROOF_BUILD"]


def test_archive():
    meson, git = need("meson"), need("git")
    listed = subprocess.run([git, "-C", SOURCE, "ls-tree", "-r", "--name-only", "HEAD"],
                            capture_output=True, text=True, check=False)
    if listed.returncode:
        raise Skip(f"{SOURCE} is no checkout: {listed.stderr.strip()}")
    done = subprocess.run([meson, "dist", "-C", BUILD, "--no-tests", "--allow-dirty", "--formats",
                           "gztar"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    check(done.returncode == 0, f"meson dist: {done.stdout}")
    archive, = glob.glob(os.path.join(BUILD, "meson-dist", "kvroof-*.tar.gz"))
    with tarfile.open(archive) as packed:
        names = {name.partition("/")[2] for name in packed.getnames() if "/" in name}
    missing = set(listed.stdout.split()) - names
    check(not missing and len(names) > 100, f"the archive lacks {sorted(missing)}")


harness.main(globals())
