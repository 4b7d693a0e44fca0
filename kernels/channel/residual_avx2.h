/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The float16 keys behind the last group, with AVX2, FMA and F16C (walk.inc).
 */
#ifndef KVR_CHANNEL_RESIDUAL_AVX2_H
#define KVR_CHANNEL_RESIDUAL_AVX2_H

#include "../simd/unroll.h"
#include "../simd/x86_avx2.h"

enum { RESIDUAL_LANES = 8, RESIDUAL_PARTS = 4 };

struct residual {
    __m256 of[RESIDUAL_PARTS];
};

KVR_INLINE void add_channel(struct residual *s, const unsigned char *line, float query)
{
    KVR_UNROLL
    for (size_t p = 0; p < RESIDUAL_PARTS; p++)
        s->of[p] = _mm256_fmadd_ps(kvr_load_half8(line + p * RESIDUAL_LANES * sizeof(uint16_t)),
                                   _mm256_set1_ps(query), s->of[p]);
}

KVR_INLINE void store_residual(const struct residual *s, float *scores, uint32_t left)
{
    KVR_UNROLL
    for (int64_t p = 0; p < RESIDUAL_PARTS; p++)
        kvr_store8(scores + p * RESIDUAL_LANES, (int64_t)left - p * RESIDUAL_LANES, s->of[p]);
}

#endif
