/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tiled kernels with AVX2, FMA and F16C: dequantise_avx2.h, then the rows of dense_f16. What
 * bounds them are the shuffles and conversions of both halves together.
 */
#include "../dense/dot_avx2.h"
#include "dequantise_avx2.h"

KVR_INLINE void kvr_score_tile(const float *query, const uint16_t *tile, const uint32_t head_dim,
                               uint32_t left, float *scores)
{
    const unsigned char *keys = (const unsigned char *)tile;
    const size_t half_bytes = (size_t)head_dim * sizeof *tile * KVR_DOT8_KEYS;
    kvr_store8(scores, left, kvr_dot8(KVR_DENSE_F16, keys, query, head_dim, keys, 0));
    kvr_store8(scores + KVR_DOT8_KEYS, (int64_t)left - KVR_DOT8_KEYS,
               kvr_dot8(KVR_DENSE_F16, keys + half_bytes, query, head_dim, keys, 0));
}

#include "tiled_body.h"

enum { TILED_ISA = KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C };

KVR_TILED_KERNEL(affine8, KVR_AFFINE8, "avx2", avx2, TILED_ISA)
KVR_TILED_KERNEL(affine4, KVR_AFFINE4, "avx2", avx2, TILED_ISA)
KVR_TILED_KERNEL(affine4g, KVR_AFFINE4G, "avx2", avx2, TILED_ISA)
