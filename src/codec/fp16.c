/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Keys as float16, row by row: the baseline of every comparison.
 */
#include "codecs.h"

#include <errno.h>
#include <string.h>

#include "../../kernels/formats.h"

static const char *fp16_refuses(const struct kvr_shape *shape)
{
    return kvr_refuses_rows("fp16", shape);
}

static double fp16_key_bytes(const struct kvr_shape *shape)
{
    return 2.0 * shape->head_dim;
}

static size_t fp16_side_bytes(const struct kvr_shape *shape)
{
    (void)shape;
    return 0;
}

static int fp16_train(const struct kvr_shape *shape, const float *keys, size_t count, uint64_t seed,
                      void *side)
{
    (void)shape;
    (void)keys;
    (void)count;
    (void)seed;
    (void)side;
    return 0;
}

static int fp16_encode(const struct kvr_shape *shape, const void *side, const float *keys,
                       size_t count, void *codes)
{
    uint16_t *halves = codes;
    size_t values = count * shape->head_dim;
    (void)side;
    memset(codes, 0, kvr_format_dense_f16.segment_bytes(shape, (uint32_t)count));
    for (size_t i = 0; i < values; i++) {
        halves[i] = kvr_float_to_half(keys[i]);
        if ((halves[i] & 0x7c00u) == 0x7c00u)
            return -ERANGE; /* an infinity or NaN would spoil every score of the key */
    }
    return 0;
}

static void fp16_decode(const struct kvr_shape *shape, const void *side, const void *codes,
                        size_t count, float *keys)
{
    const uint16_t *halves = codes;
    size_t values = count * shape->head_dim;
    (void)side;
    for (size_t i = 0; i < values; i++)
        keys[i] = kvr_half_to_float(halves[i]);
}

static void fp16_prepare(const struct kvr_shape *shape, const struct kvr_format *format,
                         const void *side, const float *query, void *prepared)
{
    (void)format;
    (void)side;
    kvr_prepare_dense(shape, query, prepared);
}

static const struct kvr_format *const fp16_formats[] = {&kvr_format_dense_f16, NULL};

const struct kvr_codec kvr_codec_fp16 = {
    .name = "fp16",
    .source = "IEEE 754 binary16",
    .summary = "16-bit float keys, the baseline",
    .formats = fp16_formats,
    .calibrated = 0,
    .refuses = fp16_refuses,
    .key_bytes = fp16_key_bytes,
    .side_bytes = fp16_side_bytes,
    .train = fp16_train,
    .encode = fp16_encode,
    .decode = fp16_decode,
    .prepare = fp16_prepare,
};
