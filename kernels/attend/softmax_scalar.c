/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Online softmax in portable C, eight scores at a time, which compilers turn into the baseline's
 * vectors.
 */
#include <math.h>

#include "../half.h"
#include "softmax.h"

enum { GROUP = 8 };

/* 0 where exp(x) is no normal float: whatever was computed there is not taken. */
KVR_INLINE float exp_one(float x)
{
    float shifted = x * KVR_EXP_LOG2E + KVR_EXP_SHIFT;
    float n = shifted - KVR_EXP_SHIFT;
    float r = (x - n * KVR_EXP_LN2_HIGH) - n * KVR_EXP_LN2_LOW;
    float p = KVR_EXP_C5 * r + KVR_EXP_C4;
    uint32_t exponent, bits;
    p = p * r + KVR_EXP_C3;
    p = p * r + KVR_EXP_C2;
    p = p * r + 1;
    p = p * r + 1;
    memcpy(&exponent, &shifted, sizeof exponent); /* n is in its low bits */
    memcpy(&bits, &p, sizeof bits);
    float value = kvr_float_of_bits(bits + (exponent << 23));
    return x >= KVR_EXP_LOWEST ? value : 0;
}

KVR_INLINE float maximum_of(const float *scores, uint32_t count)
{
    float highest[GROUP];
    uint32_t t = 0;
    for (int j = 0; j < GROUP; j++)
        highest[j] = -INFINITY;
    for (; t + GROUP <= count; t += GROUP) {
        for (int j = 0; j < GROUP; j++)
            highest[j] = scores[t + j] > highest[j] ? scores[t + j] : highest[j];
    }
    for (; t < count; t++)
        highest[0] = scores[t] > highest[0] ? scores[t] : highest[0];
    for (int j = 1; j < GROUP; j++)
        highest[0] = highest[j] > highest[0] ? highest[j] : highest[0];
    return highest[0];
}

KVR_INLINE float weigh(float *scores, uint32_t count, float maximum)
{
    float sums[GROUP] = {0};
    uint32_t t = 0;
    for (; t + GROUP <= count; t += GROUP) {
        float weights[GROUP];
        for (int j = 0; j < GROUP; j++)
            weights[j] = exp_one(scores[t + j] - maximum);
        for (int j = 0; j < GROUP; j++) {
            scores[t + j] = weights[j];
            sums[j] += weights[j];
        }
    }
    for (; t < count; t++) {
        scores[t] = exp_one(scores[t] - maximum);
        sums[0] += scores[t];
    }
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) +
           ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

static void softmax(float *scores, uint32_t count, struct kvr_softmax *state)
{
    if (count == 0) {
        kvr_softmax_skip(state);
        return;
    }
    float rescale = exp_one(kvr_softmax_raise(state, maximum_of(scores, count)));
    kvr_softmax_add(state, rescale, weigh(scores, count, state->maximum));
}

const struct kvr_softmax_step kvr_softmax_scalar = {
    .isa_name = "scalar",
    .softmax = softmax,
};
