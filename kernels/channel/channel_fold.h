/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For the references of the formats with scales per channel: what a code of each channel of a group
 * of 32 keys is multiplied with.
 */
#ifndef KVR_CHANNEL_FOLD_H
#define KVR_CHANNEL_FOLD_H

#include <math.h>

#include "../half_value.h"
#include "channel.h"

KVR_INLINE double kvr_channel_half(const unsigned char *bytes)
{
    return kvr_half_value((uint16_t)(bytes[0] | bytes[1] << 8));
}

/* query * scale. */
KVR_INLINE void kvr_fold_float(const float *query, const unsigned char *group, uint32_t head_dim,
                               double *factors)
{
    for (uint32_t c = 0; c < head_dim; c++)
        factors[c] = (double)query[c] * kvr_channel_half(group + (size_t)2 * c);
}

/* The same in 8 bits, with the kernels' own operations: what they round to must be equal. */
KVR_INLINE void kvr_fold_q8(const float *query, const unsigned char *group, uint32_t head_dim,
                            double *factors)
{
    float weights[KVR_MAX_HEAD_DIM], largest = KVR_CHANNEL_LEAST;
    for (uint32_t c = 0; c < head_dim; c++) {
        weights[c] = query[c] * (float)kvr_channel_half(group + (size_t)2 * c);
        largest = fmaxf(largest, fabsf(weights[c]));
    }
    const float inverse = 127.0f / largest, step = largest * (1.0f / 127);
    for (uint32_t c = 0; c < head_dim; c++) /* the product is exact: rounded once */
        factors[c] = (double)step * rint((double)weights[c] * inverse);
}

#endif
