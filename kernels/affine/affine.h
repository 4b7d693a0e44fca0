/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sizes of the affine layouts, for their formats and kernels. A line holds 4 channels (affine8) or
 * 8 channels (affine4) of 16 keys.
 */
#ifndef KVR_AFFINE_H
#define KVR_AFFINE_H

#include "../ahead.h"
#include "../formats.h"

enum {
    KVR_AFFINE_BLOCK_KEYS = 16,
    KVR_AFFINE8_LINE_CHANNELS = 4,
    KVR_AFFINE4_LINE_CHANNELS = 8,
    KVR_AFFINE8_ZERO = 128,
    KVR_AFFINE4_ZERO = 8
};

/* Codes of `tokens` keys, padded to whole blocks of `lines` lines each. */
KVR_INLINE size_t kvr_affine_bytes(uint32_t lines, uint32_t tokens)
{
    size_t blocks = ((size_t)tokens + KVR_AFFINE_BLOCK_KEYS - 1) / KVR_AFFINE_BLOCK_KEYS;
    return blocks * lines * KVR_LINE_BYTES;
}

/* Value (code - zero) of one channel of one key of a segment; for the references. */
KVR_INLINE int kvr_affine8_value(const struct kvr_shape *shape, const unsigned char *codes,
                                 uint32_t key, uint32_t channel)
{
    size_t block = (size_t)(key / KVR_AFFINE_BLOCK_KEYS) * KVR_AFFINE_BLOCK_KEYS * shape->head_dim;
    size_t line = block + channel / 4 * KVR_LINE_BYTES;
    return codes[line + key % KVR_AFFINE_BLOCK_KEYS * 4 + channel % 4] - KVR_AFFINE8_ZERO;
}

KVR_INLINE int kvr_affine4_value(const struct kvr_shape *shape, const unsigned char *codes,
                                 uint32_t key, uint32_t channel)
{
    size_t block = (size_t)(key / KVR_AFFINE_BLOCK_KEYS) * KVR_AFFINE_BLOCK_KEYS *
                   shape->head_dim / 2;
    size_t dword = block + channel / 8 * KVR_LINE_BYTES + key % KVR_AFFINE_BLOCK_KEYS * 4;
    return (codes[dword + channel % 8 / 2] >> (channel % 2 * 4) & 15) - KVR_AFFINE4_ZERO;
}

#endif
