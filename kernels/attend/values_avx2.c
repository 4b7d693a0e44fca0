/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Product with the values, AVX2, FMA and F16C: at d = 64 the sums are 8 of the 16 registers. Other
 * d have them in the output itself, loaded and stored once for four rows: registers for 128
 * channels would be all there are.
 *
 * Limit, d = 64: 8 conversions and 8 multiply-adds a token, on the same two ports: 8 cycles.
 */
#include "../simd/unroll.h"
#include "../simd/x86_avx2.h"
#include "values.h"

enum { LANES = 8, CHUNK_BYTES = 16, FIXED_CHUNKS = 8 };

struct sums {
    __m256 fixed[FIXED_CHUNKS];
    float *output;
};

KVR_INLINE void add_row(struct sums *sums, const unsigned char *row, float weight,
                        const uint32_t chunks, const int fixed)
{
    const __m256 w = _mm256_set1_ps(weight);
    if (fixed) {
        KVR_UNROLL
        for (uint32_t j = 0; j < FIXED_CHUNKS; j++)
            sums->fixed[j] =
                _mm256_fmadd_ps(kvr_load_half8(row + j * CHUNK_BYTES), w, sums->fixed[j]);
        return;
    }
    for (uint32_t j = 0; j < chunks; j++) {
        __m256 sum = _mm256_load_ps(sums->output + j * LANES);
        sum = _mm256_fmadd_ps(kvr_load_half8(row + j * CHUNK_BYTES), w, sum);
        _mm256_store_ps(sums->output + j * LANES, sum);
    }
}

/* A chunk of the four rows at p, with its one line to prefetch. */
KVR_INLINE __m256 add_chunk(__m256 sum, const unsigned char *p, size_t row_bytes,
                            const __m256 weights[GROUP_ROWS], const unsigned char *ahead,
                            const int prefetch)
{
    if (prefetch)
        kvr_prefetch(ahead, KVR_LINE_BYTES);
    sum = _mm256_fmadd_ps(kvr_load_half8(p), weights[0], sum);
    sum = _mm256_fmadd_ps(kvr_load_half8(p + row_bytes), weights[1], sum);
    sum = _mm256_fmadd_ps(kvr_load_half8(p + 2 * row_bytes), weights[2], sum);
    return _mm256_fmadd_ps(kvr_load_half8(p + 3 * row_bytes), weights[3], sum);
}

KVR_INLINE void add_group(struct sums *sums, const unsigned char *rows, const float *weights,
                          const uint32_t chunks, const int fixed, const unsigned char *ahead,
                          const int prefetch)
{
    const size_t row_bytes = (size_t)chunks * CHUNK_BYTES;
    const __m256 w[GROUP_ROWS] = {_mm256_set1_ps(weights[0]), _mm256_set1_ps(weights[1]),
                                  _mm256_set1_ps(weights[2]), _mm256_set1_ps(weights[3])};
    if (fixed) {
        KVR_UNROLL
        for (uint32_t j = 0; j < FIXED_CHUNKS; j++)
            sums->fixed[j] = add_chunk(sums->fixed[j], rows + j * CHUNK_BYTES, row_bytes, w,
                                       ahead + j * KVR_LINE_BYTES, prefetch);
        return;
    }
    for (uint32_t j = 0; j < chunks; j++) {
        __m256 sum = _mm256_load_ps(sums->output + j * LANES);
        sum = add_chunk(sum, rows + j * CHUNK_BYTES, row_bytes, w, ahead + j * KVR_LINE_BYTES,
                        prefetch);
        _mm256_store_ps(sums->output + j * LANES, sum);
    }
}

#include "values_loop.inc"

static void values(const struct kvr_shape *shape, const struct kvr_segments *segments, uint32_t i,
                   const float *weights, float rescale, float *output)
{
    struct sums sums = {.output = output};
    kvr_rescale(output, shape->head_dim, rescale);
    if (shape->head_dim != FIXED_CHUNKS * LANES) {
        add_all(&sums, segments, i, weights, shape->head_dim / LANES, 0);
        return;
    }
    KVR_UNROLL
    for (uint32_t j = 0; j < FIXED_CHUNKS; j++)
        sums.fixed[j] = _mm256_load_ps(output + j * LANES);
    add_all(&sums, segments, i, weights, FIXED_CHUNKS, 1);
    KVR_UNROLL
    for (uint32_t j = 0; j < FIXED_CHUNKS; j++)
        _mm256_store_ps(output + j * LANES, sums.fixed[j]);
}

const struct kvr_values_step kvr_values_f16_avx2 = {
    .isa_name = "avx2",
    .format = &kvr_format_dense_f16,
    .isa = KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C,
    .values = values,
};
