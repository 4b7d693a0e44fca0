# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cases a run chooses: patterns, lists that multiply out, and their names."""

import json
import os
import re

import harness
from harness import (EVERY_KERNEL, check, check_refused, measured, read_json,
                     read_results, run, run_tiny)


def planned(*arguments):
    """Names of the cases that a dry run prints."""
    outcome = run("run", *arguments, "--dry-run", code=0)
    check(not os.path.exists("results"), "a dry run writes nothing", outcome)
    names = [line.split()[0] for line in outcome.out.splitlines()
             if not line.startswith("not measured:")]
    check(names, "a plan without cases", outcome)
    return names


BASE = ("-d", "64", "-n", "512", "--bytes", "4M", "-t", "1", "-m", "4", "--layout", "heads")


def kernels(*arguments):
    """codec.variant of the planned cases."""
    return {name.split("@")[0] for name in planned(*BASE, *arguments)}


def test_patterns():
    check(kernels("-k", "fp16") == {"fp16.fused"}, "a codec's name alone")
    check(kernels("-k", "int8.fused") == {"int8.fused"}, "codec and variant")
    check(kernels("-k", "lookat.u*") == {"lookat.u8"}, "a pattern without @")
    check({"lookat.f32", "lookat.u8"} <= kernels("-k", "lookat"), "every variant of a codec")
    check({"fp16.fused", "lookat.u8"} == kernels("-k", "fp16,lookat.u8"), "a list")
    everything = kernels("-k", "all")
    for name in ("fp16.fused", "int8.fused", "int8q8.fused", "int4.fused", "int4q8.fused",
                 "lookat.f32", "lookat.u8"):
        check(name in everything, f"all lacks {name}: {everything}")


def test_head_dims():
    """Head dims of today's models: every codec has a case of each that its groups allow."""
    codecs = [row["name"] for row in run("list", "codecs", "--format", "json", code=0).json()]
    check(len(codecs) > 6, f"codecs: {codecs}")
    grouped = [name for name in codecs if re.search("g32|q._0|kivi|squat|asymkv|wkv|rvq", name)]
    for dim in (64, 80, 96, 128, 256):
        for op in ("scan", "attention"):
            served = [name for name in codecs if (dim % 32 == 0 or name not in grouped) and
                      (dim <= 128 or name != "qjl")]
            names = planned(*BASE[2:], "-k", ",".join(served), "-d", str(dim), "--op", op)
            check({name.split(".")[0] for name in names} == set(served), f"d{dim} {op}: {names}")
            check(all(f"/d{dim}/" in name for name in names), f"d{dim} {op}: {names}")
    check(kernels("-k", "wkvquant,qjl") == {"wkvquant.fused", "qjl.u8"}, "a copy lacks factors")
    check_refused(run("run", *BASE[2:], "-k", "all", "-d", "80", "--dry-run"), 2, "--head-dim",
                  "with --kernel leave out: " + ", ".join(grouped) + "\n")
    check_refused(run("run", *BASE[2:], "-k", "all", "-d", "256", "--dry-run"), 2, "--head-dim",
                  "with --kernel leave out: qjl\n")
    own = run("run", *BASE[2:], "-k", "fp16,int4g32", "-d", "80", "--dry-run")
    check_refused(own, 2, "int4g32", "--head-dim")
    check("leave out" not in own.err, "what was ordered by its name is left out by nobody", own)


def test_squat_settings():
    names = planned(*BASE[2:], "-k", "squat2,fp16", "-d", "64", "--squat-rank", "64",
                    "--squat-lambda", ".01", "--squat-block", "32")
    check({name.split(".")[0] for name in names} == {"squat2", "fp16"}, f"planned {names}")
    for options, words in ((["--squat-block", "24"], ["--squat-block", "24", "d = 64"]),
                           (["--squat-rank", "65"], ["--squat-rank", "65", "d = 64"]),
                           (["--squat-rank", "0"], ["--squat-rank"]),
                           (["--squat-lambda", "0"], ["--squat-lambda"])):
        check_refused(run("run", *BASE[2:], "-k", "squat2,fp16", "-d", "64", *options, "--dry-run"),
                      2, *words)


def test_isa():
    for name in planned(*BASE, "-k", "all", "--isa", "scalar"):
        check("@scalar/" in name, f"--isa scalar gave {name}")
    names = planned(*BASE, "-k", "*@scalar")
    check(all("@scalar/" in name for name in names), f"a pattern with @: {names}")
    usable = {row["name"] for row in run("list", "kernels", "--format", "json", code=0).json()
              if row["usable"] in (True, "yes") and row["name"].startswith("fp16.fused@")}
    names = {name.split("/")[0] for name in planned(*BASE, "-k", "fp16", "--isa", "all")}
    check(names == usable, f"every ISA that this host has, {usable}: {names}")


