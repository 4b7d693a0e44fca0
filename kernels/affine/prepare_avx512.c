/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Queries of the dense and affine formats with AVX-512, 16 channels at a time; what a masked load
 * leaves out is 0, and the rest of the array is written so.
 */
#include "../simd/x86_avx512.h"
#include "prepare.h"

enum { LANES = 16 };

KVR_INLINE __mmask16 mask_of(uint32_t left)
{
    return (__mmask16)(left < LANES ? (1u << left) - 1 : 0xffff);
}

KVR_INLINE double scale_query(const float *query, float factor, uint32_t d, float *scaled)
{
    const __m512 times = _mm512_set1_ps(factor);
    __m512d low = _mm512_setzero_pd(), high = low;
    uint32_t c = 0;
    for (; c < d; c += LANES) {
        __m512 x = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask_of(d - c), query + c), times);
        _mm512_storeu_ps(scaled + c, x);
        low = _mm512_add_pd(low, _mm512_cvtps_pd(_mm512_castps512_ps256(x)));
        high = _mm512_add_pd(high, _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1)));
    }
    for (; c < KVR_MAX_HEAD_DIM; c += LANES)
        _mm512_storeu_ps(scaled + c, _mm512_setzero_ps());
    return _mm512_reduce_add_pd(_mm512_add_pd(low, high));
}

KVR_INLINE float largest_of(const float *query, uint32_t d)
{
    __m512 largest = _mm512_setzero_ps();
    for (uint32_t c = 0; c < d; c += LANES) {
        __m512 x = _mm512_maskz_loadu_ps(mask_of(d - c), query + c);
        largest = _mm512_max_ps(largest, _mm512_abs_ps(x));
    }
    return _mm512_reduce_max_ps(largest);
}

/* As bytes: in order, and as dwords. */
KVR_INLINE void store_codes(unsigned char *bytes, unsigned char *dwords, __m512i codes,
                            const int nibbles)
{
    /* of 8 channels the even ones, then the odd ones */
    const __m128i order = _mm_setr_epi8(0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15);
    __m128i packed = _mm512_cvtsepi32_epi8(codes);
    _mm_storeu_si128((__m128i *)(void *)bytes, packed);
    if (nibbles)
        packed = _mm_shuffle_epi8(packed, order);
    _mm_storeu_si128((__m128i *)(void *)dwords, packed);
}

/* A division for each channel, or codes would differ from the codec's at ties. |quotient| is at
 * most 127 (1 + 2^-23), which rounds to 127. */
KVR_INLINE void prepare_q8(const struct kvr_shape *shape, const void *side, const float *query,
                           struct kvr_prepared_affine_q8 *p, const int nibbles)
{
    const uint32_t d = shape->head_dim;
    const float largest = largest_of(query, d);
    const __m512 step = _mm512_set1_ps(kvr_query_step(largest));
    unsigned char *dwords = (unsigned char *)p->dwords, *bytes = (unsigned char *)p->query8;
    __m512i sum = _mm512_setzero_si512();
    uint32_t c = 0;
    for (; c < d; c += LANES) {
        __m512 x = _mm512_maskz_loadu_ps(mask_of(d - c), query + c);
        __m512i codes = _mm512_cvtps_epi32(_mm512_div_ps(x, step));
        sum = _mm512_add_epi32(sum, codes);
        store_codes(bytes + c, dwords + c, codes, nibbles);
    }
    for (; c < KVR_MAX_HEAD_DIM; c += LANES) {
        _mm_storeu_si128((__m128i *)(void *)(bytes + c), _mm_setzero_si128());
        _mm_storeu_si128((__m128i *)(void *)(dwords + c), _mm_setzero_si128());
    }
    kvr_finish_q8(shape, side, largest, nibbles ? KVR_AFFINE4_ZERO : KVR_AFFINE8_ZERO,
                  _mm512_reduce_add_epi32(sum), p);
}

KVR_INLINE int store_group(const float *query, float inverse, unsigned char *bytes,
                           unsigned char *dwords, const int nibbles)
{
    __m512i sum = _mm512_setzero_si512();
    for (uint32_t c = 0; c < KVR_AFFINE_GROUP; c += LANES) {
        __m512 steps = _mm512_mul_ps(_mm512_loadu_ps(query + c), _mm512_set1_ps(inverse));
        __m512i codes = _mm512_cvtps_epi32(steps);
        sum = _mm512_add_epi32(sum, codes);
        store_codes(bytes + c, dwords + c, codes, nibbles);
    }
    return _mm512_reduce_add_epi32(sum);
}

KVR_INLINE void fold(const float *query, const unsigned char *factors, uint32_t d, float *folded,
                     const int half)
{
    for (uint32_t c = 0; c < d; c += LANES) {
        __m512 x = half ? kvr_load_half16(factors + c * sizeof(uint16_t))
                        : _mm512_loadu_ps(factors + c * sizeof(float));
        _mm512_storeu_ps(folded + c, _mm512_mul_ps(_mm512_loadu_ps(query + c), x));
    }
}

#define ISA_NAME "avx512"
#define ISA_BITS KVR_ISA_AVX512
#define STEP(name) kvr_prepare_##name##_none_avx512
#define FACTORS(codebook) kvr_prepare_factors_affine4g_##codebook##_avx512
#define FACTORS_BITS 0
#include "prepare_steps.inc"
