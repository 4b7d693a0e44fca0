# SPDX-License-Identifier: GPL-3.0-or-later
"""Boots the program in a Linux guest of QEMU with another topology or CPU than this host has.

A guest is Debian's cloud kernel (taken out of its package, never installed) with an initramfs of
busybox, the built program, its libraries, profiles and data. It is emulated (TCG), so it needs no
right on this host and no time in it means anything. QEMU exits with 0 whatever happens inside:
a guest has run when its last line is there.

Its machine is X86, this host's program on a PC, or another Machine: that of arm.py.
"""

import functools
import glob
import os
import platform
import re
import shutil
import subprocess
import tarfile
import tempfile

import harness
from harness import Failure, Outcome, Skip, check

CACHE = os.path.abspath(os.environ["KVROOF_LAB"])  # below the build folder
META_PACKAGE = "linux-image-cloud-amd64"
LAST_LINE = "kvroof guest: the last line"
BOOT_LIMIT_S = 150

# On a busy host QEMU 7.2 now and then leaves a CPU of a guest hanging in its boot. The guest's own
# watchdog sees that and ends it; then it is booted again.
HUNG = "BUG: soft lockup"
BOOTS = 3

# A run over as few keys as a run can have: placement is seen in its 16 MiB of arena.
TINY = ("kvroof run -k fp16 --isa scalar -d 64 -n 512 --heads 2 --max-mem 64M -r 1 "
        "--min-time 0.001 --budget 120 --progress plain ")


# ---- the kernel ----

def apt(*command, folder):
    """stdout of a command of apt, or a skip that holds its last words."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120, check=False, cwd=folder)
    except subprocess.TimeoutExpired as late:
        raise Skip(f"no kernel for a guest: {' '.join(command)}: no answer in 120 s") from late
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise Skip(f"no kernel for a guest: {' '.join(command)}: {last}")
    return done.stdout


def fetch_kernel(path):
    """Takes the kernel out of Debian's package; the name appears when the file is complete."""
    for tool in ("apt-cache", "apt-get", "dpkg-deb"):
        harness.need(tool)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        text = apt("apt-cache", "show", "--no-all-versions", META_PACKAGE, folder=folder)
        package = re.search(r"\blinux-image-[\w.+-]+-cloud-amd64\b", text)
        check(package, f"{META_PACKAGE} names no kernel:\n{text}")
        apt("apt-get", "-qq", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::Retries=1",
            "download", package.group(), folder=folder)
        archive = glob.glob(os.path.join(folder, "*.deb"))[0]
        subprocess.run(["dpkg-deb", "-x", archive, os.path.join(folder, "tree")], check=True)
        os.replace(glob.glob(os.path.join(folder, "tree/boot/vmlinuz-*"))[0], path)


@functools.lru_cache
def find_kernel():
    """The path of the guests' kernel and "", or "" and why there is none: asked once."""
    path = os.path.join(CACHE, "vmlinuz")
    os.makedirs(CACHE, exist_ok=True)
    try:
        if not os.path.exists(path):
            fetch_kernel(path)
    except Skip as reason:
        return "", str(reason)
    return path, ""


def kernel():
    """The path of the guests' kernel."""
    path, reason = find_kernel()
    if reason:
        raise Skip(reason)
    return path


# ---- the initramfs ----

class Machine:
    """What differs between guests of one kind of CPU and another: the emulator with what every
    guest needs, the program's place on a second serial port, the paths of the kernel, of a static
    busybox and of programs by their names in the guest; ldd (a command), and where the libraries
    lie that it names."""

    def __init__(self, emulator, console, port, kernel, busybox, programs, ldd, sysroot):
        self.emulator, self.console, self.port = emulator, console, port
        self.kernel, self.busybox, self.programs = kernel, busybox, programs
        self.ldd, self.sysroot = ldd, sysroot


@functools.lru_cache
def x86():
    """The machine of this host's program."""
    if platform.machine() != "x86_64":
        raise Skip("the guests are made of this host's program and an x86-64 kernel")
    for tool in ("qemu-system-x86_64", "busybox", "cpio", "ldd"):
        harness.need(tool)
    return Machine(("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max"), "ttyS0",
                   ("-serial", "file:{}"), kernel(), harness.need("busybox"),
                   (("kvroof", harness.PROGRAM),), ("ldd",), "")


def copy_program(machine, root, program, name):
    """A program and the libraries that it is linked to, at the paths where it looks for them."""
    shutil.copy(program, os.path.join(root, "bin", name))
    done = subprocess.run([*machine.ldd, program], capture_output=True, text=True, check=False)
    for library in re.findall(r"(/\S+) \(0x", done.stdout):  # nothing of a static program
        library = library.removeprefix(machine.sysroot)
        os.makedirs(root + os.path.dirname(library), exist_ok=True)
        shutil.copy(machine.sysroot + library, root + library)


