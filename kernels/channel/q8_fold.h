/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What kernels of an 8-bit query make of a group's scales, for each group of 32 keys. A byte of a
 * key's dword holds 8 / bits channels, and one mask takes the same of each of its four bytes: the
 * weights stand in that order, dword f of the 8 / bits of a unit of 32 / bits channels being
 * channels f, f + 8 / bits, f + 2 * 8 / bits, f + 3 * 8 / bits of it.
 */
#ifndef KVR_CHANNEL_Q8_FOLD_H
#define KVR_CHANNEL_Q8_FOLD_H

#include "../simd/hide.h"
#include "channel.h"

/* A score is sum * step + zeros. */
struct channel_finish {
    float step, zeros;
};

/* The group whose codes are still to be scored: while they are, the scales of the next one are
 * folded, or its products would wait for them. */
struct folded {
    float query[KVR_MAX_HEAD_DIM]; /* query * scale */
    int32_t dwords[KVR_MAX_HEAD_DIM / 4];
    struct channel_finish finish, next;
    const unsigned char *lines, *ahead; /* of the codes */
    float *scores;                      /* NULL: there is none */
};

/* x + this has round-to-even(x) in its lowest byte, |x| <= 127. */
#define KVR_ROUND_MAGIC 0x1.8p23f
/* vrangeps: the larger magnitude, without its sign. */
#define KVR_RANGE_LARGEST 11

/* One code of each byte of a dword, by bits / 2 and its place. */
static const int32_t channel_masks[3][8] = {
    {0x01010101, 0x02020202, 0x04040404, 0x08080808, 0x10101010, 0x20202020, 0x40404040,
     (int32_t)0x80808080},
    {0x03030303, 0x0c0c0c0c, 0x30303030, (int32_t)0xc0c0c0c0},
    {0x0f0f0f0f, (int32_t)0xf0f0f0f0}};

/* Constants are read where they are used: of those that gcc keeps in registers some spill. */
KVR_INLINE const int32_t *channel_mask(const uint32_t bits, const uint32_t place)
{
    const int32_t *mask = &channel_masks[bits / 2][place];
    KVR_HIDE(mask);
    return mask;
}

/* 127 and 1 / 127. */
static const float channel_steps[2] = {127, 1.0f / 127};

KVR_INLINE const float *channel_step(void)
{
    const float *step = channel_steps;
    KVR_HIDE(step);
    return step;
}

#endif
