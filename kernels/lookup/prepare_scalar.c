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

#define quantise_table kvr_quantise_table
#define ISA_NAME "scalar"
#define ISA_BITS 0
#define STEP(format, codebook) kvr_prepare_##format##_##codebook##_scalar
#define GROUP(step) NULL
#include "prepare_quantise.inc"
#include "prepare_steps.inc"
