/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Product with values of 8 bits, AVX-512: even and odd rows have sums of their own, two registers
 * each for 32 channels, because one set would wait for its own multiply-adds.
 *
 * Limit, d = 64: 4 widening loads, 4 conversions and 4 multiply-adds a token, 12 operations of the
 * two ports that a 512-bit core has for them: 6 cycles for 68 bytes.
 */
#include "../simd/unroll.h"
#include "../simd/x86_avx512.h"
#include "values_q8.h"

enum { LANES = 16 };

KVR_INLINE void scale_weights(const float *weights, uint32_t count, const unsigned char *scales,
                              float *factors)
{
    const __mmask16 mask = (__mmask16)((1u << count) - 1);
    _mm512_store_ps(factors,
                    _mm512_mul_ps(kvr_load_half16(scales), _mm512_maskz_loadu_ps(mask, weights)));
}

KVR_INLINE __m512 add16(__m512 sum, const unsigned char *bytes, __m512 factor)
{
    __m512i wide = _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)bytes));
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(wide), factor, sum);
}

KVR_INLINE void add_group(const unsigned char *rows, size_t row_bytes, const float *factors,
                          uint32_t count, float *output, const unsigned char *ahead,
                          const int prefetch, const int full)
{
    __m512 a = _mm512_load_ps(output), b = _mm512_load_ps(output + LANES);
    __m512 c = _mm512_setzero_ps(), d = c;
    KVR_UNROLL
    for (uint32_t r = 0; r < BLOCK_ROWS; r += 2) {
        const unsigned char *even = rows + r * row_bytes, *odd = even + row_bytes;
        if (prefetch)
            kvr_prefetch(ahead + r / 2 * KVR_LINE_BYTES, KVR_LINE_BYTES);
        if (full || r < count) {
            const __m512 factor = _mm512_set1_ps(factors[r]);
            a = add16(a, even, factor);
            b = add16(b, even + LANES, factor);
        }
        if (full || r + 1 < count) {
            const __m512 factor = _mm512_set1_ps(factors[r + 1]);
            c = add16(c, odd, factor);
            d = add16(d, odd + LANES, factor);
        }
    }
    _mm512_store_ps(output, _mm512_add_ps(a, c));
    _mm512_store_ps(output + LANES, _mm512_add_ps(b, d));
}

#include "values_q8_loop.inc"

const struct kvr_values_step kvr_values_q8_avx512 = {
    .isa_name = "avx512",
    .format = &kvr_format_values_q8,
    .isa = KVR_ISA_AVX512 | KVR_ISA_FMA | KVR_ISA_F16C,
    .values = values,
};
