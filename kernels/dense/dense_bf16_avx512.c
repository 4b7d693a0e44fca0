/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dense_bf16 with AVX-512.
 *
 * Limits, d = 64: 64 multiply-adds, 32 shifts, 32 masks, 30 shuffles and 15 additions for 16 keys
 * (2 KiB), which two 512-bit ports share.
 */
#include "dense_avx512.h"

static void score_dense_bf16(const struct kvr_shape *shape, const struct kvr_segments *segments,
                             uint32_t i, const void *side, const void *prepared, float *scores)
{
    (void)side;
    kvr_dense_avx512(KVR_DENSE_BF16, shape, segments, i, prepared, scores);
}

const struct kvr_kernel kvr_kernel_dense_bf16_fused_avx512 = {
    .variant = "fused",
    .isa_name = "avx512",
    .format = &kvr_format_dense_bf16,
    .isa = KVR_ISA_AVX512 | KVR_ISA_FMA,
    .work = {.block_keys = 16, .loads = 64, .stores = 1, .shuffles = 30, .vector_alu = 79,
             .fma = 64, .uops = 191},
    .work_once = {.stores = 1, .shuffles = 30, .vector_alu = 15, .uops = 62},
    .work_head_dim = 64,
    .score = score_dense_bf16,
};
