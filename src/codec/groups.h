/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside src/codec only: the layouts of affine8g and affine4g (kernel.h), and what codecs with a
 * float16 scale for every 32 channels of a key share.
 */
#ifndef KVR_GROUPS_CODEC_H
#define KVR_GROUPS_CODEC_H

#include <string.h>

#include "codecs.h"

enum { KVR_GROUP = 32, KVR_GROUP_BLOCK_KEYS = 16 };

/* NULL if keys of this shape have whole groups, else the reason. `name` is the codec's. */
const char *kvr_refuses_groups(const char *name, const struct kvr_shape *shape);
/* Nothing to learn, every key brings its scales: -EINVAL if a key is not finite or count is 0. */
int kvr_group_train(const struct kvr_shape *shape, const float *keys, size_t count, uint64_t seed,
                    void *side);
/* No side: 0. */
size_t kvr_group_side_bytes(const struct kvr_shape *shape);
/* A segment of padding: scales of 0, codes all `code`. `bits` of a code: 8 or 4. */
void kvr_group_clear(const struct kvr_shape *shape, int bits, uint8_t code, size_t segment_bytes,
                     void *codes);
/* Group scales and codes of (code - zero) * scale back to floats, as kvr_codec.decode. */
void kvr_group_decode(const struct kvr_shape *shape, int bits, int zero, const void *codes,
                      size_t count, float *keys);

/* A block is [d/32][16 keys] float16 scales in whole lines, then lines of codes. */
static inline size_t kvr_group_scales_bytes(const struct kvr_shape *shape)
{
    size_t bytes = shape->head_dim / KVR_GROUP * KVR_GROUP_BLOCK_KEYS * sizeof(uint16_t);
    return (bytes + KVR_LINE_BYTES - 1) / KVR_LINE_BYTES * KVR_LINE_BYTES;
}

static inline size_t kvr_group_block_offset(const struct kvr_shape *shape, int bits, size_t key)
{
    size_t codes_bytes = (size_t)KVR_GROUP_BLOCK_KEYS * shape->head_dim * (size_t)bits / 8;
    return key / KVR_GROUP_BLOCK_KEYS * (kvr_group_scales_bytes(shape) + codes_bytes);
}

static inline size_t kvr_group_scale_index(const struct kvr_shape *shape, int bits, size_t key,
                                           uint32_t channel)
{
    return kvr_group_block_offset(shape, bits, key) +
           (channel / KVR_GROUP * KVR_GROUP_BLOCK_KEYS + key % KVR_GROUP_BLOCK_KEYS) *
               sizeof(uint16_t);
}

/* Byte of a channel. Of 4 bits the odd channel of a byte is its high nibble. */
static inline size_t kvr_group_code_index(const struct kvr_shape *shape, int bits, size_t key,
                                          uint32_t channel)
{
    const uint32_t dword_channels = 32 / (uint32_t)bits;
    return kvr_group_block_offset(shape, bits, key) + kvr_group_scales_bytes(shape) +
           channel / dword_channels * KVR_LINE_BYTES + key % KVR_GROUP_BLOCK_KEYS * 4 +
           channel % dword_channels * (uint32_t)bits / 8;
}

#endif
