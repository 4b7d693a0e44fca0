# SPDX-License-Identifier: GPL-3.0-or-later
"""Tensors that must be refused, each with the file's name and its defect, before measuring."""

import math
import os

import harness
import npyfile
from harness import check, check_refused, run_tiny


def refuse(path, *words, option="--keys", extra=()):
    """The file is refused, and no output is left behind."""
    outcome = run_tiny("-k", "lookat.u8", option, path, "-o", "json:out.json", *extra)
    check_refused(outcome, 2, os.path.basename(path), *words)
    check(not os.path.exists("out.json"), "a refused run leaves no result", outcome)


def raw(path, data):
    """A file of these bytes."""
    with open(path, "wb") as file:
        file.write(data)
    return path


def test_no_file():
    refuse("missing.npy", "no such file")
    os.mkdir("folder.npy")
    refuse("folder.npy")


def test_not_npy():
    refuse(raw("empty.npy", b""))
    refuse(raw("text.npy", b"these are no tensors, but more than ten bytes of text\n"))
    refuse(raw("magic.npy", npyfile.header(npyfile.dictionary(), magic=b"\x93NUMPX")))
    refuse(raw("version.npy", npyfile.header(npyfile.dictionary(), version=(9, 0))))


def test_damaged_header():
    whole = npyfile.header(npyfile.dictionary())
    refuse(raw("short.npy", whole[:8]))
    refuse(raw("half.npy", whole[:40]))
    refuse(raw("nodict.npy", npyfile.header("not a dictionary at all")))
    refuse(raw("noshape.npy", npyfile.header("{'descr': '<f4', 'fortran_order': False, }")))
    refuse(raw("axes.npy", npyfile.header(npyfile.dictionary(shape=("x", 64)))))


def test_truncated_data():
    refuse(npyfile.write("cut.npy", cut=1))
    refuse(npyfile.write("none.npy", count=0))


def test_types():
    refuse(npyfile.write("complex.npy", dtype="<c8"), "c8")
    refuse(npyfile.write("integer.npy", dtype="<i4"), "i4")
    refuse(npyfile.write("big.npy", dtype=">f4"), "big")
    refuse(npyfile.write("fortran.npy", fortran=True), "fortran")


def test_shapes():
    refuse(npyfile.write("vector.npy", shape=(64,)))
    refuse(npyfile.write("five.npy", shape=(1, 1, 1, 300, 64)))
    refuse(npyfile.write("zero.npy", shape=(2, 0, 64)))
    for number, shape in enumerate([(2 ** 31, 2 ** 31, 64), (2 ** 62, 2, 64), (2 ** 64 + 1, 64),
                                    (10 ** 30, 64), (10 ** 6, 10 ** 6, 64), (-1, 300, 64)]):
        refuse(npyfile.write(f"huge{number}.npy", shape=shape, count=300 * 64))


def test_values():
    refuse(npyfile.write("nan.npy", special=math.nan), "nan")
    refuse(npyfile.write("inf.npy", special=math.inf), "inf")
    refuse(npyfile.write("minus.npy", special=-math.inf), "inf")
    refuse(npyfile.write("tiny.npy", special=1e-40), "subnormal")
    refuse(npyfile.write("double.npy", dtype="<f8", special=1e300), "double.npy")
    refuse(npyfile.write("halfnan.npy", dtype="<f2", special=math.nan), "nan")


def test_half_subnormal_is_accepted():
    npyfile.write("half.npy", dtype="<f2", special=6e-8)
    run_tiny("-k", "fp16", "--keys", "half.npy", "-o", "json:out.json", code=0)


def test_head_dims_that_differ():
    npyfile.write("keys.npy")
    for option in ("--calibration", "--queries"):
        refuse(npyfile.write("other.npy", shape=(2, 300, 32)), option=option,
               extra=("--keys", "keys.npy"))


def test_calibration_of_too_few_keys():
    npyfile.write("keys.npy")
    keys = ("--keys", "keys.npy")
    npyfile.write("few.npy", shape=(2, 100, 64))
    outcome = run_tiny("-k", "lookat.u8", *keys, "--calibration", "few.npy", "-o", "json:out.json")
    check_refused(outcome, 2, "--calibration", "100", "256")
    # What the file holds is looked at first.
    refuse(npyfile.write("fewnan.npy", shape=(2, 100, 64), special=math.nan), "nan",
           option="--calibration", extra=keys)


def test_queries_are_read_as_strictly():
    npyfile.write("keys.npy")
    for option in ("--queries", "--calibration", "--values"):
        refuse(npyfile.write("bad.npy", special=math.nan), "nan", option=option,
               extra=("--keys", "keys.npy"))


harness.main(globals())
