#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kernel with extra instructions: simd/inject.h marks the place, this fills it in.

The kernel is compiled once to assembly text, with the flags of its own library, and that text is
copied for every resource at n and 2n instructions a block and once with none (the placebo). So the
copies differ in nothing but what was put in, and a dozen kernels are compiled again, not a hundred.
Writes the assembly file, and a list of INJECTED(...) for injected.c.
"""
import argparse
import re
import subprocess
import sys

# n is what takes this part of a block's time where the resource is otherwise idle: enough to be
# seen from 5 % on, too little to fill a resource that has room.
PART = .15

# Nominal instructions a cycle, for sizing only: what a result is judged by is measured. A second
# form of a resource ("shuffle2") is an instruction with a rate of its own.
NOMINAL = {
    "scalar": {"load": 3, "valu": 2, "issue": 5},
    "avx2": {"load": 3, "shuffle": 2, "valu": 3, "fma": 2, "issue": 5, "convert": 1,
             "gather": 1 / 3},
    "avx512": {"load": 2, "shuffle": 1, "valu": 2, "fma": 2, "issue": 5, "convert": 1,
               "gather": 1 / 9, "intdot": 2, "shuffle2": 1 / 2},
}
# Every kernel gets these where its ISA has them; of the others those that it uses itself.
COMMON = ("load", "shuffle", "valu", "fma", "issue")

# Rate ceiling: type, dtype, operations that one instruction counts as (per 32-bit lane: -1).
CEILING = {
    "load": ("load", None, 1), "shuffle": ("shuffle", "byte", 1),
    "shuffle2": ("shuffle", "two", 1), "valu": ("valu", None, 1), "fma": ("fma", "f32", 1),
    "convert": ("convert", "f16", 1), "gather": ("gather", "f32", -1),
    "intdot": ("intdot", None, 1), "issue": ("issue", None, 1),
}
LANES = {"scalar": 1, "avx2": 8, "avx512": 16}

# Instructions that only write their destination depend on nothing; those that also read it take
# turns on two registers, so that n of them are no chain as long as the block. A no-operation of
# three bytes costs an issue slot and nothing else; shorter ones would crowd the micro-op cache.
SCALAR = {
    "load": ["movss {line}, {out}"],
    "valu": ["addss {zero}, {zero}", "addss {mask}, {mask}"],
    "issue": ["nopl (%rax)"],
}
VECTOR = {
    "load": ["vmovaps {line}, {out}"],
    "shuffle": ["vpshufb {zero}, {zero}, {out}"],
    "shuffle2": ["vpermi2b {zero}, {zero}, {out}", "vpermi2b {zero}, {zero}, {mask}"],
    "valu": ["vpaddd {zero}, {zero}, {out}"],
    "fma": ["vmulps {zero}, {zero}, {out}"],
    "convert": ["vcvtph2ps {half}, {out}"],
    "intdot": ["vpdpbusd {zero}, {zero}, {out}", "vpdpbusd {zero}, {zero}, {mask}"],
    "issue": ["nopl (%rax)"],
}
# Every lane of a gather takes the word at the stack pointer; old value and mask are renewed first.
GATHER = {
    "avx2": ["vpxor {out}, {out}, {out}\n\tvpcmpeqd {mask}, {mask}, {mask}\n"
             "\tvgatherdps {mask}, (%rsp,{zero},4), {out}"],
    "avx512": ["vpxord {out}, {out}, {out}\n\tkxnorw %k1, %k1, %k1\n"
               "\tvgatherdps (%rsp,{zero},4), {out}{{%k1}}"],
}


def width(isa):
    return "avx512" if isa.startswith("avx512") else isa


def instructions(isa, resource):
    if resource == "gather":
        return GATHER[width(isa)]
    return (SCALAR if isa == "scalar" else VECTOR)[resource]


def counts(isa, also, cycles):
    """(resource, level, instructions a block); level 0 is the placebo."""
    yield "placebo", 0, 0
    for resource in COMMON + tuple(also):
        if resource not in NOMINAL[width(isa)]:
            continue
        turns = len(instructions(isa, resource))
        n = max(1, round(PART * cycles * NOMINAL[width(isa)][resource] / turns)) * turns
        yield resource, 1, n
        yield resource, 2, 2 * n


def expansion(isa, resource, count, operands):
    """What takes the place of one mark. The register of zeros is made in the placebo too."""
    out, zero, mask, line = operands
    registers = {"out": out, "zero": zero, "mask": mask}
    if width(isa) != "scalar":
        letter = "y" if isa == "avx2" else "z"
        registers = {k: v.replace("%x", "%" + letter) for k, v in registers.items()}
    half = zero if isa == "avx2" else zero.replace("%x", "%y")
    clear = {"scalar": "pxor {0}, {0}", "avx2": "vpxor {0}, {0}, {0}",
             "avx512": "vpxord {0}, {0}, {0}"}[width(isa)]
    lines = [clear.format(zero)]
    if resource != "placebo":
        turns = instructions(isa, resource)
        if isa == "scalar" and resource == "valu":
            lines.append(clear.format(mask))
        lines += [turns[i % len(turns)].format(line=line, half=half, **registers)
                  for i in range(count)]
    return "".join(f"\t{text}\n" for text in lines)


def template(text):
    """The text with a NUL behind every name that it defines itself, in parts: marks at the odd
    places, given by their operands."""
    own = set(re.findall(r"^([A-Za-z_.][\w.]*):", text, re.M))
    parts = [""]
    for line in text.splitlines():
        if re.match(r"\s*(#|\.file\b|\.ident\b|\.addrsig)", line):
            continue
        if not re.match(r"\s*\.(string|ascii)", line):
            line = re.sub(r"[A-Za-z_.][\w.]*",
                          lambda m: m[0] + "\0" if m[0] in own else m[0], line)
        mark = re.match(r"\s*kvr_inject\s+(.*)", line)
        if mark:
            parts += [re.split(r",\s*", mark[1], maxsplit=3), ""]
        else:
            parts[-1] += line + "\n"
    return parts


def copy(parts, isa, resource, level, count):
    """The whole text with its marks expanded and everything that it defines under new names."""
    text = "".join(expansion(isa, resource, count, part) if i % 2 else part
                   for i, part in enumerate(parts))
    return text.replace("\0", f"__{resource}_{level}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True, help="format_variant_isa")
    parser.add_argument("--isa", required=True)
    parser.add_argument("--keys", type=int, required=True, help="keys of a block")
    parser.add_argument("--unit", type=int, required=True, help="channels or tables per mark")
    parser.add_argument("--cycles", type=float, required=True, help="of a block, for sizing")
    parser.add_argument("--also", nargs="*", default=[], help="resources beside the common ones")
    parser.add_argument("--depfile", required=True)
    parser.add_argument("source")
    parser.add_argument("assembly")
    parser.add_argument("list")
    parser.add_argument("compiler", nargs="+")
    a = parser.parse_args()
    text = subprocess.run(
        a.compiler + ["-DKVR_INJECT_MARKS", "-MD", "-MF", a.depfile, "-MQ", a.assembly, "-S", "-o",
                      "-", a.source], check=True, stdout=subprocess.PIPE, text=True).stdout
    if "kvr_inject " not in text or f"kvr_kernel_{a.name}:" not in text:
        sys.exit(f"{a.source}: no KVR_INJECT, or no kvr_kernel_{a.name}")
    parts = template(text)
    with open(a.assembly, "w", encoding="ascii") as assembly, \
            open(a.list, "w", encoding="ascii") as entries:
        for resource, level, count in counts(a.isa, a.also, a.cycles):
            assembly.write(copy(parts, a.isa, resource, level, count))
            kind, dtype, operations = CEILING.get(resource, ("", None, 1))
            operations = LANES[width(a.isa)] if operations < 0 else operations
            dtype = f'"{dtype}"' if dtype else "NULL"
            entries.write(f'INJECTED({a.name}, {resource}, {level}, "{kind}", {dtype}, '
                          f"{operations}, {count}, {a.keys}, {a.unit})\n")


if __name__ == "__main__":
    main()
