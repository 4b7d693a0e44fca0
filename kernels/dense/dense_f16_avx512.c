/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dense_f16 with AVX-512.
 *
 * Limits, d = 64: 64 loads with conversion, 64 multiply-adds, 30 shuffles and 15 additions for 16
 * keys (2 KiB). Where a 512-bit conversion takes the shuffle port too (Intel), these fill two ports
 * for 118 cycles; where it shares its pipes with the multiply-adds (Zen 4: two cycles for the
 * pair), those are the limit, and the AVX2 kernel is the faster one in cache.
 *
 * There is no kernel with the arithmetic of AVX512_FP16: one product rounded to float16 is already
 * off by many times the tolerance, however soon it is added in float (tests/kernels/test_narrow.c).
 */
#include "../groups.h"
#include "dense_avx512.h"

static void score_dense_f16(const struct kvr_shape *shape, const struct kvr_segments *segments,
                            uint32_t i, const void *side, const void *prepared, float *scores)
{
    (void)side;
    kvr_dense_avx512(KVR_DENSE_F16, shape, segments, i, prepared, scores);
}

const struct kvr_kernel kvr_kernel_dense_f16_fused_avx512 = {
    .variant = "fused",
    .isa_name = "avx512",
    .format = &kvr_format_dense_f16,
    .isa = KVR_ISA_AVX512 | KVR_ISA_FMA | KVR_ISA_F16C,
    .work = {.block_keys = 16, .loads = 64, .stores = 1, .shuffles = 30, .vector_alu = 15,
             .fma = 64, .converts = 64, .uops = 190},
    .work_once = {.stores = 1, .shuffles = 30, .vector_alu = 15, .uops = 62},
    .work_head_dim = 64,
    .score = score_dense_f16,
    .groups = kvr_groups_dense_f16_avx512,
};
