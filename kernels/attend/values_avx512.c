/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Product with the values, AVX-512: the sums of all channels stay in registers, d / 16 of them; at
 * d = 64 two sets for rows in turn, because one of 4 would wait for its own multiply-adds.
 *
 * Limit, d = 64: 4 conversions and 4 multiply-adds a token. Where a 512-bit conversion takes both
 * ports that also multiply-add (Intel), both are full for 6 cycles a token; 8 by AVX2, whose
 * conversions take one.
 */
#include "../simd/unroll.h"
#include "../simd/x86_avx512.h"
#include "values.h"

enum { LANES = 16, CHUNK_BYTES = 32, MAX_CHUNKS = KVR_MAX_HEAD_DIM / LANES, TWO_SETS = 4 };

struct sums {
    __m512 even[MAX_CHUNKS], odd[TWO_SETS];
};

KVR_INLINE void add_row(struct sums *sums, const unsigned char *row, float weight,
                        const uint32_t chunks, const int fixed)
{
    const __m512 w = _mm512_set1_ps(weight);
    (void)fixed;
    KVR_UNROLL
    for (uint32_t j = 0; j < MAX_CHUNKS; j++) {
        if (j < chunks)
            sums->even[j] =
                _mm512_fmadd_ps(kvr_load_half16(row + j * CHUNK_BYTES), w, sums->even[j]);
    }
}

/* Chunk by chunk of four rows, so two lines to prefetch per chunk. Unrolled to the most that d
 * allows, with a branch each where d is no constant: a loop would need the sums in memory. */
KVR_INLINE void add_group(struct sums *sums, const unsigned char *rows, const float *weights,
                          const uint32_t chunks, const int fixed, const unsigned char *ahead,
                          const int prefetch)
{
    const size_t row_bytes = (size_t)chunks * CHUNK_BYTES;
    const __m512 a = _mm512_set1_ps(weights[0]), b = _mm512_set1_ps(weights[1]);
    const __m512 c = _mm512_set1_ps(weights[2]), d = _mm512_set1_ps(weights[3]);
    KVR_UNROLL
    for (uint32_t j = 0; j < MAX_CHUNKS; j++) {
        if (j >= chunks)
            continue;
        const unsigned char *p = rows + j * CHUNK_BYTES;
        __m512 *even = sums->even + j;
        __m512 *odd = fixed && chunks == TWO_SETS ? sums->odd + j % TWO_SETS : even;
        if (prefetch)
            kvr_prefetch(ahead + j * 2 * KVR_LINE_BYTES, 2 * KVR_LINE_BYTES);
        *even = _mm512_fmadd_ps(kvr_load_half16(p), a, *even);
        *odd = _mm512_fmadd_ps(kvr_load_half16(p + row_bytes), b, *odd);
        *even = _mm512_fmadd_ps(kvr_load_half16(p + 2 * row_bytes), c, *even);
        *odd = _mm512_fmadd_ps(kvr_load_half16(p + 3 * row_bytes), d, *odd);
    }
}

#include "values_loop.inc"

KVR_INLINE void add_values(const struct kvr_segments *segments, uint32_t i, const float *weights,
                           float rescale, float *output, const uint32_t chunks, const int fixed)
{
    /* no multiplication by 0: what is not set may be a NaN */
    const __mmask16 set = rescale == 0 ? 0 : 0xffff;
    const __m512 factor = _mm512_set1_ps(rescale);
    struct sums sums;
    KVR_UNROLL
    for (uint32_t j = 0; j < MAX_CHUNKS; j++) {
        __m512 old = _mm512_maskz_loadu_ps(j < chunks ? set : 0, output + j * LANES);
        sums.even[j] = _mm512_mul_ps(old, factor);
    }
    KVR_UNROLL
    for (uint32_t j = 0; j < TWO_SETS; j++)
        sums.odd[j] = _mm512_setzero_ps();
    add_all(&sums, segments, i, weights, chunks, fixed);
    KVR_UNROLL
    for (uint32_t j = 0; j < MAX_CHUNKS; j++) {
        if (j >= chunks)
            continue;
        if (fixed && chunks == TWO_SETS)
            sums.even[j] = _mm512_add_ps(sums.even[j], sums.odd[j % TWO_SETS]);
        _mm512_store_ps(output + j * LANES, sums.even[j]);
    }
}

static void values(const struct kvr_shape *shape, const struct kvr_segments *segments, uint32_t i,
                   const float *weights, float rescale, float *output)
{
    if (shape->head_dim == 64)
        add_values(segments, i, weights, rescale, output, 4, 1);
    else if (shape->head_dim == 128)
        add_values(segments, i, weights, rescale, output, 8, 1);
    else
        add_values(segments, i, weights, rescale, output, shape->head_dim / LANES, 0);
}

const struct kvr_values_step kvr_values_f16_avx512 = {
    .isa_name = "avx512",
    .format = &kvr_format_dense_f16,
    .isa = KVR_ISA_AVX512 | KVR_ISA_FMA | KVR_ISA_F16C,
    .values = values,
};
