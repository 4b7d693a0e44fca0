/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8_q8 with AVX-512 VNNI: one vpdpbusd multiplies a line (4 channels of 16 keys, unsigned
 * codes) by a broadcast query dword (4 signed bytes). For d = 64 the 16 query dwords stay in
 * registers; longer queries are broadcast from memory by the instruction's operand.
 *
 * Limits, d = 64: 16 loads and 16 dot products for 16 keys: a line a cycle where two lines can be
 * loaded and one or two dot products issued a cycle. Beyond L1 the memory is the limit.
 */
#include "../simd/inject.h"
#include "../simd/unroll.h"
#include "../simd/x86_avx512.h"
#include "affine.h"

enum { LINES64 = 64 / KVR_AFFINE8_LINE_CHANNELS };

KVR_INLINE __m512i dot_line(__m512i sum, const unsigned char *line, __m512i query)
{
    return _mm512_dpbusd_epi32(sum, _mm512_loadu_si512(line), query);
}

KVR_INLINE __m512i block64(const unsigned char *codes, const __m512i *query, __m512i start,
                           const unsigned char *ahead, const int prefetch)
{
    __m512i a = start, b = _mm512_setzero_si512(), c = b, d = b;
    KVR_UNROLL
    for (size_t l = 0; l < LINES64; l += 4) {
        const unsigned char *p = codes + l * KVR_LINE_BYTES;
        if (prefetch)
            kvr_prefetch(ahead + l * KVR_LINE_BYTES, 4 * KVR_LINE_BYTES);
        a = dot_line(a, p, query[l]);
        b = dot_line(b, p + KVR_LINE_BYTES, query[l + 1]);
        c = dot_line(c, p + 2 * KVR_LINE_BYTES, query[l + 2]);
        d = dot_line(d, p + 3 * KVR_LINE_BYTES, query[l + 3]);
    }
    return _mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d));
}

/* d a multiple of 16: four lines a step. */
KVR_INLINE __m512i block_any(const unsigned char *codes, const int32_t *query, size_t lines,
                             __m512i start, const unsigned char *ahead, const int prefetch)
{
    __m512i a = start, b = _mm512_setzero_si512(), c = b, d = b;
    for (size_t l = 0; l < lines; l += 4) {
        const unsigned char *p = codes + l * KVR_LINE_BYTES;
        if (prefetch)
            kvr_prefetch(ahead + l * KVR_LINE_BYTES, 4 * KVR_LINE_BYTES);
        a = dot_line(a, p, _mm512_set1_epi32(query[l]));
        b = dot_line(b, p + KVR_LINE_BYTES, _mm512_set1_epi32(query[l + 1]));
        c = dot_line(c, p + 2 * KVR_LINE_BYTES, _mm512_set1_epi32(query[l + 2]));
        d = dot_line(d, p + 3 * KVR_LINE_BYTES, _mm512_set1_epi32(query[l + 3]));
    }
    return _mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d));
}

/* Block b: 16 scores. */
KVR_INLINE void score_block(const struct kvr_prepared_affine_q8 *p, const __m512i *query,
                            const __m512i start, const __m512 scale,
                            const unsigned char *codes, const unsigned char *ahead, uint32_t b,
                            uint32_t tokens, float *scores, const uint32_t lines,
                            const int prefetch)
{
    KVR_INJECT(KVR_INJECT_TIMES(lines, LINES64));
    __m512i sum = lines == LINES64 ? block64(codes, query, start, ahead, prefetch)
                                   : block_any(codes, p->dwords, lines, start, ahead, prefetch);
    const uint32_t key = b * KVR_AFFINE_BLOCK_KEYS;
    kvr_store16(scores + key, tokens - key,
                _mm512_mul_ps(_mm512_cvtepi32_ps(sum), scale));
}

KVR_INLINE void score(const struct kvr_segments *segments, uint32_t i, const void *prepared,
                      float *scores, const uint32_t lines, const int prefetch, const int one)
{
    const struct kvr_prepared_affine_q8 *p = prepared;
    const __m512i start = _mm512_set1_epi32(-p->offset_sum);
    const __m512 scale = _mm512_set1_ps(p->scale);
    const uint32_t tokens = segments->tokens; /* read once: a store of scores might alias it */
    const size_t bytes = kvr_affine_bytes(lines, tokens);
    const size_t block_bytes = (size_t)lines * KVR_LINE_BYTES;
    __m512i query[LINES64];
    if (lines == LINES64) {
        KVR_UNROLL
        for (int l = 0; l < LINES64; l++)
            query[l] = _mm512_set1_epi32(p->dwords[l]);
    }
    const uint32_t blocks = (uint32_t)(bytes / block_bytes);
    const struct kvr_split split = kvr_split(segments, blocks, block_bytes);
    uint32_t first = 0;
    for (size_t offset = 0; offset < split.part_bytes;) {
        struct kvr_run run = kvr_next_run(segments, i, offset, split.part_bytes, block_bytes);
        for (size_t o = 0, at = 0; o < run.bytes;
             o += block_bytes, at = kvr_next_at(&run, at, block_bytes), first++) {
            const unsigned char *codes = run.codes + at, *ahead = run.ahead + at;
            uint32_t b = first;
            for (uint32_t s = one ? 1 : split.streams; s; s--) {
                score_block(p, query, start, scale, codes, ahead, b, tokens, scores, lines,
                            prefetch);
                codes += split.apart_bytes;
                ahead += split.apart_bytes;
                b += split.part_blocks;
            }
        }
        offset += run.bytes;
    }
    /* what the streams do not divide; one stream leaves nothing, and its loop all registers */
    for (uint32_t b = split.streams * split.part_blocks; !one && b < blocks; b++) {
        struct kvr_run run = kvr_next_run(segments, i, b * block_bytes, bytes, block_bytes);
        score_block(p, query, start, scale, run.codes, run.ahead, b, tokens, scores, lines,
                    prefetch);
    }
}

KVR_INLINE void score_lines(const struct kvr_segments *segments, uint32_t i, const void *prepared,
                            float *scores, const uint32_t lines)
{
    const int prefetch = segments->ahead_segments || segments->ahead_bytes;
    if (segments->streams > 1 && prefetch)
        score(segments, i, prepared, scores, lines, 1, 0);
    else if (segments->streams > 1)
        score(segments, i, prepared, scores, lines, 0, 0);
    else if (prefetch)
        score(segments, i, prepared, scores, lines, 1, 1);
    else
        score(segments, i, prepared, scores, lines, 0, 1);
}

static void score_affine8_q8(const struct kvr_shape *shape, const struct kvr_segments *segments,
                             uint32_t i, const void *side, const void *prepared, float *scores)
{
    (void)side;
    if (shape->head_dim == 64)
        score_lines(segments, i, prepared, scores, LINES64);
    else
        score_lines(segments, i, prepared, scores, shape->head_dim / KVR_AFFINE8_LINE_CHANNELS);
}

const struct kvr_kernel kvr_kernel_affine8_q8_fused_avx512vnni = {
    .variant = "fused",
    .isa_name = "avx512vnni",
    .format = &kvr_format_affine8_q8,
    .isa = KVR_ISA_AVX512 | KVR_ISA_VNNI,
    .work = {.block_keys = 16, .loads = 16, .stores = 1, .vector_alu = 4, .int_dots = 16,
             .converts = 1, .uops = 60, .convert_rate = "convert.i32"},
    .work_once = {.stores = 1, .vector_alu = 4, .converts = 1, .uops = 44},
    .work_head_dim = 64,
    .score = score_affine8_q8,
};
