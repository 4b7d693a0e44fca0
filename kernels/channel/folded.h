/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For walk.inc: kernels that score a group as soon as they have folded its scales into the query.
 */
#ifndef KVR_CHANNEL_FOLDED_H
#define KVR_CHANNEL_FOLDED_H

#include "channel.h"

struct folded {
    float query[KVR_MAX_HEAD_DIM];
};

KVR_INLINE void begin_groups(struct folded *folded)
{
    (void)folded;
}

KVR_INLINE void end_groups(struct folded *folded, const uint32_t bits, const uint32_t head_dim,
                           const int prefetch)
{
    (void)folded, (void)bits, (void)head_dim, (void)prefetch;
}

#endif
