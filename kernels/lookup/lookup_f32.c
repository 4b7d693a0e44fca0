/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookup_f32 and lookup4_f32: additive codes, one float table per subspace. Layout, cost,
 * reference.
 */
#include <math.h>

#include "lookup.h"

static size_t segment_bytes(const struct kvr_shape *shape, uint32_t tokens)
{
    return kvr_lookup_bytes(shape->tables, tokens);
}

static size_t segment4_bytes(const struct kvr_shape *shape, uint32_t tokens)
{
    return kvr_lookup_bytes(kvr_lookup4_lines(shape->tables), tokens);
}

static size_t prepared_bytes(const struct kvr_shape *shape)
{
    return sizeof(float) * shape->tables * shape->entries;
}

static void cost_of(const struct kvr_shape *shape, size_t stream_bytes, struct kvr_cost *cost)
{
    double d = shape->head_dim, m = shape->tables;
    double keys = shape->tokens, queries = shape->queries;
    *cost = (struct kvr_cost){
        .stream_bytes = (double)stream_bytes,
        .side_bytes = (double)prepared_bytes(shape) * queries,
        .score_bytes = sizeof(float) * keys * queries,
        .useful_flops = 2 * d * keys * queries,
        .executed_flops = m * keys * queries, /* additions */
        .lookups = m * keys * queries,
    };
}

static void cost(const struct kvr_shape *shape, struct kvr_cost *cost)
{
    cost_of(shape, segment_bytes(shape, shape->tokens), cost);
}

static void cost4(const struct kvr_shape *shape, struct kvr_cost *cost)
{
    cost_of(shape, segment4_bytes(shape, shape->tokens), cost);
}

KVR_INLINE void refer(const struct kvr_shape *shape, uint32_t tokens, const void *codes,
                      const float *tables, double *scores, const int nibbles)
{
    for (uint32_t k = 0; k < tokens; k++) {
        scores[k] = 0;
        for (uint32_t i = 0; i < shape->tables; i++) {
            size_t row = (size_t)i * shape->entries;
            scores[k] += (double)tables[row + (nibbles ? kvr_lookup4_code(shape, codes, k, i)
                                                       : kvr_lookup_code(shape, codes, k, i))];
        }
    }
}

static void reference(const struct kvr_shape *shape, uint32_t tokens, const void *codes,
                      const void *side, const void *prepared, double *scores)
{
    (void)side;
    refer(shape, tokens, codes, prepared, scores, 0);
}

static void reference4(const struct kvr_shape *shape, uint32_t tokens, const void *codes,
                       const void *side, const void *prepared, double *scores)
{
    (void)side;
    refer(shape, tokens, codes, prepared, scores, 1);
}

static double scale(const struct kvr_shape *shape, const void *prepared)
{
    const float *tables = prepared;
    double sum = 0;
    for (uint32_t i = 0; i < shape->tables; i++) {
        double largest = 0;
        for (uint32_t c = 0; c < shape->entries; c++) {
            double entry = fabs((double)tables[(size_t)i * shape->entries + c]);
            largest = entry > largest ? entry : largest; /* gcc 12 for Arm fails at fmax here */
        }
        sum += largest;
    }
    return sum;
}

const struct kvr_format kvr_format_lookup_f32 = {
    .name = "lookup_f32",
    .layout = "blocks of 64 keys, [m][64] byte codes; tables float [m][K]",
    .block_keys = KVR_LOOKUP_BLOCK_KEYS,
    .segment_bytes = segment_bytes,
    .prepared_bytes = prepared_bytes,
    .cost = cost,
    .reference = reference,
    .tolerance = KVR_MAX_TABLES * 0x1p-24, /* one rounding per addition */
    .scale = scale,
    .entries = KVR_LOOKUP_ENTRIES,
};

const struct kvr_format kvr_format_lookup4_f32 = {
    .name = "lookup4_f32",
    .layout = "blocks of 64 keys, [m/2][16] dwords of keys j, j+16, j+32, j+48, two codes a byte; "
              "tables float [m][16]",
    .block_keys = KVR_LOOKUP_BLOCK_KEYS,
    .segment_bytes = segment4_bytes,
    .prepared_bytes = prepared_bytes,
    .cost = cost4,
    .reference = reference4,
    .tolerance = KVR_MAX_TABLES * 0x1p-24,
    .scale = scale,
    .entries = KVR_LOOKUP4_ENTRIES,
};
