/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tiled kernels with AVX2, FMA and F16C: dequantise_avx2.h, then the rows of dense_f16. What
 * bounds them are the shuffles and conversions of both halves together.
 *
 * Limits, d = 64, 16 keys, on cores with one shuffle port, which each conversion from or to float16
 * takes too: affine8 316 shuffles and 256 such conversions, 572 cycles at most (some shuffles are
 * stores of an upper lane and need no port); affine4 284 and 128; affine4g 348 and 192. With two
 * such ports half of that.
 */
#include "../dense/dot_avx2.h"
#include "../simd/hide.h"
#include "dequantise_avx2.h"

KVR_INLINE void kvr_score_tile(const float *query, const uint16_t *tile, const uint32_t head_dim,
                               uint32_t left, float *scores)
{
    uint32_t row = head_dim;
    KVR_HIDE(row); /* a loop: unrolled, gcc mixes both halves, and registers spill */
    if (row < KVR_DOT8_STEP)
        __builtin_unreachable();
    const unsigned char *keys = (const unsigned char *)tile;
    const size_t half_bytes = (size_t)head_dim * sizeof *tile * KVR_DOT8_KEYS;
    kvr_store8(scores, left, kvr_dot8(KVR_DENSE_F16, keys, query, row, keys, 0));
    kvr_store8(scores + KVR_DOT8_KEYS, (int64_t)left - KVR_DOT8_KEYS,
               kvr_dot8(KVR_DENSE_F16, keys + half_bytes, query, row, keys, 0));
}

#include "tiled_body.h"

enum { TILED_ISA = KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C };

KVR_TILED_KERNEL(affine8, KVR_AFFINE8, "avx2", avx2, TILED_ISA, .work = {.block_keys = 16,
                 .loads = 185, .stores = 134, .shuffles = 316, .vector_alu = 174, .fma = 128,
                 .converts = 384, .uops = 1229}, .work_once = {.stores = 2, .uops = 16},
                 .work_head_dim = 64)
KVR_TILED_KERNEL(affine4, KVR_AFFINE4, "avx2", avx2, TILED_ISA, .work = {.block_keys = 16,
                 .loads = 179, .stores = 134, .shuffles = 284, .vector_alu = 62, .fma = 128,
                 .converts = 128, .uops = 903}, .work_once = {.stores = 2, .uops = 16},
                 .work_head_dim = 64)
KVR_TILED_KERNEL(affine4g, KVR_AFFINE4G, "avx2", avx2, TILED_ISA, .work = {.block_keys = 16,
                 .loads = 216, .stores = 138, .shuffles = 348, .vector_alu = 190, .fma = 128,
                 .converts = 196, .uops = 1204}, .work_once = {.stores = 2, .uops = 16},
                 .work_head_dim = 64)
