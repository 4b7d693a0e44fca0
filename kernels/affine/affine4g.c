/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4g: 4-bit keys with a float16 scale per key and group of 32 channels, float query. Layout,
 * cost, reference.
 */
#include <math.h>

#include "../half_value.h"
#include "affine.h"

static size_t segment_bytes(const struct kvr_shape *shape, uint32_t tokens)
{
    return kvr_affine_bytes(kvr_affine_block_lines(KVR_AFFINE4G, shape->head_dim), tokens);
}

static size_t prepared_bytes(const struct kvr_shape *shape)
{
    (void)shape;
    return sizeof(struct kvr_prepared_dense);
}

static void cost(const struct kvr_shape *shape, struct kvr_cost *cost)
{
    double d = shape->head_dim, keys = shape->tokens, queries = shape->queries;
    double groups = d / KVR_AFFINE4G_GROUP;
    *cost = (struct kvr_cost){
        .stream_bytes = (double)segment_bytes(shape, shape->tokens),
        .side_bytes = sizeof(float) * d * queries,
        .score_bytes = sizeof(float) * keys * queries,
        .useful_flops = 2 * d * keys * queries,
        .executed_flops = 2 * (d + groups) * keys * queries, /* a group's sum times its scale */
        .converts = (d + groups) * keys * queries,           /* code and scale to float */
    };
}

static void reference(const struct kvr_shape *shape, uint32_t tokens, const void *codes,
                      const void *side, const void *prepared, double *scores)
{
    const struct kvr_prepared_dense *p = prepared;
    (void)side;
    for (uint32_t k = 0; k < tokens; k++) {
        scores[k] = 0;
        for (uint32_t c = 0; c < shape->head_dim; c++)
            scores[k] += (double)p->query[c] * kvr_affine4g_value(shape, codes, k, c) *
                         kvr_half_value(kvr_affine4g_scale(shape, codes, k, c));
    }
}

static double scale(const struct kvr_shape *shape, const void *prepared)
{
    const struct kvr_prepared_dense *p = prepared;
    double sum = 0;
    for (uint32_t c = 0; c < shape->head_dim; c++)
        sum += fabs((double)p->query[c]);
    return sum * KVR_AFFINE4_ZERO; /* the largest |value|: that of code 0 */
}

static double magnitude(const struct kvr_shape *shape, uint32_t tokens, const void *codes)
{
    double largest = 0;
    for (uint32_t k = 0; k < tokens; k++)
        for (uint32_t c = 0; c < shape->head_dim; c += KVR_AFFINE4G_GROUP)
            largest = fmax(largest, fabs(kvr_half_value(kvr_affine4g_scale(shape, codes, k, c))));
    return largest;
}

const struct kvr_format kvr_format_affine4g = {
    .name = "affine4g",
    .layout = "blocks of 16 keys: [d/32][16 keys] float16 scales padded to whole lines, then "
              "[d/8][16 keys] dwords of 8 channels, code = value + 8",
    .block_keys = KVR_AFFINE_BLOCK_KEYS,
    .segment_bytes = segment_bytes,
    .prepared_bytes = prepared_bytes,
    .cost = cost,
    .reference = reference,
    .tolerance = 96 * 0x1p-24, /* two roundings a channel of a group's sum, then those of groups */
    .scale = scale,
    .magnitude = magnitude,
};
