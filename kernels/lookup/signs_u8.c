/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * signs_u8: nibbles of sign bits, one table of bytes each, and a norm per key and sketch. Layout,
 * cost, reference.
 */
#include <math.h>
#include <string.h>

#include "../half_value.h"
#include "signs.h"

static size_t segment_bytes(const struct kvr_shape *shape, uint32_t tokens)
{
    return kvr_lookup_bytes(kvr_signs_lines(shape->tables), tokens);
}

static size_t prepared_bytes(const struct kvr_shape *shape)
{
    return sizeof(struct kvr_prepared_signs_u8) +
           (size_t)2 * shape->tables * KVR_LOOKUP4_ENTRIES;
}

static void cost(const struct kvr_shape *shape, struct kvr_cost *cost)
{
    const double d = shape->head_dim, m = shape->tables;
    const double keys = shape->tokens, queries = shape->queries;
    *cost = (struct kvr_cost){
        .stream_bytes = (double)segment_bytes(shape, shape->tokens),
        .side_bytes = (double)prepared_bytes(shape) * queries,
        .score_bytes = sizeof(float) * keys * queries,
        .useful_flops = 2 * d * keys * queries,
        .executed_flops = 7 * keys * queries, /* twice times step, plus bias, times norm; a sum */
        .int_ops = 2 * m * keys * queries,
        .lookups = 2 * m * keys * queries,
        .converts = 4 * keys * queries, /* two sums and two norms to float */
    };
}

static double norm_of(const struct kvr_shape *shape, const unsigned char *block, uint32_t sketch,
                      uint32_t key)
{
    uint16_t half;
    memcpy(&half, block + kvr_signs_norms(shape->tables, sketch) + key * sizeof half, sizeof half);
    return kvr_half_value(half);
}

static float part(const struct kvr_shape *shape, const struct kvr_prepared_signs_u8 *p,
                  const unsigned char *block, uint32_t sketch, uint32_t key)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < shape->tables; i++) {
        const uint8_t *table = p->tables + ((size_t)sketch * shape->tables + i) *
                                               KVR_LOOKUP4_ENTRIES;
        sum += table[kvr_lookup4_code(shape, block + kvr_signs_codes(shape->tables, sketch), key,
                                      i)];
    }
    float estimate = (float)sum * p->step[sketch] + p->bias[sketch];
    return estimate * (float)norm_of(shape, block, sketch, key);
}

/* In the kernels' own precision, with their operations: what they return must be equal. */
static void reference(const struct kvr_shape *shape, uint32_t tokens, const void *codes,
                      const void *side, const void *prepared, double *scores)
{
    (void)side;
    for (uint32_t k = 0; k < tokens; k++) {
        const unsigned char *block =
            (const unsigned char *)codes + segment_bytes(shape, k / KVR_LOOKUP_BLOCK_KEYS *
                                                                    KVR_LOOKUP_BLOCK_KEYS);
        float score = part(shape, prepared, block, 0, k % KVR_LOOKUP_BLOCK_KEYS) +
                      part(shape, prepared, block, 1, k % KVR_LOOKUP_BLOCK_KEYS);
        scores[k] = (double)score;
    }
}

static double scale(const struct kvr_shape *shape, const void *prepared)
{
    const struct kvr_prepared_signs_u8 *p = prepared;
    double sum = 0;
    for (int s = 0; s < 2; s++) {
        const double most = 255.0 * shape->tables * (double)p->step[s] + (double)p->bias[s];
        sum += fmax(fabs((double)p->bias[s]), fabs(most));
    }
    return sum;
}

static double magnitude(const struct kvr_shape *shape, uint32_t tokens, const void *codes)
{
    double largest = 0;
    for (uint32_t k = 0; k < tokens; k++) {
        const unsigned char *block =
            (const unsigned char *)codes + segment_bytes(shape, k / KVR_LOOKUP_BLOCK_KEYS *
                                                                    KVR_LOOKUP_BLOCK_KEYS);
        for (uint32_t s = 0; s < 2; s++)
            largest = fmax(largest, norm_of(shape, block, s, k % KVR_LOOKUP_BLOCK_KEYS));
    }
    return largest;
}

const struct kvr_format kvr_format_signs_u8 = {
    .name = "signs_u8",
    .layout = "blocks of 64 keys, two sketches of [m/2][16] dwords of nibbles as lookup4_u8, then "
              "[2][64] float16 norms; tables of bytes [2][m][16]",
    .block_keys = KVR_LOOKUP_BLOCK_KEYS,
    .segment_bytes = segment_bytes,
    .prepared_bytes = prepared_bytes,
    .cost = cost,
    .reference = reference,
    .tolerance = 0,
    .scale = scale,
    .magnitude = magnitude,
    .entries = KVR_LOOKUP4_ENTRIES,
};
