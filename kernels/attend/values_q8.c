/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * values_q8: values as bytes with a scale for each 32 channels of a row. Layout and reference.
 */
#include <string.h>

#include "../half_value.h"
#include "values_q8.h"

static size_t segment_bytes(const struct kvr_shape *shape, uint32_t tokens)
{
    const size_t blocks = ((size_t)tokens + BLOCK_ROWS - 1) / BLOCK_ROWS;
    return blocks * kvr_q8_block_bytes(shape->head_dim / GROUP_CHANNELS);
}

double kvr_values_q8_at(const struct kvr_shape *shape, const void *codes, uint32_t row,
                        uint32_t channel)
{
    const uint32_t groups = shape->head_dim / GROUP_CHANNELS;
    const unsigned char *block = codes;
    uint16_t half;
    int8_t byte;
    block += row / BLOCK_ROWS * kvr_q8_block_bytes(groups);
    row %= BLOCK_ROWS;
    memcpy(&half, block + channel / GROUP_CHANNELS * GROUP_SCALE_BYTES + row * sizeof half,
           sizeof half);
    memcpy(&byte, block + kvr_q8_scale_bytes(groups) + (size_t)row * shape->head_dim + channel, 1);
    return kvr_half_value(half) * byte;
}

const struct kvr_format kvr_format_values_q8 = {
    .name = "values_q8",
    .layout = "blocks of 16 rows: [d/32][16] float16 scales, then [16][d] bytes",
    .block_keys = BLOCK_ROWS,
    .segment_bytes = segment_bytes,
};
