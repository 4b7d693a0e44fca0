/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dense_bf16 with AVX2 and FMA.
 *
 * Limits, d = 64: 128 multiply-adds, 64 shifts and 64 masks for 16 keys, and 28 shuffles and 14
 * additions to sum across lanes: 100 cycles of three vector ports (Intel), 75 of four (AMD). Head
 * dims are multiples of a step's 16 channels: no dim leaves a rest.
 */
#include "dense_avx2.h"

static void score_dense_bf16(const struct kvr_shape *shape, const struct kvr_segments *segments,
                             uint32_t i, const void *side, const void *prepared, float *scores)
{
    (void)side;
    kvr_dense_avx2(KVR_DENSE_BF16, shape, segments, i, prepared, scores);
}

const struct kvr_kernel kvr_kernel_dense_bf16_fused_avx2 = {
    .variant = "fused",
    .isa_name = "avx2",
    .format = &kvr_format_dense_bf16,
    .isa = KVR_ISA_AVX2 | KVR_ISA_FMA,
    .work = {.block_keys = 8, .loads = 44, .stores = 2, .shuffles = 14, .vector_alu = 71, .fma = 64,
             .uops = 214},
    .work_once = {.stores = 2, .shuffles = 14, .vector_alu = 7, .uops = 36},
    .work_head_dim = 64,
    .score = score_dense_bf16,
};
