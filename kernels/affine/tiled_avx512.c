/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tiled kernels with AVX-512: dequantise_avx512.h, then the rows of dense_f16. What bounds them
 * are the shuffles and conversions of both halves together, which share a port where dense_f16
 * says.
 */
#include "../dense/dot_avx512.h"
#include "dequantise_avx512.h"

KVR_INLINE void kvr_score_tile(const float *query, const uint16_t *tile, const uint32_t head_dim,
                               uint32_t left, float *scores)
{
    const uint32_t chunks = head_dim / KVR_DOT_LANES;
    __m512 registers[KVR_DOT_MAX_CHUNKS];
    kvr_dot_query(KVR_DENSE_F16, query, chunks, registers);
    kvr_dot_block(KVR_DENSE_F16, registers, (const unsigned char *)tile, NULL, 0, left, scores,
                  chunks, 0);
}

#include "tiled_body.h"

enum { TILED_ISA = KVR_ISA_AVX512 | KVR_ISA_FMA | KVR_ISA_F16C };

KVR_TILED_KERNEL(affine8, KVR_AFFINE8, "avx512", avx512, TILED_ISA)
KVR_TILED_KERNEL(affine4, KVR_AFFINE4, "avx512", avx512, TILED_ISA)
KVR_TILED_KERNEL(affine4g, KVR_AFFINE4G, "avx512", avx512, TILED_ISA)
