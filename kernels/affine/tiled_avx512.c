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

KVR_TILED_KERNEL(affine8, KVR_AFFINE8, "avx512", avx512, TILED_ISA, .work = {.block_keys = 16,
                 .loads = 84, .stores = 65, .shuffles = 174, .vector_alu = 95, .fma = 64,
                 .converts = 192, .uops = 543}, .work_once = {.stores = 1, .uops = 16},
                 .work_head_dim = 64)
KVR_TILED_KERNEL(affine4, KVR_AFFINE4, "avx512", avx512, TILED_ISA, .work = {.block_keys = 16,
                 .loads = 79, .stores = 33, .shuffles = 134, .vector_alu = 79, .fma = 64,
                 .converts = 64, .uops = 396}, .work_once = {.stores = 1, .uops = 16},
                 .work_head_dim = 64)
KVR_TILED_KERNEL(affine4g, KVR_AFFINE4G, "avx512", avx512, TILED_ISA, .work = {.block_keys = 16,
                 .loads = 114, .stores = 35, .shuffles = 134, .vector_alu = 111, .fma = 64,
                 .converts = 98, .uops = 466}, .work_once = {.stores = 1, .uops = 16},
                 .work_head_dim = 64)
