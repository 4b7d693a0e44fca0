# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest with a node that is too small: refused before it is touched, and nobody is killed."""

import guest
import harness
from guest import TINY
from harness import check

OPTIONS = " ".join((
    "-M q35 -m 688M -smp 2,sockets=2,cores=1,threads=1", guest.ram("320M", "320M", "48M"),
    "-numa node,nodeid=0,cpus=0,memdev=m0 -numa node,nodeid=1,cpus=1,memdev=m1",
    "-numa node,nodeid=2,memdev=m2", guest.distances((0, 1, 20), (0, 2, 30), (1, 2, 30))))

# 1200 heads of 64 KiB in each half of the arena: 150 MiB or more in all.
LARGE = TINY.replace("--heads 2 --max-mem 64M", "--heads 1200 --max-mem 170M")

SCENARIO = f"""
keep large {LARGE} -t 1 --mem node:2
keep spread {LARGE} -t 1 --mem interleave --pages 4k
watch small {TINY} -t 1 --mem node:2
watch beside {LARGE} -t 1 -c 0 --mem node:1
"""


def booted():
    """The guest, booted once."""
    return guest.boot(OPTIONS, SCENARIO)


def test_what_does_not_fit_is_refused():
    for name in ("large", "spread"):
        outcome = booted().outcome(name)
        check(outcome.code == 3, f"{name} is refused", outcome)
        check("measuring" not in outcome.err, "nothing was begun", outcome)


def test_what_fits_lies_there():
    for policy, nodes in booted().pages("small"):
        check(policy == "bind:2" and set(nodes) == {2}, f"{policy} {nodes}")


def test_another_node_takes_it():
    for policy, nodes in booted().pages("beside"):
        check(policy == "bind:1" and set(nodes) == {1}, f"{policy} {nodes}")


def test_nobody_was_killed():
    log = booted().text("dmesg.out")
    check("Out of memory" not in log and "oom-kill" not in log, f"{log[-2000:]}")


harness.main(globals())
