/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8_f16, affine4_f16, affine4g_f16: the codes of affine8, affine4, affine4g, every value
 * (code - zero) * scale rounded to float16 before the product with the float query, as kernels do
 * that dequantise to a float16 tile or copy. Layout, cost, reference.
 */
#include <math.h>

#include "../half_value.h"
#include "affine.h"

static size_t prepared_bytes(const struct kvr_shape *shape)
{
    (void)shape;
    return sizeof(struct kvr_prepared_rounded);
}

/* A tile lives for one call of a kernel, which is of one query, so every query dequantises every
 * key. By the definition above: kernels may look the 16 values of 4-bit codes up in a table. */
static void cost_of(const struct kvr_format *base, const struct kvr_shape *shape,
                    struct kvr_cost *cost)
{
    double d = shape->head_dim, keys = shape->tokens, queries = shape->queries;
    double tensor_scales = base == &kvr_format_affine4g ? 0 : 1;
    *cost = (struct kvr_cost){
        .stream_bytes = (double)base->segment_bytes(shape, shape->tokens),
        .side_bytes = sizeof(float) * (d + tensor_scales) * queries,
        .score_bytes = sizeof(float) * keys * queries,
        .useful_flops = 2 * d * keys * queries,
        .executed_flops = 3 * d * keys * queries, /* and a code times its scale */
        .converts = 2 * d * keys * queries,       /* code to float16, float16 to float */
    };
}

/* The product in float, as the contract of struct kvr_dequantise_step says, then rounded again. */
static double value8(const struct kvr_shape *shape, const struct kvr_prepared_rounded *p,
                     const void *codes, uint32_t key, uint32_t channel)
{
    return kvr_nearest_half(
        (double)((float)kvr_affine8_value(shape, codes, key, channel) * p->scale));
}

static double value4(const struct kvr_shape *shape, const struct kvr_prepared_rounded *p,
                     const void *codes, uint32_t key, uint32_t channel)
{
    return kvr_nearest_half(
        (double)((float)kvr_affine4_value(shape, codes, key, channel) * p->scale));
}

static double value4g(const struct kvr_shape *shape, const struct kvr_prepared_rounded *p,
                      const void *codes, uint32_t key, uint32_t channel)
{
    (void)p;
    return kvr_nearest_half(kvr_group_value(KVR_AFFINE4G, shape, codes, key, channel) *
                            kvr_half_value(
                                kvr_group_scale(KVR_AFFINE4G, shape, codes, key, channel)));
}

static double query_sum(const struct kvr_shape *shape, const struct kvr_prepared_rounded *p)
{
    double sum = 0;
    for (uint32_t c = 0; c < shape->head_dim; c++)
        sum += fabs((double)p->query[c]);
    return sum;
}

/* Values are rounded: up to 2^-11 larger than the largest product, or half of 2^-24. */
static double scale8(const struct kvr_shape *shape, const void *prepared)
{
    const struct kvr_prepared_rounded *p = prepared;
    return query_sum(shape, p) * kvr_nearest_half(KVR_AFFINE8_ZERO * (double)p->scale);
}

static double scale4(const struct kvr_shape *shape, const void *prepared)
{
    const struct kvr_prepared_rounded *p = prepared;
    return query_sum(shape, p) * kvr_nearest_half(KVR_AFFINE4_ZERO * (double)p->scale);
}

static double scale4g(const struct kvr_shape *shape, const void *prepared)
{
    return query_sum(shape, prepared) * KVR_AFFINE4_ZERO;
}

static double magnitude4g(const struct kvr_shape *shape, uint32_t tokens, const void *codes)
{
    return kvr_format_affine4g.magnitude(shape, tokens, codes);
}

/* One format: `base` has the codes, `value` gives what a channel of a key is rounded to. */
#define ROUNDED(base, value, scale_, magnitude_, layout_)                                          \
    static size_t base##_segment_bytes(const struct kvr_shape *shape, uint32_t tokens)             \
    {                                                                                              \
        return kvr_format_##base.segment_bytes(shape, tokens);                                     \
    }                                                                                              \
    static void base##_cost(const struct kvr_shape *shape, struct kvr_cost *cost)                  \
    {                                                                                              \
        cost_of(&kvr_format_##base, shape, cost);                                                  \
    }                                                                                              \
    static void base##_reference(const struct kvr_shape *shape, uint32_t tokens,                   \
                                 const void *codes, const void *side, const void *prepared,        \
                                 double *scores)                                                   \
    {                                                                                              \
        const struct kvr_prepared_rounded *p = prepared;                                           \
        (void)side;                                                                                \
        for (uint32_t k = 0; k < tokens; k++) {                                                    \
            scores[k] = 0;                                                                         \
            for (uint32_t c = 0; c < shape->head_dim; c++)                                         \
                scores[k] += (double)p->query[c] * value(shape, p, codes, k, c);                   \
        }                                                                                          \
    }                                                                                              \
    const struct kvr_format kvr_format_##base##_f16 = {                                            \
        .name = #base "_f16",                                                                      \
        .layout = layout_,                                                                         \
        .block_keys = KVR_AFFINE_BLOCK_KEYS,                                                       \
        .segment_bytes = base##_segment_bytes,                                                     \
        .prepared_bytes = prepared_bytes,                                                          \
        .cost = base##_cost,                                                                       \
        .reference = base##_reference,                                                             \
        .tolerance = 64 * 0x1p-24, /* as dense_f16: the values themselves are exact */             \
        .scale = scale_,                                                                           \
        .magnitude = magnitude_,                                                                   \
    };

ROUNDED(affine8, value8, scale8, NULL, "codes of affine8, keys rounded to float16 before the dot")
ROUNDED(affine4, value4, scale4, NULL, "codes of affine4, keys rounded to float16 before the dot")
ROUNDED(affine4g, value4g, scale4g, magnitude4g,
        "codes of affine4g, keys rounded to float16 before the dot")
