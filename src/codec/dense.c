/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Keys as 16-bit floats, row by row: fp16, the baseline of every comparison, and bf16.
 */
#include "codecs.h"

#include <errno.h>
#include <string.h>

#include "../../kernels/formats.h"

/* A type's exponent, all ones in an infinity or NaN. */
enum { FP16_EXPONENT = 0x7c00, BF16_EXPONENT = 0x7f80 };

static const char *fp16_refuses(const struct kvr_shape *shape)
{
    return kvr_refuses_rows("fp16", shape);
}

static const char *bf16_refuses(const struct kvr_shape *shape)
{
    return kvr_refuses_rows("bf16", shape);
}

static double key_bytes(const struct kvr_shape *shape)
{
    return 2.0 * shape->head_dim;
}

static size_t side_bytes(const struct kvr_shape *shape)
{
    (void)shape;
    return 0;
}

static int train(const struct kvr_shape *shape, const float *keys, size_t count, uint64_t seed,
                 void *side)
{
    (void)shape;
    (void)keys;
    (void)count;
    (void)seed;
    (void)side;
    return 0;
}

static int encode_rows(const struct kvr_shape *shape, uint16_t (*narrow)(float), unsigned exponent,
                       const float *keys, size_t count, uint16_t *codes)
{
    size_t values = count * shape->head_dim;
    memset(codes, 0, kvr_format_dense_f16.segment_bytes(shape, (uint32_t)count));
    for (size_t i = 0; i < values; i++) {
        codes[i] = narrow(keys[i]);
        if ((codes[i] & exponent) == exponent)
            return -ERANGE; /* an infinity or NaN would spoil every score of the key */
    }
    return 0;
}

static int fp16_encode(const struct kvr_shape *shape, const void *side, const float *keys,
                       size_t count, void *codes)
{
    (void)side;
    return encode_rows(shape, kvr_float_to_half, FP16_EXPONENT, keys, count, codes);
}

static int bf16_encode(const struct kvr_shape *shape, const void *side, const float *keys,
                       size_t count, void *codes)
{
    (void)side;
    return encode_rows(shape, kvr_float_to_bf16, BF16_EXPONENT, keys, count, codes);
}

static void decode_rows(const struct kvr_shape *shape, float (*widen)(uint16_t),
                        const uint16_t *codes, size_t count, float *keys)
{
    size_t values = count * shape->head_dim;
    for (size_t i = 0; i < values; i++)
        keys[i] = widen(codes[i]);
}

static void fp16_decode(const struct kvr_shape *shape, const void *side, const void *codes,
                        size_t count, float *keys)
{
    (void)side;
    decode_rows(shape, kvr_half_to_float, codes, count, keys);
}

static void bf16_decode(const struct kvr_shape *shape, const void *side, const void *codes,
                        size_t count, float *keys)
{
    (void)side;
    decode_rows(shape, kvr_bf16_to_float, codes, count, keys);
}

static void prepare(const struct kvr_shape *shape, const struct kvr_format *format,
                    const void *side, const float *query, void *prepared)
{
    (void)format;
    (void)side;
    kvr_prepare_dense(shape, query, prepared);
}

static const struct kvr_format *const fp16_formats[] = {&kvr_format_dense_f16, NULL};
static const struct kvr_format *const bf16_formats[] = {&kvr_format_dense_bf16, NULL};

const struct kvr_codec kvr_codec_fp16 = {
    .name = "fp16",
    .source = "IEEE 754 binary16",
    .summary = "16-bit float keys, the baseline",
    .formats = fp16_formats,
    .calibrated = 0,
    .refuses = fp16_refuses,
    .key_bytes = key_bytes,
    .side_bytes = side_bytes,
    .train = train,
    .encode = fp16_encode,
    .decode = fp16_decode,
    .prepare = prepare,
};

const struct kvr_codec kvr_codec_bf16 = {
    .name = "bf16",
    .source = "bfloat16",
    .summary = "16-bit float keys with a float's exponent and 8 significant bits",
    .formats = bf16_formats,
    .calibrated = 0,
    .refuses = bf16_refuses,
    .key_bytes = key_bytes,
    .side_bytes = side_bytes,
    .train = train,
    .encode = bf16_encode,
    .decode = bf16_decode,
    .prepare = prepare,
};
