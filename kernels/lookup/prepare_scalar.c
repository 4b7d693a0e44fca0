/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tables in portable C: 32 centroids at a time, whose sums compilers keep in the baseline's vector
 * registers; float16 is converted with integer operations, one by one.
 */
#include "../half.h"
#include "prepare.h"

enum { SLICE = 32 };

KVR_INLINE float load(const unsigned char *p, const int half)
{
    uint16_t bits;
    float value;
    if (!half)
        return memcpy(&value, p, sizeof value), value;
    memcpy(&bits, p, sizeof bits);
    return kvr_widen_half(bits);
}

/* Sums of `count` centroids, at most SLICE. */
KVR_INLINE void build_slice(struct kvr_codebook_at at, size_t row_bytes, const float *query,
                            float factor, uint32_t dim, float *table, const uint32_t count,
                            const int half)
{
    const size_t value_bytes = half ? sizeof(uint16_t) : sizeof(float);
    float sums[SLICE] = {0};
    for (uint32_t j = 0; j < dim; j++) {
        for (uint32_t c = 0; c < count; c++)
            sums[c] += load(at.values + c * value_bytes, half) * query[j];
        at = kvr_codebook_next(at, count * value_bytes, row_bytes);
    }
    for (uint32_t c = 0; c < count; c++)
        table[c] = sums[c] * factor;
}

KVR_INLINE void build_table(struct kvr_codebook_at at, const float *query, float factor,
                            uint32_t dim, uint32_t entries, float *table, const int half,
                            struct kvr_table_range *range)
{
    const size_t row_bytes = kvr_codebook_row(entries, half), value_bytes = row_bytes / entries;
    uint32_t c = 0;
    for (; c + SLICE <= entries; c += SLICE)
        build_slice(kvr_codebook_on(at, c * value_bytes), row_bytes, query, factor, dim, table + c,
                    SLICE, half);
    for (; c < entries; c++)
        build_slice(kvr_codebook_on(at, c * value_bytes), row_bytes, query, factor, dim, table + c,
                    1, half);
    if (range)
        *range = kvr_table_range(table, entries);
}

/* One subspace's tables of four queries: its values come from memory for the first of them. */
KVR_INLINE void build_tables4(struct kvr_codebook_at at, const float *queries,
                              size_t query_floats, float factor, uint32_t dim, uint32_t entries,
                              float *table, size_t table_floats, const int half)
{
    for (int q = 0; q < KVR_PREPARE_GROUP; q++)
        build_table(q ? kvr_codebook_alone(at.values) : at, queries + q * query_floats, factor, dim,
                    entries, table + q * table_floats, half, NULL);
}

/* The same of two queries, and only of 256 entries. */
KVR_INLINE void build_tables2(struct kvr_codebook_at at, const float *queries, size_t query_floats,
                              uint32_t dim, float *table, size_t table_floats, const int half)
{
    for (int q = 0; q < 2; q++)
        build_table(at, queries + q * query_floats, 1, dim, KVR_TABLE_ENTRIES,
                    table + q * table_floats, half, NULL);
}

/* 32 channels, `stride` apart. */
KVR_INLINE void gather_channels(const float *query, uint32_t stride, float factor, float *channels)
{
    for (uint32_t i = 0; i < KVR_ADDITIVE_CHANNELS; i++)
        channels[i] = query[i * stride] * factor;
}

enum { PICKED = 1 };

KVR_INLINE void pick(const unsigned char *numbers, const float *query, float *picked,
                     const int half)
{
    *picked = query[(uint32_t)load(numbers, half)];
}

KVR_INLINE void sign_tables(const float *projected, uint32_t count,
                            const struct kvr_table_range *ranges, float inverse,
                            uint8_t *bytes)
{
    for (uint32_t i = 0; i < count; i++, projected += 4, bytes += KVR_LOOKUP4_ENTRIES) {
        float table[KVR_LOOKUP4_ENTRIES];
        for (uint32_t n = 0; n < KVR_LOOKUP4_ENTRIES; n++)
            table[n] = (n & 1 ? projected[0] : -projected[0]) +
                       (n & 2 ? projected[1] : -projected[1]) +
                       (n & 4 ? projected[2] : -projected[2]) +
                       (n & 8 ? projected[3] : -projected[3]);
        kvr_quantise_table(table, KVR_LOOKUP4_ENTRIES, ranges[i].low, inverse, bytes);
    }
}

#define table_range kvr_table_range
#define quantise_table kvr_quantise_table
#define ISA_NAME "scalar"
#define ISA_BITS 0
#define STEP(format, codebook) kvr_prepare_##format##_##codebook##_scalar
#include "prepare_quantise.inc"
#include "prepare_groups.inc"
#include "prepare_steps.inc"
#include "prepare_rotated.inc"
#include "prepare_added.inc"
#include "prepare_signs.inc"
#include "prepare_residual.inc"
