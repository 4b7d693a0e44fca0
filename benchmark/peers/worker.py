# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Python peers share: the mini set, the protocol of peers-probe, and the timing.

usage: WORKER SPEC CACHE-KEYS DRAM-BYTES
In cache a call costs more than its keys, so there the time is that of the last 7/8 of the keys:
a call with all of them less one with the first eighth, which hides what a call costs whatever its
size (and a peer's tables). That is in the peer's favour.
"""

import itertools
import os
import statistics
import sys
import time

import numpy as np

DIM, KEYS, SEGMENT = 64, 512, 4096
PART_BYTES = 16 << 20  # of one call in memory: short, so that a sample is the median of several


class Data:
    """KV head 0 of the mini set; scores of its last queries in double."""

    def __init__(self):
        self.keys, self.values = self.load("k"), self.load("v")
        self.calibration = self.load("calib_k")
        self.query = self.load("q")[-8:-7]
        self.scores = (self.keys.astype(np.float64) @ self.query[0].astype(np.float64))

    @staticmethod
    def load(name):
        """The first head of a file."""
        whole = np.load(os.path.join(os.environ["KVROOF_DATA"], f"{name}.npy"))
        return np.ascontiguousarray(whole[0].astype(np.float32))

    def codebook(self, tables):
        """The set's own for so many tables of 256 entries: [m][256][d/m]."""
        return self.load(f"codebook_m{tables}")

    def output(self):
        """Attention of the query over all keys, in double."""
        weights = np.exp((self.scores - self.scores.max()) / DIM ** 0.5)
        return weights @ self.values.astype(np.float64) / weights.sum()


def error(found, truth):
    """Relative L2 distance."""
    return float(np.linalg.norm(np.asarray(found, np.float64) - truth) / np.linalg.norm(truth))


def call_ns(call):
    """One call's processor time: calls are too long to be cut into slices, and what others take
    from the core in the meantime is not the peer's. All threads count; there is one."""
    begin = time.process_time_ns()
    call()
    return time.process_time_ns() - begin


def median_ns(calls, sample_ms):
    """Median over the calls of a sample; `calls` goes round for ever."""
    end = time.perf_counter_ns() + sample_ms * 1e6
    times = [call_ns(next(calls))]
    while time.perf_counter_ns() < end:
        times.append(call_ns(next(calls)))
    return statistics.median(times)


def marginal_ns(large, small, keys, sample_ms):
    """ns per key of the keys that `large` has more than `small` (an eighth): the median of
    differences of neighbouring calls."""
    end = time.perf_counter_ns() + sample_ms * 1e6
    differences = []
    while not differences or time.perf_counter_ns() < end:
        differences.append(call_ns(large) - call_ns(small))
    return statistics.median(differences) / (keys - keys // 8)


def main(open_peer):
    """open_peer(spec, keys, dram_bytes, data) returns a dict: error, bytes, note, cache (two calls,
    for `keys` and an eighth of them), dram (calls, each for a part of memory) and the dram_keys of
    each."""
    spec, keys, dram_bytes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    try:
        peer = open_peer(spec, keys, dram_bytes, Data())
    except Exception as reason:  # pylint: disable=broad-except # whatever it is, it is the reason
        print("absent\t" + " ".join(f"{type(reason).__name__}: {reason}".split()), flush=True)
        return
    print(f"ready\terror={peer['error']:.4g}\tbytes={peer['bytes']:g}\tnote={peer['note']}",
          flush=True)
    dram = itertools.cycle(peer["dram"])
    for line in sys.stdin:
        place, sample_ms = line.split()
        if place == "dram":
            found = median_ns(dram, float(sample_ms)) / peer["dram_keys"]
        else:
            found = marginal_ns(*peer["cache"], keys, float(sample_ms))
        print(f"{found:.9g}", flush=True)
