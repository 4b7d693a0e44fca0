/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A block of 16 keys from codes to rows of float16 in portable C: every code is looked up in a
 * table of what it stands for, of the tensor (256 or 16 entries) or of a key's group.
 */
#ifndef KVR_DEQUANTISE_SCALAR_H
#define KVR_DEQUANTISE_SCALAR_H

#include "../half.h"
#include "affine.h"

struct kvr_dequantiser {
    uint16_t bytes[256], nibbles[16];
};

KVR_INLINE void kvr_nibble_table(float scale, uint16_t *table)
{
    for (int code = 0; code < 16; code++)
        table[code] = kvr_round_half((float)(code - KVR_AFFINE4_ZERO) * scale);
}

KVR_INLINE struct kvr_dequantiser kvr_dequantiser(const enum kvr_affine_kind kind, float scale)
{
    struct kvr_dequantiser q = {0}; /* one of the two tables is not made */
    for (int code = 0; code < 256 && kind == KVR_AFFINE8; code++)
        q.bytes[code] = kvr_round_half((float)(code - KVR_AFFINE8_ZERO) * scale);
    if (kind == KVR_AFFINE4)
        kvr_nibble_table(scale, q.nibbles);
    return q;
}

/* 32 channels of affine8 (16 with only16) of 16 keys; rows lie d values apart. There are no
 * portable stores past the caches. */
KVR_INLINE void kvr_dequantise8(const struct kvr_dequantiser *q, const unsigned char *codes,
                                uint16_t *keys, size_t row, const int only16,
                                const int non_temporal)
{
    (void)non_temporal;
    for (int line = 0; line < (only16 ? 4 : 8); line++) {
        for (int k = 0; k < KVR_AFFINE_BLOCK_KEYS; k++, codes += KVR_AFFINE8_LINE_CHANNELS) {
            uint16_t *out = keys + (size_t)k * row + line * KVR_AFFINE8_LINE_CHANNELS;
            for (int j = 0; j < KVR_AFFINE8_LINE_CHANNELS; j++)
                out[j] = q->bytes[codes[j]];
        }
    }
}

/* 32 channels of 4 bits (16 with only16) of 16 keys; scales: 16 floats, or NULL for the table. */
KVR_INLINE void kvr_dequantise4(const struct kvr_dequantiser *q, const unsigned char *codes,
                                const float *scales, uint16_t *keys, size_t row, const int only16,
                                const int non_temporal)
{
    (void)non_temporal;
    for (int k = 0; k < KVR_AFFINE_BLOCK_KEYS; k++) {
        const uint16_t *table = q->nibbles;
        uint16_t of_group[16];
        if (scales) {
            kvr_nibble_table(scales[k], of_group);
            table = of_group;
        }
        for (int line = 0; line < (only16 ? 2 : 4); line++) {
            const unsigned char *from = codes + line * KVR_LINE_BYTES + k * 4;
            uint16_t *out = keys + (size_t)k * row + line * KVR_AFFINE4_LINE_CHANNELS;
            for (int j = 0; j < KVR_AFFINE4_LINE_CHANNELS / 2; j++) {
                out[2 * j] = table[from[j] & 15];
                out[2 * j + 1] = table[from[j] >> 4];
            }
        }
    }
}

/* 16 scales of a group to floats. */
KVR_INLINE void kvr_load_scales(const unsigned char *block, uint32_t group, float *scales)
{
    for (int k = 0; k < KVR_AFFINE_BLOCK_KEYS; k++) {
        uint16_t half;
        memcpy(&half, block + group * KVR_AFFINE_SCALES_BYTES + k * sizeof half, sizeof half);
        scales[k] = kvr_widen_half(half);
    }
}

#endif
