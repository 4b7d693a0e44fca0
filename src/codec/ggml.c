/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ggml's q8_0 and q4_0: 8- and 4-bit keys with a float16 scale for every 32 channels of every key,
 * coded as ggml codes them (quantize_row_q8_0_ref, quantize_row_q4_0_ref), bit for bit. Only the
 * order of the bytes is another one: the layouts in kernel.h say which.
 */
#include "groups.h"

#include <errno.h>
#include <math.h>

#include "../../kernels/formats.h"

enum { ZERO8 = 128, MAX8 = 127, ZERO4 = 8, MIN4 = -8, MAX4 = 7 };

static const char *q8_0_refuses(const struct kvr_shape *shape)
{
    return kvr_refuses_groups("q8_0", shape);
}

static const char *q4_0_refuses(const struct kvr_shape *shape)
{
    return kvr_refuses_groups("q4_0", shape);
}

static double q8_0_key_bytes(const struct kvr_shape *shape)
{
    return (double)shape->head_dim / KVR_GROUP * (KVR_GROUP + sizeof(uint16_t));
}

static double q4_0_key_bytes(const struct kvr_shape *shape)
{
    return (double)shape->head_dim / KVR_GROUP * (KVR_GROUP / 2 + sizeof(uint16_t));
}

/* The value of the largest magnitude, with its sign; the first of several. */
static float largest_value(const float *values)
{
    float largest = 0.0f;
    for (int c = 0; c < KVR_GROUP; c++) {
        if (fabsf(values[c]) > fabsf(largest))
            largest = values[c];
    }
    return largest;
}

/* 1 / scale. A scale of which that is an infinity, 2^-128 or less, is 0 as float16; ggml's codes of
 * such a group are not defined, ours are those of zeros. */
static float inverse_of(float scale)
{
    const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
    return isinf(inverse) ? 0.0f : inverse;
}

/* Stores the scale as float16. -ERANGE: an infinity, which would spoil every score of the key. */
static int put_scale(float scale, uint8_t *at)
{
    const uint16_t half = kvr_float_to_half(scale);
    memcpy(at, &half, sizeof half);
    return (half & 0x7c00u) == 0x7c00u ? -ERANGE : 0;
}

/* Codes are made with the scale before it is rounded, halves away from zero. */
static int q8_0_group(const struct kvr_shape *shape, const float *values, size_t key,
                      uint32_t first, uint8_t *bytes)
{
    const float scale = fabsf(largest_value(values)) / (float)MAX8, inverse = inverse_of(scale);
    for (uint32_t c = 0; c < KVR_GROUP; c++) {
        const int code = (int)roundf(values[c] * inverse);
        bytes[kvr_group_code_index(shape, 8, key, first + c)] = (uint8_t)(code + ZERO8);
    }
    return put_scale(scale, bytes + kvr_group_scale_index(shape, 8, key, first));
}

/* The largest magnitude becomes code 0, -8 times a scale of the other sign; what lies beyond 15 at
 * the other end is clipped. Halves are rounded up. */
static int q4_0_group(const struct kvr_shape *shape, const float *values, size_t key,
                      uint32_t first, uint8_t *bytes)
{
    const float scale = largest_value(values) / (float)MIN4, inverse = inverse_of(scale);
    for (uint32_t c = 0; c < KVR_GROUP; c++) {
        const float steps = values[c] * inverse;
        int code = (int)(steps + (ZERO4 + 0.5f));
        code = code > ZERO4 + MAX4 ? ZERO4 + MAX4 : code;
        uint8_t *byte = bytes + kvr_group_code_index(shape, 4, key, first + c);
        *byte = (uint8_t)(c % 2 ? (*byte & 15) | code << 4 : (*byte & 0xf0) | code);
    }
    return put_scale(scale, bytes + kvr_group_scale_index(shape, 4, key, first));
}

typedef int encode_group(const struct kvr_shape *, const float *values, size_t key, uint32_t first,
                         uint8_t *bytes);

static int encode(const struct kvr_shape *shape, encode_group *group, const float *keys,
                  size_t count, void *codes)
{
    int rc = 0;
    for (size_t i = 0; i < count * shape->head_dim && !rc; i += KVR_GROUP)
        rc = group(shape, keys + i, i / shape->head_dim, (uint32_t)(i % shape->head_dim), codes);
    return rc;
}

static int q8_0_encode(const struct kvr_shape *shape, const void *side, const float *keys,
                       size_t count, void *codes)
{
    (void)side;
    kvr_group_clear(shape, 8, ZERO8, kvr_format_affine8g.segment_bytes(shape, (uint32_t)count),
                    codes);
    return encode(shape, q8_0_group, keys, count, codes);
}

