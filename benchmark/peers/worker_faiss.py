# SPDX-License-Identifier: GPL-3.0-or-later
"""FAISS: pq:M is an IndexPQ of M bytes, fs:M an IndexPQFastScan of M half bytes. One query."""

import faiss
import numpy as np

import worker


def codes_of(index):
    """The index's codes as an array that can be written."""
    size = index.codes.size()
    pointer = index.codes.data() if hasattr(index.codes, "data") else index.codes.get()
    return faiss.rev_swig_ptr(pointer, size)


def build(kind, tables, data, count):
    """An index of the mini set's keys, again and again up to `count`."""
    if kind == "pq":
        index = faiss.IndexPQ(worker.DIM, tables, 8, faiss.METRIC_INNER_PRODUCT)
    else:
        index = faiss.IndexPQFastScan(worker.DIM, tables, 4, faiss.METRIC_INNER_PRODUCT)
    if kind == "pq":
        faiss.copy_array_to_vector(data.codebook(tables).ravel(), index.pq.centroids)
        index.is_trained = True
    else:
        index.train(data.calibration)
    some = min(count, worker.SEGMENT)
    index.add(np.resize(data.keys, (some, worker.DIM)))
    if count > some:
        part = codes_of(index).copy()
        index.codes.resize(part.size * (count // some))
        whole = codes_of(index)
        whole.reshape(-1, part.size)[:] = part
        index.ntotal = some * (count // some)
        if kind == "fs":
            index.ntotal2 = index.ntotal
    return index


def search(index, query):
    """A call that scans the whole index for its best key."""
    return lambda: index.search(query, 1)


def scores_of(index, query):
    """Scores of all keys of a small index, in their order."""
    values, places = index.search(query, index.ntotal)
    scores = np.zeros(index.ntotal)
    scores[places[0]] = values[0]
    return scores


def open_peer(spec, keys, dram_bytes, data):
    """See worker.main()."""
    kind, tables = spec.split(":")
    tables = int(tables)
    faiss.omp_set_num_threads(1)
    key_bytes = tables if kind == "pq" else tables / 2
    dram = build(kind, tables, data,
                 int(worker.PART_BYTES / key_bytes) // worker.SEGMENT * worker.SEGMENT)
    parts = [dram] + [faiss.clone_index(dram) for _ in range(dram_bytes // worker.PART_BYTES - 1)]
    cached = [build(kind, tables, data, count) for count in (keys, keys // 8)]
    scores = scores_of(build(kind, tables, data, worker.KEYS), data.query)
    # The repeated codes are what the small index has: the best key is found at the same score.
    best = dram.search(data.query, 1)[0][0, 0]
    if abs(best - scores.max()) > 1e-3 * abs(scores.max()):
        raise RuntimeError(f"the large index finds {best}, the small one {scores.max()}")
    options = faiss.get_compile_options().strip()
    return {"error": worker.error(scores, data.scores), "bytes": key_bytes,
            "note": f"faiss {faiss.__version__} ({options})",
            "cache": [search(index, data.query) for index in cached],
            "dram": [search(part, data.query) for part in parts], "dram_keys": dram.ntotal}


worker.main(open_peer)
