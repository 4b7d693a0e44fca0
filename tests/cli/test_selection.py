# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cases a run chooses: patterns, lists that multiply out, and their names."""

import os

import harness
from harness import check, read_json, run, run_tiny


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


def test_isa():
    for name in planned(*BASE, "-k", "all", "--isa", "scalar"):
        check("@scalar/" in name, f"--isa scalar gave {name}")
    names = planned(*BASE, "-k", "*@scalar")
    check(all("@scalar/" in name for name in names), f"a pattern with @: {names}")
    check(len(planned(*BASE, "-k", "fp16", "--isa", "all")) >= 1, "every ISA that this host has")


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


def test_a_flag_replaces_its_axis_of_the_profile():
    for name in planned("-p", "quick", "-k", "fp16", "-n", "1k", "-t", "1"):
        check("/n1024/" in name and name.startswith("fp16"), name)


def test_layouts_run():
    run_tiny("-k", "fp16,lookat.u8", "--layout", "contiguous,heads", "-o",
             "json:out.json", code=0)
    rows = read_json("out.json")["results"]
    found = {(row["codec"], row["layout"]) for row in rows}
    check(len(found) == 4 and all(row["verified"] for row in rows), f"{found}")


def test_every_kernel_runs_verified():
    run_tiny("-k", "all", "--isa", "all", "-r", "1", "-o", "json:out.json", code=0)
    for row in read_json("out.json")["results"]:
        check(row["verified"] is True, f"{row['name']} is not verified")
        check("mismatch" not in row.get("flags", []), f"{row['name']} differs")


def test_head_dims_tokens_and_subspaces_run():
    run_tiny("-k", "fp16,int4q8,lookat.u8", "-d", "32,128", "-n", "63,1000", "-m", "16", "--bytes",
             "1M", "-r", "1", "-o", "json:out.json", code=0)
    rows = read_json("out.json")["results"]
    check(all(row["verified"] for row in rows), "odd lengths are verified too")
    found = {(row["head_dim"], row["tokens"]) for row in rows}
    check(found == {(32, 63), (32, 1000), (128, 63), (128, 1000)}, f"{found}")


def test_heads_instead_of_bytes():
    run_tiny("-k", "fp16", "--heads", "16", "-o", "json:out.json", code=0)
    row = read_json("out.json")["results"][0]
    check(row["heads"] == 16, f"heads is {row['heads']}")
    check(row["working_set_bytes"] == 16 * 512 * 128, f"{row['working_set_bytes']} bytes")


def test_threads():
    run_tiny("-k", "fp16", "-t", "max", "-o", "json:out.json", code=0)
    row = read_json("out.json")["results"][0]
    check(row["threads"] == len(os.sched_getaffinity(0)) == len(row["cpus"]), f"{row['threads']}")


def test_cpus():
    cpu = max(os.sched_getaffinity(0))
    run_tiny("-k", "fp16", "-t", "1", "-c", cpu, "-o", "json:out.json", code=0)
    check(read_json("out.json")["results"][0]["cpus"] == [cpu], "runs where it is told to")


def test_pages_and_memory():
    for pages in ("4k", "thp"):
        run_tiny("-k", "fp16", "--pages", pages, "-o", "json:out.json", code=0)
        row = read_json("out.json")["results"][0]
        check(row["pages"] == pages and row["name"].endswith("/" + pages), row["name"])


def test_strict():
    outcome = run_tiny("-k", "fp16", "--strict", "-o", "json:out.json")
    checks = read_json("out.json")["checks"]
    warned = any(row["status"] == "warn" for row in checks)
    check(outcome.code == (1 if warned else 0), "--strict turns a warning into exit 1", outcome)


harness.main(globals())
