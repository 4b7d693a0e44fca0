/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Product with the values in portable C: float16 is converted with integer operations, one by one;
 * the sums are the output itself, loaded and stored once for four rows.
 */
#include "../half.h"
#include "values.h"

enum { CHUNK_CHANNELS = 16, CHUNK_BYTES = 32 };

struct sums {
    float *output;
};

KVR_INLINE float half_at(const unsigned char *row, uint32_t c)
{
    uint16_t half;
    memcpy(&half, row + c * sizeof half, sizeof half);
    return kvr_widen_half(half);
}

KVR_INLINE void add_row(struct sums *sums, const unsigned char *row, float weight,
                        const uint32_t chunks, const int fixed)
{
    float *output = sums->output;
    (void)fixed;
    for (uint32_t c = 0; c < chunks * CHUNK_CHANNELS; c++)
        output[c] += half_at(row, c) * weight;
}

/* Two lines to prefetch per chunk of all four rows. */
KVR_INLINE void add_group(struct sums *sums, const unsigned char *rows, const float *weights,
                          const uint32_t chunks, const int fixed, const unsigned char *ahead,
                          const int prefetch)
{
    const size_t row_bytes = (size_t)chunks * CHUNK_BYTES;
    const float w[GROUP_ROWS] = {weights[0], weights[1], weights[2], weights[3]};
    float *output = sums->output;
    (void)fixed;
    for (uint32_t j = 0; j < chunks; j++) {
        if (prefetch)
            kvr_prefetch(ahead + j * 2 * KVR_LINE_BYTES, 2 * KVR_LINE_BYTES);
        for (uint32_t c = j * CHUNK_CHANNELS; c < (j + 1) * CHUNK_CHANNELS; c++) {
            float sum = output[c] + half_at(rows, c) * w[0];
            sum += half_at(rows + row_bytes, c) * w[1];
            sum += half_at(rows + 2 * row_bytes, c) * w[2];
            output[c] = sum + half_at(rows + 3 * row_bytes, c) * w[3];
        }
    }
}

#include "values_loop.inc"

static void values(const struct kvr_shape *shape, const struct kvr_segments *segments, uint32_t i,
                   const float *weights, float rescale, float *output)
{
    struct sums sums = {output};
    kvr_rescale(output, shape->head_dim, rescale);
    add_all(&sums, segments, i, weights, shape->head_dim / CHUNK_CHANNELS, 0);
}

const struct kvr_values_step kvr_values_f16_scalar = {
    .isa_name = "scalar",
    .format = &kvr_format_dense_f16,
    .values = values,
};
