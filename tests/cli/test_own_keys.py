# SPDX-License-Identifier: GPL-3.0-or-later
"""Tensors of one's own, in every form that is accepted."""

import harness
import npyfile
from harness import check, read_json, read_results, run_tiny


def flags(*arguments):
    """Flags of the only result of a run on these tensors."""
    run_tiny("-k", "lookat.u8", *arguments, "-o", "json:out.json", code=0)
    results = read_results("out.json")
    check(len(results) == 1 and results[0]["verified"] is True, f"one verified result: {results}")
    return results[0].get("flags", [])


def test_keys_alone_are_leaking():
    npyfile.write("keys.npy")
    check("leaking" in flags("--keys", "keys.npy"), "codebooks fitted to the keys are flagged")


def test_calibration_keeps_apart():
    npyfile.write("keys.npy")
    npyfile.write("calibration.npy", seed=2)
    found = flags("--keys", "keys.npy", "--calibration", "calibration.npy")
    check("leaking" not in found, f"a calibration set is no leak: {found}")


def test_types_and_axes():
    for dtype in ("<f2", "<f4", "<f8"):
        for shape in ((600, 64), (2, 300, 64), (1, 2, 300, 64)):
            npyfile.write("keys.npy", shape=shape, dtype=dtype)
            flags("--keys", "keys.npy")


def test_queries_and_values():
    npyfile.write("keys.npy")
    npyfile.write("queries.npy", shape=(4, 300, 64), seed=3)
    npyfile.write("values.npy", seed=4)
    flags("--keys", "keys.npy", "--queries", "queries.npy", "--values", "values.npy")


def test_another_head_dim_is_joined():
    npyfile.write("keys.npy", shape=(3, 300, 48))
    run_tiny("-k", "lookat.u8", "--keys", "keys.npy", "-d", "64", "-o", "json:out.json", code=0)
    result = read_json("out.json")
    check(any(row["id"] == "keys-reshaped" for row in result["checks"]), "the joining is a check")


def test_keys_beyond_float16_are_the_cause():
    for largest, code in ((1e4, 0), (1e6, 3)):
        npyfile.write("keys.npy", shape=(1, 300, 64), special=largest)
        outcome = run_tiny("-k", "fp16,int8.fused", "--keys", "keys.npy", code=code)
        if code:
            check("float16" in outcome.err and "65504" in outcome.err and "keys" in outcome.err,
                  "the cause is said", outcome)
            check("budget" not in outcome.err, "time was not short", outcome)
    outcome = harness.run_tiny("-k", "fp16", "--budget", ".001")
    check(outcome.code == 3 and "budget" in outcome.err, "here it was", outcome)


harness.main(globals())
