/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sizes of the layouts with scales per channel (kernel.h), for their formats and kernels. A group
 * is 32 keys: scales and zeros of its channels, then lines of codes, a dword of one key each. The
 * keys after the last whole R of them are float16, blocks of 32 with a line per channel.
 */
#ifndef KVR_CHANNEL_H
#define KVR_CHANNEL_H

#include "../ahead.h"
#include "../formats.h"

enum { KVR_CHANNEL_KEYS = 32, KVR_CHANNEL_LINE_KEYS = 16, KVR_CHANNEL_DWORD_BITS = 32 };

/* Of an 8-bit query: the largest factor of a group is taken to be no smaller. */
#define KVR_CHANNEL_LEAST 0x1p-100f

/* Scales, then zeros: two float16 a channel. */
KVR_INLINE size_t kvr_channel_head_bytes(uint32_t head_dim)
{
    return (size_t)head_dim * 2 * sizeof(uint16_t);
}

KVR_INLINE size_t kvr_channel_group_bytes(uint32_t bits, uint32_t head_dim)
{
    return kvr_channel_head_bytes(head_dim) + (size_t)head_dim * bits * KVR_CHANNEL_KEYS / 8;
}

/* Of 32 keys in the residual. */
KVR_INLINE size_t kvr_channel_residual_bytes(uint32_t head_dim)
{
    return (size_t)head_dim * KVR_LINE_BYTES;
}

/* Of a segment of `tokens` keys those in the residual; R: shape->residual. */
KVR_INLINE uint32_t kvr_channel_residual_keys(uint32_t residual, uint32_t tokens)
{
    return residual ? tokens % residual : tokens % KVR_CHANNEL_KEYS;
}

/* Groups of `tokens` keys, and the residual if there is one. */
KVR_INLINE size_t kvr_channel_bytes(uint32_t bits, uint32_t head_dim, uint32_t residual,
                                    uint32_t tokens)
{
    const uint32_t left = kvr_channel_residual_keys(residual, tokens);
    return (tokens - left) / KVR_CHANNEL_KEYS * kvr_channel_group_bytes(bits, head_dim) +
           (left + KVR_CHANNEL_KEYS - 1) / KVR_CHANNEL_KEYS * kvr_channel_residual_bytes(head_dim);
}

/* Where the dword with a channel of a key is in a group. */
KVR_INLINE size_t kvr_channel_dword(uint32_t bits, uint32_t head_dim, uint32_t key,
                                    uint32_t channel)
{
    const uint32_t unit = channel / (KVR_CHANNEL_DWORD_BITS / bits);
    return kvr_channel_head_bytes(head_dim) +
           ((size_t)unit * KVR_CHANNEL_KEYS + key % KVR_CHANNEL_KEYS) * sizeof(uint32_t);
}

#endif
