/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tiled kernels in portable C.
 */
#include "../dense/dot_scalar.h"
#include "dequantise_scalar.h"

KVR_INLINE void kvr_score_tile(const float *query, const uint16_t *tile, uint32_t head_dim,
                               uint32_t left, float *scores)
{
    for (uint32_t k = 0; k < KVR_AFFINE_BLOCK_KEYS && k < left; k++)
        scores[k] =
            kvr_dot_scalar(KVR_DENSE_F16, (const unsigned char *)(tile + (size_t)k * head_dim),
                           query, head_dim);
}

#include "tiled_body.h"

KVR_TILED_KERNEL(affine8, KVR_AFFINE8, "scalar", scalar, 0)
KVR_TILED_KERNEL(affine4, KVR_AFFINE4, "scalar", scalar, 0)
KVR_TILED_KERNEL(affine4g, KVR_AFFINE4G, "scalar", scalar, 0)
