/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A block of 16 keys from codes to rows of float16, with AVX2 and F16C, eight keys at a time: four
 * half lines are transposed to four registers whose 128-bit lanes are keys, 16 channels of 8 bits
 * or 32 of 4 bits. Every row is written in whole lines where d allows, so that stores past the
 * caches combine.
 *
 * Limits, for 32 channels of 16 keys: 8-bit codes are widened, converted, multiplied and rounded,
 * 8 channels an instruction: 64 each, and 144 shuffles. 4-bit codes are looked up twice, for
 * the lower and the upper byte of the 16 float16 that they stand for: 128 shuffles (32 of them
 * upper lanes on their way to memory) and no conversion; a scale per key and group makes that table
 * 16 times more.
 */
#ifndef KVR_DEQUANTISE_AVX2_H
#define KVR_DEQUANTISE_AVX2_H

#include "../simd/repeat.h"
#include "../simd/unroll.h"
#include "../simd/x86_avx2.h"
#include "affine.h"

/* What 4-bit codes stand for: bytes of 16 float16, for each of two keys a lane. */
struct kvr_half_table {
    __m256i low, high;
};

struct kvr_dequantiser {
    __m256 scale, values0, values8; /* values: -8 .. -1 and 0 .. 7 */
    struct kvr_half_table table;    /* affine4 */
};

/* 8 floats, rounded to float16: to nearest, ties to even. */
KVR_INLINE __m128i kvr_halves(__m256 x)
{
    return _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT);
}

/* The tables of two keys, from their scales in every element. */
KVR_INLINE struct kvr_half_table kvr_half_table(const struct kvr_dequantiser *q, __m256 first,
                                                __m256 second)
{
    const __m256i lower = _mm256_set1_epi16(0xff);
    __m256i a = _mm256_set_m128i(kvr_halves(_mm256_mul_ps(q->values0, second)),
                                 kvr_halves(_mm256_mul_ps(q->values0, first)));
    __m256i b = _mm256_set_m128i(kvr_halves(_mm256_mul_ps(q->values8, second)),
                                 kvr_halves(_mm256_mul_ps(q->values8, first)));
    return (struct kvr_half_table){
        _mm256_packus_epi16(_mm256_and_si256(a, lower), _mm256_and_si256(b, lower)),
        _mm256_packus_epi16(_mm256_srli_epi16(a, 8), _mm256_srli_epi16(b, 8))};
}

KVR_INLINE struct kvr_dequantiser kvr_dequantiser(const enum kvr_affine_kind kind, float scale)
{
    struct kvr_dequantiser q = {.scale = _mm256_set1_ps(scale),
                                .values0 = _mm256_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1),
                                .values8 = _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7)};
    if (kind == KVR_AFFINE4)
        q.table = kvr_half_table(&q, q.scale, q.scale);
    return q;
}

/* Register j's lane l: the dwords of key 4 l + j (of eight) in four half lines. */
struct kvr_lanes {
    __m256i r0, r1, r2, r3;
};

KVR_INLINE struct kvr_lanes kvr_transpose(__m256i a, __m256i b, __m256i c, __m256i d)
{
    __m256i low = _mm256_unpacklo_epi32(a, b), high = _mm256_unpackhi_epi32(a, b);
    __m256i low2 = _mm256_unpacklo_epi32(c, d), high2 = _mm256_unpackhi_epi32(c, d);
    return (struct kvr_lanes){_mm256_unpacklo_epi64(low, low2), _mm256_unpackhi_epi64(low, low2),
                              _mm256_unpacklo_epi64(high, high2),
                              _mm256_unpackhi_epi64(high, high2)};
}

KVR_INLINE __m256i kvr_half_line(const unsigned char *codes, size_t line)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)(codes + line * KVR_LINE_BYTES));
}

/* Four half lines of signed bytes from those of affine8. */
KVR_INLINE struct kvr_lanes kvr_signed_lanes(const unsigned char *codes)
{
    const __m256i sign = _mm256_set1_epi8((char)0x80);
    return kvr_transpose(_mm256_xor_si256(kvr_half_line(codes, 0), sign),
                         _mm256_xor_si256(kvr_half_line(codes, 1), sign),
                         _mm256_xor_si256(kvr_half_line(codes, 2), sign),
                         _mm256_xor_si256(kvr_half_line(codes, 3), sign));
}

KVR_INLINE void kvr_put8(uint16_t *keys, __m128i halves, const int non_temporal)
{
    __m128i *p = (__m128i *)(void *)keys;
    if (non_temporal)
        _mm_stream_si128(p, halves);
    else
        _mm_store_si128(p, halves);
}

/* 16 channels of a key. */
KVR_INLINE void kvr_put_bytes(uint16_t *keys, __m128i bytes, __m256 scale, const int non_temporal)
{
    __m256 a = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
    __m256 b = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_unpackhi_epi64(bytes, bytes)));
    kvr_put8(keys, kvr_halves(_mm256_mul_ps(a, scale)), non_temporal);
    kvr_put8(keys + 8, kvr_halves(_mm256_mul_ps(b, scale)), non_temporal);
}

