# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys as a format gives them back, in numpy: what dump_qkv.py --delta-nll puts into a model.

The formats are those of `kvroof list codecs` and are written here a second time, because a model
codes its keys layer by layer while it runs. tests/lab/test_dump.py holds them against the
codebooks, codes and errors of the built-in data set. Keys are [tokens, channels], of one layer and
KV head.
"""

import numpy as np

ENTRIES = 256  # centroids of a subspace: a code is a byte
BLOCK = 512    # points whose distances stay in a core's cache


def fp16(keys):
    """16-bit floats."""
    return keys.astype(np.float16).astype(np.float32)


def _symmetric(keys, most, largest):
    """Codes -most-1 ... most of the scale largest / most; a scale of 0 decodes to 0."""
    scale = np.asarray(largest / np.float32(most), np.float32)
    steps = np.divide(keys, scale, out=np.zeros_like(keys), where=scale > 0)
    return np.clip(np.rint(steps), -most - 1, most).astype(np.float32) * scale


def int8_tensor(keys):
    """8 bits, one scale over all tokens and channels given: kvroof's int8."""
    return _symmetric(keys, 127, np.abs(keys).max())


def int4_tensor(keys):
    """4 bits, one scale over all tokens and channels given: kvroof's int4."""
    return _symmetric(keys, 7, np.abs(keys).max())


def int4_token(keys):
    """4 bits, one float scale a key."""
    return _symmetric(keys, 7, np.abs(keys).max(axis=1, keepdims=True))


def nearest(points, centroids):
    """Index of each point's nearest centroid c: the least |c|^2 / 2 - x.c."""
    norms = (centroids * centroids).sum(axis=1, keepdims=True) / 2
    table = np.concatenate([-centroids, norms], axis=1).T
    one = np.ones((BLOCK, 1), np.float32)
    codes = [np.argmin(np.concatenate([block, one[:len(block)]], axis=1) @ table, axis=1)
             for block in np.split(points, range(BLOCK, len(points), BLOCK))]
    return np.concatenate(codes)


def _seed(points, entries, rng):
    """k-means++ (Arthur and Vassilvitskii, SODA 2007): points drawn by their squared distance."""
    centroids = np.empty((entries, points.shape[1]), np.float32)
    norms = (points * points).sum(axis=1)
    chosen = rng.integers(len(points))
    squares = np.full(len(points), np.inf, np.float32)
    for entry in range(entries):
        centroid = centroids[entry] = points[chosen]
        new = norms - 2 * (points @ centroid) + centroid @ centroid
        np.minimum(squares, np.maximum(new, 0), out=squares)
        squares[chosen] = 0
        sums = np.cumsum(squares, dtype=np.float64)
        drawn = np.searchsorted(sums, rng.random() * sums[-1], side="right")
        chosen = min(int(drawn), len(points) - 1)
    return centroids


def kmeans(points, entries, iterations, rng):
    """Centroids [entries, channels]; an empty cluster takes over one of the farthest points."""
    mean = points.mean(axis=0)
    points = np.ascontiguousarray(points - mean)  # the product form of distances loses digits
    centroids = _seed(points, entries, rng)
    for _ in range(iterations):
        codes = nearest(points, centroids)
        members = np.bincount(codes, minlength=entries)
        order = np.argsort(codes, kind="stable")
        full = np.flatnonzero(members)
        starts = (np.cumsum(members) - members)[full]
        sums = np.add.reduceat(points[order], starts, axis=0, dtype=np.float64)
        centroids[full] = sums / members[full, None]
        empty = np.flatnonzero(members == 0)
        if len(empty):
            squares = ((points - centroids[codes]) ** 2).sum(axis=1)
            centroids[empty] = points[np.argsort(squares)[-len(empty):]]
    return centroids + mean


class Lookat:
    """Product quantization (arXiv 2601.10155) with a codebook [m, entries, channels / m]."""

    def __init__(self, codebook):
        self.codebook = np.asarray(codebook, np.float32)

    @classmethod
    def fit(cls, keys, subspaces, iterations, rng):
        """Codebooks of these calibration keys."""
        parts = np.split(keys, subspaces, axis=1)
        return cls(np.stack([kmeans(part, ENTRIES, iterations, rng) for part in parts]))

    def encode(self, keys):
        """Codes [tokens, m]."""
        parts = np.split(keys, len(self.codebook), axis=1)
        codes = [nearest(part, table) for part, table in zip(parts, self.codebook)]
        return np.stack(codes, axis=1).astype(np.uint8)

    def decode(self, codes):
        """Keys of these codes."""
        return np.concatenate([table[code] for table, code in zip(self.codebook, codes.T)], axis=1)

    def __call__(self, keys):
        return self.decode(self.encode(keys))


PLAIN = {"fp16": fp16, "int8": int8_tensor, "int4": int4_tensor, "int4-token": int4_token}


def subspaces_of(name):
    """m of "lookat-M", else None."""
    head, _, digits = name.partition("-")
    return int(digits) if head == "lookat" and digits.isdigit() and int(digits) > 0 else None
