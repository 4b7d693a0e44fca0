/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dense_f16 with AVX2, FMA and F16C.
 *
 * Limit, d = 64: 128 conversions from memory and 128 multiply-adds for 16 keys on the same two
 * ports: 128 cycles. The 28 shuffles and 14 additions that sum across lanes have a third one. Head
 * dims are multiples of a step's 16 channels: no dim leaves a rest.
 */
#include "../groups.h"
#include "dense_avx2.h"

static void score_dense_f16(const struct kvr_shape *shape, const struct kvr_segments *segments,
                            uint32_t i, const void *side, const void *prepared, float *scores)
{
    (void)side;
    kvr_dense_avx2(KVR_DENSE_F16, shape, segments, i, prepared, scores);
}

const struct kvr_kernel kvr_kernel_dense_f16_fused_avx2 = {
    .variant = "fused",
    .isa_name = "avx2",
    .format = &kvr_format_dense_f16,
    .isa = KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C,
    .work = {.block_keys = 8, .loads = 76, .stores = 2, .shuffles = 14, .vector_alu = 7, .fma = 64,
             .converts = 64, .uops = 178},
    .work_once = {.stores = 2, .shuffles = 14, .vector_alu = 7, .uops = 36},
    .work_head_dim = 64,
    .score = score_dense_f16,
    .groups = kvr_groups_dense_f16_avx2,
};
