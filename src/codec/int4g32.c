/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * int4g32: 4-bit keys, symmetric, with a float16 scale for every 32 channels of every key: the
 * baseline that people use, beside the paper's with one scale per tensor.
 */
#include "groups.h"

#include <errno.h>
#include <math.h>

#include "../../kernels/formats.h"

enum { BITS = 4, ZERO = 8, MIN_CODE = -8, MAX_CODE = 7 };

static const char *refuses(const struct kvr_shape *shape)
{
    return kvr_refuses_groups("int4g32", shape);
}

static double key_bytes(const struct kvr_shape *shape)
{
    return shape->head_dim / 2.0 + (double)shape->head_dim / KVR_GROUP * sizeof(uint16_t);
}

/* The float16 next to amax / 7: codes are made with what the scan multiplies by, so that the
 * scale's rounding costs no accuracy but at the ends of the range. Below 2^-25 it is 0, and so are
 * the codes. */
static uint16_t group_scale(const float *values)
{
    float largest = 0.0f;
    for (int c = 0; c < KVR_GROUP; c++)
        largest = fmaxf(largest, fabsf(values[c]));
    return kvr_float_to_half(largest / (float)MAX_CODE);
}

static void encode_group(const struct kvr_shape *shape, const float *values, float scale,
                         size_t key, uint32_t first, uint8_t *bytes)
{
    for (uint32_t c = 0; c < KVR_GROUP; c += 2) {
        int low = kvr_affine_code(values[c], scale, MIN_CODE, MAX_CODE) + ZERO;
        int high = kvr_affine_code(values[c + 1], scale, MIN_CODE, MAX_CODE) + ZERO;
        bytes[kvr_group_code_index(shape, BITS, key, first + c)] = (uint8_t)(low | high << 4);
    }
}

static int encode(const struct kvr_shape *shape, const void *side, const float *keys, size_t count,
                  void *codes)
{
    uint8_t *bytes = codes;
    (void)side;
    kvr_group_clear(shape, BITS, ZERO, kvr_format_affine4g.segment_bytes(shape, (uint32_t)count),
                    codes);
    for (size_t k = 0; k < count; k++) {
        for (uint32_t c = 0; c < shape->head_dim; c += KVR_GROUP) {
            const float *values = keys + k * shape->head_dim + c;
            uint16_t scale = group_scale(values);
            if ((scale & 0x7c00u) == 0x7c00u)
                return -ERANGE; /* an infinity would spoil every score of the key */
            memcpy(bytes + kvr_group_scale_index(shape, BITS, k, c), &scale, sizeof scale);
            encode_group(shape, values, kvr_half_to_float(scale), k, c, bytes);
        }
    }
    return 0;
}

static void decode(const struct kvr_shape *shape, const void *side, const void *codes, size_t count,
                   float *keys)
{
    (void)side;
    kvr_group_decode(shape, BITS, ZERO, codes, count, keys);
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
    .group = KVR_GROUP,
    .calibrated = 0,
    .refuses = refuses,
    .key_bytes = key_bytes,
    .side_bytes = kvr_group_side_bytes,
    .train = kvr_group_train,
    .encode = encode,
    .decode = decode,
    .prepare = prepare,
};
