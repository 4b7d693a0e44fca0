/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Product with values of 8 bits, AVX2 and FMA: four registers of sums for 32 channels, twice, for
 * even and odd rows.
 *
 * Limit, d = 64: 8 widening loads, 8 conversions and 8 multiply-adds a token; the last two have two
 * ports: 8 cycles for 68 bytes.
 */
#include "../simd/unroll.h"
#include "../simd/x86_avx2.h"
#include "values_q8.h"

enum { LANES = 8, VECTORS = GROUP_CHANNELS / LANES };

/* Eight weights; those from `count` on are 0 and not read. */
KVR_INLINE __m256 first_weights(const float *weights, int32_t count)
{
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_maskload_ps(weights, _mm256_cmpgt_epi32(_mm256_set1_epi32(count), lane));
}

KVR_INLINE void scale_weights(const float *weights, uint32_t count, const unsigned char *scales,
                              float *factors)
{
    KVR_UNROLL
    for (int r = 0; r < BLOCK_ROWS; r += LANES) {
        const __m256 few = first_weights(weights + r, (int32_t)count - r);
        _mm256_store_ps(factors + r,
                        _mm256_mul_ps(kvr_load_half8(scales + r * sizeof(uint16_t)), few));
    }
}

KVR_INLINE void add_row(__m256 sums[VECTORS], const unsigned char *row, float weight)
{
    const __m256 factor = _mm256_set1_ps(weight);
    KVR_UNROLL
    for (int v = 0; v < VECTORS; v++) {
        const void *p = row + v * LANES;
        __m256i wide = _mm256_cvtepi8_epi32(_mm_loadl_epi64(p));
        sums[v] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(wide), factor, sums[v]);
    }
}

KVR_INLINE void add_group(const unsigned char *rows, size_t row_bytes, const float *factors,
                          uint32_t count, float *output, const unsigned char *ahead,
                          const int prefetch, const int full)
{
    __m256 even[VECTORS], odd[VECTORS];
    KVR_UNROLL
    for (int v = 0; v < VECTORS; v++) {
        even[v] = _mm256_load_ps(output + v * LANES);
        odd[v] = _mm256_setzero_ps();
    }
    KVR_UNROLL
    for (uint32_t r = 0; r < BLOCK_ROWS; r += 2) {
        if (prefetch)
            kvr_prefetch(ahead + r / 2 * KVR_LINE_BYTES, KVR_LINE_BYTES);
        if (full || r < count)
            add_row(even, rows + r * row_bytes, factors[r]);
        if (full || r + 1 < count)
            add_row(odd, rows + (r + 1) * row_bytes, factors[r + 1]);
    }
    KVR_UNROLL
    for (int v = 0; v < VECTORS; v++)
        _mm256_store_ps(output + v * LANES, _mm256_add_ps(even[v], odd[v]));
}

#include "values_q8_loop.inc"

const struct kvr_values_step kvr_values_q8_avx2 = {
    .isa_name = "avx2",
    .format = &kvr_format_values_q8,
    .isa = KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C,
    .values = values,
};
