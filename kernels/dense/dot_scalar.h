/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The product of one row of float16 with a query in portable C: four partial sums hide the latency
 * of the additions.
 */
#ifndef KVR_DOT_SCALAR_H
#define KVR_DOT_SCALAR_H

#include "../half.h"
#include "../simd/inject.h"

KVR_INLINE float kvr_dot_scalar(const unsigned char *key, const float *query, size_t head_dim)
{
    enum { SUMS = 4 };
    float sums[SUMS] = {0};
    KVR_INJECT(KVR_INJECT_TIMES(head_dim, 64));
    for (size_t c = 0; c < head_dim; c += SUMS) {
        uint16_t halves[SUMS];
        memcpy(halves, key + c * sizeof *halves, sizeof halves);
        for (int j = 0; j < SUMS; j++)
            sums[j] += kvr_widen_half(halves[j]) * query[c + j];
    }
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

#endif