#define KVR_BYTES_KEY(j, l)                                                                        \
    kvr_put_bytes(keys + (4 * l + j) * row, _mm256_extracti128_si256(a.r##j, l), q->scale,         \
                  non_temporal);                                                                   \
    if (!only16)                                                                                   \
        kvr_put_bytes(keys + (4 * l + j) * row + 16, _mm256_extracti128_si256(b.r##j, l),          \
                      q->scale, non_temporal);

/* 32 channels of affine8 (16 with only16) of 16 keys; rows lie d values apart. */
KVR_INLINE void kvr_dequantise8(const struct kvr_dequantiser *q, const unsigned char *codes,
                                uint16_t *keys, size_t row, const int only16,
                                const int non_temporal)
{
    KVR_UNROLL
    for (int half = 0; half < 2; half++) {
        const struct kvr_lanes a = kvr_signed_lanes(codes);
        const struct kvr_lanes b = only16 ? a : kvr_signed_lanes(codes + 4 * KVR_LINE_BYTES);
        KVR_REPEAT4(KVR_BYTES_KEY, 0)
        KVR_REPEAT4(KVR_BYTES_KEY, 1)
        codes += KVR_LINE_BYTES / 2;
        keys += 8 * row;
    }
}

/* 32 channels (16 with only16) of two keys, one a lane of v. */
KVR_INLINE void kvr_put_nibbles(uint16_t *first, uint16_t *second, __m256i v,
                                struct kvr_half_table t, const int only16, const int non_temporal)
{
    const __m256i lower = _mm256_set1_epi8(15);
    __m256i even = _mm256_and_si256(v, lower);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi16(v, 4), lower);
    __m256i x = _mm256_unpacklo_epi8(even, odd), y = _mm256_unpackhi_epi8(even, odd);
    __m256i xl = _mm256_shuffle_epi8(t.low, x), xh = _mm256_shuffle_epi8(t.high, x);
    __m256i yl = _mm256_shuffle_epi8(t.low, y), yh = _mm256_shuffle_epi8(t.high, y);
    __m256i halves[] = {_mm256_unpacklo_epi8(xl, xh), _mm256_unpackhi_epi8(xl, xh),
                        _mm256_unpacklo_epi8(yl, yh), _mm256_unpackhi_epi8(yl, yh)};
    /* key by key, so that the four parts of a line follow each other */
    for (int n = 0; n < (only16 ? 2 : 4); n++)
        kvr_put8(first + 8 * n, _mm256_castsi256_si128(halves[n]), non_temporal);
    for (int n = 0; n < (only16 ? 2 : 4); n++)
        kvr_put8(second + 8 * n, _mm256_extracti128_si256(halves[n], 1), non_temporal);
}

#define KVR_NIBBLES_KEYS(j, ...)                                                                   \
    kvr_put_nibbles(keys + j * row, keys + (4 + j) * row, a.r##j,                                  \
                    scales ? kvr_half_table(q, _mm256_broadcast_ss(scales + j),                    \
                                            _mm256_broadcast_ss(scales + 4 + j))                   \
                           : q->table,                                                             \
                    only16, non_temporal);

/* 32 channels of 4 bits (16 with only16) of 16 keys; scales: 16 floats, or NULL for the table. */
KVR_INLINE void kvr_dequantise4(const struct kvr_dequantiser *q, const unsigned char *codes,
                                const float *scales, uint16_t *keys, size_t row, const int only16,
                                const int non_temporal)
{
    KVR_UNROLL
    for (int half = 0; half < 2; half++) {
        const __m256i first = kvr_half_line(codes, 0), second = kvr_half_line(codes, 1);
        const struct kvr_lanes a =
            kvr_transpose(first, second, only16 ? first : kvr_half_line(codes, 2),
                          only16 ? second : kvr_half_line(codes, 3));
        KVR_REPEAT4(KVR_NIBBLES_KEYS, 0)
        codes += KVR_LINE_BYTES / 2;
        keys += 8 * row;
        if (scales)
            scales += 8;
    }
}

/* 16 scales of a group to floats in memory, from where they are broadcast. */
KVR_INLINE void kvr_load_scales(const unsigned char *block, uint32_t group, float *scales)
{
    const unsigned char *p = block + group * KVR_AFFINE_SCALES_BYTES;
    __m128i a = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(p + 16));
    _mm256_store_ps(scales, _mm256_cvtph_ps(a));
    _mm256_store_ps(scales + 8, _mm256_cvtph_ps(b));
    /* gcc would take the floats out of the registers, a shuffle or two each */
    __asm__ volatile("" : "+m"(*(float(*)[KVR_AFFINE_BLOCK_KEYS])scales));
}

#endif
