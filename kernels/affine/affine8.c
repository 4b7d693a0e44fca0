/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8: 8-bit keys with one scale per tensor, float query. Layout, cost, reference.
 */
#include <math.h>

#include "affine.h"

static size_t segment_bytes(const struct kvr_shape *shape, uint32_t tokens)
{
    return kvr_affine_bytes(shape->head_dim / KVR_AFFINE8_LINE_CHANNELS, tokens);
}

static size_t prepared_bytes(const struct kvr_shape *shape)
{
    (void)shape;
    return sizeof(struct kvr_prepared_affine);
}

static void cost(const struct kvr_shape *shape, struct kvr_cost *cost)
{
    double d = shape->head_dim, keys = shape->tokens, queries = shape->queries;
    *cost = (struct kvr_cost){
        .stream_bytes = (double)segment_bytes(shape, shape->tokens),
        .side_bytes = sizeof(float) * (d + 1) * queries, /* query, offset_sum */
        .score_bytes = sizeof(float) * keys * queries,
        .useful_flops = 2 * d * keys * queries,
        .executed_flops = 2 * d * keys * queries,
        .converts = d * keys * queries, /* code to float */
    };
}

/* Subtracts zero per channel: the same sum as with offset_sum, without the rounding of that. */
static void reference(const struct kvr_shape *shape, uint32_t tokens, const void *codes,
                      const void *side, const void *prepared, double *scores)
{
    const struct kvr_prepared_affine *p = prepared;
    (void)side;
    for (uint32_t k = 0; k < tokens; k++) {
        scores[k] = 0;
        for (uint32_t c = 0; c < shape->head_dim; c++)
            scores[k] += (double)p->query[c] * kvr_affine8_value(shape, codes, k, c);
    }
}

static double scale(const struct kvr_shape *shape, const void *prepared)
{
    const struct kvr_prepared_affine *p = prepared;
    double sum = 0;
    for (uint32_t c = 0; c < shape->head_dim; c++)
        sum += fabs((double)p->query[c]);
    return sum * KVR_AFFINE8_ZERO; /* the largest |value|: that of code 0 */
}

const struct kvr_format kvr_format_affine8 = {
    .name = "affine8",
    .layout = "blocks of 16 keys, [d/4][16 keys][4 channels] bytes, code = value + 128",
    .block_keys = KVR_AFFINE_BLOCK_KEYS,
    .segment_bytes = segment_bytes,
    .prepared_bytes = prepared_bytes,
    .cost = cost,
    .reference = reference,
    /* About 64 roundings of a sum of codes that is twice as large as scale, and offset_sum's. */
    .tolerance = 256 * 0x1p-24,
    .scale = scale,
};
