# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads whose last keys are float16, as KIVI keeps them: sizes, bytes, layouts, ops and R. Nothing
here looks at how long anything took; sums and bytes are counted by hand."""

import harness
from harness import check, check_refused, read_results, run, run_tiny

SMALL = ["-n", "500", "-r", "2"]
GROUPS = 480 * 24  # bytes of 15 groups at 2 bits and d = 64
RESIDUAL = 64 * 64  # of up to 32 float16 keys: a line a channel
LEFT = 500 - 480


def results(*arguments):
    run_tiny(*arguments, "-o", "json:out.json", code=0, limit_s=280)
    stored = read_results("out.json")
    for result in stored:
        check("rounds" in result and result["verified"], f"{result['name']} is verified: {result}")
    return stored


def near(a, b):
    return abs(a - b) <= 1e-9 * max(abs(a), abs(b))


def test_layouts():
    """A residual lies behind a head, or in its last page; all that is read is counted."""
    places = {"contiguous": 1, "heads": 1, "pages:32": 16, "pages:128": 4}
    seen = set()
    for result in results("-k", "kivi2,squat2", "--layout", ",".join(places), *SMALL):
        name, parts = result["name"], places[result["layout"]]
        seen.add((result["codec"], result["layout"]))
        check(near(result["key_bytes"], (GROUPS + LEFT * 128) / 500), f"{name}: a key's bytes")
        check(result["cost"]["stream_bytes"] == GROUPS + RESIDUAL, f"{name}: {result['cost']}")
        check(near(result["traffic"]["l1"], (GROUPS + RESIDUAL + 4 * parts) / 500),
              f"{name}: {result['traffic']}")
        check(result["heads"] == (4 << 20) // (GROUPS + RESIDUAL), f"{name}: {result['heads']}")
        check(result["residual"] == 32, f"{name}: {result}")
        check(("encoder" in result) == (result["codec"] == "squat2"), f"{name}: {result}")
    check(len(seen) == 8, f"every codec in every layout: {seen}")


def test_ops():
    """Whole heads are held against double precision, residual included."""
    for result in results("-k", "kivi4,asymkv1", "--op", "step,attention", "--layout", "pages:64",
                          "--group-queries", "2", *SMALL):
        bits = {"kivi4": 40, "asymkv1": 16}[result["codec"]]
        check(result["cost"]["stream_bytes"] == 480 * bits + RESIDUAL, f"{result['name']}")


def test_heads():
    """As many as asked for, and their bytes."""
    stored = results("-k", "fp16,kivi2.fused", "--heads", "6", "--evict", "0", *SMALL)
    check([r["heads"] for r in stored] == [6, 6], f"{stored}")
    check(stored[1]["working_set_bytes"] == 6 * (GROUPS + RESIDUAL), f"{stored[1]}")


def test_own_residual():
    """R is part of a case's name and of its result, and both ends of its bytes are told."""
    stored = results("-k", "kivi2.fused,squat2.fused", "--kivi-residual", "128", *SMALL)
    # 384 keys are coded, 116 are float16 in four blocks of 32
    for result in stored:
        check("/d64/R128/n500/" in result["name"] and result["residual"] == 128, result["name"])
        check(near(result["key_bytes"], (384 * 24 + 116 * 128) / 500), f"{result['key_bytes']}")
        check(result["key_bytes_after_flush"] == 24, f"{result}")
        check(near(result["key_bytes_before_flush"], (384 * 24 + 127 * 128) / 511), f"{result}")
        check(result["cost"]["stream_bytes"] == 384 * 24 + 4 * RESIDUAL, f"{result['cost']}")
    check([r["encoder"] for r in stored] == ["R128", "r20/lambda0.001/block16/R128"], f"{stored}")
    shown = run("show", "out.json", code=0).out.replace("\n", " ")
    check("24.0 just after 128 FP16 keys were coded (512 keys in all), 49.8 just before (511)" in
          " ".join(shown.split()), f"both ends: {shown}")
    default = run("run", "-k", "kivi2", "-n", "500", "--kivi-residual", "32", "--dry-run", code=0)
    check("/R" not in default.out, "the default has no part in a name", default)


def test_refused():
    for value in ("0", "33", "288", "x"):
        check_refused(run("run", "-k", "kivi2", "--kivi-residual", value, "--dry-run"), 2,
                      "--kivi-residual", value)
    check_refused(run("run", "-k", "kivi2", "-n", "512", "--layout", "pages:32", "--kivi-residual",
                      "128", "--dry-run"), 2, "pages of 32", "pages:128")


harness.main(globals())
