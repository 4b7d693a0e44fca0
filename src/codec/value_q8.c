/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Values as bytes: blocks of 32 channels of a row with a float16 scale, largest / 127, as ggml's
 * q8_0. No system of keys: it is found by what places values, not in the list of codecs.
 */
#include "codecs.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "../../kernels/formats.h"

enum { ROWS = 16, CHANNELS = 32, MOST = 127 };

static const char *value_q8_refuses(const struct kvr_shape *shape)
{
    if (shape->head_dim % CHANNELS == 0)
        return NULL;
    return "values of 8 bits have a scale for each 32 channels: d must be a multiple of 32";
}

static double value_q8_bytes(const struct kvr_shape *shape)
{
    return shape->head_dim + 2.0 * shape->head_dim / CHANNELS;
}

static size_t value_q8_side_bytes(const struct kvr_shape *shape)
{
    (void)shape;
    return 0;
}

static int value_q8_train(const struct kvr_shape *shape, const float *values, size_t count,
                          uint64_t seed, void *side)
{
    (void)shape;
    (void)values;
    (void)count;
    (void)seed;
    (void)side;
    return 0;
}

/* The scale is rounded first, so that the bytes are the best for the scale that is stored. */
static int encode_group(const float *values, uint16_t *scale, int8_t *bytes)
{
    float largest = 0;
    for (int c = 0; c < CHANNELS; c++)
        largest = fmaxf(largest, fabsf(values[c]));
    *scale = kvr_float_to_half(largest / MOST);
    if ((*scale & 0x7c00u) == 0x7c00u)
        return -ERANGE;
    const float step = kvr_half_to_float(*scale);
    for (int c = 0; c < CHANNELS; c++) {
        float nearest = step > 0 ? rintf(values[c] / step) : 0;
        bytes[c] = (int8_t)fminf(fmaxf(nearest, -MOST), MOST);
    }
    return 0;
}

static int value_q8_encode(const struct kvr_shape *shape, const void *side, const float *values,
                           size_t count, void *codes)
{
    const uint32_t d = shape->head_dim, groups = d / CHANNELS;
    const size_t block_bytes = kvr_format_values_q8.segment_bytes(shape, ROWS);
    const size_t scale_bytes = block_bytes - (size_t)ROWS * d;
    int rc = 0;
    (void)side;
    memset(codes, 0, kvr_format_values_q8.segment_bytes(shape, (uint32_t)count));
    for (size_t i = 0; i < count * groups && !rc; i++) {
        const size_t row = i / groups, g = i % groups;
        unsigned char *block = (unsigned char *)codes + row / ROWS * block_bytes;
        uint16_t scale;
        rc = encode_group(values + row * d + g * CHANNELS, &scale,
                          (int8_t *)block + scale_bytes + row % ROWS * d + g * CHANNELS);
        memcpy(block + (g * ROWS + row % ROWS) * sizeof scale, &scale, sizeof scale);
    }
    return rc;
}

static void value_q8_decode(const struct kvr_shape *shape, const void *side, const void *codes,
                            size_t count, float *values)
{
    const uint32_t d = shape->head_dim;
    (void)side;
    for (size_t i = 0; i < count * d; i++)
        values[i] = (float)kvr_values_q8_at(shape, codes, (uint32_t)(i / d), (uint32_t)(i % d));
}

static const struct kvr_format *const value_q8_formats[] = {&kvr_format_values_q8, NULL};

const struct kvr_codec kvr_codec_value_q8 = {
    .name = "q8",
    .source = "ggml's q8_0",
    .summary = "8-bit values, a scale for each 32 channels",
    .formats = value_q8_formats,
    .refuses = value_q8_refuses,
    .key_bytes = value_q8_bytes,
    .side_bytes = value_q8_side_bytes,
    .train = value_q8_train,
    .encode = value_q8_encode,
    .decode = value_q8_decode,
};
