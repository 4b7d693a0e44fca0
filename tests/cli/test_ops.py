# SPDX-License-Identifier: GPL-3.0-or-later
"""step, attention, pages, groups, batches, eviction and materialised keys, as results hold them.
Nothing here looks at how long anything took; sums and bytes are counted by hand."""

import harness
from harness import check, read_results, run_tiny

SMALL = ["--bytes", "1M", "-r", "6"]
TABLES = 64 + 4 * 256  # bytes of a query's, with their header, at m = 4


def results(*arguments):
    run_tiny(*arguments, "-o", "json:out.json", code=0, limit_s=280)
    stored = read_results("out.json")
    check(all("rounds" in result for result in stored),
          f"every case is measured: {[r.get('unavailable') for r in stored]}")
    return stored


def near(a, b):
    return abs(a - b) <= 1e-9 * max(abs(a), abs(b))


def check_sums(result, names):
    """m and c of a round are the sums over its phases, e that of the larger of the two in each."""
    for one in result["rounds"]:
        phases = one["phases"]
        check(sorted(phases) == sorted(names), f"{result['name']}: phases {sorted(phases)}")
        m = sum(p.get("m_ns", 0) for p in phases.values())
        c = sum(p["c_ns"] for p in phases.values())
        e = sum(max(p.get("m_ns", 0), p["c_ns"]) for p in phases.values())
        check(near(one["m_ns"], m) and near(one["c_ns"], c) and near(one["e_ns"], e),
              f"{result['name']}: {one}")
    stored = result["verdict"]["phases"]
    check(sorted(stored) == sorted(names), "a bound for every phase")
    for name, phase in stored.items():
        of_rounds = sorted(one["phases"][name]["c_ns"] for one in result["rounds"])
        check(of_rounds[0] <= phase["c_ns"] <= of_rounds[-1],
              f"{result['name']}: {name} {phase}, in rounds {of_rounds}")


def of_codec(stored, codec):
    return next(result for result in stored if result["codec"] == codec)


def check_lookat_traffic(traffic, expected, tables):
    """Bytes a key from memory and codebooks; L1 also serves every query's tables, once a part."""
    check(any(near(traffic["l1_l2"], e) and near(traffic["l1"], e + t)
              for e, t in zip(expected, tables)), f"{traffic}: {expected} and {tables}")


