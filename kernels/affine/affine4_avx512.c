/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4 with AVX-512 and a float query, line by line (nibbles_avx512.h). The one 512-bit shuffle
 * port is busy for 8 of the 11.5 cycles that two ALU ports need for a line.
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

KVR_INLINE void score(const struct kvr_segments *segments, uint32_t i, const void *prepared,
                      float *scores, const uint32_t lines, const int prefetch)
{
    const struct kvr_prepared_affine *p = prepared;
    const __m512 values = kvr_nibble_values();
    const size_t bytes = kvr_affine_bytes(lines, segments->tokens);
    const size_t block_bytes = (size_t)lines * KVR_LINE_BYTES;
    uint32_t left = segments->tokens;
    for (size_t offset = 0; offset < bytes;) {
        struct kvr_run run = kvr_next_run(segments, i, offset, bytes, block_bytes);
        for (size_t o = 0, at = 0; o < run.bytes;
             o += block_bytes, at = kvr_next_at(&run, at, block_bytes)) {
            const unsigned char *codes = run.codes + at, *ahead = run.ahead + at;
            __m512 sum = lines == 8 ? block64(codes, p->query, ahead, values, prefetch)
                                    : block_any(codes, p->query, lines, ahead, values, prefetch);
            kvr_store16(scores, left, sum);
            scores += KVR_AFFINE_BLOCK_KEYS;
            left -= KVR_AFFINE_BLOCK_KEYS; /* wraps after the last block only */
        }
        offset += run.bytes;
    }
}

KVR_INLINE void score_lines(const struct kvr_segments *segments, uint32_t i, const void *prepared,
                            float *scores, const uint32_t lines)
{
    if (segments->ahead_segments || segments->ahead_bytes)
        score(segments, i, prepared, scores, lines, 1);
    else
        score(segments, i, prepared, scores, lines, 0);
}

static void score_affine4(const struct kvr_shape *shape, const struct kvr_segments *segments,
                          uint32_t i, const void *side, const void *prepared, float *scores)
{
    (void)side;
    if (shape->head_dim == 64)
        score_lines(segments, i, prepared, scores, 64 / KVR_AFFINE4_LINE_CHANNELS);
    else
        score_lines(segments, i, prepared, scores, shape->head_dim / KVR_AFFINE4_LINE_CHANNELS);
}

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
