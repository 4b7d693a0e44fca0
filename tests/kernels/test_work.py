# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares what each kernel declares (struct kvr_work) with the loop the compiler made of it.

test_work.py WORK_PRINT COMPILER BUILDTYPE SANITIZE LIBRARY...   (LIBRARY: .../libkernels_ISA.a)

The loop is known by the bytes it reads, not by its numbers: one way around it loads exactly the
bytes of the declared keys, from an address that moves on, and stores as many scores for each of
its queries, without a prefetch and without the masked stores of a tail. (Channels with an 8-bit
query: the scales of a group and the codes of the one before, which two addresses reach.) That
leaves the instances
for the declared shape, because others read other bytes. The one for one stream steps by kvr_next_at
in the same loop; with several streams, and for the blocks that these leave over, that is not so. A
kernel that has no such loop has its blocks in a loop within: the shortest of those is compared, for
there may be others that add to the sums of earlier passes. --verbose prints all counts.
"""

import csv
import itertools
import os
import re
import subprocess

from addresses import Trace, covered
from harness import script
from listing import Graph, objdump_of, parse, read_library, spills_and_calls

EXACT = ("shuffles", "fma", "int_dots", "converts", "gathered")
WITHIN_TENTH = ("loads", "stores", "vector_alu", "uops")
GATHER_UOPS = {0: 1, 8: 12, 16: 20}  # by the elements that an instruction gathers: kernels/kernel.h
# Kernels that declare nothing and so get no core limit: scalar ones of rows and channels, and of
# two sketches, whose loops over a key's channels or bits stay loops; 256-bit ones of channels with
# an 8-bit query; of residuals the loops that keep a place in memory at some head dims.
UNDECLARED = {"dense_f16 fused scalar", "dense_bf16 fused scalar",
              "affine8 fused scalar", "affine4 fused scalar",
              "affine8g fused scalar", "affine4g fused scalar",
              "affine8_q8 fused scalar", "affine4_q8 fused scalar",
              "affine8g_q8 q8 scalar", "affine4g_q8 q8 scalar",
              "affine8_f16 tiled scalar", "affine4_f16 tiled scalar", "affine4g_f16 tiled scalar",
              "channel1 fused scalar", "channel2 fused scalar", "channel4 fused scalar",
              "channel1 fused scalar residual", "channel2 fused scalar residual",
              "channel4 fused scalar residual",
              "channel1 fused avx2 residual", "channel2 fused avx2 residual",
              "channel4 fused avx2 residual",
              *(f"channel{bits}_q8 q8 {isa} residual" for bits in (1, 2, 4)
                for isa in ("scalar", "avx2", "avxvnni")),
              "channel1_q8 q8 scalar", "channel2_q8 q8 scalar", "channel4_q8 q8 scalar",
              "channel1_q8 q8 avx2", "channel2_q8 q8 avx2", "channel4_q8 q8 avx2",
              "channel1_q8 q8 avxvnni", "channel2_q8 q8 avxvnni", "channel4_q8 q8 avxvnni",
              "signs_u8 u8 scalar", "additive_rows rows scalar"}
QUARTERED = {"lookup4_f32", "lookup4_u8"}  # formats whose neighbouring bytes are keys 16 apart
SCORE_BYTES = 4
FLOAT16_BYTES = 2
ROW_STEP_BYTES = 32  # of a tile's row that one turn of a loop over it reads, if there is a loop
GROUP_CHANNELS = 32
LINE_BYTES = 64


def expected_bytes(kernel):
    """The bytes of one declared block of keys, relative to its first. A block of fewer keys than
    the layout's is the same part of every line of it."""
    whole = kernel["block_bytes"] * kernel["block_keys"] // kernel["layout_keys"]
    if kernel["row_major"] or kernel["block_keys"] % kernel["layout_keys"] == 0:
        return set(range(whole))
    part = LINE_BYTES * kernel["block_keys"] // kernel["layout_keys"]
    lines = range(0, kernel["block_bytes"], LINE_BYTES)
    if kernel["format"].startswith("additive"):  # a key's scale is read by an address of its own
        lines = lines[:-2]
    return {line + n for line in lines for n in range(part)}