def make_initramfs(machine, folder, scenario):
    """A newc archive in `folder`: the programs, what they read, and the scenario; its path."""
    root = os.path.join(folder, "root")
    for name in ("bin", "proc", "sys", "dev", "tmp", "data", "config/kvroof"):
        os.makedirs(os.path.join(root, name))
    shutil.copy(machine.busybox, os.path.join(root, "bin", "busybox"))
    for name, program in machine.programs:
        copy_program(machine, root, program, name)
    shutil.copy(os.path.join(os.path.dirname(__file__), "guest_init.sh"), root + "/init")
    os.chmod(root + "/init", 0o755)
    for pattern, place in (("profiles/*.yaml", "config/kvroof"), ("profiles/data/*.npy", "data")):
        for path in glob.glob(os.path.join(harness.SOURCE, pattern)):
            shutil.copy(path, os.path.join(root, place))
    with open(root + "/scenario", "w", encoding="utf-8") as file:
        file.write(scenario)
    names = [os.path.relpath(os.path.join(where, name), root)
             for where, folders, files in os.walk(root) for name in folders + files]
    archive = os.path.join(folder, "initramfs")
    with open(archive, "wb") as file:
        subprocess.run([harness.need("cpio"), "-o", "-H", "newc", "--quiet"], cwd=root,
                       input="\n".join(sorted(names)).encode(), stdout=file, check=True)
    return archive


# ---- a boot ----

class Guest:
    """What the commands of a scenario left behind, by the names it gave them."""

    def __init__(self, files, console):
        self.files, self.console = files, console

    def text(self, name):
        """A file of /out."""
        check(name in self.files, f"the guest left no {name}; it has {sorted(self.files)}\n"
              f"{self.console[-3000:]}")
        return self.files[name]

    def outcome(self, name):
        """A command that was kept or watched."""
        return Outcome(self.text(name + ".command").split(), int(self.text(name + ".code")),
                       self.text(name + ".out"), self.text(name + ".err"))

    def rows(self, name):
        """The rows of a list in JSON."""
        outcome = self.outcome(name)
        check(outcome.code == 0, "a list is printed", outcome)
        return outcome.json()

    def check_status(self, name):
        """Checks of doctor as {id: row}."""
        return {row["id"]: row for row in self.rows(name)}

    def mappings(self, name):
        """The mappings of a watched run: (policy, {node: pages of 4 KiB}) each."""
        return [(line.split()[1], {int(node): int(count) for node, count
                                   in re.findall(r" N(\d+)=(\d+)", line)})
                for line in self.text(name + ".maps").splitlines()]

    def pages(self, name):
        """Those of the two halves of its arena."""
        halves = [(policy, nodes) for policy, nodes in self.mappings(name)
                  if sum(nodes.values()) * 4096 >= 16 << 20]
        check(len(halves) == 2, f"two halves of an arena, not {halves}", self.outcome(name))
        return halves

    def pinned(self, name):
        """The CPUs that single threads of a watched run were bound to."""
        lists = [line.split()[1] for line in self.text(name + ".cpus").splitlines()]
        return sorted(int(cpus) for cpus in lists if cpus.isdigit())


def run_qemu(machine, folder, options, initramfs):
    """Runs a guest to its end; the console's text and the path of what it sent."""
    sent = os.path.join(folder, "out.tar")
    command = [*machine.emulator, *options, "-kernel", machine.kernel, "-initrd", initramfs,
               "-append", f"console={machine.console} quiet loglevel=1 panic=-1 softlockup_panic=1 "
               "nokaslr mitigations=off",
               "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
               "-serial", "stdio", *(word.format(sent) for word in machine.port)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=BOOT_LIMIT_S, check=False)
    except subprocess.TimeoutExpired as late:
        raise Failure(f"the guest did not end within {BOOT_LIMIT_S} s:\n"
                      f"{(late.stdout or b'')[-3000:].decode('utf-8', 'replace')}") from late
    return done.stdout.decode("utf-8", "replace").replace("\r", ""), sent


@functools.lru_cache
def boot(options, scenario, machine=None):
    """A guest with these options of QEMU (one string), in which the scenario has run: a part of a
    shell script that uses keep and watch of guest_init.sh."""
    machine = machine or x86()
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        initramfs = make_initramfs(machine, folder, scenario)
        for _ in range(BOOTS):
            console, sent = run_qemu(machine, folder, options.split(), initramfs)
            if HUNG not in console:
                break
            print(f"        the guest hung in its emulator: {console[:200]}")
        check(LAST_LINE in console.splitlines(), f"the guest has no last line:\n{console[-3000:]}")
        with tarfile.open(sent) as archive:
            files = {os.path.basename(member.name):
                     archive.extractfile(member).read().decode("utf-8", "replace")
                     for member in archive if member.isfile()}
    return Guest(files, console)


def ram(*sizes):
    """Options for one memory back end a node: m0, m1, ..."""
    return " ".join(f"-object memory-backend-ram,id=m{i},size={size}"
                    for i, size in enumerate(sizes))


def distances(*triples):
    """Options for distances between nodes, the same in both directions."""
    return " ".join(f"-numa dist,src={a},dst={b},val={value}" for a, b, value in triples)
