/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Online softmax with AVX2 and FMA. Limit: 15 arithmetic instructions for 8 scores' weights, of
 * which the floating-point ones have two ports.
 */
#include <math.h>

#include "../simd/hide.h"
#include "../simd/unroll.h"
#include "../simd/x86_avx2.h"
#include "softmax.h"

enum { LANES = 8, CHAINS = 4 };

/* 16 registers hold four sums and six constants beside the data. These ones are operands in memory,
 * which cost no instruction. */
#define IN_LANES(x) {x, x, x, x, x, x, x, x}
static const float in_memory[][LANES] __attribute__((aligned(32))) = {
    IN_LANES(KVR_EXP_LOWEST), IN_LANES(KVR_EXP_C2), IN_LANES(KVR_EXP_C3), IN_LANES(KVR_EXP_C4),
    IN_LANES(KVR_EXP_C5)};
enum { LOWEST, C2, C3, C4, C5 };

/* 0 where exp(x) is no normal float: whatever was computed there is masked. */
KVR_INLINE __m256 exp8(__m256 x)
{
    const float (*k)[LANES] = in_memory;
    KVR_HIDE(k); /* or all of them are kept in registers, and then on the stack */
    const __m256 one = _mm256_set1_ps(1), shift = _mm256_set1_ps(KVR_EXP_SHIFT);
    __m256 shifted = _mm256_fmadd_ps(x, _mm256_set1_ps(KVR_EXP_LOG2E), shift);
    __m256 n = _mm256_sub_ps(shifted, shift);
    __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(KVR_EXP_LN2_HIGH), x);
    r = _mm256_fnmadd_ps(n, _mm256_set1_ps(KVR_EXP_LN2_LOW), r);
    __m256 p = _mm256_fmadd_ps(_mm256_load_ps(k[C5]), r, _mm256_load_ps(k[C4]));
    p = _mm256_fmadd_ps(p, r, _mm256_load_ps(k[C3]));
    p = _mm256_fmadd_ps(p, r, _mm256_load_ps(k[C2]));
    p = _mm256_fmadd_ps(p, r, one);
    p = _mm256_fmadd_ps(p, r, one);
    /* n is in the low bits of `shifted` */
    __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
    __m256 value = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), exponent));
    return _mm256_and_ps(value, _mm256_cmp_ps(x, _mm256_load_ps(k[LOWEST]), _CMP_GE_OQ));
}

KVR_INLINE float maximum_of(const float *scores, uint32_t count)
{
    const __m256 lowest = _mm256_set1_ps(-INFINITY);
    __m256 highest[CHAINS] = {lowest, lowest, lowest, lowest};
    uint32_t t = 0;
    for (; t + CHAINS * LANES <= count; t += CHAINS * LANES) {
        KVR_UNROLL
        for (int j = 0; j < CHAINS; j++)
            highest[j] = _mm256_max_ps(highest[j], _mm256_loadu_ps(scores + t + j * LANES));
    }
    for (; t + LANES <= count; t += LANES)
        highest[0] = _mm256_max_ps(highest[0], _mm256_loadu_ps(scores + t));
    if (t < count) {
        __m256i mask = kvr_tail_mask8(count - t);
        __m256 last = _mm256_maskload_ps(scores + t, mask);
        last = _mm256_blendv_ps(lowest, last, _mm256_castsi256_ps(mask));
        highest[1] = _mm256_max_ps(highest[1], last);
    }
    return kvr_highest8(_mm256_max_ps(_mm256_max_ps(highest[0], highest[1]),
                                      _mm256_max_ps(highest[2], highest[3])));
}

KVR_INLINE float weigh(float *scores, uint32_t count, float maximum)
{
    const __m256 top = _mm256_set1_ps(maximum);
    __m256 sums[CHAINS];
    uint32_t t = 0;
    KVR_UNROLL
    for (int j = 0; j < CHAINS; j++)
        sums[j] = _mm256_setzero_ps();
    for (; t + CHAINS * LANES <= count; t += CHAINS * LANES) {
        KVR_UNROLL
        for (int j = 0; j < CHAINS; j++) {
            float *p = scores + t + j * LANES;
            __m256 weights = exp8(_mm256_sub_ps(_mm256_loadu_ps(p), top));
            _mm256_storeu_ps(p, weights);
            sums[j] = _mm256_add_ps(sums[j], weights);
        }
    }
    for (; t + LANES <= count; t += LANES) {
        __m256 weights = exp8(_mm256_sub_ps(_mm256_loadu_ps(scores + t), top));
        _mm256_storeu_ps(scores + t, weights);
        sums[0] = _mm256_add_ps(sums[0], weights);
    }
    if (t < count) {
        __m256i mask = kvr_tail_mask8(count - t);
        __m256 weights = exp8(_mm256_sub_ps(_mm256_maskload_ps(scores + t, mask), top));
        _mm256_maskstore_ps(scores + t, mask, weights);
        sums[1] = _mm256_add_ps(sums[1], _mm256_and_ps(weights, _mm256_castsi256_ps(mask)));
    }
    return kvr_sum8(_mm256_add_ps(_mm256_add_ps(sums[0], sums[1]),
                                  _mm256_add_ps(sums[2], sums[3])));
}

static void softmax(float *scores, uint32_t count, struct kvr_softmax *state)
{
    if (count == 0) {
        kvr_softmax_skip(state);
        return;
    }
    float lower = kvr_softmax_raise(state, maximum_of(scores, count));
    float rescale = _mm256_cvtss_f32(exp8(_mm256_set1_ps(lower)));
    kvr_softmax_add(state, rescale, weigh(scores, count, state->maximum));
}

const struct kvr_softmax_step kvr_softmax_avx2 = {
    .isa_name = "avx2",
    .isa = KVR_ISA_AVX2 | KVR_ISA_FMA,
    .softmax = softmax,
};
