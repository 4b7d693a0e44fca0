/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sizes of the lookup layouts, for their formats and kernels. A line holds one subspace's codes of
 * 64 keys; of K = 16, two subspaces'.
 */
#ifndef KVR_LOOKUP_H
#define KVR_LOOKUP_H

#include "../ahead.h"
#include "../formats.h"

enum { KVR_LOOKUP_BLOCK_KEYS = 64, KVR_LOOKUP_ENTRIES = 256, KVR_LOOKUP4_ENTRIES = 16 };

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

/* Lines of a block for K = 16; `tables` is even. */
KVR_INLINE uint32_t kvr_lookup4_lines(uint32_t tables)
{
    return tables / 2;
}

/* Where the codes of a key of a block are in each of its lines for K = 16. */
KVR_INLINE uint32_t kvr_lookup4_byte(uint32_t key)
{
    return key % 16 * 4 + key / 16;
}

/* As kvr_lookup_code, for K = 16. */
KVR_INLINE unsigned kvr_lookup4_code(const struct kvr_shape *shape, const unsigned char *codes,
                                     uint32_t key, uint32_t table)
{
    size_t line = (size_t)(key / KVR_LOOKUP_BLOCK_KEYS) * kvr_lookup4_lines(shape->tables) +
                  table / 2;
    return codes[line * KVR_LINE_BYTES + kvr_lookup4_byte(key % KVR_LOOKUP_BLOCK_KEYS)] >>
               table % 2 * 4 & 15;
}

#endif
