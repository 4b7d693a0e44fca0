# SPDX-License-Identifier: GPL-3.0-or-later
"""torch's scaled_dot_product_attention with one query: sdpa:TYPE. Heads of 4096 keys in memory."""

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention

import worker


def open_peer(spec, keys, dram_bytes, data):
    """See worker.main()."""
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    dtype = getattr(torch, spec.split(":")[1])
    size = torch.tensor([], dtype=dtype).element_size()

    def heads(rows, count, tokens):
        one = torch.from_numpy(np.resize(rows, (tokens, worker.DIM)).copy()).to(dtype)
        return one.repeat(1, count, 1, 1)

    def attend(count, tokens):
        query = torch.from_numpy(data.query.copy()).to(dtype).repeat(1, count, 1, 1)
        k, v = heads(data.keys, count, tokens), heads(data.values, count, tokens)
        return lambda: scaled_dot_product_attention(query, k, v)

    count = worker.PART_BYTES // (2 * size * worker.DIM * worker.SEGMENT)
    found = attend(1, worker.KEYS)()[0, 0, 0].to(torch.float64).numpy()
    return {"error": worker.error(found, data.output()), "bytes": 2 * size * worker.DIM,
            "note": f"torch {torch.__version__} ({torch.backends.cpu.get_cpu_capability()})",
            "cache": [attend(1, keys), attend(1, keys // 8)],
            "dram": [attend(count, worker.SEGMENT)
                     for _ in range(dram_bytes // worker.PART_BYTES)],
            "dram_keys": count * worker.SEGMENT}


worker.main(open_peer)
