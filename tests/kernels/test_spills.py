# SPDX-License-Identifier: GPL-3.0-or-later
"""No kernel and no step keeps vector registers on the stack, or calls, in an innermost loop.

test_spills.py COMPILER BUILDTYPE SANITIZE LIBRARY...   (LIBRARY: .../libkernels_ISA.a)

Every function of every object counts, with every one of its loops that contain no other: for all
shapes, with and without look-ahead, with one stream and several. A vector instruction with an
operand on the stack is a spill; arrays of a kernel's own, like the tile of tiled kernels, are
reached through a pointer whose origin the compiler does not see. --verbose prints how many loops.
"""

import os
import re

from harness import script
from listing import Graph, objdump_of, parse, read_library, spills_and_calls

# What is known to spill: "ISA function", and why it stays so. An entry that no longer spills is an
# error too.
KNOWN = {"avxvnni score_channel1_q8",  # eight places of a byte and sums: one register too few
         "avx2 weighted_sum"}  # of fidelity, which times nothing
# Portable C names no registers: which of its arrays are kept in them is the compiler's choice, and
# only calls are wrong.
PORTABLE = ("scalar",)


def faults(function):
    """(number of innermost loops, what they contain that they must not)"""
    graph, found = Graph(function), []
    innermost = [header for header in graph.loops if graph.is_innermost(header)]
    for header in innermost:
        instructions = [i for n in sorted(graph.loops[header]) for i in graph.blocks[n]]
        found += spills_and_calls(instructions, function)
    return len(innermost), found


# Two loops, one with a spill and a call; what is behind a loop is no part of it.
BAD = """\
   0:\tvmovaps %zmm1,-0x40(%rsp)
   8:\tvmovups (%rdi),%zmm0
   e:\tvaddps -0x40(%rsp),%zmm0,%zmm0
  16:\tcall   90 <g>
  1b:\tadd    $0x40,%rdi
  1f:\tdec    %ecx
  21:\tjne    8 <f+0x8>
  23:\tvmovups (%rdi),%zmm0
  29:\tmov    0x8(%rsp),%rax
  2e:\tcvtsi2ss 0x8(%rsp),%xmm1
  34:\tdec    %edx
  36:\tjne    23 <f+0x23>
  38:\tvmovaps -0x40(%rsp),%zmm1
  40:\tret
"""


def check_own_eyes():
    """A function whose faults are known."""
    loops, found = faults(parse(BAD.splitlines()))
    if loops != 2 or [text.split()[1] for text in found] != ["vaddps", "call"]:
        return [f"a loop with a spill and a call: of {loops} loops found {found}"]
    return []


def check_mutant(function):
    """A real function with one store to the stack more, in its last innermost loop."""
    graph = Graph(function)
    headers = [header for header in graph.loops if graph.is_innermost(header)]
    if not headers:
        return []
    first = graph.blocks[headers[-1]][0]
    spill = parse([f"  {first.address:x}:\tvmovaps %ymm3,0x20(%rsp)"])
    at = function.index(first)
    _, before = faults(function)
    _, after = faults(function[:at] + spill + function[at + 1:])
    return [] if len(after) == len(before) + 1 else [f"a spill at {first} was not noticed"]


def test_spills(*arguments):
    """What is wrong."""
    verbose = "--verbose" in arguments
    compiler, buildtype, sanitize, *paths = [a for a in arguments if a != "--verbose"]
    objdump, failed = objdump_of(compiler, buildtype, sanitize), check_own_eyes()
    seen, total = set(), 0
    for path in paths:
        isa = re.sub(r"libkernels_|\.a$", "", os.path.basename(path))
        for _, functions in read_library(objdump, path):
            for name, function in functions.items():
                loops, found = faults(function)
                total += loops
                if isa in PORTABLE:
                    found = [text for text in found if text.split()[1] == "call"]
                seen |= {f"{isa} {name}"} if found else set()
                if verbose:
                    print(f"  {isa} {name}: {loops} innermost loops, {len(found)} faults")
                if found and f"{isa} {name}" not in KNOWN:
                    failed.append(f"{isa} {name}: {len(found)} times, the first at {found[0]}")
                if not found:
                    failed += [f"{isa} {name}: {text}" for text in check_mutant(function)]
    print(f"{total} innermost loops")
    failed += [f"{name}: listed in KNOWN, but it has no fault" for name in sorted(KNOWN - seen)]
    return failed if total else failed + ["no loop in any library"]


if __name__ == "__main__":
    script(test_spills)
