/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4 with AVX-512 and a float query, line by line (nibbles_avx512.h). The one 512-bit shuffle
 * port is busy for 8 of the 11.5 cycles in which two ALU ports do a line's 23 operations; measured
 * 12.0. From memory the two overlap in part only, as for affine8: 512 instructions in flight are 21
 * lines, 250 cycles. Converting dwords as there would replace permutes and save no operation.
 */
#include "../simd/unroll.h"
#include "affine.h"
#include "nibbles_avx512.h"

/* d = 64 and its 8 lines: unrolled whole. */
KVR_INLINE __m512 block64(const unsigned char *codes, const float *query,
                          const unsigned char *ahead, __m512 values, const int prefetch)
{
    struct kvr_nibble_sums s = kvr_nibbles_zero();
    KVR_UNROLL
    for (size_t l = 0; l < 8; l++) {
        if (prefetch)
            kvr_prefetch(ahead + l * KVR_LINE_BYTES, KVR_LINE_BYTES);
        kvr_nibbles_add_line(&s, codes + l * KVR_LINE_BYTES, query + l * 8, values);
    }
    return kvr_nibbles_total(&s);
}

KVR_INLINE __m512 block_any(const unsigned char *codes, const float *query, size_t lines,
                            const unsigned char *ahead, __m512 values, const int prefetch)
{
    struct kvr_nibble_sums s = kvr_nibbles_zero();
    for (size_t l = 0; l < lines; l++) {
        if (prefetch)
            kvr_prefetch(ahead + l * KVR_LINE_BYTES, KVR_LINE_BYTES);
        kvr_nibbles_add_line(&s, codes + l * KVR_LINE_BYTES, query + l * 8, values);
    }
    return kvr_nibbles_total(&s);
}

KVR_INLINE void load_constants(__m512 *k, const void *prepared, uint32_t head_dim)
{
    (void)prepared;
    (void)head_dim;
    *k = kvr_nibble_values();
}

#define PREPARED struct kvr_prepared_affine
#define SCAN score_affine4
#define UNIT_CHANNELS KVR_AFFINE4_LINE_CHANNELS
#define LINES(units) (units)
#define CONSTANTS __m512
#define TOTAL(block, query, ahead)                                                                 \
    (units == 8 ? block64(block, query, ahead, k, prefetch)                                        \
                : block_any(block, query, units, ahead, k, prefetch))
#define SCORES __m512
#define STORE kvr_store16
#include "blocks.inc"

const struct kvr_kernel kvr_kernel_affine4_fused_avx512 = {
    .variant = "fused",
    .isa_name = "avx512",
    .format = &kvr_format_affine4,
    .isa = KVR_ISA_AVX512 | KVR_ISA_FMA,
    .work = {.block_keys = 16, .loads = 72, .stores = 1, .shuffles = 64, .vector_alu = 59,
             .fma = 64, .uops = 208},
    .work_once = {.stores = 1, .vector_alu = 3, .uops = 16},
    .work_head_dim = 64,
    .score = score_affine4,
};
