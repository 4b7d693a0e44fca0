/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * int4 and int4q8: the 4-bit baseline of arXiv 2601.10155, symmetric with one scale per tensor.
 * Same keys and codes; int4q8 also quantises the query.
 */
#include "codecs.h"

#include <string.h>

#include "../../kernels/formats.h"

enum { BLOCK_KEYS = 16, ZERO = 8, MIN_CODE = -8, MAX_CODE = 7, ZERO_PAIR = 0x88 };

/* Byte of one channel of one key in [block][d/8][16 keys] dwords (little-endian, 8 channels of 4
 * bits each); the odd channel of a byte is its high nibble. */
static size_t code_index(const struct kvr_shape *shape, size_t key, uint32_t channel)
{
    size_t block_bytes = (size_t)BLOCK_KEYS * shape->head_dim / 2;
    return key / BLOCK_KEYS * block_bytes + channel / 8 * (4 * BLOCK_KEYS) + key % BLOCK_KEYS * 4 +
           channel % 8 / 2;
}

static const char *int4_refuses(const struct kvr_shape *shape)
{
    return kvr_refuses_rows("int4", shape);
}

static const char *int4q8_refuses(const struct kvr_shape *shape)
{
    return kvr_refuses_rows("int4q8", shape);
}

static double int4_key_bytes(const struct kvr_shape *shape)
{
    return shape->head_dim / 2.0;
}

static int int4_train(const struct kvr_shape *shape, const float *keys, size_t count, uint64_t seed,
                      void *side)
{
    (void)seed;
    return kvr_affine_train(shape, keys, count, MAX_CODE, side);
}

static int int4_encode(const struct kvr_shape *shape, const void *side, const float *keys,
                       size_t count, void *codes)
{
    const float *scale = side;
    uint8_t *bytes = codes;
    memset(codes, ZERO_PAIR, kvr_format_affine4.segment_bytes(shape, (uint32_t)count));
    for (size_t k = 0; k < count; k++) {
        for (uint32_t c = 0; c < shape->head_dim; c += 2) {
            const float *pair = keys + k * shape->head_dim + c;
            int low = kvr_affine_code(pair[0], *scale, MIN_CODE, MAX_CODE) + ZERO;
            int high = kvr_affine_code(pair[1], *scale, MIN_CODE, MAX_CODE) + ZERO;
            bytes[code_index(shape, k, c)] = (uint8_t)(low | high << 4);
        }
    }
    return 0;
}

static void int4_decode(const struct kvr_shape *shape, const void *side, const void *codes,
                        size_t count, float *keys)
{
    const float *scale = side;
    const uint8_t *bytes = codes;
    for (size_t k = 0; k < count; k++) {
        for (uint32_t c = 0; c < shape->head_dim; c++) {
            int nibble = bytes[code_index(shape, k, c)] >> (c % 2 * 4) & 15;
            keys[k * shape->head_dim + c] = (float)(nibble - ZERO) * *scale;
        }
    }
}

static void int4_prepare(const struct kvr_shape *shape, const struct kvr_format *format,
                         const void *side, const float *query, void *prepared)
{
    const float *scale = side;
    if (format == &kvr_format_affine4_f16)
        kvr_affine_prepare_rounded(shape, *scale, query, prepared);
    else
        kvr_affine_prepare(shape, *scale, ZERO, query, prepared);
}

static void int4q8_prepare(const struct kvr_shape *shape, const struct kvr_format *format,
                           const void *side, const float *query, void *prepared)
{
    const float *scale = side;
    struct kvr_prepared_affine_q8 *q8 = prepared;
    (void)format;
    kvr_affine_prepare_q8(shape, *scale, ZERO, query, q8);
    /* dwords[2i]: channels 8i, 8i+2, 8i+4, 8i+6; dwords[2i+1]: channels 8i+1, 8i+3, 8i+5, 8i+7 */
    for (uint32_t c = 0; c < shape->head_dim; c++) {
        int32_t *dword = &q8->dwords[c / 8 * 2 + c % 2];
        uint32_t byte = (uint8_t)q8->query8[c];
        *dword = (int32_t)((uint32_t)*dword | byte << (8 * (c % 8 / 2)));
    }
}

static const struct kvr_format *const int4_formats[] = {&kvr_format_affine4,
                                                       &kvr_format_affine4_f16, NULL};
static const struct kvr_format *const int4q8_formats[] = {&kvr_format_affine4_q8, NULL};

const struct kvr_codec kvr_codec_int4 = {
    .name = "int4",
    .source = "arXiv 2601.10155 (baseline)",
    .summary = "4-bit keys, symmetric, one scale per tensor; float query",
    .formats = int4_formats,
    .calibrated = 0,
    .refuses = int4_refuses,
    .key_bytes = int4_key_bytes,
    .side_bytes = kvr_affine_side_bytes,
    .train = int4_train,
    .encode = int4_encode,
    .decode = int4_decode,
    .prepare = int4_prepare,
};

const struct kvr_codec kvr_codec_int4q8 = {
    .name = "int4q8",
    .source = "arXiv 2601.10155 (baseline)",
    .summary = "the keys of int4; query quantised to 8 bits, integer dot",
    .formats = int4q8_formats,
    .calibrated = 0,
    .refuses = int4q8_refuses,
    .key_bytes = int4_key_bytes,
    .side_bytes = kvr_affine_side_bytes,
    .train = int4_train,
    .encode = int4_encode,
    .decode = int4_decode,
    .prepare = int4q8_prepare,
};
