# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison with peers as far as it goes without a peer: its list, its arithmetic, and what
it refuses. Needs neither numpy nor anything downloaded."""

import importlib
import os
import random
import statistics
import sys

import harness
from harness import check

PEERS = os.path.join(harness.SOURCE, "benchmark", "peers")
sys.path.insert(0, PEERS)
catalogue = importlib.import_module("catalogue")
ratios = importlib.import_module("ratios")


def peers(*arguments, code):
    """Calls the script."""
    return harness.run(os.path.join(PEERS, "peers.py"), *arguments, program=sys.executable,
                       code=code)


def test_list():
    """Every block, pair and version is listed; a selection lists less."""
    outcome = peers("--list", code=0)
    for block in catalogue.BLOCKS:
        check(block.name in outcome.out, f"{block.name} is not listed", outcome)
        for own, peer in block.pairs:
            check(f"{catalogue.label(own)} | {catalogue.label(peer)}" in outcome.out,
                  f"{own}, {peer} are not listed", outcome)
    for name, version in (catalogue.NPM_GGML, catalogue.PIP_FAISS, catalogue.PIP_TORCH,
                          catalogue.DEBIAN_FAISS):
        check(f"{name} {version}" in outcome.out, f"{name} is not listed", outcome)
    some = peers("--list", "--only", "ggml", code=0)
    check("ggml q8_0" in some.out and "faiss pq" not in some.out, "--only selects", some)


def test_refusals():
    """Bad options are named."""
    for arguments, word in ((["--only", "gmgl"], "gmgl"), (["--rounds", "0"], "--rounds"),
                            (["--bytes", "many"], "many"), (["--bytes", "1k"], "--bytes"),
                            (["--budget", "-1"], "--budget"), (["--cpu", "4000"], "4000")):
        outcome = peers(*arguments, code=2)
        check(word in outcome.err, f"{word} is not named", outcome)
    outcome = peers("--build", "nowhere", code=3)
    check("nowhere" in outcome.err, "the folder is named", outcome)


def test_pairing():
    """A ratio needs both times of the same round, and is the peer's over kvroof's."""
    check(ratios.paired([2.0, 4.0], [6.0, 4.0]) == [3.0, 1.0], "peer over kvroof, round by round")
    check(ratios.paired([2.0, None, 5.0], [6.0, 7.0, None]) == [3.0], "rounds with both only")
    check(ratios.paired([0.0, 1.0], [1.0, -1.0]) == [], "times that are none")
    row = ratios.compare([1.0, 2.0, 4.0], [3.0, 4.0, 4.0])
    check(row["ratio"] == 2.0 and row["rounds"] == 3, f"median of 3, 2, 1: {row}")
    check("ratio_ci95" not in row and "fewer" in row["no_interval"],
          f"three rounds have no interval: {row}")
    row = ratios.compare([None], [1.0])
    check("ratio" not in row and row["unavailable"], f"no pair, no ratio: {row}")


def test_interval():
    """The bootstrap's interval: deterministic, within the data, narrow or wide as they are."""
    same = ratios.interval([2.0] * 9)
    check(same == (2.0, 2.0), f"nine equal rounds: {same}")
    check(ratios.interval([1.0] * 5) is None, "five rounds have no interval")
    spread = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 9.0]
    low, high = ratios.interval(spread)
    check((low, high) == ratios.interval(spread), "the same seed, the same interval")
    check(low <= statistics.median(spread) <= high, f"{low}, {high} leave the median out")
    # A median is at most the 2nd of 9 if 5 of 9 draws are: .031, and .0014 for the 1st (binomial).
    # So the percentile .025 is the 2nd value, and .975 the 8th, as order statistics have it.
    check((low, high) == (1.1, 1.7), f"the percentiles are {low}, {high}")


def test_coverage():
    """Of many samples the interval holds the true median about as often as it says."""
    generator = random.Random(7)
    hits = 0
    for number in range(200):
        values = [generator.gauss(3, 1) for _ in range(15)]
        low, high = ratios.interval(values, resamples=400, seed=number)
        hits += low <= 3 <= high
    check(178 <= hits <= 199, f"{hits} of 200 intervals hold the median")


def test_table():
    """Every row is in the table: a ratio with its interval, or the reason."""
    document = {"notes": {"ggml f16": "of a test"}, "rows": [
        {"kvroof": "kvroof fp16", "peer": "ggml f16", "place": "dram", "kvroof_error": 0.001,
         **ratios.compare([1.0] * 6, [2.5] * 6)},
        {"kvroof": "kvroof fp16", "peer": "torch x", "place": "cache", "rounds": 0,
         "unavailable": "no torch here"}]}
    text = ratios.markdown(document)
    lines = [line for line in text.splitlines() if line.startswith("| kvroof fp16")]
    check(len(lines) == 2, text)
    check("**2.5** [2.5, 2.5]" in lines[0] and "| 0.001 |" in lines[0], lines[0])
    check("absent: no torch here" in lines[1], lines[1])
    columns = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    check(len(columns) == 1, f"rows of unlike width: {columns}")
    check("ggml f16: of a test" in text, text)


def test_catalogue():
    """Blocks share no name, pairs are kvroof's and a peer's, and every word selects something."""
    names = [block.name for block in catalogue.BLOCKS]
    check(len(set(names)) == len(names), f"{names}")
    for word in catalogue.known():
        check(catalogue.selected([word]) or word.startswith(("kvroof", "memory")),
              f"{word} selects nothing")
    for block in catalogue.BLOCKS:
        check(block.share > 0 and block.pairs, block.name)
        for own, peer in block.pairs:
            check(own[0] in ("kvroof", "memory") and own != peer, f"{own}, {peer}")
            check(peer[0] in catalogue.KINDS, f"{peer[0]} is not explained")


harness.main(globals())
