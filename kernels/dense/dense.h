/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sizes of dense_f16, for its format and kernels.
 */
#ifndef KVR_DENSE_H
#define KVR_DENSE_H

#include "../ahead.h"
#include "../formats.h"

enum { KVR_DENSE_BLOCK_KEYS = 16 };

KVR_INLINE size_t kvr_dense_key_bytes(const struct kvr_shape *shape)
{
    return shape->head_dim * sizeof(uint16_t);
}

/* `tokens` keys, padded to whole blocks. */
KVR_INLINE size_t kvr_dense_bytes(const struct kvr_shape *shape, uint32_t tokens)
{
    size_t blocks = ((size_t)tokens + KVR_DENSE_BLOCK_KEYS - 1) / KVR_DENSE_BLOCK_KEYS;
    return blocks * KVR_DENSE_BLOCK_KEYS * kvr_dense_key_bytes(shape);
}

#endif
