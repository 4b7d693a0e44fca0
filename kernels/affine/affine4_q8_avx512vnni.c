/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4_q8 with AVX-512 VNNI: the low nibbles of a line (8 channels of 16 keys) against the even
 * channels' query dword, the high nibbles against the odd channels'. The high ones are not shifted
 * down: their sums are 16 times too large, exactly, and one shift per block mends that.
 *
 * Limits, d = 64: 8 loads, 16 masks and 16 dot products for 16 keys: ALU ports, 2 cycles a line.
 * Beyond L1 the memory is the limit.
 */
#include "../simd/unroll.h"
#include "../simd/x86_avx512.h"
#include "affine.h"

enum { LINES64 = 64 / KVR_AFFINE4_LINE_CHANNELS };

struct sums {
    __m512i low0, low1, high0, high1;
};

KVR_INLINE struct sums start_sums(__m512i start)
{
    const __m512i zero = _mm512_setzero_si512();
    return (struct sums){start, zero, zero, zero};
}

KVR_INLINE void add_line(__m512i *low, __m512i *high, const unsigned char *line, __m512i nibbles,
                         __m512i even, __m512i odd)
{
    __m512i v = _mm512_loadu_si512(line);
    KVR_KEEP(v);
    *low = _mm512_dpbusd_epi32(*low, _mm512_and_si512(v, nibbles), even);
    *high = _mm512_dpbusd_epi32(*high, _mm512_andnot_si512(nibbles, v), odd);
}

KVR_INLINE __m512i total(const struct sums *s)
{
    __m512i high = _mm512_srai_epi32(_mm512_add_epi32(s->high0, s->high1), 4);
    return _mm512_add_epi32(_mm512_add_epi32(s->low0, s->low1), high);
}

KVR_INLINE __m512i block64(const unsigned char *codes, const __m512i *query, __m512i start,
                           __m512i nibbles, const unsigned char *ahead, const int prefetch)
{
    struct sums s = start_sums(start);
    KVR_UNROLL
    for (size_t l = 0; l < LINES64; l += 2) {
        const unsigned char *p = codes + l * KVR_LINE_BYTES;
        const __m512i *q = query + 2 * l;
        if (prefetch)
            kvr_prefetch(ahead + l * KVR_LINE_BYTES, 2 * KVR_LINE_BYTES);
        add_line(&s.low0, &s.high0, p, nibbles, q[0], q[1]);
        add_line(&s.low1, &s.high1, p + KVR_LINE_BYTES, nibbles, q[2], q[3]);
    }
    return total(&s);
}

/* d a multiple of 8: two lines a step, and the odd one. */
KVR_INLINE __m512i block_any(const unsigned char *codes, const int32_t *query, size_t lines,
                             __m512i start, __m512i nibbles, const unsigned char *ahead,
                             const int prefetch)
{
    struct sums s = start_sums(start);
    size_t l = 0;
    for (; l + 2 <= lines; l += 2) {
        const unsigned char *p = codes + l * KVR_LINE_BYTES;
        const int32_t *q = query + 2 * l;
        if (prefetch)
            kvr_prefetch(ahead + l * KVR_LINE_BYTES, 2 * KVR_LINE_BYTES);
        add_line(&s.low0, &s.high0, p, nibbles, _mm512_set1_epi32(q[0]), _mm512_set1_epi32(q[1]));
        add_line(&s.low1, &s.high1, p + KVR_LINE_BYTES, nibbles, _mm512_set1_epi32(q[2]),
                 _mm512_set1_epi32(q[3]));
    }
    if (l < lines) {
        if (prefetch)
            kvr_prefetch(ahead + l * KVR_LINE_BYTES, KVR_LINE_BYTES);
        add_line(&s.low0, &s.high0, codes + l * KVR_LINE_BYTES, nibbles,
                 _mm512_set1_epi32(query[2 * l]), _mm512_set1_epi32(query[2 * l + 1]));
    }
    return total(&s);
}

/* Block b: 16 scores. */
KVR_INLINE void score_block(const struct kvr_prepared_affine_q8 *p, const __m512i *query,
                            const __m512i start, const __m512 scale,
                            const unsigned char *codes, const unsigned char *ahead, uint32_t b,
                            uint32_t tokens, float *scores, const uint32_t lines,
                            const int prefetch)
{
    const __m512i nibbles = _mm512_set1_epi8(15);
    __m512i sum = lines == LINES64
                      ? block64(codes, query, start, nibbles, ahead, prefetch)
                      : block_any(codes, p->dwords, lines, start, nibbles, ahead, prefetch);
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
    __m512i query[2 * LINES64];
    if (lines == LINES64) {
        KVR_UNROLL
        for (int l = 0; l < 2 * LINES64; l++)
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

static void score_affine4_q8(const struct kvr_shape *shape, const struct kvr_segments *segments,
                             uint32_t i, const void *side, const void *prepared, float *scores)
{
    (void)side;
    if (shape->head_dim == 64)
        score_lines(segments, i, prepared, scores, LINES64);
    else
        score_lines(segments, i, prepared, scores, shape->head_dim / KVR_AFFINE4_LINE_CHANNELS);
}

const struct kvr_kernel kvr_kernel_affine4_q8_fused_avx512vnni = {
    .variant = "fused",
    .isa_name = "avx512vnni",
    .format = &kvr_format_affine4_q8,
    .isa = KVR_ISA_AVX512 | KVR_ISA_VNNI,
    .work = {.block_keys = 16, .loads = 8, .stores = 1, .vector_alu = 21, .int_dots = 16,
             .converts = 1, .uops = 69, .convert_rate = "convert.i32"},
    .work_once = {.stores = 1, .vector_alu = 5, .converts = 1, .uops = 29},
    .work_head_dim = 64,
    .score = score_affine4_q8,
};
