/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dense_bf16 with AVX-512.
 *
 * Limits, d = 64: 64 multiply-adds, 32 shifts, 32 masks, 30 shuffles and 15 additions for 16 keys
 * (2 KiB). Where 512-bit instructions have two ports (Intel), these are 86 cycles, and the 32 loads
 * leave the load ports idle. Of rows that are an odd number of half lines (d = 80) every other one
 * has its loads across two lines; their last half line is a widening move on the shuffle port.
 *
 * There is no kernel with the dot product of AVX512_BF16, which wants the query in bfloat16 too: in
 * two parts it misses the tolerance (tests/kernels/test_narrow.c), and in three, which are exact,
 * 32 channels are three of them: at one a cycle slower than the four instructions here, which go
 * two a cycle.
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
    .work = {.block_keys = 16, .loads = 32, .stores = 1, .shuffles = 30, .vector_alu = 79,
             .fma = 64, .uops = 229},
    .work_once = {.stores = 1, .shuffles = 30, .vector_alu = 15, .uops = 62},
    .work_head_dim = 64,
    .score = score_dense_bf16,
};