static int q4_0_encode(const struct kvr_shape *shape, const void *side, const float *keys,
                       size_t count, void *codes)
{
    (void)side;
    kvr_group_clear(shape, 4, ZERO4, kvr_format_affine4g.segment_bytes(shape, (uint32_t)count),
                    codes);
    return encode(shape, q4_0_group, keys, count, codes);
}

static void q8_0_decode(const struct kvr_shape *shape, const void *side, const void *codes,
                        size_t count, float *keys)
{
    (void)side;
    kvr_group_decode(shape, 8, ZERO8, codes, count, keys);
}

static void q4_0_decode(const struct kvr_shape *shape, const void *side, const void *codes,
                        size_t count, float *keys)
{
    (void)side;
    kvr_group_decode(shape, 4, ZERO4, codes, count, keys);
}

/* ggml's own quantisation of a query on x86 to q8_0: to nearest even, by 127 / amax. */
static void prepare_group(const float *query, double root, int zero, uint32_t g,
                          struct kvr_prepared_group_q8 *p)
{
    const float largest = fabsf(largest_value(query)), step = largest / (float)MAX8;
    const uint16_t half = kvr_float_to_half(step);
    const float stored = (half & 0x7c00u) == 0x7c00u ? step : kvr_half_to_float(half);
    if (stored == 0.0f)
        return; /* codes, sum and step stay 0 */
    const float inverse = (float)MAX8 / largest;
    int32_t sum = 0;
    for (uint32_t c = 0; c < KVR_GROUP; c++) {
        const int code = (int)lrintf(query[c] * inverse);
        p->query8[g * KVR_GROUP + c] = (int8_t)code;
        sum += code;
    }
    p->offset_sums[g] = zero * sum;
    p->steps[g] = (float)(stored / root);
}

static void prepare_q8(const struct kvr_shape *shape, int zero, const float *query,
                       struct kvr_prepared_group_q8 *p)
{
    uint8_t *bytes = (uint8_t *)p->dwords;
    memset(p, 0, sizeof *p);
    for (uint32_t g = 0; g < shape->head_dim / KVR_GROUP; g++)
        prepare_group(query + (size_t)g * KVR_GROUP, sqrt((double)shape->head_dim), zero, g, p);
    for (uint32_t c = 0; c < shape->head_dim; c++) {
        /* nibbles: of 8 channels the even ones, then the odd ones */
        const uint32_t at = zero == ZERO4 ? c / 8 * 8 + c % 2 * 4 + c % 8 / 2 : c;
        bytes[at] = (uint8_t)p->query8[c];
    }
}

static void prepare(const struct kvr_shape *shape, const struct kvr_format *format,
                    const void *side, const float *query, void *prepared)
{
    (void)side;
    if (format == &kvr_format_affine8g_q8)
        prepare_q8(shape, ZERO8, query, prepared);
    else if (format == &kvr_format_affine4g_q8)
        prepare_q8(shape, ZERO4, query, prepared);
    else
        kvr_prepare_dense(shape, query, prepared);
}

static const struct kvr_format *const q8_0_formats[] = {&kvr_format_affine8g,
                                                       &kvr_format_affine8g_q8, NULL};
static const struct kvr_format *const q4_0_formats[] = {&kvr_format_affine4g,
                                                       &kvr_format_affine4g_q8, NULL};

const struct kvr_codec kvr_codec_q8_0 = {
    .name = "q8_0",
    .source = "ggml",
    .summary = "ggml's blocks of 32 channels: 8-bit keys, a 16-bit scale; q8: 8-bit query",
    .formats = q8_0_formats,
    .group = KVR_GROUP,
    .refuses = q8_0_refuses,
    .key_bytes = q8_0_key_bytes,
    .side_bytes = kvr_group_side_bytes,
    .train = kvr_group_train,
    .encode = q8_0_encode,
    .decode = q8_0_decode,
    .prepare = prepare,
};

const struct kvr_codec kvr_codec_q4_0 = {
    .name = "q4_0",
    .source = "ggml",
    .summary = "ggml's blocks of 32 channels: 4-bit keys, a 16-bit scale; q8: 8-bit query",
    .formats = q4_0_formats,
    .group = KVR_GROUP,
    .refuses = q4_0_refuses,
    .key_bytes = q4_0_key_bytes,
    .side_bytes = kvr_group_side_bytes,
    .train = kvr_group_train,
    .encode = q4_0_encode,
    .decode = q4_0_decode,
    .prepare = prepare,
};