def usable_isas(kernel):
    """Instruction sets of codec.variant that this host has."""
    return sorted({row["name"].split("@")[1]
                   for row in run("list", "kernels", "--format", "json", code=0).json()
                   if row["usable"] == "yes" and row["name"].startswith(kernel + "@")})


def test_a_kernel_is_measured_once():
    """`auto` chooses one of the instruction sets that are named beside it; so may avx512."""
    for kernel in ("lookat.u8", "fp16.fused"):
        for isas in ([*usable_isas(kernel), "auto"], ["auto", *usable_isas(kernel)]):
            run_tiny("-k", kernel, "--isa", ",".join(isas), "-o", "json:once.json", code=0)
            results = read_json("once.json")["results"]
            names = [row["name"] for row in results if "scan" in row]
            check(len(set(names)) == len(names) > 0, f"twice under one name: {names}")
            rest = [row for row in results if "scan" not in row]
            check(rest, "no row for what is left out")
            for row in rest:
                why = row["unavailable"]["isa"]
                once = why.split(" as ")[-1] + "/"
                check("@auto/" in row["name"] and "measured once" in why, f"{row}")
                check(any(name.startswith(once) for name in names), f"{why}: {names}")
    run("export", "once.json", "-o", "csv:once.csv", code=0)


def test_fp16_of_every_isa_is_measured():
    run_tiny("-k", "fp16", "--isa", "all", "-o", "json:fp16.json", code=0)
    isas = [row["isa"] for row in read_json("fp16.json")["results"] if "scan" in row]
    check(sorted(isas) == usable_isas("fp16.fused"), f"{isas}")


def test_lists_multiply_out():
    names = planned("-k", "fp16,lookat.u8", "-d", "64,128", "-n", "512,1k", "--bytes", "4M,8M",
                    "-m", "4,8", "-t", "1", "--layout", "heads")
    check(len(names) == len(set(names)), f"equal cases are run once: {names}")
    # fp16 has no subspaces: 2 * 2 * 2 cases; lookat has twice as many.
    fp16 = [name for name in names if name.startswith("fp16")]
    lookat = [name for name in names if name.startswith("lookat")]
    check(len(fp16) == 8 and len(lookat) == 16, f"{len(fp16)} and {len(lookat)}: {names}")
    check(any("/n1024/" in name for name in names), f"k is 1024: {names}")


def test_ranges_of_bytes():
    names = planned("-k", "fp16", "-d", "64", "-n", "512", "-t", "1", "--bytes", "1M..16M:x4",
                    "--layout", "heads")
    sizes = sorted(part for name in names for part in name.split("/") if part.startswith("W"))
    check(sizes == ["W16M", "W1M", "W4M"], f"{sizes}")
    for text in ("4M", "4MiB", "4096k", "4194304"):
        names = planned("-k", "fp16", "-d", "64", "-n", "512", "-t", "1", "--bytes", text)
        check("/W4M/" in names[0], f"{text} is 4M: {names}")


def test_names_of_lookup_cases():
    for name in planned(*BASE, "-k", "lookat.u8"):
        check(name.split("/")[1:7] == ["d64", "m4", "K256", "n512", "W4M", "1t"], name)
    for name in planned(*BASE, "-k", "fp16"):
        check(name.split("/")[1:4] == ["d64", "n512", "W4M"], name)


def test_numbers_of_entries():
    names = planned(*BASE, "-k", "lookat.u8", "--entries", "16,256", "-m", "4,16")
    check([name.split("/")[2:4] for name in names] ==
          [[m, k] for m in ("m4", "m16") for k in ("K16", "K256")], f"{names}")
    # a variant that has no kernel for them is a row of a glob, and an order that cannot be kept
    outcome = run("run", *BASE, "-k", "lookat", "--entries", "16", "--dry-run", code=0)
    rows = [line for line in outcome.out.splitlines() if line.startswith("not measured:")]
    check(all("lookat.f32-gather" in row and "serves 256 entries" in row for row in rows),
          f"{rows}", outcome)
    if "f32-gather" in run("list", "kernels").out:
        check_refused(run("run", *BASE, "-k", "lookat.f32-gather", "--entries", "16",
                          "--dry-run"), 2, "f32-gather", "256 entries (--entries), not 16")
    check_refused(run("run", *BASE, "-k", "lookat.u8", "--entries", "64", "--dry-run"), 2,
                  "16 or 256 entries", "--entries")
    check_refused(run("run", "-d", "80", "-n", "512", "--bytes", "4M", "-k", "lookat.u8", "-m", "5",
                      "--entries", "16", "--dry-run"), 2, "even numbers of subspaces",
                  "--subspaces")
    for name in planned(*BASE, "-k", "lookat", "--isa", "all"):  # none for 16 is meant
        check("/K256/" in name, name)


