# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the program for 64-bit Arm with Debian's cross compiler.

Its libraries are arm64 packages that are unpacked into a sysroot below the build folder. apt works
there with a state of its own: no architecture is added to this host and no package of it changes.
"""

import fcntl
import functools
import glob
import os
import shutil
import subprocess
import tempfile

import guest
import harness
from harness import Skip, check

CACHE = os.path.abspath(os.environ["KVROOF_LAB"])  # below the build folder
SYSROOT = os.path.join(CACHE, "arm64")
BUILD = os.path.join(CACHE, "arm64-build")
LIBRARIES = "usr/lib/aarch64-linux-gnu"

# What the program links to, the libraries of those, and what a guest boots with.
PACKAGES = ("libc6 libc6-dev libcrypt1 libgcc-s1 linux-libc-dev libnuma1 libnuma-dev libhwloc15 "
            "libhwloc-dev libudev1 libjansson4 libjansson-dev libcyaml1 libcyaml-dev libyaml-0-2 "
            "libyaml-dev libgsl27 libgslcblas0 libgsl-dev busybox-static").split()
KERNEL = "linux-image-cloud-arm64"


def apt(state, *command):
    """stdout of a command of apt for arm64 with its files below `state`, or a skip that holds its
    last words."""
    options = {"APT::Architecture": "arm64", "APT::Architectures": "arm64",
               "Dir::State::Lists": f"{state}/lists", "Dir::Cache": f"{state}/cache",
               "Dir::State::status": f"{state}/status", "APT::Sandbox::User": "root",
               "Acquire::http::Timeout": "20", "Acquire::Retries": "1"}
    words = [f"-o{name}={value}" for name, value in options.items()]
    try:
        done = subprocess.run([command[0], *words, *command[1:]], cwd=f"{state}/packages",
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120, check=False)
    except subprocess.TimeoutExpired as late:
        raise Skip(f"no libraries for arm64: {' '.join(command)}: no answer in 120 s") from late
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise Skip(f"no libraries for arm64: {' '.join(command[:3])}: {last}")
    return done.stdout


def unpack(package, root):
    """Puts a package's files below `root`; of a kernel's only itself."""
    if not os.path.basename(package).startswith("linux-image"):
        subprocess.run(["dpkg-deb", "-x", package, root], check=True)
        return
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package],
                          stdout=subprocess.PIPE) as archive:
        subprocess.run(["tar", "-xC", root, "--wildcards", "./boot/vmlinuz-*"],
                       stdin=archive.stdout, check=True)


def make_links_relative(root):
    """A link to /lib/... is meant below the root."""
    for where, folders, files in os.walk(root):
        for path in (os.path.join(where, name) for name in folders + files):
            if os.path.islink(path) and os.readlink(path).startswith("/"):
                target = os.path.relpath(root + os.readlink(path), where)
                os.unlink(path)
                os.symlink(target, path)


def one_at_a_time(make):
    """Of tests that run side by side the first makes it, the others wait for that."""
    @functools.lru_cache
    @functools.wraps(make)
    def waiting():
        os.makedirs(CACHE, exist_ok=True)
        with open(os.path.join(CACHE, f"arm-{make.__name__}.lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return make()
    return waiting


@one_at_a_time
def sysroot():
    """The path of the sysroot; its name appears when it is complete."""
    if os.path.isdir(SYSROOT):
        return SYSROOT
    for tool in ("apt-cache", "apt-get", "dpkg-deb", "tar"):
        harness.need(tool)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        state, root = os.path.join(folder, "apt"), os.path.join(folder, "root")
        for name in ("lists/partial", "cache/archives/partial", "packages"):
            os.makedirs(os.path.join(state, name))
        os.makedirs(root)
        with open(os.path.join(state, "status"), "w", encoding="utf-8"):
            pass
        apt(state, "apt-get", "-qq", "update")
        depends = apt(state, "apt-cache", "depends", KERNEL)
        kernels = [line.split()[1] for line in depends.splitlines() if "Depends: linux-" in line]
        check(kernels, f"{KERNEL} names no kernel:\n{depends}")
        apt(state, "apt-get", "-qq", "download", *PACKAGES, kernels[0])
        for package in glob.glob(f"{state}/packages/*.deb"):
            unpack(package, root)
        make_links_relative(root)
        os.rename(root, SYSROOT)
    return SYSROOT


@one_at_a_time
def program():
    """The path of kvroof, built for arm64 as a release with warnings as errors."""
    for tool in ("aarch64-linux-gnu-gcc", "qemu-aarch64", "meson", "ninja", "pkg-config"):
        harness.need(tool)
    root = sysroot()
    constants = os.path.join(CACHE, "arm64-sysroot.ini")
    with open(constants, "w", encoding="utf-8") as file:
        file.write(f"[constants]\nsysroot = '{root}'\n")
    cross = os.path.join(harness.SOURCE, "cross", "aarch64-debian.ini")
    if not os.path.exists(os.path.join(BUILD, "build.ninja")):
        shutil.rmtree(BUILD, ignore_errors=True)
        run("meson", "setup", BUILD, harness.SOURCE, "--cross-file", constants, "--cross-file",
            cross, "--buildtype=release", "-Dwerror=true", "-Dtests=false", "-Dlikwid=disabled")
    run("ninja", "-C", BUILD, "kvroof")
    return os.path.join(BUILD, "kvroof")


def run(*command):
    """A command that must succeed."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    check(done.returncode == 0, f"{' '.join(command)} ends in {done.returncode}:\n"
          f"{done.stdout[-3000:]}")


