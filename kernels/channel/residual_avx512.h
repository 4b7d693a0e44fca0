/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The float16 keys behind the last group, with AVX-512 (walk.inc).
 */
#ifndef KVR_CHANNEL_RESIDUAL_AVX512_H
#define KVR_CHANNEL_RESIDUAL_AVX512_H

#include "../simd/x86_avx512.h"

struct residual {
    __m512 low, high;
};

KVR_INLINE void add_channel(struct residual *s, const unsigned char *line, float query)
{
    s->low = _mm512_fmadd_ps(kvr_load_half16(line), _mm512_set1_ps(query), s->low);
    s->high = _mm512_fmadd_ps(kvr_load_half16(line + 32), _mm512_set1_ps(query), s->high);
}

KVR_INLINE void store_residual(const struct residual *s, float *scores, uint32_t left)
{
    kvr_store16(scores, left, s->low);
    if (left > 16)
        kvr_store16(scores + 16, left - 16, s->high);
}

#endif
