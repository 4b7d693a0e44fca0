# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts what is timed: peers-probe, the Python peers and likwid-bench, each pinned to one core."""

import glob
import os
import re
import select
import shutil
import subprocess
import time

# malloc's large blocks on huge pages, as the probe's are; one thread.
ENVIRONMENT = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", "OMP_NUM_THREADS": "1",
               "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
PROBE = os.path.join("benchmark", "peers", "peers-probe")


def first_line(path, start):
    """The value behind a word like `model name` in a file of the system."""
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.startswith(start):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return "unknown"


def cpu_flags():
    """Feature bits as Linux reports them."""
    return set(first_line("/proc/cpuinfo", "flags").split())


def describe(cpu):
    """What the figures were measured on."""
    return {"cpu": first_line("/proc/cpuinfo", "model name"), "kernel": os.uname().release,
            "pinned_to": cpu, "load": round(os.getloadavg()[0], 2), **ENVIRONMENT}


def build_probe(build):
    """Builds peers-probe; what is wrong, or ''."""
    if not os.path.exists(os.path.join(build, "build.ninja")):
        return f"--build: {build} is no Meson build folder (meson setup {build})"
    done = subprocess.run(["ninja", "-C", build, PROBE], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, text=True)
    return "" if done.returncode == 0 else "cannot build peers-probe:\n" + done.stdout[-2000:]


class Absent:
    """A peer that is not there."""

    def __init__(self, reason):
        self.absent, self.absent_at, self.facts, self.note = reason, {}, {}, ""

    def wait_ready(self, limit_s):
        """Nothing to wait for."""

    def close(self):
        """Nothing to end."""


