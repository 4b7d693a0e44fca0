# SPDX-License-Identifier: GPL-3.0-or-later
"""What is compared with what. An entry is something that can be timed: (kind, spec); a block holds
the pairs (kvroof's entry, the peer's) that are measured in the same rounds."""

# Versions that the comparison is made for; --set-up installs these.
NPM_GGML = ("@node-llama-cpp/linux-x64", "3.22.1")
PIP_FAISS = ("faiss-cpu", "1.15.1")
PIP_TORCH = ("torch", "2.15.0")
DEBIAN_FAISS = ("python3-faiss", "1.7.3")

SMALL, TABLES = 256, 2048  # keys in cache; look-ups: more, see README.md


class Block:
    """Pairs that share rounds. share: of the budget. keys: of the cache's place."""

    def __init__(self, name, share, pairs, keys=SMALL):
        self.name, self.share, self.pairs, self.keys = name, share, pairs, keys

    def entries(self):
        """Every entry once, kvroof's first."""
        own = [pair[0] for pair in self.pairs]
        return list(dict.fromkeys(own + [pair[1] for pair in self.pairs]))


def own(spec):
    """A kernel of kvroof."""
    return "kvroof", spec


def dense(share):
    """16-bit floats, and what BLAS makes of 32-bit ones."""
    return Block("dense", share, [
        (own("fp16"), ("ggml", "f16")), (own("bf16"), ("ggml", "bf16")),
        (own("fp16"), ("blas", "sgemv")), (own("fp16"), ("blas", "sgemv@wide"))])


def lookup(tables, share):
    """K = 256: a byte per table."""
    kernel = own(f"lookat:u8:{tables}:256")
    return Block(f"lookup{tables}", share, [
        (kernel, ("faiss", f"pq:{tables}")), (kernel, ("faiss-debian", f"pq:{tables}"))], TABLES)


BLOCKS = [
    dense(17),
    Block("bits8", 7, [(own("int8q8"), ("ggml", "q8_0")), (own("q8_0:q8"), ("ggml", "q8_0"))]),
    Block("bits4", 7, [(own("int4q8"), ("ggml", "q4_0")), (own("q4_0:q8"), ("ggml", "q4_0"))]),
    lookup(2, 20), lookup(4, 20), lookup(8, 20), lookup(16, 20),
    Block("fastscan", 14, [
        (own("lookat:u8:16:16"), ("faiss", "fs:16")), (own("lookat:u8:32:16"), ("faiss", "fs:32")),
        (own("lookat:u8:8:256"), ("faiss", "fs:16")),     # as many bytes a key
        (own("lookat:u8:16:256"), ("faiss", "fs:32"))], TABLES),
    Block("attention", 26, [
        (own("attention"), ("torch", "sdpa:float16")),
        (own("attention"), ("torch", "sdpa:bfloat16")),
        (own("attention"), ("torch", "sdpa:float32"))]),
    Block("gqa", 9, [(own("fp16*8"), ("blas", "sgemm")), (own("fp16*8"), ("blas", "sgemm@wide"))]),
    # Last, so that it gets what the others leave: likwid-bench takes over a second a sample.
    Block("memory", 66, [
        (("memory", "kvroof-read"), ("likwid", "load_avx512")),
        (("memory", "kvroof-read"), ("likwid", "load_avx")),
        (("memory", "kvroof-copy"), ("likwid", "copy_mem_avx512")),
        (("memory", "kvroof-copy"), ("memory", "plain-copy")),
        (("memory", "kvroof-triad"), ("likwid", "stream_mem_avx512")),
        (("memory", "kvroof-triad"), ("likwid", "triad_mem_avx512")),
        (("memory", "kvroof-triad"), ("memory", "plain-triad"))]),
]

KINDS = {
    "kvroof": "this source tree, by peers-probe", "memory": "kvroof's loops, and plain C ones",
    "ggml": f"npm package {NPM_GGML[0]} {NPM_GGML[1]}, the best of its CPU libraries",
    "faiss": f"Python wheel {PIP_FAISS[0]} {PIP_FAISS[1]}",
    "faiss-debian": f"Debian's {DEBIAN_FAISS[0]} {DEBIAN_FAISS[1]}",
    "torch": f"Python wheel {PIP_TORCH[0]} {PIP_TORCH[1]}, scaled_dot_product_attention",
    "blas": "the system's OpenBLAS; @wide: told the core type that the CPU's features allow",
    "likwid": "the system's likwid-bench",
}


def label(entry):
    """How a table calls an entry."""
    kind, spec = entry
    return f"{kind} {spec}"


def selected(patterns):
    """Blocks cut down to the pairs that a pattern names: of a block, a kind, or an entry."""
    if not patterns:
        return BLOCKS
    chosen = []
    for block in BLOCKS:
        pairs = [pair for pair in block.pairs
                 if any(p in (block.name, pair[1][0], label(pair[0]), label(pair[1]))
                        for p in patterns)]
        if pairs:
            chosen.append(Block(block.name, block.share, pairs, block.keys))
    return chosen


def known():
    """Every word that selected() understands."""
    words = set()
    for block in BLOCKS:
        words |= {block.name} | {pair[1][0] for pair in block.pairs}
        words |= {label(entry) for pair in block.pairs for entry in pair}
    return sorted(words)
