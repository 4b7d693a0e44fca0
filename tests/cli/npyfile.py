# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes .npy files by hand (NumPy format 1.0), good ones and defective ones."""

import math
import random
import struct


def header(text, version=(1, 0), magic=b"\x93NUMPY"):
    """Magic, version and the padded dictionary."""
    body = text.encode("latin-1")
    size = len(magic) + 4 + len(body) + 1
    body += b" " * (-size % 64) + b"\n"
    return magic + bytes(version) + struct.pack("<H", len(body)) + body


def dictionary(dtype="<f4", shape=(2, 300, 64), fortran=False):
    """The header's dictionary as NumPy writes it."""
    axes = "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
    return f"{{'descr': '{dtype}', 'fortran_order': {fortran}, 'shape': {axes}, }}"


def values(count, seed=1):
    """Plausible keys: normal numbers of order 1."""
    source = random.Random(seed)
    return [source.gauss(0, 1) for _ in range(count)]


def write(path, shape=(2, 300, 64), dtype="<f4", special=None, seed=1, cut=0, fortran=False,
          count=None):
    """A tensor of random values; `special` replaces one of them, `cut` drops trailing bytes."""
    letter = {"f2": "e", "f4": "f", "f8": "d", "i4": "i", "c8": "f"}[dtype[1:]]
    total = math.prod(shape) if count is None else count
    total *= 2 if dtype[1:] == "c8" else 1
    data = values(total, seed)
    if letter == "i":
        data = [int(value * 100) for value in data]
    if special is not None:
        data[total // 2 + 3] = special
    raw = header(dictionary(dtype, shape, fortran)) + struct.pack(f"{dtype[0]}{total}{letter}",
                                                                  *data)
    with open(path, "wb") as file:
        file.write(raw[:len(raw) - cut])
    return path
