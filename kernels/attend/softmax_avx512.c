/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Online softmax with AVX-512. Limit: 13 arithmetic instructions for 16 scores' weights and one for
 * their maximum, on two ports: 7 cycles.
 */
#include <math.h>

#include "../simd/unroll.h"
#include "../simd/x86_avx512.h"
#include "softmax.h"

enum { LANES = 16, CHAINS = 4 };

/* 0 in lanes outside the mask and where exp(x) is no normal float. */
KVR_INLINE __m512 exp16(__mmask16 mask, __m512 x)
{
    const __m512 one = _mm512_set1_ps(1), shift = _mm512_set1_ps(KVR_EXP_SHIFT);
    __m512 n = _mm512_sub_ps(_mm512_fmadd_ps(x, _mm512_set1_ps(KVR_EXP_LOG2E), shift), shift);
    __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(KVR_EXP_LN2_HIGH), x);
    r = _mm512_fnmadd_ps(n, _mm512_set1_ps(KVR_EXP_LN2_LOW), r);
    __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(KVR_EXP_C5), r, _mm512_set1_ps(KVR_EXP_C4));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(KVR_EXP_C3));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(KVR_EXP_C2));
    p = _mm512_fmadd_ps(p, r, one);
    p = _mm512_fmadd_ps(p, r, one);
    mask = _mm512_mask_cmp_ps_mask(mask, x, _mm512_set1_ps(KVR_EXP_LOWEST), _CMP_GE_OQ);
    return _mm512_maskz_scalef_ps(mask, p, n);
}

KVR_INLINE __mmask16 tail_mask(uint32_t left)
{
    return (__mmask16)((1u << left) - 1);
}

KVR_INLINE float maximum_of(const float *scores, uint32_t count)
{
    const __m512 lowest = _mm512_set1_ps(-INFINITY);
    __m512 highest[CHAINS] = {lowest, lowest, lowest, lowest};
    uint32_t t = 0;
    for (; t + CHAINS * LANES <= count; t += CHAINS * LANES) {
        KVR_UNROLL
        for (int j = 0; j < CHAINS; j++)
            highest[j] = _mm512_max_ps(highest[j], _mm512_loadu_ps(scores + t + j * LANES));
    }
    for (; t + LANES <= count; t += LANES)
        highest[0] = _mm512_max_ps(highest[0], _mm512_loadu_ps(scores + t));
    if (t < count)
        highest[1] = _mm512_max_ps(
            highest[1], _mm512_mask_loadu_ps(lowest, tail_mask(count - t), scores + t));
    return _mm512_reduce_max_ps(_mm512_max_ps(_mm512_max_ps(highest[0], highest[1]),
                                              _mm512_max_ps(highest[2], highest[3])));
}

KVR_INLINE float weigh(float *scores, uint32_t count, float maximum)
{
    const __m512 top = _mm512_set1_ps(maximum);
    __m512 sums[CHAINS];
    uint32_t t = 0;
    KVR_UNROLL
    for (int j = 0; j < CHAINS; j++)
        sums[j] = _mm512_setzero_ps();
    for (; t + CHAINS * LANES <= count; t += CHAINS * LANES) {
        KVR_UNROLL
        for (int j = 0; j < CHAINS; j++) {
            float *p = scores + t + j * LANES;
            __m512 weights = exp16(0xffff, _mm512_sub_ps(_mm512_loadu_ps(p), top));
            _mm512_storeu_ps(p, weights);
            sums[j] = _mm512_add_ps(sums[j], weights);
        }
    }
    while (t < count) {
        const uint32_t left = count - t;
        const __mmask16 mask = left < LANES ? tail_mask(left) : (__mmask16)0xffff;
        __m512 x = _mm512_sub_ps(_mm512_maskz_loadu_ps(mask, scores + t), top);
        __m512 weights = exp16(mask, x);
        _mm512_mask_storeu_ps(scores + t, mask, weights);
        sums[0] = _mm512_add_ps(sums[0], weights);
        t += left < LANES ? left : LANES;
    }
    return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(sums[0], sums[1]),
                                              _mm512_add_ps(sums[2], sums[3])));
}

static void softmax(float *scores, uint32_t count, struct kvr_softmax *state)
{
    if (count == 0) {
        kvr_softmax_skip(state);
        return;
    }
    float lower = kvr_softmax_raise(state, maximum_of(scores, count));
    float rescale = _mm512_cvtss_f32(exp16(1, _mm512_set1_ps(lower)));
    kvr_softmax_add(state, rescale, weigh(scores, count, state->maximum));
}

const struct kvr_softmax_step kvr_softmax_avx512 = {
    .isa_name = "avx512",
    .isa = KVR_ISA_AVX512 | KVR_ISA_FMA,
    .softmax = softmax,
};
