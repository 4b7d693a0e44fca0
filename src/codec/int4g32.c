/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * int4g32: 4-bit keys, symmetric, with a float16 scale for every 32 channels of every key: the
 * baseline that people use, beside the paper's with one scale per tensor.
 */
#include "codecs.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "../../kernels/formats.h"

enum { BLOCK_KEYS = 16, GROUP = 32, ZERO = 8, MIN_CODE = -8, MAX_CODE = 7, ZERO_PAIR = 0x88 };

/* A block is [d/32][16 keys] float16 scales in whole lines, then [d/8][16 keys] dwords. */
static size_t scales_bytes(const struct kvr_shape *shape)
{
    size_t bytes = shape->head_dim / GROUP * BLOCK_KEYS * sizeof(uint16_t);
    return (bytes + KVR_LINE_BYTES - 1) / KVR_LINE_BYTES * KVR_LINE_BYTES;
}

static size_t block_offset(const struct kvr_shape *shape, size_t key)
{
    size_t block_bytes = scales_bytes(shape) + (size_t)BLOCK_KEYS * shape->head_dim / 2;
    return key / BLOCK_KEYS * block_bytes;
}

static size_t scale_index(const struct kvr_shape *shape, size_t key, uint32_t channel)
{
    return block_offset(shape, key) +
           (channel / GROUP * BLOCK_KEYS + key % BLOCK_KEYS) * sizeof(uint16_t);
}

/* Byte of a channel; the odd channel of a byte is its high nibble. */
static size_t code_index(const struct kvr_shape *shape, size_t key, uint32_t channel)
{
    return block_offset(shape, key) + scales_bytes(shape) + channel / 8 * (4 * BLOCK_KEYS) +
           key % BLOCK_KEYS * 4 + channel % 8 / 2;
}

static const char *refuses(const struct kvr_shape *shape)
{
    uint32_t d = shape->head_dim;
    if (d == 0 || d % GROUP || d > KVR_MAX_HEAD_DIM)
        return kvr_refusal("int4g32 serves head dims (--head-dim) that are multiples of %d, its "
                           "scale groups, up to %d, not %u",
                           GROUP, KVR_MAX_HEAD_DIM, d);
    if (shape->group != GROUP)
        return kvr_refusal("int4g32 has scale groups of %d channels, not of %u", GROUP,
                           shape->group);
    return NULL;
}

static double key_bytes(const struct kvr_shape *shape)
{
    return shape->head_dim / 2.0 + (double)shape->head_dim / GROUP * sizeof(uint16_t);
}

static size_t side_bytes(const struct kvr_shape *shape)
{
    (void)shape;
    return 0;
}

/* Nothing to learn: every key brings its scales. */
static int train(const struct kvr_shape *shape, const float *keys, size_t count, uint64_t seed,
                 void *side)
{
    (void)seed;
    (void)side;
    for (size_t i = 0; i < count * shape->head_dim; i++) {
        if (!(fabsf(keys[i]) <= FLT_MAX))
            return -EINVAL;
    }
    return count ? 0 : -EINVAL;
}

/* The float16 next to amax / 7: codes are made with what the scan multiplies by, so that the
 * scale's rounding costs no accuracy but at the ends of the range. Below 2^-25 it is 0, and so are
 * the codes. */
static uint16_t group_scale(const float *values)
{
    float largest = 0.0f;
    for (int c = 0; c < GROUP; c++)
        largest = fmaxf(largest, fabsf(values[c]));
    return kvr_float_to_half(largest / (float)MAX_CODE);
}

static void encode_group(const struct kvr_shape *shape, const float *values, float scale,
                         size_t key, uint32_t first, uint8_t *bytes)
{
    for (uint32_t c = 0; c < GROUP; c += 2) {
        int low = kvr_affine_code(values[c], scale, MIN_CODE, MAX_CODE) + ZERO;
        int high = kvr_affine_code(values[c + 1], scale, MIN_CODE, MAX_CODE) + ZERO;
        bytes[code_index(shape, key, first + c)] = (uint8_t)(low | high << 4);
    }
}

static int encode(const struct kvr_shape *shape, const void *side, const float *keys, size_t count,
                  void *codes)
{
    uint8_t *bytes = codes;
    size_t segment_bytes = kvr_format_affine4g.segment_bytes(shape, (uint32_t)count);
    (void)side;
    memset(codes, ZERO_PAIR, segment_bytes);
    for (size_t k = 0; block_offset(shape, k) < segment_bytes; k += BLOCK_KEYS)
        memset(bytes + block_offset(shape, k), 0, scales_bytes(shape));
    for (size_t k = 0; k < count; k++) {
        for (uint32_t c = 0; c < shape->head_dim; c += GROUP) {
            const float *values = keys + k * shape->head_dim + c;
            uint16_t scale = group_scale(values);
            if ((scale & 0x7c00u) == 0x7c00u)
                return -ERANGE; /* an infinity would spoil every score of the key */
            memcpy(bytes + scale_index(shape, k, c), &scale, sizeof scale);
            encode_group(shape, values, kvr_half_to_float(scale), k, c, bytes);
        }
    }
    return 0;
}

static void decode(const struct kvr_shape *shape, const void *side, const void *codes, size_t count,
                   float *keys)
{
    const uint8_t *bytes = codes;
    (void)side;
    for (size_t k = 0; k < count; k++) {
        for (uint32_t c = 0; c < shape->head_dim; c++) {
            uint16_t scale;
            memcpy(&scale, bytes + scale_index(shape, k, c), sizeof scale);
            int nibble = bytes[code_index(shape, k, c)] >> (c % 2 * 4) & 15;
            keys[k * shape->head_dim + c] = (float)(nibble - ZERO) * kvr_half_to_float(scale);
        }
    }
}

static void prepare(const struct kvr_shape *shape, const struct kvr_format *format,
                    const void *side, const float *query, void *prepared)
{
    (void)side;
    if (format == &kvr_format_affine4g_f16)
        kvr_affine_prepare_rounded(shape, 1.0f, query, prepared);
    else
        kvr_prepare_dense(shape, query, prepared);
}

static const struct kvr_format *const formats[] = {&kvr_format_affine4g, &kvr_format_affine4g_f16,
                                                   NULL};

const struct kvr_codec kvr_codec_int4g32 = {
    .name = "int4g32",
    .source = "symmetric group quantisation",
    .summary = "4-bit keys, symmetric, a 16-bit scale per 32 channels of a key; float query",
    .formats = formats,
    .group = GROUP,
    .calibrated = 0,
    .refuses = refuses,
    .key_bytes = key_bytes,
    .side_bytes = side_bytes,
    .train = train,
    .encode = encode,
    .decode = decode,
    .prepare = prepare,
};
