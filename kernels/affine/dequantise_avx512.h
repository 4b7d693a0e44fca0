/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A block of 16 keys from codes to rows of float16, with AVX-512. A line of codes holds a dword of
 * each of 16 keys, so four lines are transposed to four registers whose 128-bit lanes are keys: 16
 * channels of 8 bits or 32 of 4 bits. Every row is written in whole lines where d allows, so that
 * stores past the caches combine.
 *
 * Limits, for 32 channels of 16 keys: 8-bit codes are widened, converted, multiplied and rounded,
 * 16 channels an instruction: 32 each, and 72 shuffles with the transpose. 4-bit codes are looked
 * up among the 16 float16 that they stand for, 32 channels an instruction, without any conversion:
 * 52 shuffles; a scale per key and group makes that table 16 times more (a multiplication, a
 * rounding).
 */
#ifndef KVR_DEQUANTISE_AVX512_H
#define KVR_DEQUANTISE_AVX512_H

#include "../simd/repeat.h"
#include "../simd/x86_avx512.h"
#include "affine.h"

struct kvr_dequantiser {
    __m512 scale, values; /* values: -8 .. 7, what a 4-bit code stands for in scales */
    __m512i table;        /* affine4: the values in float16, in the lower half */
};

/* 16 floats, rounded to float16: to nearest, ties to even. */
KVR_INLINE __m256i kvr_halves(__m512 x)
{
    return _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT);
}

KVR_INLINE struct kvr_dequantiser kvr_dequantiser(const enum kvr_affine_kind kind, float scale)
{
    struct kvr_dequantiser q = {
        .scale = _mm512_set1_ps(scale),
        .values = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7)};
    if (kind == KVR_AFFINE4)
        q.table = _mm512_castsi256_si512(kvr_halves(_mm512_mul_ps(q.values, q.scale)));
    return q;
}

/* Register j's lane l: the dwords of key 4 l + j in four lines. */
struct kvr_lanes {
    __m512i r0, r1, r2, r3;
};

KVR_INLINE struct kvr_lanes kvr_transpose(__m512i a, __m512i b, __m512i c, __m512i d)
{
    __m512i low = _mm512_unpacklo_epi32(a, b), high = _mm512_unpackhi_epi32(a, b);
    __m512i low2 = _mm512_unpacklo_epi32(c, d), high2 = _mm512_unpackhi_epi32(c, d);
    return (struct kvr_lanes){_mm512_unpacklo_epi64(low, low2), _mm512_unpackhi_epi64(low, low2),
                              _mm512_unpacklo_epi64(high, high2),
                              _mm512_unpackhi_epi64(high, high2)};
}

KVR_INLINE __m512i kvr_line(const unsigned char *codes, size_t line)
{
    return _mm512_loadu_si512(codes + line * KVR_LINE_BYTES);
}

/* Four lines of signed bytes from those of affine8. */
KVR_INLINE struct kvr_lanes kvr_signed_lanes(const unsigned char *codes)
{
    const __m512i sign = _mm512_set1_epi8((char)0x80);
    return kvr_transpose(
        _mm512_xor_si512(kvr_line(codes, 0), sign), _mm512_xor_si512(kvr_line(codes, 1), sign),
        _mm512_xor_si512(kvr_line(codes, 2), sign), _mm512_xor_si512(kvr_line(codes, 3), sign));
}

KVR_INLINE void kvr_put16(uint16_t *keys, __m256i halves, const int non_temporal)
{
    __m256i *p = (__m256i *)(void *)keys;
    if (non_temporal)
        _mm256_stream_si256(p, halves);
    else
        _mm256_store_si256(p, halves);
}

/* Rows of an odd multiple of 16 channels begin in the middle of a line. */
KVR_INLINE void kvr_put32(uint16_t *keys, __m512i halves, const int whole_lines,
                          const int non_temporal)
{
    __m512i *p = (__m512i *)(void *)keys;
    if (!non_temporal) {
        _mm512_storeu_si512(p, halves);
    } else if (whole_lines) {
        _mm512_stream_si512(p, halves);
    } else {
        kvr_put16(keys, _mm512_castsi512_si256(halves), 1);
        kvr_put16(keys + 16, _mm512_extracti64x4_epi64(halves, 1), 1);
    }
}

KVR_INLINE __m256i kvr_halves_of_bytes(__m128i bytes, __m512 scale)
{
    return kvr_halves(_mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes)), scale));
}

/* Past the caches a line goes in one piece, at the price of a shuffle: as two halves, one after the
 * other, d = 64 took 3 to 7 % longer where it was tried (medians of four interleaved comparisons;
 * the same code against itself differed by 0 to 2 %). */
