/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Product with values of 8 bits in portable C.
 */
#include "../half.h"
#include "values_q8.h"

KVR_INLINE void scale_weights(const float *weights, uint32_t count, const unsigned char *scales,
                              float *factors)
{
    for (uint32_t r = 0; r < count; r++) {
        uint16_t half;
        memcpy(&half, scales + r * sizeof half, sizeof half);
        factors[r] = weights[r] * kvr_widen_half(half);
    }
}

KVR_INLINE void add_group(const unsigned char *rows, size_t row_bytes, const float *factors,
                          uint32_t count, float *output, const unsigned char *ahead,
                          const int prefetch, const int full)
{
    const signed char *row = (const signed char *)rows;
    (void)full;
    if (prefetch)
        kvr_prefetch(ahead, GROUP_CHANNELS * BLOCK_ROWS);
    for (uint32_t r = 0; r < count; r++, row += row_bytes)
        for (uint32_t c = 0; c < GROUP_CHANNELS; c++)
            output[c] += (float)row[c] * factors[r];
}

#include "values_q8_loop.inc"

const struct kvr_values_step kvr_values_q8_scalar = {
    .isa_name = "scalar",
    .format = &kvr_format_values_q8,
    .values = values,
};