def expected_scores(kernel):
    """Where that block's scores go, in bytes from its first: side by side, or where a dword holds
    keys of all quarters of the layout's block, in four places."""
    keys, layout_keys = kernel["block_keys"], kernel["layout_keys"]
    if kernel["residual"]:  # sums of one channel
        return set()
    if kernel["format"] not in QUARTERED or keys == layout_keys:
        return set(range(keys * SCORE_BYTES))
    return {quarter * layout_keys // 4 * SCORE_BYTES + n for quarter in range(4)
            for n in range(keys // 4 * SCORE_BYTES)}


def folds_ahead(kernel):
    """Rounds the query for a group while it scores the group before."""
    rounded = kernel["format"].startswith("channel") and kernel["variant"] == "q8"
    return rounded and not kernel["residual"]


def tile_bytes(kernel):
    """What a block stores beside its scores: rows of float16 and, with scales of groups, these as
    floats; of scales of channels the query times them, and that in bytes, with two numbers twice,
    of the group and of the one before."""
    if kernel["residual"]:
        return 0
    if folds_ahead(kernel):
        return kernel["head_dim"] * (SCORE_BYTES + 1) + 4 * SCORE_BYTES
    if kernel["format"].startswith("channel"):
        return kernel["head_dim"] * SCORE_BYTES
    if kernel["variant"] != "tiled":
        return 0
    grouped = kernel["format"].startswith("affine4g")
    scales = kernel["head_dim"] // GROUP_CHANNELS * SCORE_BYTES if grouped else 0
    return kernel["layout_keys"] * (kernel["head_dim"] * FLOAT16_BYTES + scales)


def parts_of(kernel, wanted):
    """What one address reaches: all of it, or first the scales that are folded ahead."""
    if folds_ahead(kernel):
        head = 2 * kernel["head_dim"] * FLOAT16_BYTES
        return [set(range(head)), set(range(len(wanted) - head))]
    return [wanted]


class Way:
    """One way around a loop, with what it costs."""

    def __init__(self, path):
        self.path, self.trace = path, Trace(path)
        self.counts = dict.fromkeys(EXACT + WITHIN_TENTH, 0)
        for instruction in path:
            classes = list(instruction.classes())
            for name in classes:
                self.counts[name] += 1
            fused = instruction.name.startswith("j") and instruction.name != "jmp"  # to a compare
            if not fused and not instruction.name.startswith("nop"):
                self.counts["uops"] += GATHER_UOPS[classes.count("gathered")]

    def consumes(self, parts):
        """Loads these bytes, each part from an address that moves on."""
        loads = self.trace.groups(lambda i: i.reads_memory)
        moving = [covered(pieces) for symbols, pieces in loads.items()
                  if self.trace.moves(symbols)]
        return all(part in moving for part in parts)

    def has_next_at(self):
        """Steps by kvr_next_at (kernels/ahead.h), as gcc writes it."""
        return {"setne", "neg", "and"} <= {i.name for i in self.path}

    def scores(self, queries):
        """The bytes of scores that it stores for each query, from its first; none if it stores
        anything else."""
        stores = self.trace.groups(lambda i: i.writes_memory and i.vectors)
        moving = [covered(pieces) for symbols, pieces in stores.items()
                  if self.trace.moves(symbols)]
        alike = len(moving) == queries and all(stored == moving[0] for stored in moving)
        return moving[0] if alike else set()


def find_ways(kernel, graph):
    """The shortest way around each loop that is the declared one. If there is none, the loop has
    one over the lines of a block within it."""
    wanted, queries, scores = expected_bytes(kernel), kernel["queries"], expected_scores(kernel)
    parts = parts_of(kernel, wanted)
    stored = len(scores) * queries + tile_bytes(kernel)
    turns_around = (0, kernel["block_bytes"] // LINE_BYTES)
    if kernel["variant"] == "tiled":  # a loop over its rows, if there is one, is part of the block
        turns_around = (kernel["head_dim"] * FLOAT16_BYTES // ROW_STEP_BYTES, 0)
    found = []
    for turns in turns_around:
        for header in graph.loops:
            ways = (Way(path) for path in graph.paths(header, turns, stored))
            fitting = (w for w in ways if w.scores(queries) == scores and w.consumes(parts))
            found += [(header, way) for way in itertools.islice(fitting, 1)]
        if found:
            break
    innermost = [header for header, _ in found if graph.is_innermost(header)]
    stepping = [(header, way) for header, way in found if way.has_next_at()]
    alone = [way for header, way in stepping if header in innermost]
    if stepping:
        return alone or [way for _, way in stepping]
    within = [way for header, way in found if header in innermost]
    return sorted(within, key=lambda way: len(way.path))[:1]


def mismatches(kernel, counts):
    """Declared numbers that the compiled loop contradicts."""
    found = []
    for name in EXACT + WITHIN_TENTH:
        slack = counts[name] / 10 if name in WITHIN_TENTH else 0
        if abs(kernel[name] - counts[name]) > slack:
            found.append(f"{name}: {kernel[name]} declared, {counts[name]} compiled")
    return found


def check_kernel(kernel, function, verbose):
    """Everything that is wrong with one kernel."""
    graph, wrong = Graph(function), []
    ways = find_ways(kernel, graph)
    for way in ways:
        wrong += mismatches(kernel, way.counts)
        wrong += [f"in the loop: {text}" for text in spills_and_calls(way.path, function)]
        if verbose:
            print(f"    at {way.path[0].address:x}: {way.counts}")
    if not ways:
        wrong.append("no loop of the object reads exactly its block of keys")
    return wrong or check_that_tests_fail(kernel, graph, ways)


def check_that_tests_fail(kernel, graph, ways):
    """A wrong declaration of every kind must be found; returns those that are not."""
    missed = []
    for name in EXACT + WITHIN_TENTH:
        for factor in (2, -1):
            value = kernel[name] * 2 + 1 if factor == 2 else max(kernel[name] * 4 // 5 - 1, 0)
            changed = dict(kernel, **{name: value})
            if value != kernel[name] and not any(mismatches(changed, w.counts) for w in ways):
                missed.append(f"{name} = {value} instead of {kernel[name]} was not noticed")
    for name, value in (("block_keys", 3 * kernel["block_keys"]),
                        ("block_bytes", kernel["block_bytes"] - 3 * LINE_BYTES // 2)):
        if find_ways(dict(kernel, **{name: value}), graph):
            missed.append(f"a wrong {name} still found a loop")
    return missed


# A loop of 16 keys of 4 bytes with a call and a spill, with a tail that is no part of it.
BAD_LOOP = """\
   0:\tvmovups (%rdi),%zmm0
   6:\tvmovaps %zmm1,-0x40(%rsp)
   d:\tvaddps 0x0(%rip),%zmm0,%zmm0        # 17
  17:\tcmp    $0x10,%ecx
  1a:\tjb     40 <f+0x40>
  1c:\tcall   90 <g>
  21:\tvmovups %zmm0,(%rsi)
  27:\tadd    $0x40,%rdi
  2b:\tadd    $0x40,%rsi
  2f:\tdec    %ecx
  31:\tjne    0 <f>
  33:\tret
  40:\tvpermd %zmm0,%zmm0,%zmm0
  46:\tvmovups %zmm0,(%rsi){%k1}
  4c:\tjmp    27 <f+0x27>
"""


def check_bad_loop():
    """The script's own eyes, on a loop whose faults are known."""
    function = parse(BAD_LOOP.splitlines())
    kernel = dict.fromkeys(EXACT + WITHIN_TENTH, 0)
    kernel.update(format="", variant="fused", residual=0, block_keys=16, layout_keys=16,
                  block_bytes=64, row_major=1, queries=1, loads=2, stores=2, vector_alu=1, uops=9)
    wrong = check_kernel(kernel, function, False)
    if [text.split()[-2] for text in wrong] != ["vmovaps", "call"]:
        return [f"a loop with a spill and a call: found {wrong}"]
    return []


def read_kernels(program):
    """What the program's kernels declare, as dictionaries."""
    text = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    kernels = list(csv.DictReader(text.splitlines(), delimiter="\t"))
    for kernel in kernels:
        for name in kernel:
            if name not in ("format", "variant", "isa"):
                kernel[name] = int(kernel[name])
    return kernels


def find_function(kernel, libraries):
    """The instructions of a kernel's score function, or of that for several queries."""
    symbol, name = "kvr_kernel_{format}_{variant}_{isa}", "score_{format}"
    if kernel["queries"] > 1:
        symbol, name = "kvr_groups_{format}_{isa}", "score{queries}_{format}"
    symbol = symbol.format(**kernel).replace("-", "_")
    for symbols, functions in libraries[kernel["isa"]]:
        if symbol in symbols:
            return functions[name.format(**kernel)]
    raise KeyError(f"no object defines {symbol}")


def test_work(*arguments):
    """What is wrong."""
    verbose = "--verbose" in arguments
    program, compiler, buildtype, sanitize, *paths = [a for a in arguments if a != "--verbose"]
    objdump, failed = objdump_of(compiler, buildtype, sanitize), check_bad_loop()
    libraries = {re.sub(r"libkernels_|\.a$", "", os.path.basename(path)):
                 read_library(objdump, path) for path in paths}
    kernels = read_kernels(program)
    if not any(kernel["block_keys"] for kernel in kernels):
        failed.append(f"no kernel of {program} declares anything")
    for kernel in kernels:
        name = "{format} {variant} {isa}".format(**kernel)
        name += f" of {kernel['queries']} queries" if kernel["queries"] > 1 else ""
        name += " residual" if kernel["residual"] else ""
        if kernel["block_keys"]:
            wrong = check_kernel(kernel, find_function(kernel, libraries), verbose)
            wrong += ["declares its work, but is listed in UNDECLARED"] * (name in UNDECLARED)
        elif name in UNDECLARED:
            print(f"  -  {name}: declares nothing, as listed")
            continue
        else:
            wrong = ["declares nothing (.work, kernels/kernel.h)"]
        print(f"{'FAIL' if wrong else ' ok '} {name}")
        failed += [f"{name}: {text}" for text in wrong]
    return failed


if __name__ == "__main__":
    script(test_work)
