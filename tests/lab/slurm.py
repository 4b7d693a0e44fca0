# SPDX-License-Identifier: GPL-3.0-or-later
"""Slurm on this host alone: munged, slurmctld and slurmd of Debian in a temporary folder, which end
with the test. Nothing of an installed configuration is read or written."""

import contextlib
import os
import socket
import subprocess
import time

from harness import Skip, environment, need

PROGRAMS = ("srun", "sinfo", "munged", "munge", "slurmctld", "slurmd")
PATIENCE_S = 40


def free_ports(count):
    """Ports that nobody listens on just now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def configuration(folder):
    """slurm.conf for one node: no cgroups, no accounting."""
    controller, daemon = free_ports(2)
    host = socket.gethostname().split(".")[0]
    return f"""ClusterName=kvroof
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmctldPort={controller}
SlurmdPort={daemon}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={os.cpu_count()} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def said(path):
    """The end of a log, for a skip's reason."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return " / ".join(file.read().split("\n")[-4:-1])
    except OSError as error:
        return str(error)


def wait_until(ready, reason):
    """Polls; a Slurm that cannot be started here is a skip with its own words."""
    end = time.monotonic() + PATIENCE_S
    while not ready():
        if time.monotonic() > end:
            raise Skip(f"Slurm does not start on this host: {reason()}")
        time.sleep(.2)


@contextlib.contextmanager
def cluster():
    """Yields the environment in which srun finds it."""
    for program in PROGRAMS:
        need(program)
    if os.geteuid():
        raise Skip("slurmd starts tasks as root only, and this is another user")
    folder = os.path.abspath("slurm")
    for name in ("", "state", "spool"):
        os.mkdir(os.path.join(folder, name), 0o755)
    with open(f"{folder}/munge.key", "wb") as file:
        os.fchmod(file.fileno(), 0o400)
        file.write(os.urandom(1024))
    with open(f"{folder}/slurm.conf", "w", encoding="utf-8") as file:
        file.write(configuration(folder))
    env = environment(SLURM_CONF=f"{folder}/slurm.conf")
    commands = (
        ["munged", "--foreground", "--force", f"--key-file={folder}/munge.key",
         f"--socket={folder}/munge.socket", f"--pid-file={folder}/munge.pid",
         f"--seed-file={folder}/munge.seed", f"--log-file={folder}/munge.log"],
        ["slurmctld", "-D", "-f", f"{folder}/slurm.conf"],
        ["slurmd", "-D", "-f", f"{folder}/slurm.conf"])
    started = []
    try:
        for command in commands:
            with open(f"{folder}/{command[0]}.out", "wb") as out:
                started.append(subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL,
                                                stdout=out, stderr=out))
            if command[0] == "munged":
                wait_until(lambda: os.path.exists(f"{folder}/munge.socket"),
                           lambda: "munged: " + said(f"{folder}/munged.out"))
        wait_until(lambda: "idle" in subprocess.run(
            ["sinfo", "-h", "-o", "%T"], env=env, capture_output=True, text=True,
            check=False).stdout,
                   lambda: f"slurmctld: {said(folder + '/slurmctld.log')}; "
                           f"slurmd: {said(folder + '/slurmd.log')}")
        yield env
    finally:
        for process in reversed(started):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
