/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The product of one row of 16-bit floats with a query in portable C: four partial sums hide the
 * latency of the additions.
 */
#ifndef KVR_DOT_SCALAR_H
#define KVR_DOT_SCALAR_H

#include "../half.h"
#include "../simd/inject.h"
#include "dense.h"

/* bfloat16 is the upper half of a float. */
KVR_INLINE float kvr_widen(const enum kvr_dense_type type, uint16_t bits)
{
    return type == KVR_DENSE_BF16 ? kvr_float_of_bits((uint32_t)bits << 16) : kvr_widen_half(bits);
}

KVR_INLINE float kvr_dot_scalar(const enum kvr_dense_type type, const unsigned char *key,
                                const float *query, size_t head_dim)
{
    enum { SUMS = 4 };
    float sums[SUMS] = {0};
    KVR_INJECT(KVR_INJECT_TIMES(head_dim, 64));
    for (size_t c = 0; c < head_dim; c += SUMS) {
        uint16_t values[SUMS];
        memcpy(values, key + c * sizeof *values, sizeof values);
        for (int j = 0; j < SUMS; j++)
            sums[j] += kvr_widen(type, values[j]) * query[c + j];
    }
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

#endif
