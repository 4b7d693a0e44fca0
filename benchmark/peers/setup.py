# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads the peers into a folder of the user's choice, with the versions of catalogue.py."""

import glob
import os
import shutil
import subprocess
import sys

import catalogue


def call(*command, folder=None):
    """Runs a command; False if it fails, with its last words printed."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False, text=True, cwd=folder)
    except OSError as error:
        print(f"  {command[0]}: {error.strerror}")
        return False
    if done.returncode:
        print("  " + "\n  ".join(done.stdout.strip().splitlines()[-3:]))
    return done.returncode == 0


def npm(folder):
    """ggml's libraries."""
    name, version = catalogue.NPM_GGML
    return call("npm", "install", "--prefix", os.path.join(folder, "npm"), "--ignore-scripts",
                "--no-audit", "--no-fund", f"{name}@{version}")


def wheel(folder, name, *requirements):
    """A virtual environment with the first requirement that can be had."""
    python = os.path.join(folder, name, "bin", "python")
    if not os.path.exists(python) and not call(sys.executable, "-m", "venv",
                                               os.path.join(folder, name)):
        return False
    pip = (python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "numpy")
    return any(call(*pip, requirement) for requirement in requirements)


def faiss(folder):
    """FAISS from the wheel."""
    return wheel(folder, "faiss", "==".join(catalogue.PIP_FAISS))


def torch(folder):
    """torch: the build without CUDA where pip finds one, else the common one (3.4 GB)."""
    name, version = catalogue.PIP_TORCH
    return wheel(folder, "torch", f"{name}=={version}+cpu", f"{name}=={version}")


def debian(folder):
    """Debian's FAISS, unpacked, not installed; the libraries it needs must be installed."""
    name, version = catalogue.DEBIAN_FAISS
    into = os.path.join(folder, "debian")
    if not shutil.which("apt-get"):
        print("  no apt-get on this system")
        return False
    os.makedirs(into, exist_ok=True)
    # apt wants the whole version, of which the last part is the distribution's.
    listed = subprocess.run(["apt-cache", "madison", name], stdout=subprocess.PIPE, text=True,
                            check=False).stdout
    found = [line.split("|")[1].strip() for line in listed.splitlines() if "|" in line]
    fitting = [full for full in found if full.startswith(version)]
    if not fitting:
        print(f"  {name} {version} is not to be had (found: {', '.join(found) or 'none'}; "
              "apt-get update?)")
        return False
    if not call("apt-get", "download", f"{name}={fitting[0]}", folder=into):
        return False
    package = glob.glob(os.path.join(into, f"{name}_*.deb"))[0]
    return call("dpkg", "-x", package, os.path.join(into, "root"))


def set_up(folder):
    """All of them; 1 if one could not be had. What is there already stays."""
    folder = os.path.abspath(folder)
    os.makedirs(folder, exist_ok=True)
    failed = 0
    for step, what in ((npm, catalogue.NPM_GGML), (faiss, catalogue.PIP_FAISS),
                       (torch, catalogue.PIP_TORCH), (debian, catalogue.DEBIAN_FAISS)):
        print(f"{what[0]} {what[1]} ...", flush=True)
        done = step(folder)
        failed += not done
        print(f"{what[0]} {what[1]} " + (f"is in {folder}" if done else "could not be had"))
    print("from the system, not downloaded: likwid-bench (likwid), libopenblas.so.0 (libopenblas0)")
    return 1 if failed else 0
