/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Groups of keys with scales per channel, as KIVI has them (arXiv 2402.02750, section 3): sizes,
 * codes, the residual.
 */
#include "channel.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { DWORD_BITS = 32, EXPONENT = 0x7c00, MAX_BITS = 4,
       MAX_GROUP_BYTES = KVR_MAX_HEAD_DIM * (4 + MAX_BITS * KVR_GROUP_KEYS / 8) };

static size_t group_bytes(const struct kvr_shape *shape, int bits)
{
    return (size_t)shape->head_dim * (2 * sizeof(uint16_t) + (size_t)bits * KVR_GROUP_KEYS / 8);
}

/* Of 32 keys in the residual. */
static size_t residual_bytes(const struct kvr_shape *shape)
{
    return (size_t)shape->head_dim * KVR_GROUP_KEYS * sizeof(uint16_t);
}

/* Keys that are in the residual before they become groups. */
static size_t window(const struct kvr_shape *shape)
{
    return shape->residual ? shape->residual : KVR_GROUP_KEYS;
}

/* A channel's dword of a key; its code's lowest bit is channel * bits % 32. */
static size_t dword_index(const struct kvr_shape *shape, int bits, uint32_t channel, size_t key)
{
    size_t unit = channel / (DWORD_BITS / (uint32_t)bits);
    return shape->head_dim * 2 * sizeof(uint16_t) +
           (unit * KVR_GROUP_KEYS + key) * sizeof(uint32_t);
}

const char *kvr_channel_refuses(const char *name, const struct kvr_shape *shape)
{
    uint32_t d = shape->head_dim;
    if (d == 0 || d % 32 || d > KVR_MAX_HEAD_DIM)
        return kvr_refusal("%s serves head dims (--head-dim) that are multiples of 32 up to %d, "
                           "not %u",
                           name, KVR_MAX_HEAD_DIM, d);
    if (shape->group != KVR_GROUP_KEYS)
        return kvr_refusal("%s has scales of %d keys, not of %u", name, KVR_GROUP_KEYS,
                           shape->group);
    if (shape->residual % KVR_GROUP_KEYS || shape->residual > KVR_MAX_RESIDUAL)
        return kvr_refusal("%s keeps float16 keys until whole groups of %d are there "
                           "(--kivi-residual: a multiple of it up to %d), not until %u are",
                           name, KVR_GROUP_KEYS, KVR_MAX_RESIDUAL, shape->residual);
    return NULL;
}

double kvr_channel_key_bytes(const struct kvr_shape *shape, int bits)
{
    const double coded = (double)group_bytes(shape, bits) / KVR_GROUP_KEYS;
    const double rounded = (double)shape->head_dim * sizeof(uint16_t);
    const double left = (double)(shape->tokens % window(shape));
    return shape->tokens ? coded + left / shape->tokens * (rounded - coded) : coded;
}

int kvr_channel_check(const struct kvr_shape *shape, const float *keys, size_t count)
{
    for (size_t i = 0; i < count * shape->head_dim; i++) {
        if (!(fabsf(keys[i]) <= FLT_MAX))
            return -EINVAL;
    }
    return count ? 0 : -EINVAL;
}

int kvr_channel_quantise(const float *keys, size_t stride, int bits, struct kvr_channel_codes *out)
{
    const int most = (1 << bits) - 1;
    float lowest = keys[0], highest = keys[0];
    for (size_t k = 1; k < KVR_GROUP_KEYS; k++) {
        lowest = fminf(lowest, keys[k * stride]);
        highest = fmaxf(highest, keys[k * stride]);
    }
    out->zero = kvr_float_to_half(lowest);
    out->scale = kvr_float_to_half((float)(((double)highest - lowest) / most));
    if ((out->zero & EXPONENT) == EXPONENT || (out->scale & EXPONENT) == EXPONENT)
        return -ERANGE;
    const float zero = kvr_half_to_float(out->zero), scale = kvr_half_to_float(out->scale);
    for (size_t k = 0; k < KVR_GROUP_KEYS; k++) {
        int code = kvr_affine_code(keys[k * stride] - zero, scale, 0, most);
        out->codes[k] = (uint8_t)code;
        out->values[k] = (float)code * scale + zero;
    }
    return 0;
}

void kvr_channel_put(const struct kvr_shape *shape, int bits, uint32_t channel,
                     const struct kvr_channel_codes *codes, unsigned char *group)
{
    const uint32_t bit = channel * (uint32_t)bits % DWORD_BITS;
    memcpy(group + 2 * (size_t)channel, &codes->scale, sizeof codes->scale);
    memcpy(group + 2 * (size_t)(shape->head_dim + channel), &codes->zero, sizeof codes->zero);
    for (size_t k = 0; k < KVR_GROUP_KEYS; k++) {
        unsigned char *byte = group + dword_index(shape, bits, channel, k) + bit / 8;
        *byte = (unsigned char)(*byte | codes->codes[k] << bit % 8);
    }
}

/* -ERANGE if one is too large. */
static int round_keys(const float *keys, size_t values, uint16_t *halves)
{
    for (size_t i = 0; i < values; i++) {
        halves[i] = kvr_float_to_half(keys[i]);
        if ((halves[i] & EXPONENT) == EXPONENT)
            return -ERANGE;
    }
    return 0;
}

static size_t residual_at(const struct kvr_shape *shape, uint32_t channel, size_t place)
{
    return place / KVR_GROUP_KEYS * residual_bytes(shape) +
           (channel * KVR_GROUP_KEYS + place % KVR_GROUP_KEYS) * sizeof(uint16_t);
}

