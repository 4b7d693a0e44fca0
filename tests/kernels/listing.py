# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads objdump's x86-64 listing (AT&T): instructions, what each is to the rate ceilings, loops.

A loop is a natural loop of the function's control-flow graph; a path leads once around it, from its
header back to its header.
"""

import functools
import heapq
import platform
import re
import subprocess

from harness import Skip, need

REGISTER_PARTS = {f"r{n}{end}": (f"r{n}", bits) for n in range(8, 16)
                  for end, bits in (("", 64), ("d", 32), ("w", 16), ("b", 8))}
for _name in ("ax", "bx", "cx", "dx"):
    REGISTER_PARTS.update({f"r{_name}": (f"r{_name}", 64), f"e{_name}": (f"r{_name}", 32),
                           _name: (f"r{_name}", 16), f"{_name[0]}l": (f"r{_name}", 8)})
for _name in ("si", "di", "bp", "sp"):
    REGISTER_PARTS.update({f"r{_name}": (f"r{_name}", 64), f"e{_name}": (f"r{_name}", 32),
                           _name: (f"r{_name}", 16), f"{_name}l": (f"r{_name}", 8)})

MEMORY = re.compile(r"^(?:%\w\w:)?(-?0x[0-9a-f]+)?\((%\w+)?(?:,(%\w+)(?:,(\d))?)?\)")
MASKED = re.compile(r"\{%k\d\}")
LINE = re.compile(r"^\s*([0-9a-f]+):\t(\S+)\s*([^#\t]*)(.*)$")
VECTOR_BYTES = {"x": 16, "y": 32, "z": 64}
SHUFFLE = re.compile(
    r"^v?(p?shuf|p?unpck|perm|pack|p?align|p?extr|p?ins|pmov[sz]x|pmovu?s?[qdw][bwd]$|p?broadcast|"
    r"movhlps|movlhps|movddup|movs[hl]dup|p?s[lr]ldq|p?compress|p?expand)")
MOVE = re.compile(r"^v?mov(nt)?([auhl]p[sd]|dqa?\d*|dqu\d*|s[sd]|[dq])$")
CONDITIONAL = re.compile(r"^j(?!mp)")
ONLY_STORES = re.compile(r"^([kv]?mov|v?p?extr|vcvtps2ph|vpmov|vpcompress|vpscatter|set)")
NO_ACCESS = re.compile(r"^(nop|prefetch|v?mxcsr|clflush)")


class Instruction:
    """One line of the listing."""

    def __init__(self, address, name, operands, relocated=False):
        self.address, self.name, self.relocated = address, name, relocated
        self.operands = split_operands(operands)
        self.target = None
        if name.startswith(("j", "call")) and not relocated:
            match = re.match(r"([0-9a-f]+)", operands)
            self.target = int(match.group(1), 16) if match else None

    def __str__(self):
        return f"{self.address:x}: {self.name} {','.join(self.operands)}"

    @functools.cached_property
    def memory(self):
        """Position of the memory operand, or None."""
        if NO_ACCESS.match(self.name):
            return None
        for n, operand in enumerate(self.operands):
            if MEMORY.match(operand):
                return n
        return None

    @functools.cached_property
    def vectors(self):
        """Letters x, y, z of the vector registers it names."""
        return re.findall(r"%([xyz])mm\d", ",".join(self.operands))

    @property
    def reads_memory(self):
        """Whether memory is a source; a compare or a read-modify-write is both kinds."""
        if self.memory is None or self.name.startswith("lea"):
            return False
        if self.memory < len(self.operands) - 1 or len(self.operands) == 1:
            return not self.name.startswith("set")
        return not ONLY_STORES.match(self.name)

    @property
    def writes_memory(self):
        """Whether memory is the destination."""
        if self.memory is None or self.memory != len(self.operands) - 1:
            return False
        return not re.match(r"(lea|cmp|test|bt$|u?comis|j|call|push|i?mul|i?div|vptest)", self.name)

    @property
    def masked_store(self):
        """A store of some lanes: a kernel's tail."""
        return self.writes_memory and bool(
            MASKED.search(self.operands[-1]) or "maskmov" in self.name)

    def bytes(self):
        """Bytes that the memory operand stands for."""
        text = ",".join(self.operands)
        width = max([VECTOR_BYTES[v] for v in self.vectors], default=0)
        if "{1to" in text or re.match(r"v?p?broadcast(ss|d)|v?movss|v?movd$", self.name):
            return 8 if re.search(r"(pd|q)$", self.name) else 4
        if re.match(r"v?p?broadcast(sd|q)|v?movsd|v?movq$|v?mov[hl]p", self.name):
            return 8
        part = re.match(r"vp?broadcast[fi](\d+)x(\d)", self.name)
        if part:
            return int(part.group(1)) * int(part.group(2)) // 8
        part = re.match(r"vextract[fi](\d+)(?:x(\d))?$", self.name)
        if part:
            return int(part.group(1)) * int(part.group(2) or 1) // 8
        parts = {"vcvtph2ps": 2, "vcvtps2ph": 2, "bd": 4, "wd": 2, "bw": 2, "bq": 8, "wq": 4,
                 "dq": 2}
        for end, divisor in parts.items():
            if self.name == end or re.match(r"v?pmov[sz]x" + end, self.name):
                return width // divisor
        if width:
            return 4 if self.name.endswith("ss") else 8 if self.name.endswith("sd") else width
        if re.match(r"mov[sz][bw][wlq]", self.name):
            return {"b": 1, "w": 2}[self.name[4]]
        registers = [REGISTER_PARTS[r][1] // 8 for r in re.findall(r"^%(\w+)", text) +
                     re.findall(r",%(\w+)$", text) if r in REGISTER_PARTS]
        return registers[0] if registers else {"b": 1, "w": 2, "l": 4}.get(self.name[-1], 8)

    def classes(self):
        """What it costs: a list of members of struct kvr_work, gathers once per element."""
        if re.match(r"v?p?gather", self.name):
            lanes = {"x": 4, "y": 8, "z": 16}[max(self.vectors)]
            return ["gathered"] * (lanes // (2 if self.name.endswith(("pd", "q")) else 1))
        used = ["loads"] * self.reads_memory + ["stores"] * self.writes_memory
        if re.match(r"v?cvt", self.name):
            return used + ["converts"]
        if not self.vectors:
            return used
        registers = [re.sub(r"\{.*", "", o) for o in self.operands]
        if MOVE.match(self.name):
            blend = not used and MASKED.search(self.operands[-1])
            return used + ["vector_alu"] * bool(blend)
        if re.match(r"v?p?xor", self.name) and len(set(registers[:2])) == 1:
            return used  # a zero
        if re.match(r"v?f?n?m(add|sub)|vfn?m", self.name):
            return used + ["fma"]
        if re.match(r"vpdp|v?pmadd", self.name):
            return used + ["int_dots"]
        if SHUFFLE.match(self.name):
            from_memory = self.reads_memory and "broadcast" in self.name
            return used + ["shuffles"] * (not from_memory)
        return used + ["vector_alu"]


def split_operands(text):
    """Operands of a line; commas within parentheses do not part them."""
    text = re.sub(r"<[^>]*>", "", text).strip()
    return [o.strip() for o in re.findall(r"(?:[^,(]|\([^)]*\))+", text)] if text else []


def parse(lines):
    """The instructions of one function's lines."""
    found = []
    for line in lines:
        match = LINE.match(line)
        if not match:
            continue
        address, name, operands, rest = match.groups()
        if name in ("bnd", "rep", "repz", "repnz", "lock", "notrack", "data16", "cs",
                    "{vex}", "{evex}"):
            name, _, operands = operands.strip().partition(" ")
        found.append(Instruction(int(address, 16), name, operands, "R_X86_64" in rest))
    return found


def spills_and_calls(instructions, function):
    """Those of a hot loop's instructions that it must not contain."""
    frame = any(str(i).endswith("mov %rsp,%rbp") for i in function)
    stack = r"\(%r[sb]p" if frame else r"\(%rsp"
    return [str(i) for i in instructions if i.name.startswith("call") or
            # a conversion from an integer is a general register that was spilled
            (i.vectors and "cvtsi2" not in i.name and i.memory is not None and
             re.search(stack, i.operands[i.memory]))]


def objdump_of(compiler, buildtype, sanitize):
    """Path of objdump, or Skip: what the tests say of compiled loops is said of gcc's."""
    if platform.machine() not in ("x86_64", "AMD64"):
        raise Skip(f"reads x86-64 listings, this is {platform.machine()}")
    if compiler != "gcc":
        raise Skip(f"the loops are known as gcc makes them, this build is by {compiler}")
    if buildtype != "release" or sanitize != "none":
        raise Skip(f"the loops are known in a release build, this is {buildtype}, "
                   f"b_sanitize={sanitize}")
    return need("objdump")


def read_library(objdump, path):
    """(symbols, functions) of every object of an archive: a set, a map of name to instructions."""
    text = subprocess.run([objdump, "-d", "-r", "-t", "-w", "--no-show-raw-insn", path], check=True,
                          capture_output=True, text=True).stdout
    objects = []
    for part in re.split(r"^\S.*:\s+file format .*$", text, flags=re.M)[1:]:
        symbols = set(re.findall(r"^[0-9a-f]{16} g .*\s(\S+)$", part, flags=re.M))
        pieces = re.split(r"^[0-9a-f]{16} <(\S+)>:$", part, flags=re.M)[1:]
        functions = {name: parse(body.splitlines())
                     for name, body in zip(pieces[::2], pieces[1::2])}
        objects.append((symbols, functions))
    return objects


class Graph:
    """Control flow of one function: blocks of instructions by number, their successors."""

    def __init__(self, instructions):
        starts = {instructions[0].address}
        for this, following in zip(instructions, instructions[1:] + [None]):
            if this.name.startswith(("j", "ret")):
                starts |= {this.target} if this.target is not None else set()
                starts |= {following.address} if following else set()
        self.blocks, number = [], {}
        for instruction in instructions:
            if instruction.address in starts:
                number[instruction.address] = len(self.blocks)
                self.blocks.append([])
            self.blocks[-1].append(instruction)
        self.after = []
        for n, block in enumerate(self.blocks):
            last, after = block[-1], []
            if last.name.startswith("j") and last.target in number:
                after.append(number[last.target])
            falls = not last.name.startswith(("jmp", "ret", "ud2"))
            if falls and n + 1 < len(self.blocks):
                after.append(n + 1)
            self.after.append(after)
        # neither a look-ahead nor a tail, which stores a part of a vector
        self.usable = [not any(i.masked_store or i.name.startswith("prefetch") for i in block)
                       for block in self.blocks]
        self.stored = [sum(i.bytes() for i in block if i.writes_memory and i.vectors and
                           "(%rsp" not in i.operands[-1]) for block in self.blocks]
        self.loops = self.find_loops()

    def dominators(self):
        """For every block the set of its dominators, as the bits of a number, and the blocks before
        it. What is never reached, like padding, leads nowhere."""
        before, reached, pending = [[] for _ in self.blocks], {0}, [0]
        while pending:
            n = pending.pop()
            for m in self.after[n]:
                before[m].append(n)
                pending += [m] if m not in reached else []
                reached.add(m)
        self.after = [after if n in reached else [] for n, after in enumerate(self.after)]
        every = (1 << len(self.blocks)) - 1
        found, changed = [1] + [every] * (len(self.blocks) - 1), True
        while changed:
            changed = False
            for n in range(1, len(self.blocks)):
                bits = every
                for m in before[n]:
                    bits &= found[m]
                bits |= 1 << n
                changed |= bits != found[n]
                found[n] = bits
        return found, before

    def find_loops(self):
        """Natural loops: header to set of blocks."""
        dominators, before = self.dominators()
        loops = {}
        for n, after in enumerate(self.after):
            for header in after:
                if dominators[n] >> header & 1:
                    body, pending = loops.setdefault(header, {header}), [n]
                    while pending:
                        m = pending.pop()
                        if m not in body:
                            body.add(m)
                            pending += before[m]
        return loops

    def is_innermost(self, header):
        """Whether a loop contains no other one."""
        return not any(other != header and other in self.loops[header] for other in self.loops)

    def paths(self, header, turns, stored):
        """Ways once around a loop that store this many bytes from vector registers outside of the
        stack, as lists of instructions, the shortest first. Loops within it are gone around `turns`
        times (those with one way around them), with 0 not entered."""
        body, skipped, spliced = self.loops[header], set(), {}
        for other, blocks in self.loops.items():
            if other != header and blocks < body:
                skipped |= blocks
                if turns and self.is_innermost(other):
                    around = list(self.shortest(other, blocks, set(), {}, 0))
                    spliced.update({other: around[0] * turns} if len(around) == 1 else {})
        if turns and not spliced:
            return
        for path in self.shortest(header, body, skipped, spliced, stored):
            yield [i for n in path for i in self.blocks[n]]

    def shortest(self, header, body, skipped, spliced, stored):
        """What paths() says, as lists of blocks. Of the many ways to a block only the first few go
        on: those that differ by more are ways of a segment, not of a block of keys."""
        pending, seen = [(0, [header], 0)], {}
        while pending:
            length, path, so_far = heapq.heappop(pending)
            last = path[-1]
            so_far = so_far + self.stored[last]
            seen[last, so_far] = seen.get((last, so_far), 0) + 1
            if not self.usable[last] or so_far > stored or seen[last, so_far] > 4:
                continue
            for n in self.after[last]:
                more = spliced.get(n, [n]) if n not in path else []
                if n == header and so_far == stored:
                    yield path
                elif more and n in body and (n in spliced or n not in skipped):
                    heapq.heappush(pending, (length + sum(len(self.blocks[m]) for m in more), path +
                                          more, so_far + sum(self.stored[m] for m in more[:-1])))
