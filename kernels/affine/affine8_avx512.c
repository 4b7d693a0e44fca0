/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8 with AVX-512 and a float query, line by line (bytes_avx512.h).
 *
 * Limits, per line: 5 integer operations, 4 conversions and 4 multiply-adds. Two 512-bit ALU ports
 * (Intel; Zen 4's pairs of 256-bit pipes) are full after 6.5 cycles.
 */
#include "../simd/unroll.h"
#include "../planted.h"
#include "affine.h"
#include "bytes_avx512.h"

/* d = 64 and its 16 lines: unrolled whole. */
KVR_INLINE __m512 block64(const unsigned char *codes, const float *query,
                          const unsigned char *ahead, const struct kvr_byte_places *k,
                          const int prefetch)
{
    struct kvr_byte_sums s = kvr_bytes_zero();
    KVR_UNROLL
    for (size_t l = 0; l < 16; l++) {
        if (prefetch)
            kvr_prefetch(ahead + l * KVR_LINE_BYTES, KVR_LINE_BYTES);
        kvr_bytes_add_line(&s, codes + l * KVR_LINE_BYTES, query + l * 4, k);
    }
    return kvr_bytes_total(&s);
}

KVR_INLINE __m512 block_any(const unsigned char *codes, const float *query, size_t lines,
                            const unsigned char *ahead, const struct kvr_byte_places *k,
                            const int prefetch)
{
    struct kvr_byte_sums s = kvr_bytes_zero();
    for (size_t l = 0; l < lines; l++) {
        if (prefetch)
            kvr_prefetch(ahead + l * KVR_LINE_BYTES, KVR_LINE_BYTES);
        kvr_bytes_add_line(&s, codes + l * KVR_LINE_BYTES, query + l * 4, k);
    }
    return kvr_bytes_total(&s);
}

KVR_INLINE void load_constants(struct kvr_byte_places *k, const void *prepared, uint32_t head_dim)
{
    (void)prepared;
    (void)head_dim;
    *k = kvr_byte_places();
}

#define PREPARED struct kvr_prepared_affine
#define SCAN score_affine8
#define UNIT_CHANNELS KVR_AFFINE8_LINE_CHANNELS
#define LINES(units) (units)
#define CONSTANTS struct kvr_byte_places
#define TOTAL(block, query, ahead)                                                                 \
    (units == 16 ? block64(block, query, ahead, &k, prefetch)                                      \
                : block_any(block, query, units, ahead, &k, prefetch))
#define SCORES __m512
#define STORE kvr_store16
#include "blocks.inc"

KVR_PLANT(score_affine8)
const struct kvr_kernel kvr_kernel_affine8_fused_avx512 = {
    .variant = "fused",
    .isa_name = "avx512",
    .format = &kvr_format_affine8,
    .isa = KVR_ISA_AVX512 | KVR_ISA_FMA,
    .work = {.block_keys = 16, .loads = 80, .stores = 1, .shuffles = 32, .vector_alu = 52,
             .fma = 64, .converts = 64, .uops = 224, .convert_rate = "convert.i32"},
    .work_once = {.stores = 1, .vector_alu = 4, .uops = 16},
    .work_head_dim = 64,
    .score = KVR_PLANTED(score_affine8),
};
