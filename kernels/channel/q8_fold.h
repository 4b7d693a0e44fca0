/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What kernels of an 8-bit query make of a group's scales, for each group of 32 keys. A byte of a
 * key's dword holds 8 / bits channels, and one mask takes the same of each of its four bytes: the
 * weights stand in that order, dword f of the 8 / bits of a unit of 32 / bits channels being
 * channels f, f + 8 / bits, f + 2 * 8 / bits, f + 3 * 8 / bits of it.
 */
#ifndef KVR_CHANNEL_Q8_FOLD_H
#define KVR_CHANNEL_Q8_FOLD_H

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
    struct channel_finish finish;
    const unsigned char *lines, *ahead; /* of the codes */
    float *scores;                      /* NULL: there is none */
};

/* x + this has round-to-even(x) in its lowest byte, |x| <= 127. */
#define KVR_ROUND_MAGIC 0x1.8p23f
/* vrangeps: the larger magnitude, without its sign. */
#define KVR_RANGE_LARGEST 11

#endif
