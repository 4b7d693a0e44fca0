# SPDX-License-Identifier: GPL-3.0-or-later
"""The object code of the kernels with extra instructions: as many as the registry says, in a loop,
and nothing else changed; the placebo is the kernel itself but for the cleared register.

usage: test_injected.py COMPILER BUILDTYPE TEST_INJECTED ISA=BASE.a,INJECTED.a ...
"""
import collections
import re
import subprocess

from harness import Skip, need, script

MNEMONIC = {
    "load": {"scalar": "movss", "": "vmovaps"}, "valu": {"scalar": "addss", "": "vpaddd"},
    "shuffle": {"": "vpshufb"}, "shuffle2": {"": "vpermi2b"}, "fma": {"": "vmulps"},
    "convert": {"": "vcvtph2ps"}, "gather": {"": "vgatherdps"}, "intdot": {"": "vpdpbusd"},
    "issue": {"scalar": "nopl", "": "nopl"},
}
# What tells an injected instruction from the kernel's own.
OWN = {
    "load": r"0x[0-9a-f]+\(%rip\)", "gather": r".*\(%rsp,", "convert": r"%", "issue": r"\(%rax\)",
    "": r"(%[xyz]mm\d+),\1,", "scalar": r"(%xmm\d+),\1$",
}
# What registers lent to the marks may change in the kernel: copies, clears, spills, which operand a
# permute or a multiply-add overwrites, whether a blend is a masked copy to one of the two. Integer
# code outside the loop may change too, so that the body is compared by its vector instructions,
# within 5 %: of equal paths of rare shapes one may be merged.
SOFT = re.compile(r"v?(mov[aduhlsq]|p?xor|pblendm)")
failures = []


def functions(archive):
    """{name: [(address, mnemonic, operands)]} of everything called score_*."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", archive], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    found, body = {}, None
    for line in text.splitlines():
        head = re.match(r"[0-9a-f]+ <(\S+)>:$", line)
        if head:
            body = found.setdefault(head[1], []) if head[1].startswith("score_") else None
            continue
        code = re.match(r"\s*([0-9a-f]+):\s+(\S+)\s*(.*)", line)
        if code and body is not None:
            body.append((int(code[1], 16), code[2], code[3]))
    return found


def histogram(body):
    return collections.Counter(mnemonic for _, mnemonic, _ in body)


def vector_histogram(body):
    return collections.Counter(re.sub(r"^(vperm|vfn?m[a-z]+)([it]2|132|213|231)", r"\1_", mnemonic)
                               for _, mnemonic, operands in body
                               if re.search("%[xyz]mm", operands) and not SOFT.match(mnemonic))


def sites(body, isa, resource, count):
    """Addresses where `count` of them follow each other; a gather brings two helpers each."""
    names = MNEMONIC[resource]
    mnemonic = names[isa] if isa in names else names[""]
    own = OWN.get(resource, OWN["scalar" if isa == "scalar" else ""])
    step = 3 if resource == "gather" else 1
    hits = [m == mnemonic and bool(re.match(own, operands)) for _, m, operands in body][step - 1:]
    found, i = [], 0
    while i + (count - 1) * step < len(hits):
        if all(hits[i + k * step] for k in range(count)):
            found.append(body[i][0])
            i += count * step
        else:
            i += 1
    return mnemonic, found


def loops(body):
    """(first, last) address of every backward jump's stretch."""
    jumps = []
    for address, mnemonic, operands in body:
        target = re.match(r"([0-9a-f]+) <", operands)
        if mnemonic.startswith("j") and target and int(target[1], 16) <= address:
            jumps.append((int(target[1], 16), address))
    return jumps


def check(right, what):
    if not right:
        failures.append(what)


def check_placebo(what, base, placebo):
    expected, got = vector_histogram(base), vector_histogram(placebo)
    for name in set(expected) | set(got):
        check(abs(expected[name] - got[name]) <= .05 * expected[name],
              f"{what}: {got[name]} {name}, {expected[name]} in the kernel itself")


def check_copy(what, isa, resource, count, body, placebo):
    mnemonic, where = sites(body, isa, resource, count)
    check(where, f"{what}: {count} {mnemonic} in a row nowhere")
    more = histogram(body)
    more.subtract(histogram(placebo))
    if resource != "issue": # the same no-operation aligns loops
        check(more[mnemonic] == count * len(where),
              f"{what}: {more[mnemonic]} more {mnemonic}, expected {count} in {len(where)} places")
        others = {k: v for k, v in more.items() if v and k != mnemonic and
                  not re.match(r"nop|data16|cs|xchg|v?pxor|kxnor|vpcmpeqd", k)}
        check(not others, f"{what}: other instructions changed too: {others}")
    stretches = loops(body)
    for address in where:
        check(any(first <= address < last for first, last in stretches),
              f"{what}: those at {address:x} are in no loop")
    return len(where)


def test_injected(compiler, buildtype, program, *pairs):
    """What is wrong."""
    if compiler != "gcc" or buildtype != "release":
        raise Skip(f"object code is compared in release builds by gcc, not {buildtype} by "
                   f"{compiler}")
    need("objdump")
    archives = {}
    for pair in pairs:
        isa, paths = pair.split("=", 1)
        archives[isa] = [functions(path) for path in paths.split(",")]
    listed = subprocess.run([program, "--list"], stdout=subprocess.PIPE, text=True)
    if listed.returncode == 77:
        raise Skip(listed.stdout.strip())
    check(listed.returncode == 0, f"{program} --list: exit code {listed.returncode}")
    checked, places = 0, {}
    for line in listed.stdout.splitlines():
        codec, variant, isa, resource, level, count = line.split()
        base, injected = archives[isa]
        what = f"{codec}.{variant}@{isa} {resource} {level}"
        placebo = injected[f"score_{codec}__placebo_0"]
        body = injected[f"score_{codec}__{resource}_{level}"]
        if resource == "placebo":
            check_placebo(what, base[f"score_{codec}"], placebo)
        else:
            n = check_copy(what, isa, resource, int(count), body, placebo)
            expected = places.setdefault((codec, variant, isa), n)
            check(n == expected, f"{what}: {n} places, other resources have {expected}")
        checked += 1
    print(f"{checked} copies of {len(places)} kernels, {len(failures)} failures")
    check(checked, "no copy was compared")
    return failures


if __name__ == "__main__":
    script(test_injected)
