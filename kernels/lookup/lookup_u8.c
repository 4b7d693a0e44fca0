/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookup_u8 and lookup4_u8: additive codes, one table of bytes per subspace, integer sums. Layout,
 * cost, reference.
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
    return sizeof(struct kvr_prepared_lookup_u8) + (size_t)shape->tables * shape->entries;
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
        .executed_flops = 2 * keys * queries, /* times step, plus bias */
        .int_ops = m * keys * queries,        /* additions */
        .lookups = m * keys * queries,
        .converts = keys * queries, /* sum to float */
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

/* In the kernels' own precision, with their operations: what they return must be equal. */
KVR_INLINE void refer(const struct kvr_shape *shape, uint32_t tokens, const void *codes,
                      const struct kvr_prepared_lookup_u8 *p, double *scores, const int nibbles)
{
    for (uint32_t k = 0; k < tokens; k++) {
        uint32_t sum = 0;
        for (uint32_t i = 0; i < shape->tables; i++) {
            size_t row = (size_t)i * shape->entries;
            sum += p->tables[row + (nibbles ? kvr_lookup4_code(shape, codes, k, i)
                                            : kvr_lookup_code(shape, codes, k, i))];
        }
        float score = (float)sum * p->step + p->bias;
        scores[k] = (double)score;
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
    const struct kvr_prepared_lookup_u8 *p = prepared;
    double lowest = 0, highest = 0;
    for (uint32_t i = 0; i < shape->tables; i++) {
        uint8_t low = UINT8_MAX, high = 0;
        for (uint32_t c = 0; c < shape->entries; c++) {
            uint8_t entry = p->tables[(size_t)i * shape->entries + c];
            low = entry < low ? entry : low;
            high = entry > high ? entry : high;
        }
        lowest += low;
        highest += high;
    }
    double step = (double)p->step, bias = (double)p->bias;
    return fmax(fabs(lowest * step + bias), fabs(highest * step + bias));
}

const struct kvr_format kvr_format_lookup_u8 = {
    .name = "lookup_u8",
    .layout = "blocks of 64 keys, [m][64] byte codes; tables of bytes [m][K]",
    .block_keys = KVR_LOOKUP_BLOCK_KEYS,
    .segment_bytes = segment_bytes,
    .prepared_bytes = prepared_bytes,
    .cost = cost,
    .reference = reference,
    .tolerance = 0,
    .scale = scale,
    .entries = KVR_LOOKUP_ENTRIES,
};

const struct kvr_format kvr_format_lookup4_u8 = {
    .name = "lookup4_u8",
    .layout = "blocks of 64 keys, [m/2][16] dwords of keys j, j+16, j+32, j+48, two codes a byte; "
              "tables of bytes [m][16]",
    .block_keys = KVR_LOOKUP_BLOCK_KEYS,
    .segment_bytes = segment4_bytes,
    .prepared_bytes = prepared_bytes,
    .cost = cost4,
    .reference = reference4,
    .tolerance = 0,
    .scale = scale,
    .entries = KVR_LOOKUP4_ENTRIES,
};
