/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A group's scales times the query, rounded to 8 bits, with AVX2, FMA and F16C.
 */
#ifndef KVR_CHANNEL_Q8_FOLD_AVX2_H
#define KVR_CHANNEL_Q8_FOLD_AVX2_H

#include "../simd/x86_avx2.h"
#include "q8_fold.h"

/* Read where they are used, for want of registers. */
static const struct fold_constants {
    int32_t dwords[8];
    int8_t bytes[2][16]; /* of 4 bits, of fewer */
    int32_t magnitude;
    float magic;
} fold_constants = {
    .dwords = {0, 4, 1, 5, 2, 6, 3, 7},
    .bytes = {{0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15},
              {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15}},
    .magnitude = 0x7fffffff,
    .magic = KVR_ROUND_MAGIC};

KVR_INLINE const struct fold_constants *constants(void)
{
    const struct fold_constants *k = &fold_constants;
    KVR_HIDE(k);
    return k;
}

/* 32 rounded weights, 8 in each w, as the dot products want them (q8_fold.h). */
KVR_INLINE __m256i kvr_order_weights(const __m256i *w, const uint32_t bits)
{
    const struct fold_constants *k = constants();
    const __m256i dwords = _mm256_loadu_si256((const __m256i *)(const void *)k->dwords);
    const __m256i bytes = _mm256_broadcastsi128_si256(
        _mm_loadu_si128((const __m128i *)(const void *)k->bytes[bits != 4]));
    __m256i t = _mm256_packs_epi16(_mm256_packs_epi32(w[0], w[1]), _mm256_packs_epi32(w[2], w[3]));
    if (bits != 1) /* of one bit the halves are what the packs make */
        t = _mm256_permutevar8x32_epi32(t, dwords);
    return _mm256_shuffle_epi8(t, bytes);
}

/* query * scale of each channel. Returns the largest magnitude and the sum of query * zero. */
KVR_INLINE struct channel_finish fold_floats(const unsigned char *group, const float *query,
                                             const uint32_t head_dim, struct folded *folded)
{
    const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(constants()->magnitude));
    __m256 zeros = _mm256_setzero_ps(), most = _mm256_set1_ps(KVR_CHANNEL_LEAST);
    for (uint32_t c = 0; c < head_dim; c += 8) {
        const __m256 q = _mm256_loadu_ps(query + c);
        const __m256 w = _mm256_mul_ps(q, kvr_load_half8(group + 2 * c));
        _mm256_store_ps(folded->query + c, w);
        most = _mm256_max_ps(most, _mm256_and_ps(w, magnitude));
        zeros = _mm256_fmadd_ps(q, kvr_load_half8(group + 2 * (head_dim + c)), zeros);
    }
    return (struct channel_finish){kvr_highest8(most), kvr_sum8(zeros)};
}

/* Rounds what fold_floats() has left; `factor`: 127 / the largest. */
KVR_INLINE void store_weights(struct folded *folded, float factor, const uint32_t bits,
                              const uint32_t head_dim)
{
    const __m256 magic = _mm256_set1_ps(constants()->magic);
    const __m256 inverse = _mm256_set1_ps(factor);
    for (uint32_t c = 0; c < head_dim; c += 32) {
        __m256i w[4];
        KVR_UNROLL
        for (uint32_t n = 0; n < 4; n++) {
            const __m256 x = _mm256_load_ps(folded->query + c + 8 * n);
            w[n] = _mm256_castps_si256(_mm256_fmadd_ps(x, inverse, magic));
            w[n] = _mm256_sub_epi32(w[n], _mm256_castps_si256(magic));
        }
        _mm256_store_si256((__m256i *)(void *)((unsigned char *)folded->dwords + c),
                           kvr_order_weights(w, bits));
    }
}

#endif
