# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for machines that this one is not: golden files of CPUs, domains, nodes and refusals.

$KVROOF_PLAN_PRINT prints what the machine layer makes of a topology; the program itself must plan
there, and refuse to measure. KVROOF_UPDATE_GOLDEN=1 writes the golden files anew.
"""

import difflib
import os
import subprocess

import harness
import roots
from harness import check, check_refused, run

PLAN_PRINT = os.path.abspath(os.environ["KVROOF_PLAN_PRINT"])
HERE = os.path.dirname(os.path.abspath(__file__))
PLAN = ("run", "--dry-run", "-k", "fp16", "--isa", "scalar", "-d", "64", "-n", "512", "--bytes",
        "128M", "--max-mem", "512M", "-t", "1,max")

# In the form of HWLOC_SYNTHETIC; MiB, because MB is decimal there.
SYNTHETIC = {
    "two-sockets-of-96-cores-8-nodes-each":
        "pack:2 numa:8(memory=96GiB) l3:3(size=16MiB) l2:4(size=1MiB) l1d:1(size=32KiB) core:1 "
        "pu:2",
    "siblings-numbered-apart":
        "pack:2 numa:1(memory=8GiB) l3:1(size=16MiB) l2:2(size=1MiB) l1d:1(size=32KiB) core:1 "
        "pu:2(indexes=0,4,1,5,2,6,3,7)",
    "smt-4": "l3:1(size=64MiB) l2:8(size=1MiB) l1d:1(size=32KiB) core:1 pu:4",
    "cluster-on-die":
        "pack:2 numa:2(memory=32GiB) l3:1(size=17920KiB) l2:7(size=256KiB) l1d:1(size=32KiB) "
        "core:1 pu:2",
    "sub-numa-clusters-of-4":
        "pack:2 l3:1(size=105MiB) numa:4(memory=64GiB) l2:14(size=2MiB) l1d:1(size=48KiB) core:1 "
        "pu:2",
    "no-l3": "pack:1 l2:4(size=2MiB) l1d:1(size=64KiB) core:1 pu:1",
    "shared-l2-no-l3": "pack:1 l2:2(size=4MiB) l1d:4(size=32KiB) core:1 pu:1",
    "no-cache-at-all": "numa:2(memory=4GiB) core:2 pu:1",
    "one-core": "core:1 pu:1",
    "one-core-two-threads": "l2:1(size=1MiB) core:1 pu:2",
    "l3-of-508-mib-a-core": "l3:2(size=508MiB) l2:1(size=1MiB) l1d:1(size=48KiB) core:1 pu:1",
    "arm-server-of-64-cores":
        "pack:1 l3:1(size=32MiB) l2:64(size=1MiB) l1d:1(size=64KiB) core:1 pu:1",
    "arm-server-of-two-times-80":
        "pack:2 numa:1(memory=256GiB) l3:1(size=32MiB) l2:80(size=1MiB) l1d:1(size=64KiB) core:1 "
        "pu:1",
    "sixty-four-nodes": "numa:64(memory=1GiB) core:2 pu:1",
    "as-many-cpus-as-can-be": "pack:8 core:64 pu:2",
    "more-cpus-than-can-be": "pack:2 core:513 pu:1",
    "fast-memory-beside-slow":
        "pack:2 [numa(memory=64GiB)] [numa(memory=16GiB)] l2:4(size=1MiB) l1d:1(size=32KiB) "
        "core:1 pu:1",
}

ROOTS = (roots.cloud_guest_without_caches, roots.hybrid_laptop, roots.memory_expander,
         roots.smt4_with_offline_cpus, roots.node_numbers_with_gaps)

XML = ("hybrid-laptop", "memory-behind-a-cache")


def foreign(**variables):
    """The environment with hwloc pointed elsewhere."""
    return harness.environment(**variables)


def golden(name, env, *root):
    """Compares what is printed for a topology with its golden file."""
    done = subprocess.run([PLAN_PRINT, *root], env=env, capture_output=True, text=True, timeout=60,
                          check=False)
    check(done.returncode == 0, f"{name}: {done.stdout}{done.stderr}")
    plan = run(*PLAN, env=env)
    text = done.stdout + f"dry run: exit code {plan.code}\n" + plan.out + plan.err
    path = os.path.join(HERE, "golden", name + ".txt")
    if os.environ.get("KVROOF_UPDATE_GOLDEN"):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    difference = difflib.unified_diff(harness.read_text(path).splitlines(), text.splitlines(),
                                      "golden", "now", lineterm="")
    check(harness.read_text(path) == text, f"{name}:\n" + "\n".join(difference))
    check("THIS SYSTEM" not in text and "CHANGED" not in text, f"{name} is foreign:\n{text}")


def test_synthetic():
    for name, description in SYNTHETIC.items():
        golden(name, foreign(HWLOC_SYNTHETIC=description))


def test_roots():
    for make in ROOTS:
        name = make.__name__.replace("_", "-")
        make().write(name)
        golden(name, foreign(HWLOC_FSROOT=os.path.abspath(name)), os.path.abspath(name))


def test_xml():
    for name in XML:
        golden(name + "-xml", foreign(HWLOC_XMLFILE=os.path.join(HERE, "topologies",
                                                                 name + ".xml")))


def test_nothing_is_measured_there():
    env = foreign(HWLOC_SYNTHETIC=SYNTHETIC["no-l3"])
    for command in (("run", "-k", "fp16", "--bytes", "4M", "-t", "1"), ("roofs",),
                    ("verify", "--verdict")):
        outcome = run(*command, env=env)
        check(outcome.code == 3 and outcome.out == "", "refused", outcome)
        check("not this system's" in outcome.err and "HWLOC_SYNTHETIC" in outcome.err,
              "the message says why", outcome)


def test_it_is_said():
    env = foreign(HWLOC_SYNTHETIC=SYNTHETIC["smt-4"])
    listed = run("list", "topology", env=env, code=0)
    check("a foreign topology: nothing is pinned" in listed.out, "said", listed)
    rows = {row["id"]: row for row in run("list", "checks", "--format", "json", env=env,
                                          code=0).json()}
    check(rows["topology"]["status"] == "warn", f"{rows['topology']}")
    check("HWLOC_SYNTHETIC" in rows["topology"]["fix"], f"{rows['topology']}")


def test_what_cannot_be_read_is_refused():
    for variable, value in (("HWLOC_SYNTHETIC", "gibberish"), ("HWLOC_XMLFILE", "missing.xml"),
                            ("HWLOC_FSROOT", "missing")):
        check_refused(run(*PLAN, env=foreign(**{variable: value})), 3, "HWLOC_")


harness.main(globals())