@one_at_a_time
def pmu_count():
    """The path of pmu_count, built with the modules that it counts with."""
    kvroof, out = program(), os.path.join(CACHE, "pmu_count")
    libraries = [os.path.join(os.path.dirname(kvroof), "src", f"libkvr_{name}.a")
                 for name in ("counters", "machine")]
    run("aarch64-linux-gnu-gcc", f"--sysroot={sysroot()}", "-std=gnu17", "-O2", "-D_GNU_SOURCE",
        "-Wall", "-Wextra", "-Werror", "-I", harness.SOURCE, "-o", out,
        os.path.join(harness.SOURCE, "tests", "lab", "pmu_count.c"), *libraries, "-lhwloc",
        "-lnuma", "-lm")
    return out


@functools.lru_cache
def machine(*shape):
    """A guest's machine with a PMU that counts instructions, and cycles as many: its clock is the
    instructions of all its CPUs, so that counts are exact where it has one. `shape` are options
    for its CPUs and memory."""
    for tool in ("qemu-system-aarch64", "cpio"):
        harness.need(tool)
    root = sysroot()
    return guest.Machine(
        ("qemu-system-aarch64", "-M", "virt", "-icount", "shift=0,sleep=off", *shape), "ttyAMA0",
        ("-chardev", "file,id=sent,path={}", "-device", "pci-serial,chardev=sent"),
        glob.glob(f"{root}/boot/vmlinuz-*")[0], f"{root}/bin/busybox",
        (("kvroof", program()), ("pmu_count", pmu_count())),
        ("qemu-aarch64", "-L", root, "-E", "LD_TRACE_LOADED_OBJECTS=1"), root)


def counts(outcome):
    """What pmu_count printed: (event, loops, value, quality, share of the time), how it read."""
    check(outcome.code == 0, "pmu_count counts", outcome)
    lines = [line.split() for line in outcome.out.splitlines()]
    check(all(line[0] != "error" for line in lines), "every event opens", outcome)
    rows = [(line[0], int(line[1]), float(line[2]), line[3], float(line[4]))
            for line in lines if line[0] != "how"]
    return rows, " ".join(lines[-1][1:])


def check_exact(outcome, how):
    """Two instructions a loop, and the same few for reading, whatever the loop's length."""
    rows, told = counts(outcome)
    check(told == how, f"read {told}, not {how}")
    check(len(rows) == 6, f"three loops of two events: {rows}")
    beside = {value - 2 * loops for _, loops, value, _, _ in rows}
    check(len(beside) == 1 and 0 <= min(beside) < 1000, f"counts are not 2 n + c: {rows}")
    check({row[3:] for row in rows} == {("measured", 1.0)}, f"quality: {rows}")
