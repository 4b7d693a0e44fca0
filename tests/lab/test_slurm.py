# SPDX-License-Identifier: GPL-3.0-or-later
"""kvroof fleet under a real srun: two tasks, one that leaves nothing, and stored results."""

import os
import subprocess

import harness
import slurm
from harness import PROGRAM, TINY, Outcome, check, read_json

RUN = ["-k", "fp16.fused", "--isa", "scalar", *TINY, "--counters", "off"]


def srun(env, *command, limit_s=240):
    """One job step of two tasks."""
    call = ["srun", "--ntasks=2", "--overcommit", *command]
    done = subprocess.run(call, env=env, capture_output=True, text=True, timeout=limit_s,
                          stdin=subprocess.DEVNULL, check=False)
    return Outcome(call, done.returncode, done.stdout, done.stderr)


def test_two_tasks_make_one_fleet():
    with slurm.cluster() as env:
        outcome = srun(env, PROGRAM, "fleet", *RUN)
        check(outcome.code == 0, "both tasks measure", outcome)
        check("2 nodes" in outcome.out and "fp16.fused@scalar" in outcome.out, "table", outcome)
        (folder,) = os.listdir("results")
        check(folder.startswith("fleet-"), f"the folder is named by the job: {folder}")
        names = sorted(os.listdir(f"results/{folder}"))
        check(names == ["fleet.json", "rank-0000.done", "rank-0000.json", "rank-0001.done",
                        "rank-0001.json"], f"{names}")
        fleet = read_json(f"results/{folder}/fleet.json")
        check(fleet["node_count"] == 2 and fleet["missing"] == [], f"{fleet}")
        check(len(fleet["groups"]) == 1 and len(fleet["groups"][0]["nodes"]) == 2, f"{fleet}")
        for rank in range(2):
            tags = read_json(f"results/{folder}/rank-000{rank}.json")["tags"]
            check(tags["rank"] == str(rank) and folder == "fleet-" + tags["job"], f"{tags}")

        # One task is ended before it measures.
        script = f'[ "$SLURM_PROCID" = 1 ] || exec "{PROGRAM}" "$@"'
        outcome = srun(env, "sh", "-c", script, "sh", "fleet", "--folder", "lost", "--timeout",
                       "1", *RUN)
        check(outcome.code == 3, "a missing rank is exit code 3", outcome)
        check("missing: rank 1" in outcome.out and "--timeout" in outcome.out, "named", outcome)
        check(read_json("lost/fleet.json")["node_count"] == 1, "the other is kept", outcome)

        # Stored results in a job step are read, not measured.
        outcome = srun(env, "sh", "-c", f'[ "$SLURM_PROCID" = 1 ] || exec "{PROGRAM}" fleet "$@"',
                       "sh", f"results/{folder}/rank-0000.json", f"results/{folder}/rank-0001.json")
        check(outcome.code == 0 and "2 nodes" in outcome.out, "results under srun", outcome)


harness.main(globals())
