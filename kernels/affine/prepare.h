/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Queries of the dense and affine formats: what the preparing kernels share.
 */
#ifndef KVR_AFFINE_PREPARE_H
#define KVR_AFFINE_PREPARE_H

#include <float.h>
#include <string.h>

#include "../half.h"
#include "../simd/hide.h"
#include "../steps.h"
#include "affine.h"

enum { KVR_MAX_QUERY8 = 127 };

/* 1/sqrt(d), times the tensor's scale. In double, rounded once: two instructions a query. */
KVR_INLINE float kvr_query_factor(const struct kvr_shape *shape, double scale)
{
    return (float)(scale / __builtin_sqrt((double)shape->head_dim));
}

KVR_INLINE double kvr_key_scale(const void *side)
{
    float scale;
    memcpy(&scale, side, sizeof scale);
    return (double)scale;
}

/* The step of an 8-bit query, for its largest magnitude; not subnormal, as the codec's is not. */
KVR_INLINE float kvr_query_step(float largest)
{
    const float step = largest / KVR_MAX_QUERY8;
    return step > FLT_MIN ? step : FLT_MIN;
}

/* What is left of a q8 query when query8, dwords and the sum of query8 are known. A query of zeros
 * has scale 0. */
KVR_INLINE void kvr_finish_q8(const struct kvr_shape *shape, const void *side, float largest,
                              int zero, int sum, struct kvr_prepared_affine_q8 *p)
{
    const double step = largest > 0 ? (double)kvr_query_step(largest) : 0;
    p->offset_sum = zero * sum;
    p->scale = kvr_query_factor(shape, kvr_key_scale(side) * step);
}

/* The step of a group of an 8-bit query, for its largest magnitude: as ggml stores it, a float16;
 * one too large for that stays as it is. */
KVR_INLINE float kvr_group_step(float largest)
{
    const float step = largest / KVR_MAX_QUERY8;
    const uint16_t half = kvr_round_half(step);
    return half < 0x7c00 ? kvr_widen_half(half) : step;
}

/* What a group's channels are multiplied by; 0 where the step is. */
KVR_INLINE float kvr_group_inverse(float largest)
{
    return kvr_group_step(largest) > 0 ? KVR_MAX_QUERY8 / largest : 0;
}

/* What is left of group g when query8, dwords and the sum of query8 are known. */
KVR_INLINE void kvr_finish_group(const struct kvr_shape *shape, uint32_t g, float largest, int zero,
                                 int sum, struct kvr_prepared_group_q8 *p)
{
    p->offset_sums[g] = zero * sum;
    p->steps[g] = kvr_query_factor(shape, (double)kvr_group_step(largest));
}

#endif