def test_few_entries_run():
    run_tiny("-k", "lookat.u8,lookat.f32", "--isa", "all", "--entries", "16", "-m", "16", "-r", "1",
             "-o", "json:out.json", code=0)
    rows = read_results("out.json")
    measured = [row for row in rows if "scan" in row]
    check(len(measured) >= 2, f"{rows}")
    check(all("which this host lacks" in json.dumps(row["unavailable"]) for row in rows
              if "scan" not in row), f"{rows}")
    for row in measured:
        check(row.get("verified") is True, f"{row['name']} is not verified")
        check(row["entries"] == 16 and "/m16/K16/" in row["name"], row["name"])
        check(row["cost"]["stream_bytes"] == row["tokens"] * 8, "half a byte a code")


def tails(*arguments):
    """codec.variant and what follows the number of threads in the planned names."""
    return [name.split("@")[0] + " " + name.split("/1t/")[1] for name in planned(*arguments)]


def test_operations():
    names = tails(*BASE, "-k", "fp16,lookat.u8", "--op", "scan,step,attention")
    check(names == [f"{kernel} {op}/heads/thp" for op in ("scan", "step", "attention")
                    for kernel in ("fp16.fused", "lookat.u8")], f"{names}")
    names = tails(*BASE, "-k", "fp16")
    check(names == ["fp16.fused scan/heads/thp"], f"without --op a scan: {names}")


def test_codebooks_and_batches():
    names = tails(*BASE, "-k", "fp16,lookat.u8", "--op", "scan,step", "--codebook", "f16,f32",
                  "--codebook-residency", "cold,warm", "--batch", "1,8")
    check(len(names) == len(set(names)), f"equal cases are run once: {names}")
    lookat = [name for name in names if name.startswith("lookat")]
    check(len(names) - len(lookat) == 3 and len(lookat) == 9, f"fp16 has no codebook: {names}")
    for end in ("", "/b8", "/cb32", "/cbwarm", "/b8/cb32/cbwarm"):
        check("lookat.u8 step/heads/thp" + end in names, f"no {end}: {names}")
    check("fp16.fused step/heads/thp/b8" in names, f"fp16 at the same batch: {names}")
    check("lookat.u8 scan/heads/thp" in names, f"a scan has neither: {names}")


def test_queries_that_share_a_key():
    names = tails(*BASE, "-k", "fp16,lookat.u8", "--group-queries", "1,8", "--evict", "64M")
    check(names == [f"{kernel} scan/heads/thp{queries}/evict64M" for queries in ("", "/q8")
                    for kernel in ("fp16.fused", "lookat.u8")], f"{names}")


def test_pages_of_keys():
    shape = ("-d", "64", "-n", "512", "--bytes", "4M", "-t", "1")
    names = tails(*shape, "-k", "fp16", "--layout", "pages:32,heads,pages:16,contiguous,pages:1k")
    check(names == [f"fp16.fused scan/{layout}/thp" for layout in
                    ("pages:32", "heads", "pages:16", "contiguous", "pages:1024")], f"{names}")
    names = tails(*shape, "-k", "int8.fused,lookat.u8", "--layout", "pages:64")
    check(len(names) == 2, f"whole blocks of both: {names}")


def test_heads_count_what_they_stream():
    shape = ("-d", "64", "-n", "512", "-m", "4", "--heads", "16", "-t", "1", "--layout", "heads")
    names = planned(*shape, "-k", "fp16,lookat.u8", "--op", "scan,step,attention")
    sizes = [name.split("/W")[1].split("/")[0] for name in names]
    # Keys 64 KiB a head, values as much; codes 2 KiB, a codebook 32 KiB.
    check(sizes == ["1M", "32k", "1M", "544k", "2M", "1568k"], f"{sizes}")


def test_copies_are_planned_as_they_are_listed():
    listed = {row["name"].split("@")[0] for row in
              run("list", "kernels", "--format", "json", code=0).json()
              if ".materialised@" in row["name"]}
    chosen = {name for name in kernels("-k", "all") if name.endswith(".materialised")}
    check(chosen == listed, f"planned {chosen}, listed {listed}")