/* The first key of a block makes the others 0. */
static int put_residual(const struct kvr_shape *shape, const float *key, size_t place,
                        unsigned char *residual)
{
    uint16_t halves[KVR_MAX_HEAD_DIM];
    int rc = round_keys(key, shape->head_dim, halves);
    if (rc)
        return rc;
    if (place % KVR_GROUP_KEYS == 0)
        memset(residual + residual_at(shape, 0, place), 0, residual_bytes(shape));
    for (uint32_t c = 0; c < shape->head_dim; c++)
        memcpy(residual + residual_at(shape, c, place), &halves[c], sizeof *halves);
    return 0;
}

/* A group of keys as they would be in the residual. */
static int put_group(const struct kvr_shape *shape, int bits, const void *side, const float *keys,
                     kvr_encode_group_fn *encode_group, unsigned char *group)
{
    const size_t values = (size_t)KVR_GROUP_KEYS * shape->head_dim;
    uint16_t halves[KVR_GROUP_KEYS * KVR_MAX_HEAD_DIM];
    float rounded[KVR_GROUP_KEYS * KVR_MAX_HEAD_DIM];
    int rc = round_keys(keys, values, halves);
    if (rc)
        return rc;
    for (size_t i = 0; i < values; i++)
        rounded[i] = kvr_half_to_float(halves[i]);
    memset(group, 0, group_bytes(shape, bits));
    return encode_group(shape, bits, side, rounded, group);
}

static float residual_value(const struct kvr_shape *shape, const unsigned char *residual,
                            uint32_t channel, size_t place)
{
    uint16_t half;
    memcpy(&half, residual + residual_at(shape, channel, place), sizeof half);
    return kvr_half_to_float(half);
}

int kvr_channel_encode(const struct kvr_shape *shape, int bits, const void *side,
                       const float *keys, size_t count, kvr_encode_group_fn *encode_group,
                       unsigned char *codes)
{
    const size_t bytes = group_bytes(shape, bits), d = shape->head_dim;
    const size_t left = count % window(shape);
    for (; count > left; count -= KVR_GROUP_KEYS) {
        int rc = put_group(shape, bits, side, keys, encode_group, codes);
        if (rc)
            return rc;
        codes += bytes;
        keys += KVR_GROUP_KEYS * d;
    }
    for (size_t k = 0; k < left; k++) {
        int rc = put_residual(shape, keys + k * d, k, codes);
        if (rc)
            return rc;
    }
    return 0;
}

static float group_value(const struct kvr_shape *shape, int bits, const unsigned char *group,
                         uint32_t channel, size_t key)
{
    uint16_t scale, zero;
    const uint32_t bit = channel * (uint32_t)bits % DWORD_BITS;
    memcpy(&scale, group + 2 * (size_t)channel, sizeof scale);
    memcpy(&zero, group + 2 * (size_t)(shape->head_dim + channel), sizeof zero);
    const int byte = group[dword_index(shape, bits, channel, key) + bit / 8];
    const int code = byte >> bit % 8 & ((1 << bits) - 1);
    return (float)code * kvr_half_to_float(scale) + kvr_half_to_float(zero);
}

void kvr_channel_decode(const struct kvr_shape *shape, int bits, const unsigned char *codes,
                        size_t count, float *keys)
{
    const uint32_t d = shape->head_dim;
    const size_t whole = count - count % window(shape), bytes = group_bytes(shape, bits);
    for (size_t k = 0; k < count; k++) {
        const unsigned char *group = codes + (k < whole ? k : whole) / KVR_GROUP_KEYS * bytes;
        for (uint32_t c = 0; c < d; c++)
            keys[k * d + c] = k < whole
                                  ? group_value(shape, bits, group, c, k % KVR_GROUP_KEYS)
                                  : residual_value(shape, group, c, k - whole);
    }
}

int kvr_channel_append(const struct kvr_shape *shape, int bits, const void *side, const float *key,
                       size_t count, kvr_encode_group_fn *encode_group, unsigned char *codes)
{
    const size_t d = shape->head_dim, place = count % window(shape);
    const size_t bytes = group_bytes(shape, bits), groups = window(shape) / KVR_GROUP_KEYS;
    unsigned char *last = codes + (count - place) / KVR_GROUP_KEYS * bytes;
    unsigned char coded[KVR_MAX_RESIDUAL / KVR_GROUP_KEYS * MAX_GROUP_BYTES];
    float keys[KVR_GROUP_KEYS * KVR_MAX_HEAD_DIM];
    int rc = 0;
    if (place < window(shape) - 1)
        return put_residual(shape, key, place, last);
    for (size_t g = 0; g < groups && !rc; g++) {
        for (size_t k = 0; k < KVR_GROUP_KEYS; k++)
            for (uint32_t c = 0; c < d; c++)
                keys[k * d + c] = residual_value(shape, last, c, g * KVR_GROUP_KEYS + k);
        if (g + 1 == groups) /* in its place lies nothing yet */
            memcpy(keys + (KVR_GROUP_KEYS - 1) * d, key, d * sizeof *key);
        rc = put_group(shape, bits, side, keys, encode_group, coded + g * bytes);
    }
    if (!rc)
        memcpy(last, coded, groups * bytes);
    return rc;
}

void kvr_channel_prepare(const struct kvr_shape *shape, const struct kvr_format *format,
                         const void *side, const float *query, void *prepared)
{
    (void)format;
    (void)side;
    kvr_prepare_dense(shape, query, prepared);
}
