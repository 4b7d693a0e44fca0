/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * additive_f32 and additive_rows: codes of residual quantisation, scored by tables of the query or
 * by the rows that they name. Layout, cost, reference.
 */
#include <math.h>
#include <string.h>

#include "../half_value.h"
#include "additive_lines.h"

static size_t segment_bytes(const struct kvr_shape *shape, uint32_t tokens)
{
    return kvr_lookup_bytes(kvr_additive_lines(shape->tables), tokens);
}

static size_t table_bytes(const struct kvr_shape *shape)
{
    return sizeof(float) * shape->tables * KVR_ADDITIVE_ENTRIES;
}

static size_t query_bytes(const struct kvr_shape *shape)
{
    (void)shape;
    return sizeof(struct kvr_prepared_rows);
}

/* What both do: a look-up a table, the scale, its conversion. */
static struct kvr_cost common_cost(const struct kvr_shape *shape)
{
    const double d = shape->head_dim, m = shape->tables;
    const double scores = (double)shape->tokens * shape->queries;
    return (struct kvr_cost){
        .stream_bytes = (double)segment_bytes(shape, shape->tokens),
        .score_bytes = sizeof(float) * scores,
        .useful_flops = 2 * d * scores,
        .executed_flops = scores,
        .lookups = m * scores,
        .converts = scores,
    };
}

static void cost_f32(const struct kvr_shape *shape, struct kvr_cost *cost)
{
    *cost = common_cost(shape);
    cost->side_bytes = (double)table_bytes(shape) * shape->queries;
    cost->executed_flops += (double)shape->tables * shape->tokens * shape->queries;
}

/* Eight rows of each group, seven additions, then the product with the query. */
static void cost_rows(const struct kvr_shape *shape, struct kvr_cost *cost)
{
    const double channels = (double)shape->tables / KVR_ADDITIVE_STAGES * KVR_ADDITIVE_CHANNELS *
                            shape->tokens * shape->queries;
    *cost = common_cost(shape);
    cost->side_bytes = (double)(sizeof(struct kvr_additive_books) + query_bytes(shape)) *
                       shape->queries;
    cost->executed_flops += channels * (KVR_ADDITIVE_STAGES - 1 + 2);
    cost->converts += channels * KVR_ADDITIVE_STAGES;
}

static double scale_of(const struct kvr_shape *shape, const unsigned char *codes, uint32_t key)
{
    uint16_t half;
    memcpy(&half, codes + kvr_additive_scale(shape, key), sizeof half);
    return kvr_half_value(half);
}

static void reference_f32(const struct kvr_shape *shape, uint32_t tokens, const void *codes,
                          const void *side, const void *prepared, double *scores)
{
    const float *tables = prepared;
    (void)side;
    for (uint32_t k = 0; k < tokens; k++) {
        double sum = 0;
        for (uint32_t i = 0; i < shape->tables; i++)
            sum += (double)tables[(size_t)i * KVR_ADDITIVE_ENTRIES +
                                  kvr_additive_code(shape, codes, k, i)];
        scores[k] = sum * scale_of(shape, codes, k);
    }
}

static void reference_rows(const struct kvr_shape *shape, uint32_t tokens, const void *codes,
                           const void *side, const void *prepared, double *scores)
{
    const struct kvr_additive_books *books = side;
    const struct kvr_prepared_rows *p = prepared;
    for (uint32_t k = 0; k < tokens; k++) {
        double sum = 0;
        for (uint32_t i = 0; i < shape->tables; i++) {
            const uint16_t *row = books->rows[i % KVR_ADDITIVE_STAGES]
                                             [kvr_additive_code(shape, codes, k, i)];
            const float *query = p->query + i / KVR_ADDITIVE_STAGES * KVR_ADDITIVE_CHANNELS;
            for (uint32_t c = 0; c < KVR_ADDITIVE_CHANNELS; c++)
                sum += (double)query[c] * kvr_half_value(row[c]);
        }
        scores[k] = sum * scale_of(shape, codes, k);
    }
}

/* Of keys whose scale is 1. */
static double largest_f32(const struct kvr_shape *shape, const void *prepared)
{
    const float *tables = prepared;
    double sum = 0;
    for (uint32_t i = 0; i < shape->tables; i++) {
        double largest = 0;
        for (uint32_t c = 0; c < KVR_ADDITIVE_ENTRIES; c++) {
            double entry = fabs((double)tables[(size_t)i * KVR_ADDITIVE_ENTRIES + c]);
            largest = entry > largest ? entry : largest; /* gcc 12 for Arm fails at fmax here */
        }
        sum += largest;
    }
    return sum;
}

static double largest_rows(const struct kvr_shape *shape, const void *prepared)
{
    const struct kvr_prepared_rows *p = prepared;
    const uint32_t d = shape->tables / KVR_ADDITIVE_STAGES * KVR_ADDITIVE_CHANNELS;
    double sum = 0;
    for (uint32_t c = 0; c < d; c++)
        sum += fabs((double)p->query[c]);
    return sum * (double)p->largest;
}

static double magnitude(const struct kvr_shape *shape, uint32_t tokens, const void *codes)
{
    double largest = 0;
    for (uint32_t k = 0; k < tokens; k++)
        largest = fmax(largest, scale_of(shape, codes, k));
    return largest;
}

const struct kvr_format kvr_format_additive_f32 = {
    .name = "additive_f32",
    .layout = "blocks of 64 keys, [d/32][8 + 3][64] low bytes and high bits of codes of 11 bits, "
              "[64] float16 scales; tables float [d/4][2048]",
    .block_keys = KVR_ADDITIVE_KEYS,
    .segment_bytes = segment_bytes,
    .prepared_bytes = table_bytes,
    .cost = cost_f32,
    .reference = reference_f32,
    .tolerance = (KVR_MAX_TABLES + 1) * 0x1p-24, /* one rounding per addition, one of the product */
    .scale = largest_f32,
    .magnitude = magnitude,
    .entries = KVR_ADDITIVE_ENTRIES,
};

const struct kvr_format kvr_format_additive_rows = {
    .name = "additive_rows",
    .layout = "blocks of 64 keys, [d/32][8 + 3][64] low bytes and high bits of codes of 11 bits, "
              "[64] float16 scales; codebooks float16 [8][2048][32], query float [d]",
    .block_keys = KVR_ADDITIVE_KEYS,
    .segment_bytes = segment_bytes,
    .prepared_bytes = query_bytes,
    .cost = cost_rows,
    .reference = reference_rows,
    .tolerance = (KVR_MAX_HEAD_DIM + KVR_ADDITIVE_STAGES + 1) * 0x1p-24,
    .scale = largest_rows,
    .magnitude = magnitude,
    .entries = KVR_ADDITIVE_ENTRIES,
    .scans_side = 1,
};
