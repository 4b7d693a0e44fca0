# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses along one way around a loop, as sums of what the registers held at its begin.

A value is (constant, {symbol: factor}). What cannot be followed becomes a new symbol, so that two
addresses with the same symbols differ by a known number of bytes and others by an unknown one.
"""

import re

from listing import MEMORY, REGISTER_PARTS


def plus(a, b, factor=1):
    """a + factor * b."""
    terms = dict(a[1])
    for symbol, times in b[1].items():
        terms[symbol] = terms.get(symbol, 0) + factor * times
    return a[0] + factor * b[0], {s: t for s, t in terms.items() if t}


def key(value):
    """The symbolic part of a value, for comparing."""
    return tuple(sorted(value[1].items()))


class Trace:
    """Follows the general registers and the stack's slots; keeps every access to memory."""

    def __init__(self, path):
        self.registers, self.slots, self.news = {}, {}, 0
        self.parts = {}  # symbols of the low bits of values
        self.accesses = []  # (instruction, symbolic part, offset, bytes)
        for instruction in path:
            self.step(instruction)

    def new(self):
        self.news += 1
        return 0, {f"?{self.news}": 1}

    def low(self, value, bits):
        """The low bits of a value: equal for equal values."""
        return 0, {self.parts.setdefault((bits, value[0], key(value)), f"low{len(self.parts)}"): 1}

    def register(self, name):
        whole, bits = REGISTER_PARTS.get(name.lstrip("%"), (name, 64))
        value = self.registers.get(whole, (0, {whole: 1}))
        return value if bits == 64 else self.low(value, bits)

    def address(self, operand):
        offset, base, index, scale = MEMORY.match(operand).groups()
        value = (int(offset, 16) if offset else 0, {})
        if base:
            value = plus(value, self.register(base))
        if index and index != "%riz":
            value = plus(value, self.register(index), int(scale or 1))
        return value

    def value(self, operand):
        """Of a 64-bit source."""
        if operand.startswith("$"):
            number = int(operand[1:], 16)
            return number - (1 << 64) if number >> 63 else number, {}
        if operand.startswith("%"):
            return self.register(operand) if operand[1:] in REGISTER_PARTS else self.new()
        if MEMORY.match(operand):
            where = self.address(operand)
            if "rsp" in where[1] and len(where[1]) == 1:
                return self.slots.setdefault(where[0], (0, {f"slot{where[0]}": 1}))
        return self.new()

    def result(self, instruction):
        """What a general register holds after an instruction that writes it."""
        name, operands = instruction.name.rstrip("q"), instruction.operands
        destination, source = operands[-1], operands[0]
        if name == "lea":
            value = self.address(source)
        elif name in ("mov", "movabs"):
            value = self.value(source)
        elif name in ("add", "sub") and len(operands) == 2:
            sign = 1 if name == "add" else -1
            value = plus(self.register(destination), self.value(source), sign)
        elif name in ("shl", "sal") and source.startswith("$"):
            value = plus((0, {}), self.register(destination), 1 << int(source[1:], 16))
        elif name == "xor" and source == destination:
            value = (0, {})
        else:
            value = self.new()
        bits = REGISTER_PARTS[destination.lstrip("%")][1]
        return value if bits == 64 or not value[1] else self.low(value, bits)

    def step(self, i):
        if i.memory is not None and not i.name.startswith("lea"):
            where = self.address(i.operands[i.memory])
            self.accesses.append((i, key(where), where[0], i.bytes()))
            if i.writes_memory and "rsp" in where[1] and len(where[1]) == 1:
                self.slots[where[0]] = (self.value(i.operands[0]) if i.name in ("mov", "movq") and
                                        i.operands[0][0] in "%$" else self.new())
        if re.match(r"(i?div|mul|cqto|cltd|cltq|cdq|imul$)", i.name) and len(i.operands) < 2:
            self.registers["rax"], self.registers["rdx"] = self.new(), self.new()
        elif i.operands and not re.match(r"(cmp|test|bt|j|call|nop|push)", i.name):
            whole = REGISTER_PARTS.get(i.operands[-1].lstrip("%"))
            if i.operands[-1].startswith("%") and whole:
                self.registers[whole[0]] = self.result(i)

    def moves(self, symbols):
        """Whether an address with this symbolic part differs in the next round."""
        for symbol, _ in symbols:
            if symbol.startswith("slot"):
                if key(self.slots[int(symbol[4:])]) != ((symbol, 1),):
                    return True
            elif self.registers.get(symbol, (0, {symbol: 1})) != (0, {symbol: 1}):
                return True
            elif symbol not in {whole for whole, _ in REGISTER_PARTS.values()}:
                return True
        return False

    def groups(self, wanted):
        """{symbolic part: [(offset, bytes)]} of the accesses that `wanted` is true of."""
        found = {}
        for instruction, symbols, offset, size in self.accesses:
            if wanted(instruction):
                found.setdefault(symbols, []).append((offset, size))
        return found


def covered(pieces):
    """Byte numbers of [(offset, bytes)], the first one 0."""
    found = {offset + n for offset, size in pieces for n in range(size)}
    first = min(found)
    return {n - first for n in found}
