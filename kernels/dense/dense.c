/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dense_f16, dense_bf16: row-major keys of 16-bit floats. Layout, cost, reference.
 */
#include <math.h>
#include <string.h>

#include "../half_value.h"
#include "dense.h"

static size_t segment_bytes(const struct kvr_shape *shape, uint32_t tokens)
{
    return kvr_dense_bytes(shape, tokens);
}

static size_t prepared_bytes(const struct kvr_shape *shape)
{
    (void)shape;
    return sizeof(struct kvr_prepared_dense);
}

static void cost(const struct kvr_shape *shape, struct kvr_cost *cost)
{
    double d = shape->head_dim, keys = shape->tokens, queries = shape->queries;
    *cost = (struct kvr_cost){
        .stream_bytes = (double)segment_bytes(shape, shape->tokens),
        .side_bytes = sizeof(float) * d * queries,
        .score_bytes = sizeof(float) * keys * queries,
        .useful_flops = 2 * d * keys * queries,
        .executed_flops = 2 * d * keys * queries,
        .converts = d * keys * queries,
    };
}

/* A definition of half_value.h. */
typedef double value_fn(uint16_t bits);

KVR_INLINE double value_at(value_fn *value, const void *codes, size_t index)
{
    uint16_t bits;
    memcpy(&bits, (const unsigned char *)codes + index * sizeof bits, sizeof bits);
    return value(bits);
}

KVR_INLINE void score_rows(value_fn *value, const struct kvr_shape *shape, uint32_t tokens,
                           const void *codes, const struct kvr_prepared_dense *p, double *scores)
{
    for (uint32_t k = 0; k < tokens; k++) {
        scores[k] = 0;
        for (uint32_t c = 0; c < shape->head_dim; c++)
            scores[k] += value_at(value, codes, (size_t)k * shape->head_dim + c) *
                         (double)p->query[c];
    }
}

KVR_INLINE double largest_of(value_fn *value, const struct kvr_shape *shape, uint32_t tokens,
                             const void *codes)
{
    double largest = 0;
    for (size_t i = 0; i < (size_t)tokens * shape->head_dim; i++)
        largest = fmax(largest, fabs(value_at(value, codes, i)));
    return largest;
}

static double scale(const struct kvr_shape *shape, const void *prepared)
{
    const struct kvr_prepared_dense *p = prepared;
    double sum = 0;
    for (uint32_t c = 0; c < shape->head_dim; c++)
        sum += fabs((double)p->query[c]);
    return sum;
}

#define DENSE_FORMAT(type, text, value)                                                            \
    static void reference_##type(const struct kvr_shape *shape, uint32_t tokens,                   \
                                 const void *codes, const void *side, const void *prepared,        \
                                 double *scores)                                                   \
    {                                                                                              \
        (void)side;                                                                                \
        score_rows(value, shape, tokens, codes, prepared, scores);                                 \
    }                                                                                              \
    static double magnitude_##type(const struct kvr_shape *shape, uint32_t tokens,                 \
                                   const void *codes)                                              \
    {                                                                                              \
        return largest_of(value, shape, tokens, codes);                                            \
    }                                                                                              \
    const struct kvr_format kvr_format_dense_##type = {                                            \
        .name = "dense_" #type,                                                                    \
        .layout = "row-major " text " [token][d]",                                                 \
        .block_keys = KVR_DENSE_BLOCK_KEYS,                                                        \
        .segment_bytes = segment_bytes,                                                            \
        .prepared_bytes = prepared_bytes,                                                          \
        .cost = cost,                                                                              \
        .reference = reference_##type,                                                             \
        .tolerance = 64 * 0x1p-24, /* about 64 roundings of a float sum in the longest chain */    \
        .scale = scale,                                                                            \
        .row_major = 1,                                                                            \
        .magnitude = magnitude_##type,                                                             \
    };

DENSE_FORMAT(f16, "float16", kvr_half_value)
DENSE_FORMAT(bf16, "bfloat16", kvr_bf16_value)
