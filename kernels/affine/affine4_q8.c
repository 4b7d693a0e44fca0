/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4_q8: the keys of affine4 with an 8-bit query; integer sums. Layout, cost, reference.
 */
#include <stdlib.h>

#include "affine.h"

static size_t segment_bytes(const struct kvr_shape *shape, uint32_t tokens)
{
    return kvr_affine_bytes(shape->head_dim / KVR_AFFINE4_LINE_CHANNELS, tokens);
}

static size_t prepared_bytes(const struct kvr_shape *shape)
{
    (void)shape;
    return sizeof(struct kvr_prepared_affine_q8);
}

static void cost(const struct kvr_shape *shape, struct kvr_cost *cost)
{
    double d = shape->head_dim, keys = shape->tokens, queries = shape->queries;
    *cost = (struct kvr_cost){
        .stream_bytes = (double)segment_bytes(shape, shape->tokens),
        .side_bytes = (d + sizeof(int32_t) + sizeof(float)) * queries, /* offset_sum, scale */
        .score_bytes = sizeof(float) * keys * queries,
        .useful_flops = 2 * d * keys * queries,
        .executed_flops = keys * queries, /* times scale */
        .int_ops = 2 * d * keys * queries,
        .converts = keys * queries, /* sum to float */
    };
}

/* In the kernels' own precision, with their operations: what they return must be equal. The sum of
 * codes is formed as they do, but from query8[] and not from their dwords[]. */
static void reference(const struct kvr_shape *shape, uint32_t tokens, const void *codes,
                      const void *side, const void *prepared, double *scores)
{
    const struct kvr_prepared_affine_q8 *p = prepared;
    (void)side;
    for (uint32_t k = 0; k < tokens; k++) {
        int32_t sum = 0;
        for (uint32_t c = 0; c < shape->head_dim; c++) {
            int code = kvr_affine4_value(shape, codes, k, c) + KVR_AFFINE4_ZERO;
            sum += code * p->query8[c];
        }
        float score = (float)(sum - p->offset_sum) * p->scale;
        scores[k] = (double)score;
    }
}

static double scale(const struct kvr_shape *shape, const void *prepared)
{
    const struct kvr_prepared_affine_q8 *p = prepared;
    double sum = 0;
    for (uint32_t c = 0; c < shape->head_dim; c++)
        sum += abs(p->query8[c]);
    return sum * KVR_AFFINE4_ZERO * (double)p->scale;
}

const struct kvr_format kvr_format_affine4_q8 = {
    .name = "affine4_q8",
    .layout = "blocks of 16 keys, [d/8][16 keys] dwords of 8 channels, code = value + 8",
    .block_keys = KVR_AFFINE_BLOCK_KEYS,
    .segment_bytes = segment_bytes,
    .prepared_bytes = prepared_bytes,
    .cost = cost,
    .reference = reference,
    .tolerance = 0,
    .scale = scale,
};
