/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside src/codec only: what KIVI and SQuat share. A segment of kernel.h's channel formats: groups
 * of 32 keys with a float16 scale and zero per channel, and float16 keys behind the last group:
 * those after the last whole R = shape->residual, or 32.
 */
#ifndef KVR_CODEC_CHANNEL_H
#define KVR_CODEC_CHANNEL_H

#include "../../kernels/formats.h"
#include "codecs.h"

enum { KVR_GROUP_KEYS = KVR_RESIDUAL_STEP };

/* d is a multiple of 32 up to KVR_MAX_HEAD_DIM, scales are of 32 keys, R is a multiple of that up
 * to KVR_MAX_RESIDUAL; else the reason. */
const char *kvr_channel_refuses(const char *name, const struct kvr_shape *shape);
/* Of a key in a group: bits * d / 8, and its share of the group's scales and zeros. With
 * shape->tokens the mean over so many, of which those in the residual have 2 * d. */
double kvr_channel_key_bytes(const struct kvr_shape *shape, int bits);
/* -EINVAL if a key is not finite or count is 0; nothing is learnt. */
int kvr_channel_check(const struct kvr_shape *shape, const float *keys, size_t count);

/* Codes of one channel of a group, 32 values `stride` apart: zero = the lowest as float16, scale =
 * (highest - lowest) / (2^bits - 1) as float16, code = round((value - zero) / scale) of these.
 * -ERANGE if one of the two is too large for float16. values: what the codes stand for. */
struct kvr_channel_codes {
    uint16_t scale, zero;
    uint8_t codes[KVR_GROUP_KEYS];
    float values[KVR_GROUP_KEYS];
};
int kvr_channel_quantise(const float *keys, size_t stride, int bits, struct kvr_channel_codes *out);

/* Writes a channel's codes into a group whose bytes were 0. */
void kvr_channel_put(const struct kvr_shape *shape, int bits, uint32_t channel,
                     const struct kvr_channel_codes *codes, unsigned char *group);

/* Encodes one group, 32 keys [32][d], into a group of zeros. 0 or -ERANGE, -ENOMEM. */
typedef int kvr_encode_group_fn(const struct kvr_shape *shape, int bits, const void *side,
                                const float *keys, unsigned char *group);
/* A whole segment. Keys are rounded to float16, as they are in the residual before they become a
 * group; then groups by `encode_group`. -ERANGE if one is too large for float16. */
int kvr_channel_encode(const struct kvr_shape *shape, int bits, const void *side,
                       const float *keys, size_t count, kvr_encode_group_fn *encode_group,
                       unsigned char *codes);
void kvr_channel_decode(const struct kvr_shape *shape, int bits, const unsigned char *codes,
                        size_t count, float *keys);
/* One key more than `count` in a segment that is long enough for it: a float16 key of the
 * residual; the R-th makes groups of them. 0 or as kvr_channel_encode; then nothing is changed. */
int kvr_channel_append(const struct kvr_shape *shape, int bits, const void *side, const float *key,
                       size_t count, kvr_encode_group_fn *encode_group, unsigned char *codes);

/* The formats' query: float, / sqrt(d); that of 8 bits is made of it for each group. */
void kvr_channel_prepare(const struct kvr_shape *shape, const struct kvr_format *format,
                         const void *side, const float *query, void *prepared);

/* A codec of a file that has defined encode_group, side_bytes and train. */
#define KVR_CHANNEL_CODEC(name_, bits, source_, summary_, train_queries_, refuses_settings_)       \
    static const char *name_##_refuses(const struct kvr_shape *shape)                              \
    {                                                                                              \
        return kvr_channel_refuses(#name_, shape);                                                 \
    }                                                                                              \
    static double name_##_key_bytes(const struct kvr_shape *shape)                                 \
    {                                                                                              \
        return kvr_channel_key_bytes(shape, bits);                                                 \
    }                                                                                              \
    static int name_##_encode(const struct kvr_shape *shape, const void *side, const float *keys,  \
                              size_t count, void *codes)                                           \
    {                                                                                              \
        return kvr_channel_encode(shape, bits, side, keys, count, encode_group, codes);            \
    }                                                                                              \
    static int name_##_append(const struct kvr_shape *shape, const void *side, const float *key,   \
                              size_t count, void *codes)                                           \
    {                                                                                              \
        return kvr_channel_append(shape, bits, side, key, count, encode_group, codes);             \
    }                                                                                              \
    static void name_##_decode(const struct kvr_shape *shape, const void *side, const void *codes, \
                               size_t count, float *keys)                                          \
    {                                                                                              \
        (void)side;                                                                                \
        kvr_channel_decode(shape, bits, codes, count, keys);                                       \
    }                                                                                              \
    static const struct kvr_format *const name_##_formats[] = {                                    \
        &kvr_format_channel##bits, &kvr_format_channel##bits##_q8, NULL};                          \
    const struct kvr_codec kvr_codec_##name_ = {                                                   \
        .name = #name_,                                                                            \
        .source = source_,                                                                         \
        .summary = summary_,                                                                       \
        .formats = name_##_formats,                                                                \
        .group = KVR_GROUP_KEYS,                                                                   \
        .refuses = name_##_refuses,                                                                \
        .key_bytes = name_##_key_bytes,                                                            \
        .side_bytes = side_bytes,                                                                  \
        .train = train,                                                                            \
        .train_queries = train_queries_,                                                           \
        .refuses_settings = refuses_settings_,                                                     \
        .encode = name_##_encode,                                                                  \
        .append = name_##_append,                                                                  \
        .decode = name_##_decode,                                                                  \
        .prepare = kvr_channel_prepare,                                                            \
    };

#endif