def test_codebooks_of_a_layer():
    shape = ("-d", "64", "-n", "512", "-t", "1", "--layout", "heads", "--op", "step")
    # Codes of 12 KiB a head; eight heads, or sixteen of two sequences, share a codebook of 1 MiB.
    for heads, batch, size in ((2, 1, "1048k"), (8, 1, "1120k"), (9, 1, "2156k"), (16, 2, "1216k")):
        names = planned(*shape, "-k", "rvq.f32", "--heads", heads, "--batch", batch)
        check([name.split("/W")[1].split("/")[0] for name in names] == [size], f"{size}: {names}")
    check_refused(run("run", *shape, "-k", "rvq.f32", "--bytes", "512k", "--dry-run"), 2,
                  "holds less than a head", "1164k")
    # Rows are of one codebook, whatever is asked of others; a scan has none.
    names = planned(*shape, "-k", "rvq", "--isa", "scalar", "--bytes", "4M", "--codebook-residency",
                    "cold,warm", "--op", "scan,step")
    ends = sorted((name.split("@")[0], "/".join(name.split("/")[7:])) for name in names)
    check(ends == [("rvq.f32", "scan/heads/thp"), ("rvq.f32", "step/heads/thp"),
                   ("rvq.f32", "step/heads/thp/cbwarm"), ("rvq.rows", "scan/heads/thp"),
                   ("rvq.rows", "step/heads/thp/cbwarm")], f"{ends}")


def test_a_flag_replaces_its_axis_of_the_profile():
    for name in planned("-p", "quick", "-k", "fp16", "-n", "1k", "-t", "1"):
        check("/n1024/" in name and name.startswith("fp16"), name)
    ops = {name.split("/1t/")[1].split("/")[0] for name in
           planned("-p", "quick", "-k", "fp16", "-t", "1")}
    check(ops == {"scan", "step"}, f"those of the profile: {ops}")
    for name in planned("-p", "quick", "-t", "1", "--op", "attention"):
        check("/attention/" in name and "materialised" not in name, name)


def test_layouts_run():
    run_tiny("-k", "fp16,lookat.u8", "--layout", "contiguous,heads", "-o",
             "json:out.json", code=0)
    rows = read_results("out.json")
    found = {(row["codec"], row["layout"]) for row in rows}
    check(len(found) == 4 and all(row["verified"] for row in rows), f"{found}")


def test_every_kernel_runs_verified():
    measured(*EVERY_KERNEL)
    rows = read_results("out.json")
    here = [row for row in rows if "isa" not in row.get("unavailable", {})]
    check(len(here) > len(rows) / 2, f"{len(here)} of {len(rows)} kernels run here")
    for row in here:
        check(row.get("verified") is True, f"{row['name']} is not verified")
        check("mismatch" not in row.get("flags", []), f"{row['name']} differs")


def test_head_dims_tokens_and_subspaces_run():
    run_tiny("-k", "fp16,int4q8,lookat.u8", "-d", "32,128", "-n", "63,1000", "-m", "16", "--bytes",
             "1M", "-r", "1", "-o", "json:out.json", code=0)
    rows = read_results("out.json")
    check(all(row["verified"] for row in rows), "odd lengths are verified too")
    found = {(row["head_dim"], row["tokens"]) for row in rows}
    check(found == {(32, 63), (32, 1000), (128, 63), (128, 1000)}, f"{found}")


def test_heads_instead_of_bytes():
    run_tiny("-k", "fp16", "--heads", "16", "-o", "json:out.json", code=0)
    row = read_results("out.json")[0]
    check(row["heads"] == 16, f"heads is {row['heads']}")
    check(row["working_set_bytes"] == 16 * 512 * 128, f"{row['working_set_bytes']} bytes")


def test_threads():
    run_tiny("-k", "fp16", "-t", "max", "-o", "json:out.json", code=0)
    row = read_results("out.json")[0]
    check(row["threads"] == len(os.sched_getaffinity(0)) == len(row["cpus"]), f"{row['threads']}")


def test_cpus():
    cpu = max(os.sched_getaffinity(0))
    run_tiny("-k", "fp16", "-t", "1", "-c", cpu, "-o", "json:out.json", code=0)
    check(read_results("out.json")[0]["cpus"] == [cpu], "runs where it is told to")


def test_pages_and_memory():
    for pages in ("4k", "thp"):
        run_tiny("-k", "fp16", "--pages", pages, "-o", "json:out.json", code=0)
        row = read_results("out.json")[0]
        check(row["pages"] == pages and row["name"].endswith("/" + pages), row["name"])


def test_strict():
    outcome = run_tiny("-k", "fp16", "--strict", "-o", "json:out.json")
    checks = read_json("out.json")["checks"]
    warned = any(row["status"] == "warn" for row in checks)
    check(outcome.code == (1 if warned else 0), "--strict turns a warning into exit 1", outcome)


harness.main(globals())
