/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the dense formats and their kernels share: sizes, and segments of fewer keys than a block.
 */
#ifndef KVR_DENSE_H
#define KVR_DENSE_H

#include "../ahead.h"
#include "../formats.h"

enum { KVR_DENSE_BLOCK_KEYS = 16 };

/* What a key's 16-bit values are; always a constant after inlining. */
enum kvr_dense_type { KVR_DENSE_F16, KVR_DENSE_BF16 };

KVR_INLINE size_t kvr_dense_key_bytes(const struct kvr_shape *shape)
{
    return shape->head_dim * sizeof(uint16_t);
}

KVR_INLINE size_t kvr_whole_lines(size_t bytes)
{
    return (bytes + KVR_LINE_BYTES - 1) / KVR_LINE_BYTES * KVR_LINE_BYTES;
}

/* `tokens` keys, padded to whole blocks; fewer than a block, as a small page has, to lines. */
KVR_INLINE size_t kvr_dense_bytes(const struct kvr_shape *shape, uint32_t tokens)
{
    size_t blocks = ((size_t)tokens + KVR_DENSE_BLOCK_KEYS - 1) / KVR_DENSE_BLOCK_KEYS;
    size_t bytes = tokens * kvr_dense_key_bytes(shape);
    if (tokens < KVR_DENSE_BLOCK_KEYS)
        return kvr_whole_lines(bytes);
    return blocks * KVR_DENSE_BLOCK_KEYS * kvr_dense_key_bytes(shape);
}

/* Calls visit (inlined) for every row of a segment of fewer keys than a block. */
KVR_INLINE void kvr_each_row(const struct kvr_segments *segments, uint32_t i, size_t key_bytes,
                             void (*visit)(void *context, uint32_t key, const unsigned char *row),
                             void *context)
{
    const size_t bytes = kvr_whole_lines(segments->tokens * key_bytes);
    const int prefetch = segments->ahead_segments || segments->ahead_bytes;
    uint32_t key = 0;
    for (size_t offset = 0; key < segments->tokens;) {
        struct kvr_run run = kvr_next_run(segments, i, offset, bytes, key_bytes);
        for (size_t o = 0, at = 0; o < run.bytes && key < segments->tokens;
             o += key_bytes, at = kvr_next_at(&run, at, key_bytes)) {
            /* the lines that begin in this row: rows may share one */
            size_t line = kvr_whole_lines(offset + at) - offset;
            if (prefetch)
                kvr_prefetch(run.ahead + line,
                             kvr_whole_lines(offset + at + key_bytes) - offset - line);
            visit(context, key++, run.codes + at);
        }
        offset += run.bytes;
    }
}

/* What scoring row by row needs. */
struct kvr_row_scores {
    enum kvr_dense_type type;
    const float *query;
    uint32_t head_dim;
    float *scores;
};

#endif
