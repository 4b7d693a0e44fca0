/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sizes of the affine layouts, for their formats and kernels. A line of codes holds 4 channels
 * (affine8, affine8g) or 8 channels (affine4, affine4g) of 16 keys.
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
    KVR_AFFINE4_ZERO = 8,
    KVR_AFFINE_GROUP = 32, /* channels that share a scale */
    KVR_AFFINE8G_GROUP_LINES = KVR_AFFINE_GROUP / KVR_AFFINE8_LINE_CHANNELS,
    KVR_AFFINE4G_GROUP_LINES = KVR_AFFINE_GROUP / KVR_AFFINE4_LINE_CHANNELS,
    KVR_AFFINE_SCALES_BYTES = KVR_AFFINE_BLOCK_KEYS * 2 /* of a group: float16 of 16 keys */
};

/* The layouts of codes; kernels over several of them take this as a compile-time constant. */
enum kvr_affine_kind { KVR_AFFINE8, KVR_AFFINE4, KVR_AFFINE8G, KVR_AFFINE4G };

/* Codes of `tokens` keys, padded to whole blocks of `lines` lines each. */
KVR_INLINE size_t kvr_affine_bytes(uint32_t lines, uint32_t tokens)
{
    size_t blocks = ((size_t)tokens + KVR_AFFINE_BLOCK_KEYS - 1) / KVR_AFFINE_BLOCK_KEYS;
    return blocks * lines * KVR_LINE_BYTES;
}

/* Lines before the codes of a block: the scales of affine8g and affine4g. */
KVR_INLINE uint32_t kvr_affine_scale_lines(uint32_t head_dim)
{
    return (head_dim / KVR_AFFINE_GROUP * KVR_AFFINE_SCALES_BYTES + KVR_LINE_BYTES - 1) /
           KVR_LINE_BYTES;
}

KVR_INLINE uint32_t kvr_affine_block_lines(enum kvr_affine_kind kind, uint32_t head_dim)
{
    const int bytes = kind == KVR_AFFINE8 || kind == KVR_AFFINE8G;
    const int grouped = kind == KVR_AFFINE8G || kind == KVR_AFFINE4G;
    return head_dim / (bytes ? KVR_AFFINE8_LINE_CHANNELS : KVR_AFFINE4_LINE_CHANNELS) +
           (grouped ? kvr_affine_scale_lines(head_dim) : 0);
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

/* Of affine8g and affine4g: the block of a key, its values, the scale (a float16) of a channel's
 * group. */
KVR_INLINE const unsigned char *kvr_group_block(enum kvr_affine_kind kind,
                                                const struct kvr_shape *shape,
                                                const unsigned char *codes, uint32_t key)
{
    return codes + (size_t)(key / KVR_AFFINE_BLOCK_KEYS) * KVR_LINE_BYTES *
                       kvr_affine_block_lines(kind, shape->head_dim);
}

KVR_INLINE int kvr_group_value(enum kvr_affine_kind kind, const struct kvr_shape *shape,
                               const unsigned char *codes, uint32_t key, uint32_t channel)
{
    const unsigned char *lines = kvr_group_block(kind, shape, codes, key) +
                                 kvr_affine_scale_lines(shape->head_dim) * KVR_LINE_BYTES;
    key %= KVR_AFFINE_BLOCK_KEYS;
    return kind == KVR_AFFINE8G ? kvr_affine8_value(shape, lines, key, channel)
                                : kvr_affine4_value(shape, lines, key, channel);
}

KVR_INLINE uint16_t kvr_group_scale(enum kvr_affine_kind kind, const struct kvr_shape *shape,
                                    const unsigned char *codes, uint32_t key, uint32_t channel)
{
    const unsigned char *scales = kvr_group_block(kind, shape, codes, key) +
                                  channel / KVR_AFFINE_GROUP * KVR_AFFINE_SCALES_BYTES +
                                  key % KVR_AFFINE_BLOCK_KEYS * 2;
    return (uint16_t)(scales[0] | scales[1] << 8);
}

#endif