KVR_INLINE void kvr_put_bytes(uint16_t *keys, __m128i a, __m128i b, __m512 scale, const int only16,
                              const int whole_lines, const int non_temporal)
{
    const __m256i low = kvr_halves_of_bytes(a, scale);
    const __m256i high = only16 ? low : kvr_halves_of_bytes(b, scale);
    if (non_temporal && whole_lines && !only16) {
        kvr_put32(keys, _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1), 1, 1);
        return;
    }
    kvr_put16(keys, low, non_temporal);
    if (!only16)
        kvr_put16(keys + 16, high, non_temporal);
}

#define KVR_BYTES_KEY(j, l)                                                                        \
    kvr_put_bytes(keys + (4 * l + j) * row, _mm512_extracti32x4_epi32(a.r##j, l),                  \
                  _mm512_extracti32x4_epi32(b.r##j, l), q->scale, only16, row % 32 == 0,           \
                  non_temporal);

/* 32 channels of affine8 (16 with only16) of 16 keys; rows lie d values apart. */
KVR_INLINE void kvr_dequantise8(const struct kvr_dequantiser *q, const unsigned char *codes,
                                uint16_t *keys, size_t row, const int only16,
                                const int non_temporal)
{
    const struct kvr_lanes a = kvr_signed_lanes(codes);
    const struct kvr_lanes b = only16 ? a : kvr_signed_lanes(codes + 4 * KVR_LINE_BYTES);
    KVR_REPEAT4(KVR_BYTES_KEY, 0)
    KVR_REPEAT4(KVR_BYTES_KEY, 1)
    KVR_REPEAT4(KVR_BYTES_KEY, 2)
    KVR_REPEAT4(KVR_BYTES_KEY, 3)
}

/* Two nibbles of a byte to the words of a dword: channel 2 i from the byte's lower half. */
KVR_INLINE void kvr_put_nibbles(uint16_t *keys, __m128i bytes, __m512i table, const int only16,
                                const int whole_lines, const int non_temporal)
{
    enum { A_OR_B_AND_C = 0xa8 };
    if (only16) {
        __m256i v = _mm256_cvtepu8_epi32(bytes);
        v = _mm256_ternarylogic_epi32(v, _mm256_slli_epi32(v, 12), _mm256_set1_epi32(0x000f000f),
                                      A_OR_B_AND_C);
        kvr_put16(keys, _mm256_permutexvar_epi16(v, _mm512_castsi512_si256(table)), non_temporal);
    } else {
        __m512i v = _mm512_cvtepu8_epi32(bytes);
        v = _mm512_ternarylogic_epi32(v, _mm512_slli_epi32(v, 12), _mm512_set1_epi32(0x000f000f),
                                      A_OR_B_AND_C);
        kvr_put32(keys, _mm512_permutexvar_epi16(v, table), whole_lines, non_temporal);
    }
}

#define KVR_NIBBLES_KEY(j, l)                                                                      \
    kvr_put_nibbles(keys + (4 * l + j) * row, _mm512_extracti32x4_epi32(a.r##j, l),                \
                    scales ? _mm512_castsi256_si512(kvr_halves(                                    \
                                 _mm512_mul_ps(q->values, _mm512_set1_ps(scales[4 * l + j]))))     \
                           : q->table,                                                             \
                    only16, row % 32 == 0, non_temporal);

/* 32 channels of 4 bits (16 with only16) of 16 keys; scales: 16 floats, or NULL for the table. */
KVR_INLINE void kvr_dequantise4(const struct kvr_dequantiser *q, const unsigned char *codes,
                                const float *scales, uint16_t *keys, size_t row, const int only16,
                                const int non_temporal)
{
    const __m512i first = kvr_line(codes, 0), second = kvr_line(codes, 1);
    const struct kvr_lanes a = kvr_transpose(first, second, only16 ? first : kvr_line(codes, 2),
                                             only16 ? second : kvr_line(codes, 3));
    KVR_REPEAT4(KVR_NIBBLES_KEY, 0)
    KVR_REPEAT4(KVR_NIBBLES_KEY, 1)
    KVR_REPEAT4(KVR_NIBBLES_KEY, 2)
    KVR_REPEAT4(KVR_NIBBLES_KEY, 3)
}

/* 16 scales of a group to floats in memory, from where a multiplication broadcasts one. */
KVR_INLINE void kvr_load_scales(const unsigned char *block, uint32_t group, float *scales)
{
    const unsigned char *p = block + group * KVR_AFFINE_SCALES_BYTES;
    _mm512_store_ps(scales, kvr_load_half16(p));
    /* gcc would take the floats out of the register, a shuffle or two each */
    __asm__ volatile("" : "+m"(*(float(*)[KVR_AFFINE_BLOCK_KEYS])scales));
}

#endif
