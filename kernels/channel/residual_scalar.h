/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The float16 keys behind the last group, in portable C (walk.inc).
 */
#ifndef KVR_CHANNEL_RESIDUAL_SCALAR_H
#define KVR_CHANNEL_RESIDUAL_SCALAR_H

#include "../half.h"
#include "channel.h"

struct residual {
    float of[KVR_CHANNEL_KEYS];
};

KVR_INLINE void add_channel(struct residual *s, const unsigned char *line, float query)
{
    for (int k = 0; k < KVR_CHANNEL_KEYS; k++) {
        uint16_t half;
        memcpy(&half, line + k * sizeof half, sizeof half);
        s->of[k] += kvr_widen_half(half) * query;
    }
}

KVR_INLINE void store_residual(const struct residual *s, float *scores, uint32_t left)
{
    memcpy(scores, s->of, left * sizeof *scores);
}

#endif
