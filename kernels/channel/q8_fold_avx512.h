/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A group's scales times the query, rounded to 8 bits, with AVX-512.
 */
#ifndef KVR_CHANNEL_Q8_FOLD_AVX512_H
#define KVR_CHANNEL_Q8_FOLD_AVX512_H

#include "../simd/x86_avx512.h"
#include "q8_fold.h"

/* Read where they are used, for want of registers. */
static const struct fold_constants {
    int32_t dwords[2][16]; /* of one bit, of more */
    int8_t bytes[2][16];   /* of 4 bits, of fewer */
    int32_t low;
    float magic;
} fold_constants = {
    .dwords = {{0, 8, 1, 9, 4, 12, 5, 13, 2, 10, 3, 11, 6, 14, 7, 15},
               {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15}},
    .bytes = {{0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15},
              {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15}},
    .low = 0x0c080400,
    .magic = KVR_ROUND_MAGIC};

KVR_INLINE const struct fold_constants *constants(void)
{
    const struct fold_constants *k = &fold_constants;
    KVR_HIDE(k);
    return k;
}

/* 64 rounded weights, 16 in the low bytes of each w, as the dot products want them (q8_fold.h).
 * The low bytes of w[n]'s 128-bit lane l become dword n of lane l, then the dwords those of
 * neighbouring channels, whose bytes a last shuffle brings in order. */
KVR_INLINE __m512i kvr_order_weights(const __m512i *w, const uint32_t bits)
{
    const struct fold_constants *k = constants();
    const __m512i low = _mm512_set1_epi32(k->low);
    const __m512i dwords = _mm512_loadu_si512(k->dwords[bits != 1]);
    const __m512i bytes = _mm512_broadcast_i32x4(
        _mm_loadu_si128((const __m128i *)(const void *)k->bytes[bits != 4]));
    __m512i t = _mm512_shuffle_epi8(w[0], low);
    t = _mm512_mask_shuffle_epi8(t, 0x00f000f000f000f0, w[1], low);
    t = _mm512_mask_shuffle_epi8(t, 0x0f000f000f000f00, w[2], low);
    t = _mm512_mask_shuffle_epi8(t, 0xf000f000f000f000, w[3], low);
    return _mm512_shuffle_epi8(_mm512_permutexvar_epi32(dwords, t), bytes);
}

/* query * scale of each channel; zeros behind them to a multiple of 64. Returns the largest
 * magnitude and the sum of query * zero. */
KVR_INLINE struct channel_finish fold_floats(const unsigned char *group, const float *query,
                                             const uint32_t head_dim, struct folded *folded)
{
    __m512 most = _mm512_set1_ps(KVR_CHANNEL_LEAST), zeros[2] = {{0}};
    for (uint32_t c = 0; c < head_dim; c += 32) {
        __m512 w[2];
        KVR_UNROLL
        for (uint32_t n = 0; n < 2; n++) {
            const unsigned char *scales = group + 2 * (c + 16 * n);
            const __m512 q = _mm512_loadu_ps(query + c + 16 * n);
            w[n] = _mm512_mul_ps(q, kvr_load_half16(scales));
            _mm512_store_ps(folded->query + c + 16 * n, w[n]);
            zeros[n] = _mm512_fmadd_ps(q, kvr_load_half16(scales + 2 * head_dim), zeros[n]);
        }
        most = _mm512_range_ps(most, _mm512_range_ps(w[0], w[1], KVR_RANGE_LARGEST),
                               KVR_RANGE_LARGEST);
    }
    if (head_dim % 64) {
        _mm512_store_ps(folded->query + head_dim, _mm512_setzero_ps());
        _mm512_store_ps(folded->query + head_dim + 16, _mm512_setzero_ps());
    }
    return (struct channel_finish){_mm512_reduce_max_ps(most),
                                   _mm512_reduce_add_ps(_mm512_add_ps(zeros[0], zeros[1]))};
}

/* Rounds what fold_floats() has left; `factor`: 127 / the largest. */
KVR_INLINE void store_weights(struct folded *folded, float factor, const uint32_t bits,
                              const uint32_t head_dim)
{
    const __m512 magic = _mm512_set1_ps(constants()->magic);
    const __m512 inverse = _mm512_set1_ps(factor);
    for (uint32_t c = 0; c < head_dim; c += 64) {
        __m512i w[4];
        KVR_UNROLL
        for (uint32_t n = 0; n < 4; n++)
            w[n] = _mm512_castps_si512(
                _mm512_fmadd_ps(_mm512_load_ps(folded->query + c + 16 * n), inverse, magic));
        _mm512_store_si512((unsigned char *)folded->dwords + c, kvr_order_weights(w, bits));
    }
}

#endif
