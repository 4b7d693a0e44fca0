# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of many nodes with known times, made of a real one: what the tests of `kvroof fleet` and
of its picture read."""

import copy
import json
import math
import os
import random

from comparing import HERE
from harness import read_json


def fleet(folder, count, slow=None, seed=1, cases=20, change=None):
    """Writes node-0000.json ... into the folder; a node's run effect is 3 %, a case's own 1 %.
    slow: {node: how much slower}; change(node, result) is called before one is written. Returns
    the paths."""
    os.makedirs(folder, exist_ok=True)
    rng = random.Random(seed)
    base = read_json(HERE)
    row = next(row for row in base["results"] if "scan" in row)
    row["rounds"] = row["rounds"][:1]
    paths = []
    for node in range(count):
        result = copy.deepcopy({**base, "results": []})
        result["machine"]["hostname"] = f"node{node:04}"
        common = rng.gauss(0, .03)
        for index in range(cases):
            case = copy.deepcopy(row)
            case["name"] = row["name"].replace("/n", f"/n{index}", 1)
            time = (2 + index) * math.exp(common + rng.gauss(0, .01)) * (slow or {}).get(node, 1)
            case["rounds"] = [dict(row["rounds"][0], t_ns=time * wobble)
                              for wobble in (.99, 1, 1.02)]
            case["scan"]["ns_per_key"] = time
            result["results"].append(case)
        if change:
            change(node, result)
        paths.append(os.path.join(folder, f"node-{node:04}.json"))
        with open(paths[-1], "w", encoding="utf-8") as file:
            json.dump(result, file)
    return paths
