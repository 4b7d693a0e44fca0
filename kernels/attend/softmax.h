/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The online softmax' state, for the kernels: what does not depend on the ISA. Two passes over a
 * tile, which is in L1 or L2: one for the maximum, one for the weights and their sum.
 */
#ifndef KVR_SOFTMAX_H
#define KVR_SOFTMAX_H

#include "../ahead.h"
#include "../steps.h"
#include "exp.h"

/* A tile without scores: nothing changes, and before the first score there is nothing to keep. */
KVR_INLINE void kvr_softmax_skip(struct kvr_softmax *state)
{
    state->rescale = state->sum > 0 ? 1 : 0;
}

/* The maximum so far joins the tile's; returns old - new for rescale = exp of it (the first tile's
 * is -infinity, which gives 0). */
KVR_INLINE float kvr_softmax_raise(struct kvr_softmax *state, float tile_maximum)
{
    const float old = state->maximum;
    state->maximum = tile_maximum > old ? tile_maximum : old;
    return old - state->maximum;
}

KVR_INLINE void kvr_softmax_add(struct kvr_softmax *state, float rescale, float tile_sum)
{
    state->rescale = rescale;
    state->sum = state->sum * rescale + tile_sum;
}

#endif