class Worker:
    """A process that speaks the protocol of peers-probe."""

    def __init__(self, command, cpu, environment):
        self.absent, self.absent_at, self.facts, self.note = "", {}, {}, ""
        self.buffer = b""
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=dict(os.environ, **ENVIRONMENT, **environment),
            preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))

    def read_line(self, limit_s):
        """The next line, or None when the process ended or the time is over."""
        end = time.monotonic() + limit_s
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.process.stdout], [], [],
                                        max(end - time.monotonic(), 0))
            part = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not part:
                return None
            self.buffer += part
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode("utf-8", "replace")

    def give_up(self, reason):
        """From now on absent."""
        self.absent = reason
        self.close()

    def wait_ready(self, limit_s):
        """Until its keys are there and its scores are compared with the reference."""
        begin = time.monotonic()
        line = self.read_line(limit_s)
        if line is None:
            ended = self.process.poll()
            self.give_up(f"not ready after {time.monotonic() - begin:.0f} s" if ended is None
                         else f"ended with {ended} before it was ready")
        elif line.startswith("ready\t"):
            fields = dict(field.split("=", 1) for field in line.split("\t")[1:])
            self.note = fields["note"]
            self.facts = {"error": float(fields["error"]), "bytes": float(fields["bytes"])}
            huge = self.huge_fraction()
            if huge is not None:
                self.facts["huge"] = huge
        else:
            self.give_up(line.partition("\t")[2])

    def huge_fraction(self):
        """How much of its memory is on huge pages; None if the system does not tell."""
        path = f"/proc/{self.process.pid}/smaps_rollup"
        sizes = [first_line(path, word).split()[0] for word in ("AnonHugePages", "Anonymous")]
        if not all(size.isdigit() for size in sizes) or int(sizes[1]) == 0:
            return None
        return round(int(sizes[0]) / int(sizes[1]), 3)

    def time(self, place, sample_ms, limit_s):
        """ns per unit of one sample, or None."""
        if self.absent:
            return None
        try:
            self.process.stdin.write(f"{place} {sample_ms}\n".encode())
            self.process.stdin.flush()
            line = self.read_line(limit_s)
        except BrokenPipeError:
            line = None
        if line is None:
            self.give_up("it ended, or the budget did, while it was timed")
            return None
        found = float(line)
        return found if found > 0 else None

    def close(self):
        """Ends the process and gives its memory back."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Likwid:
    """likwid-bench, a process per sample; in cache it runs 100000 times over 32 kB."""

    def __init__(self, test, dram_bytes):
        self.absent, self.facts = "", {"bytes": 64}
        self.absent_at = {} if test.startswith("load") else {
            "cache": "likwid-bench takes a second a sample: only loads are run in cache"}
        self.output = ""
        self.test, self.note = test, "its own arrays: nothing to compare with a reference"
        self.sizes = {"cache": (32, 100000), "dram": (dram_bytes // 1000, 2)}

    def wait_ready(self, limit_s):
        """Every sample is a process of its own: one that fails says why it is absent."""
        if self.time("cache", 0, limit_s) is None and not self.absent:
            self.absent = f"likwid-bench cannot run {self.test}: {self.output[-160:]}"

    def time(self, place, sample_ms, limit_s):
        """ns per 64 bytes that are read or written."""
        del sample_ms
        kilobytes, iterations = self.sizes[place]
        command = ["likwid-bench", "-t", self.test, "-w", f"N:{kilobytes}kB:1", "-i",
                   str(iterations)]
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  env=dict(os.environ, **ENVIRONMENT), timeout=limit_s, text=True,
                                  check=False)
        except subprocess.TimeoutExpired:
            self.output = "the budget is over"
            return None
        self.output = " ".join(done.stdout.split())
        found = re.search(r"^MByte/s:\s+([0-9.]+)", done.stdout, re.MULTILINE)
        return 64e3 / float(found[1]) if found and float(found[1]) > 0 else None

    def close(self):
        """No process is left."""


class Opener:
    """Makes peers of entries."""

    def __init__(self, args, here, source):
        self.args, self.here = args, here
        self.probe = os.path.join(args.build, PROBE)
        self.data = os.environ.get("KVROOF_DATA") or os.path.join(source, "profiles", "data")

    def open(self, entry, keys):
        """Starts the entry, or says why not."""
        kind, spec = entry
        sizes = [str(keys), str(self.args.dram_bytes)]
        if kind in ("kvroof", "memory"):
            return self.worker([self.probe, kind, spec, *sizes])
        return getattr(self, kind.replace("-", "_"))(spec, sizes)

    def worker(self, command, **environment):
        """A pinned process on the mini set."""
        return Worker(command, self.args.cpu, {"KVROOF_DATA": self.data, **environment})

    def python(self, interpreter, script, spec, sizes, **environment):
        """A worker in Python, if its interpreter is there."""
        if not os.path.exists(interpreter):
            return Absent(f"no {interpreter} (--set-up --peers DIR makes it)")
        return self.worker([interpreter, os.path.join(self.here, script), spec, *sizes],
                           **environment)

    def ggml(self, spec, sizes):
        """All per-CPU libraries of the package."""
        found = sorted(glob.glob(os.path.join(self.args.peers, "npm", "**", "libggml-cpu-*.so"),
                                 recursive=True))
        if not found:
            return Absent(f"no libggml-cpu-*.so below {self.args.peers}/npm (--set-up fetches "
                          "them)")
        return self.worker([self.probe, "ggml", spec, *sizes, *found])

    def blas(self, spec, sizes):
        """sgemv or sgemm; @wide where OpenBLAS does not know a CPU's model."""
        name, _, wide = spec.partition("@")
        if not wide:
            return self.worker([self.probe, "blas", name, *sizes])
        flags = cpu_flags()
        if not {"avx2", "avx512bw"} & flags:
            return Absent("this CPU has neither AVX2 nor AVX-512")
        core = "SkylakeX" if "avx512bw" in flags else "Haswell"
        return self.worker([self.probe, "blas", name, *sizes], OPENBLAS_CORETYPE=core)

    def faiss(self, spec, sizes):
        """The wheel, in its own environment."""
        return self.python(os.path.join(self.args.peers, "faiss", "bin", "python"),
                           "worker_faiss.py", spec, sizes)

    def faiss_debian(self, spec, sizes):
        """Debian's module, installed or unpacked by --set-up, in Debian's own interpreter."""
        unpacked = os.path.join(os.path.abspath(self.args.peers), "debian", "root", "usr", "lib",
                                "python3", "dist-packages")
        return self.python("/usr/bin/python3", "worker_faiss.py", spec, sizes,
                           PYTHONPATH=unpacked)

    def torch(self, spec, sizes):
        """The wheel, in its own environment."""
        return self.python(os.path.join(self.args.peers, "torch", "bin", "python"),
                           "worker_torch.py", spec, sizes)

    def likwid(self, spec, sizes):
        """It chooses its core itself: the first one."""
        if not shutil.which("likwid-bench"):
            return Absent("no likwid-bench on this system (apt install likwid)")
        if self.args.cpu != 0:
            return Absent("likwid-bench is run on the first core only: use --cpu 0")
        return Likwid(spec, int(sizes[1]))
