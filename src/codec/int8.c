/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * int8 and int8q8: the 8-bit baseline of arXiv 2601.10155, symmetric with one scale per tensor.
 * Same keys and codes; int8q8 also quantises the query.
 */
#include "codecs.h"

#include <string.h>

#include "../../kernels/formats.h"

enum { BLOCK_KEYS = 16, ZERO = 128, MIN_CODE = -128, MAX_CODE = 127 };

/* Byte of one channel of one key in [block][d/4][16 keys][4 channels]. */
static size_t code_index(const struct kvr_shape *shape, size_t key, uint32_t channel)
{
    size_t block_bytes = (size_t)BLOCK_KEYS * shape->head_dim;
    return key / BLOCK_KEYS * block_bytes + channel / 4 * (4 * BLOCK_KEYS) + key % BLOCK_KEYS * 4 +
           channel % 4;
}

static const char *int8_refuses(const struct kvr_shape *shape)
{
    return kvr_refuses_rows("int8", shape);
}

static const char *int8q8_refuses(const struct kvr_shape *shape)
{
    return kvr_refuses_rows("int8q8", shape);
}

static double int8_key_bytes(const struct kvr_shape *shape)
{
    return shape->head_dim;
}

static int int8_train(const struct kvr_shape *shape, const float *keys, size_t count, uint64_t seed,
                      void *side)
{
    (void)seed;
    return kvr_affine_train(shape, keys, count, MAX_CODE, side);
}

static int int8_encode(const struct kvr_shape *shape, const void *side, const float *keys,
                       size_t count, void *codes)
{
    const float *scale = side;
    uint8_t *bytes = codes;
    memset(codes, ZERO, kvr_format_affine8.segment_bytes(shape, (uint32_t)count));
    for (size_t k = 0; k < count; k++) {
        for (uint32_t c = 0; c < shape->head_dim; c++) {
            float value = keys[k * shape->head_dim + c];
            int code = kvr_affine_code(value, *scale, MIN_CODE, MAX_CODE);
            bytes[code_index(shape, k, c)] = (uint8_t)(code + ZERO);
        }
    }
    return 0;
}

static void int8_decode(const struct kvr_shape *shape, const void *side, const void *codes,
                        size_t count, float *keys)
{
    const float *scale = side;
    const uint8_t *bytes = codes;
    for (size_t k = 0; k < count; k++) {
        for (uint32_t c = 0; c < shape->head_dim; c++) {
            int code = bytes[code_index(shape, k, c)] - ZERO;
            keys[k * shape->head_dim + c] = (float)code * *scale;
        }
    }
}

static void int8_prepare(const struct kvr_shape *shape, const struct kvr_format *format,
                         const void *side, const float *query, void *prepared)
{
    const float *scale = side;
    if (format == &kvr_format_affine8_f16)
        kvr_affine_prepare_rounded(shape, *scale, query, prepared);
    else
        kvr_affine_prepare(shape, *scale, ZERO, query, prepared);
}

static void int8q8_prepare(const struct kvr_shape *shape, const struct kvr_format *format,
                           const void *side, const float *query, void *prepared)
{
    const float *scale = side;
    struct kvr_prepared_affine_q8 *q8 = prepared;
    (void)format;
    kvr_affine_prepare_q8(shape, *scale, ZERO, query, q8);
    /* dwords[i] = channels 4i .. 4i+3 */
    for (uint32_t c = 0; c < shape->head_dim; c++) {
        uint32_t byte = (uint8_t)q8->query8[c];
        uint32_t dword = (uint32_t)q8->dwords[c / 4] | byte << (8 * (c % 4));
        q8->dwords[c / 4] = (int32_t)dword;
    }
}

static const struct kvr_format *const int8_formats[] = {&kvr_format_affine8,
                                                       &kvr_format_affine8_f16, NULL};
static const struct kvr_format *const int8q8_formats[] = {&kvr_format_affine8_q8, NULL};

const struct kvr_codec kvr_codec_int8 = {
    .name = "int8",
    .source = "arXiv 2601.10155 (baseline)",
    .summary = "8-bit keys, symmetric, one scale per tensor; float query",
    .formats = int8_formats,
    .calibrated = 0,
    .refuses = int8_refuses,
    .key_bytes = int8_key_bytes,
    .side_bytes = kvr_affine_side_bytes,
    .train = int8_train,
    .encode = int8_encode,
    .decode = int8_decode,
    .prepare = int8_prepare,
};

const struct kvr_codec kvr_codec_int8q8 = {
    .name = "int8q8",
    .source = "arXiv 2601.10155 (baseline)",
    .summary = "the keys of int8; query quantised to 8 bits, integer dot",
    .formats = int8q8_formats,
    .calibrated = 0,
    .refuses = int8q8_refuses,
    .key_bytes = int8_key_bytes,
    .side_bytes = kvr_affine_side_bytes,
    .train = int8_train,
    .encode = int8_encode,
    .decode = int8_decode,
    .prepare = int8q8_prepare,
};
