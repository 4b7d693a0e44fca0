/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Queries of the dense and affine formats with AVX2, 8 channels at a time (every d is a multiple).
 */
#include "../simd/x86_avx2.h"
#include "prepare.h"

enum { LANES = 8 };

KVR_INLINE double scale_query(const float *query, float factor, uint32_t d, float *scaled)
{
    const __m256 times = _mm256_set1_ps(factor);
    __m256d low = _mm256_setzero_pd(), high = low;
    uint32_t c = 0;
    for (; c < d; c += LANES) {
        __m256 x = _mm256_mul_ps(_mm256_loadu_ps(query + c), times);
        _mm256_storeu_ps(scaled + c, x);
        low = _mm256_add_pd(low, _mm256_cvtps_pd(_mm256_castps256_ps128(x)));
        high = _mm256_add_pd(high, _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1)));
    }
    for (; c < KVR_MAX_HEAD_DIM; c += LANES)
        _mm256_storeu_ps(scaled + c, _mm256_setzero_ps());
    low = _mm256_add_pd(low, high);
    __m128d sum = _mm_add_pd(_mm256_castpd256_pd128(low), _mm256_extractf128_pd(low, 1));
    return _mm_cvtsd_f64(_mm_add_sd(sum, _mm_unpackhi_pd(sum, sum)));
}

KVR_INLINE float largest_of(const float *query, uint32_t d)
{
    const __m256 sign = _mm256_set1_ps(-0.0f);
    __m256 largest = _mm256_setzero_ps();
    for (uint32_t c = 0; c < d; c += LANES)
        largest = _mm256_max_ps(largest, _mm256_andnot_ps(sign, _mm256_loadu_ps(query + c)));
    return kvr_highest8(largest);
}

KVR_INLINE int sum_of(__m256i x)
{
    __m128i y = _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    y = _mm_add_epi32(y, _mm_shuffle_epi32(y, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(y, _mm_shuffle_epi32(y, 0xb1)));
}

/* As bytes: in order, and as dwords. */
KVR_INLINE void store_codes(unsigned char *bytes, unsigned char *dwords, __m256i codes,
                            const int nibbles)
{
    /* of 8 channels the even ones, then the odd ones */
    const __m128i order = _mm_setr_epi8(0, 2, 4, 6, 1, 3, 5, 7, -1, -1, -1, -1, -1, -1, -1, -1);
    __m128i packed = _mm_packs_epi32(_mm256_castsi256_si128(codes),
                                     _mm256_extracti128_si256(codes, 1));
    packed = _mm_packs_epi16(packed, packed);
    _mm_storel_epi64((__m128i *)(void *)bytes, packed);
    if (nibbles)
        packed = _mm_shuffle_epi8(packed, order);
    _mm_storel_epi64((__m128i *)(void *)dwords, packed);
}

/* A division for each channel, or codes would differ from the codec's at ties. |quotient| is at
 * most 127 (1 + 2^-23), which rounds to 127. */
KVR_INLINE void prepare_q8(const struct kvr_shape *shape, const void *side, const float *query,
                           struct kvr_prepared_affine_q8 *p, const int nibbles)
{
    const uint32_t d = shape->head_dim;
    const float largest = largest_of(query, d);
    const __m256 step = _mm256_set1_ps(kvr_query_step(largest));
    unsigned char *dwords = (unsigned char *)p->dwords, *bytes = (unsigned char *)p->query8;
    __m256i sum = _mm256_setzero_si256();
    uint32_t c = 0;
    for (; c < d; c += LANES) {
        __m256i codes = _mm256_cvtps_epi32(_mm256_div_ps(_mm256_loadu_ps(query + c), step));
        sum = _mm256_add_epi32(sum, codes);
        store_codes(bytes + c, dwords + c, codes, nibbles);
    }
    for (; c < KVR_MAX_HEAD_DIM; c += LANES) {
        _mm_storel_epi64((__m128i *)(void *)(bytes + c), _mm_setzero_si128());
        _mm_storel_epi64((__m128i *)(void *)(dwords + c), _mm_setzero_si128());
    }
    kvr_finish_q8(shape, side, largest, nibbles ? KVR_AFFINE4_ZERO : KVR_AFFINE8_ZERO,
                  sum_of(sum), p);
}

KVR_INLINE int store_group(const float *query, float inverse, unsigned char *bytes,
                           unsigned char *dwords, const int nibbles)
{
    __m256i sum = _mm256_setzero_si256();
    for (uint32_t c = 0; c < KVR_AFFINE_GROUP; c += LANES) {
        __m256 steps = _mm256_mul_ps(_mm256_loadu_ps(query + c), _mm256_set1_ps(inverse));
        __m256i codes = _mm256_cvtps_epi32(steps);
        sum = _mm256_add_epi32(sum, codes);
        store_codes(bytes + c, dwords + c, codes, nibbles);
    }
    return sum_of(sum);
}

KVR_INLINE void fold(const float *query, const unsigned char *factors, uint32_t d, float *folded,
                     const int half)
{
    for (uint32_t c = 0; c < d; c += LANES) {
        __m256 x = half ? kvr_load_half8(factors + c * sizeof(uint16_t))
                        : _mm256_loadu_ps((const float *)(const void *)factors + c);
        _mm256_storeu_ps(folded + c, _mm256_mul_ps(_mm256_loadu_ps(query + c), x));
    }
}

#define ISA_NAME "avx2"
#define ISA_BITS KVR_ISA_AVX2
#define STEP(name) kvr_prepare_##name##_none_avx2
#define FACTORS(codebook) kvr_prepare_factors_affine4g_##codebook##_avx2
#define FACTORS_BITS KVR_ISA_F16C
#include "prepare_steps.inc"
