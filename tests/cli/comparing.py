# SPDX-License-Identifier: GPL-3.0-or-later
"""Results with known times, made of a real one: what test_compare.py holds against each other.

Both fixtures are runs of this program: xeon.json on a CPU with AVX-512 in a KVM guest,
haswell-emulated.json of the same binary in qemu-user with -cpu Haswell. The second one's check
`emulation` says that its times mean nothing; it is there for its other fingerprint and its flags.
"""

import copy
import json
import os

from harness import SOURCE, read_json

FIXTURES = os.path.join(SOURCE, "tests", "fixtures", "compare")
HERE = os.path.join(FIXTURES, "xeon.json")
EMULATED = os.path.join(FIXTURES, "haswell-emulated.json")

# Of processes that differ by some percent in all that they do, and by less in a case.
RUN = (1.00, 1.04, 0.97, 1.02, 0.98)
OWN = (1.000, 1.003, 0.998, 1.001, 0.997)


def names():
    """The measured cases of the real result, in its order."""
    return [row["name"] for row in read_json(HERE)["results"] if "scan" in row]


def made(path, factor=None, processes=5, sentinel=1.0, change=None, noise=1.0):
    """Writes a result whose cases took 2, 3, ... ns a key in so many processes. factor: {name:
    how much slower}; sentinel: how much slower the plain read was; noise stretches OWN; change:
    called with the result before it is written."""
    result = copy.deepcopy(read_json(HERE))
    result["results"] = [row for row in result["results"] if "scan" in row]
    for index, row in enumerate(result["results"]):
        template = row["rounds"][0]
        row["rounds"] = []
        for process in range(processes):
            own = OWN[(process + index) % len(OWN)]
            time = (2 + index) * RUN[process % len(RUN)] * (1 + (own - 1) * noise)
            time *= (factor or {}).get(row["name"], 1)
            for wobble in (.99, 1, 1.02):
                row["rounds"].append(dict(template, process=process, t_ns=time * wobble,
                                          sentinel_ns=5 * sentinel * RUN[process % len(RUN)]))
        row["scan"]["ns_per_key"] = 2.0 + index
    if change:
        change(result)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(result, file)
    return path
