/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sizes of the lookup layout, for its formats and kernels. A line holds one subspace's codes of 64
 * keys.
 */
#ifndef KVR_LOOKUP_H
#define KVR_LOOKUP_H

#include "../ahead.h"
#include "../formats.h"

enum { KVR_LOOKUP_BLOCK_KEYS = 64 };

/* Codes of `tokens` keys, padded to whole blocks of `tables` lines each. */
KVR_INLINE size_t kvr_lookup_bytes(uint32_t tables, uint32_t tokens)
{
    size_t blocks = ((size_t)tokens + KVR_LOOKUP_BLOCK_KEYS - 1) / KVR_LOOKUP_BLOCK_KEYS;
    return blocks * tables * KVR_LINE_BYTES;
}

/* Code of one subspace of one key of a segment; for the references. */
KVR_INLINE unsigned kvr_lookup_code(const struct kvr_shape *shape, const unsigned char *codes,
                                    uint32_t key, uint32_t table)
{
    size_t line = (size_t)(key / KVR_LOOKUP_BLOCK_KEYS) * shape->tables + table;
    return codes[line * KVR_LINE_BYTES + key % KVR_LOOKUP_BLOCK_KEYS];
}

#endif
