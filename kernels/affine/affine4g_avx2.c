/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4g with AVX2, FMA and F16C and a float query: half a line is 8 channels of 8 keys. With the
 * upper bit of every nibble flipped (code - 8) each nibble is shifted to the top of its dword, so
 * that the conversion gives 2^28 times the value, exactly; the sums of a group of 32 channels are
 * multiplied by the scales of the 8 keys, the total by 2^-28.
 *
 * Limits, per line: 2 x (15 integer operations, 8 conversions, 8 multiply-adds) and 8 broadcasts.
 * Three 256-bit ALU ports are full after 21 cycles, two for conversions and multiply-adds after 16.
 */
#include "../dense/dot_avx2.h"
#include "../simd/hide.h"
#include "../simd/unroll.h"
#include "affine.h"

/* Two sums of each half line, to hide the latency of the multiply-adds. */
struct sums {
    __m256 low0, low1, high0, high1;
};

KVR_INLINE __m256i half_line(const unsigned char *p)
{
    const __m256i flip = _mm256_set1_epi8((char)0x88);
    return _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(const void *)p), flip);
}

/* Nibble j of every dword, times 2^28. */
KVR_INLINE __m256 nibbles(__m256i dwords, const int j)
{
    const __m256i top = _mm256_set1_epi32((int)0xf0000000);
    if (j < 7)
        dwords = _mm256_slli_epi32(dwords, 28 - 4 * j);
    if (j > 0)
        dwords = _mm256_and_si256(dwords, top);
    return _mm256_cvtepi32_ps(dwords);
}

KVR_INLINE void add_line(struct sums *s, const unsigned char *line, const float *q)
{
    __m256i low = half_line(line), high = half_line(line + KVR_LINE_BYTES / 2);
    KVR_HIDE(q); /* or all broadcasts of the query are kept on the stack */
    KVR_UNROLL
    for (int j = 0; j < KVR_AFFINE4_LINE_CHANNELS; j += 2) {
        __m256 even = _mm256_broadcast_ss(q + j), odd = _mm256_broadcast_ss(q + j + 1);
        s->low0 = _mm256_fmadd_ps(nibbles(low, j), even, s->low0);
        s->high0 = _mm256_fmadd_ps(nibbles(high, j), even, s->high0);
        s->low1 = _mm256_fmadd_ps(nibbles(low, j + 1), odd, s->low1);
        s->high1 = _mm256_fmadd_ps(nibbles(high, j + 1), odd, s->high1);
        /* or gcc extracts the nibbles of all lines first, and 16 registers spill */
        KVR_HIDE_VECTOR(low);
        KVR_HIDE_VECTOR(high);
        KVR_HIDE_VECTOR(s->low0);
        KVR_HIDE_VECTOR(s->high0);
    }
}

/* Scores of 16 keys, times 2^28. */
struct totals {
    __m256 low, high;
};

/* Adds group g of 16 keys. */
KVR_INLINE void add_group(struct totals *t, const unsigned char *block, uint32_t g,
                          size_t scales_bytes, const float *query, const unsigned char *ahead,
                          const int prefetch)
{
    const size_t first = scales_bytes + (size_t)g * KVR_AFFINE4G_GROUP_LINES * KVR_LINE_BYTES;
    const unsigned char *scales = block + (size_t)g * KVR_AFFINE4G_SCALES_BYTES;
    struct sums s = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(),
                     _mm256_setzero_ps()};
    KVR_UNROLL
    for (size_t l = 0; l < KVR_AFFINE4G_GROUP_LINES; l++) {
        if (prefetch)
            kvr_prefetch(ahead + first + l * KVR_LINE_BYTES, KVR_LINE_BYTES);
        add_line(&s, block + first + l * KVR_LINE_BYTES,
                 query + g * KVR_AFFINE4G_GROUP + l * KVR_AFFINE4_LINE_CHANNELS);
    }
    t->low = _mm256_fmadd_ps(_mm256_add_ps(s.low0, s.low1), kvr_load_half8(scales), t->low);
    t->high =
        _mm256_fmadd_ps(_mm256_add_ps(s.high0, s.high1), kvr_load_half8(scales + 16), t->high);
}

KVR_INLINE struct totals block_score(const unsigned char *block, const float *query,
                                     const unsigned char *ahead, const uint32_t groups,
                                     const int prefetch)
{
    const size_t scales_bytes =
        kvr_affine4g_scale_lines(groups * KVR_AFFINE4G_GROUP) * (size_t)KVR_LINE_BYTES;
    const __m256 unit = _mm256_set1_ps(0x1p-28f);
    struct totals t = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    if (prefetch)
        kvr_prefetch(ahead, scales_bytes);
    if (groups == 2) { /* d = 64: no loop */
        add_group(&t, block, 0, scales_bytes, query, ahead, prefetch);
        add_group(&t, block, 1, scales_bytes, query, ahead, prefetch);
    } else {
        for (uint32_t g = 0; g < groups; g++)
            add_group(&t, block, g, scales_bytes, query, ahead, prefetch);
    }
    return (struct totals){_mm256_mul_ps(t.low, unit), _mm256_mul_ps(t.high, unit)};
}

KVR_INLINE void score(const struct kvr_segments *segments, uint32_t i, const void *prepared,
                      float *scores, const uint32_t groups, const int prefetch)
{
    const struct kvr_prepared_dense *p = prepared;
    const uint32_t lines = kvr_affine_block_lines(KVR_AFFINE4G, groups * KVR_AFFINE4G_GROUP);
    const size_t bytes = kvr_affine_bytes(lines, segments->tokens);
    const size_t block_bytes = (size_t)lines * KVR_LINE_BYTES;
    int64_t left = segments->tokens;
    for (size_t offset = 0; offset < bytes;) {
        struct kvr_run run = kvr_next_run(segments, i, offset, bytes, block_bytes);
        for (size_t o = 0, at = 0; o < run.bytes;
             o += block_bytes, at = kvr_next_at(&run, at, block_bytes)) {
            const unsigned char *block = run.codes + at, *ahead = run.ahead + at;
            struct totals t = block_score(block, p->query, ahead, groups, prefetch);
            kvr_store8(scores, left, t.low);
            kvr_store8(scores + KVR_DOT8_KEYS, left - KVR_DOT8_KEYS, t.high);
            scores += KVR_AFFINE_BLOCK_KEYS;
            left -= KVR_AFFINE_BLOCK_KEYS;
        }
        offset += run.bytes;
    }
}

KVR_INLINE void score_groups(const struct kvr_segments *segments, uint32_t i, const void *prepared,
                             float *scores, const uint32_t groups)
{
    if (segments->ahead_segments || segments->ahead_bytes)
        score(segments, i, prepared, scores, groups, 1);
    else
        score(segments, i, prepared, scores, groups, 0);
}

static void score_affine4g(const struct kvr_shape *shape, const struct kvr_segments *segments,
                           uint32_t i, const void *side, const void *prepared, float *scores)
{
    (void)side;
    if (shape->head_dim == 64)
        score_groups(segments, i, prepared, scores, 64 / KVR_AFFINE4G_GROUP);
    else
        score_groups(segments, i, prepared, scores, shape->head_dim / KVR_AFFINE4G_GROUP);
}

const struct kvr_kernel kvr_kernel_affine4g_fused_avx2 = {
    .variant = "fused",
    .isa_name = "avx2",
    .format = &kvr_format_affine4g,
    .isa = KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C,
    /* No declared work: gcc 12 keeps part of its 16 sums and nibbles on the stack, and how many of
     * them is the compiler's choice. */
    .score = score_affine4g,
};