def test_step_cold():
    stored = results("-k", "fp16,lookat.u8", "-m", "4", "--op", "step", *SMALL)
    for result in stored:
        check_sums(result, ["prepare", "scan"])
        check("prepare_share" in result["step"], f"{result['name']}: {result['step']}")
    lookat = of_codec(stored, "lookat")
    check(lookat["codebook"] == "f16" and lookat["codebook_residency"] == "cold", "the defaults")
    # codes 4, a place in the order list 4 / 512, and a codebook of 256 x 64 halves per 512 keys
    check_lookat_traffic(lookat["traffic"], [4 + 4 / 512 + 256 * 64 * 2 / 512], [TABLES / 512])
    check(lookat["cost"]["prepare_flops"] == 2 * 256 * 64, f"{lookat['cost']}")
    check(lookat["heads"] == 1024 * 1024 // (512 * 4 + 256 * 64 * 2), f"{lookat['heads']}")


def test_values_of_8_bits():
    stored = results("-k", "fp16,lookat.u8", "-m", "4", "--op", "attention", "--value-format",
                     "fp16,q8", "--group-queries", "5", *SMALL)
    traffic = {}
    for result in stored:
        check_sums(result, ["prepare", "scan", "softmax", "values"])
        check(result["name"].endswith("/q5" + "/vq8" * (result["value_format"] == "q8")),
              result["name"])
        traffic[result["codec"], result["value_format"]] = result["traffic"]["l1"]
    for codec in ("fp16", "lookat"):  # 64 bytes and two scales instead of 64 halves
        less = traffic[codec, "fp16"] - traffic[codec, "q8"]
        check(near(less, 128 - 68), f"{codec}: {traffic}")


def test_step_warm_batched_group():
    stored = results("-k", "fp16,lookat.u8", "-m", "4", "--op", "step", "--codebook", "f32",
                     "--codebook-residency", "warm", *SMALL)
    lookat = of_codec(stored, "lookat")
    check(lookat["name"].endswith("/cb32/cbwarm"), lookat["name"])
    stored = results("-k", "fp16,lookat.u8", "-m", "4", "--op", "step", "--batch", "4",
                     "--group-queries", "2", *SMALL)
    lookat = of_codec(stored, "lookat")
    check(lookat["name"].endswith("/q2/b4"), lookat["name"])
    check(lookat["batch"] == 4 and lookat["group_queries"] == 2, "stored as asked")
    # four sequences share a codebook; 512 codes of 4 bytes are one part of a head, or eight of 64
    # keys where the host does not tell how large L1 is
    check_lookat_traffic(lookat["traffic"], [4 + 4 / 512 * parts + 256 * 64 * 2 / 512 / 4
                                             for parts in (1, 8)],
                         [2 * TABLES * parts / 512 for parts in (1, 8)])
    check(lookat["cost"]["prepare_flops"] == 2 * 256 * 64 * 2, f"{lookat['cost']}")


def test_codebooks_of_layers_and_factors():
    stored = results("-k", "rvq,wkvquant", "--op", "step", "--bytes", "4M", "-r", "6")
    tables = of_codec([r for r in stored if r["variant"] != "rows"], "rvq")
    rows = next(r for r in stored if r["variant"] == "rows")
    folded = of_codec(stored, "wkvquant")
    for result in stored:
        check_sums(result, ["prepare", "scan"])
    # a layer's codebook, 8 x 2048 rows of 32 halves, serves its eight KV heads
    check(tables["codebook_residency"] == "cold" and tables["codebook_heads"] == 8, f"{tables}")
    check(tables["cost"]["prepare_flops"] == 2 * 8 * 2048 * 64, f"{tables['cost']}")
    check(tables["heads"] == (4 << 20) // (512 * 24 + (1 << 20) // 8), f"{tables['heads']}")
    # codes, a place in the order list, a share of the codebook; tables of 128 KiB, which no L1
    # holds, are written, and looked up 16 times a key
    near_memory = 24 + 4 / 512 + (1 << 20) / 8 / 512
    traffic = tables["traffic"]
    check(near(traffic["l1"], near_memory + 256 + 16 * 4), f"{traffic}")
    check(near(traffic["l1_l2"], near_memory + 2 * 256 + 16 * 64), f"{traffic}")
    # rows are looked up in one codebook, and a query for them is only put in order
    check(rows["codebook_residency"] == "warm" and rows["name"].endswith("/cbwarm"), rows["name"])
    check("prepare_flops" not in rows["cost"] or rows["cost"]["prepare_flops"] == 0, "no tables")
    check("m_ns" not in rows["rounds"][0]["phases"]["prepare"], "it reads no codebook")
    check(folded["cost"]["prepare_flops"] == 2 * 64, f"{folded['cost']}")
    check(near(folded["traffic"]["l1"], 36 + 4 / 512 + 64 * 2 / 512), f"{folded['traffic']}")
    check("m_ns" in folded["rounds"][0]["phases"]["prepare"], "factors are read from memory")
    check("values_alternatives" not in folded["tuning"], "a step has no values")


def check_values_tuning(tuning):
    """Of what was tried on the values, the fastest was taken."""
    tried = dict(entry.split(":") for entry in tuning["values_alternatives"].split())
    segments, size = tuning.get("values_ahead_segments"), tuning.get("values_ahead_bytes")
    taken = f"s{segments}" if segments else f"b{size}" if size else "0"
    if tuning["values_streams"] > 1:
        taken += f"x{tuning['values_streams']}"
    check(len(tried) > 8 and float(tried[taken]) == min(map(float, tried.values())), f"{tuning}")


def test_attention():
    stored = results("-k", "fp16,int8q8,lookat.f32,lookat.u8", "-m", "4", "--op", "attention",
                     *SMALL)
    for result in stored:
        check_sums(result, ["prepare", "scan", "softmax", "values"])
        check_values_tuning(result["tuning"])
    fp16 = of_codec(stored, "fp16")
    check(near(fp16["traffic"]["l1"], 128 + 4 / 512 + 128), f"{fp16['traffic']}")


def test_pages():
    stored = results("-k", "fp16,lookat.u8", "-m", "4", "-n", "500", "--op", "step", "--layout",
                     "pages:64", *SMALL)
    for result in stored:
        check(result["layout"] == "pages:64", result["layout"])
    # eight pages, the last one of 52 keys but of 64 in memory
    fp16 = of_codec(stored, "fp16")
    check(near(fp16["traffic"]["l1"], 8 * (64 * 128 + 4) / 500), f"{fp16['traffic']}")


def test_attention_in_pages_of_groups_and_batches():
    stored = results("-k", "fp16,lookat.u8", "-m", "4", "-n", "500", "--op", "attention",
                     "--layout", "pages:64", "--batch", "4", "--group-queries", "2", *SMALL)
    for result in stored:
        check(result["name"].split("/")[-3:] == ["thp", "q2", "b4"], result["name"])
        check(result["verified"], f"{result['name']} is not verified")
        check_sums(result, ["prepare", "scan", "softmax", "values"])
    # eight pages of keys, a place in the order list, and eight of float16 values
    fp16, lookat = of_codec(stored, "fp16"), of_codec(stored, "lookat")
    check(near(fp16["traffic"]["l1"], 8 * (64 * 128 + 4 + 64 * 128) / 500), f"{fp16['traffic']}")
    check_lookat_traffic(lookat["traffic"], [8 * (64 * 4 + 4 + 64 * 128) / 500 +
                                             256 * 64 * 2 / 500 / 4], [2 * TABLES / 500])


def test_evicted_heads():
    stored = results("-k", "fp16,lookat.u8", "-m", "4", "--op", "step", "--heads", "8", "--evict",
                     "8M", "-r", "6")
    for result in stored:
        check(result["evict_bytes"] == 8 << 20, f"{result['evict_bytes']}")
        check(result["step"].get("basis", "equal-tokens") == "equal-tokens", "same tokens")


def test_materialised():
    stored = results("-k", "int8.materialised,int8.fused", *SMALL)
    copied = next(r for r in stored if r["variant"] == "materialised")
    check_sums(copied, ["prepare", "scan"])
    check(copied["cost"]["written_bytes"] == 512 * 128, f"{copied['cost']}")
    # codes 64 once, the copy written and read: 128 twice
    check(near(copied["traffic"]["l1"], 64 + 4 / 512 + 2 * 128), f"{copied['traffic']}")
    several = results("-k", "int8.materialised", "--isa", "all", *SMALL)
    check(all(r["verified"] for r in several), "a scan is checked on keys, not on what M wrote")
    fused = next(r for r in stored if r["variant"] == "fused")
    check("phases" not in fused["rounds"][0], "a scan has no phases beside itself")


harness.main(globals())
