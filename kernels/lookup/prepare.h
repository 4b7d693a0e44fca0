/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tables of a query, for the kernels that build them: what does not depend on the ISA. `half`:
 * the codebook is float16.
 */
#ifndef KVR_LOOKUP_PREPARE_H
#define KVR_LOOKUP_PREPARE_H

#include <float.h>
#include <string.h>

#include "../steps.h"
#include "lookup.h"

enum { KVR_TABLE_ENTRIES = 256 };

/* Scratch of lookup_u8, whose bytes need the range of all tables before the first is written. Of
 * 64 KiB a head uses 1 KiB per subspace, which stays in L1. */
struct kvr_table_scratch {
    _Alignas(KVR_LINE_BYTES) float tables[KVR_MAX_TABLES * KVR_TABLE_ENTRIES];
    float low[KVR_MAX_TABLES], high[KVR_MAX_TABLES];
};

/* 1/sqrt(d), a factor of the finished sums: no copy of the query is needed. */
KVR_INLINE float kvr_table_factor(const struct kvr_shape *shape)
{
    return 1 / __builtin_sqrtf((float)shape->head_dim);
}

/* Bytes of one channel's values of a subspace. */
KVR_INLINE size_t kvr_codebook_row(uint32_t entries, const int half)
{
    return entries * (half ? sizeof(uint16_t) : sizeof(float));
}

KVR_INLINE void kvr_table_range(const float *table, uint32_t entries, float *low, float *high)
{
    float lowest = table[0], highest = table[0];
    for (uint32_t c = 1; c < entries; c++) {
        lowest = table[c] < lowest ? table[c] : lowest;
        highest = table[c] > highest ? table[c] : highest;
    }
    *low = lowest;
    *high = highest;
}

/* The header from the ranges; returns 1 / step, or 0 with step 0: a subnormal step would be flushed
 * to 0 by the measured threads' modes. Tables wider than 255 of the largest step are cut off. */
KVR_INLINE float kvr_lookup_u8_header(const struct kvr_shape *shape, const float *low,
                                      const float *high, struct kvr_prepared_lookup_u8 *p)
{
    double bias = 0, width = 0;
    for (uint32_t i = 0; i < shape->tables; i++) {
        double wide = (double)high[i] - (double)low[i];
        bias += (double)low[i];
        width = wide > width ? wide : width;
    }
    width = width < 255 * KVR_MAX_LOOKUP_STEP ? width : 255 * KVR_MAX_LOOKUP_STEP;
    memset(p->pad, 0, sizeof p->pad);
    p->bias = (float)bias;
    p->step = width / 255 >= (double)FLT_MIN ? (float)(width / 255) : 0;
    return p->step > 0 ? 1 / p->step : 0;
}

KVR_INLINE void kvr_quantise_table(const float *table, uint32_t entries, float low, float inverse,
                                   uint8_t *bytes)
{
    for (uint32_t c = 0; c < entries; c++) {
        int steps = (int)__builtin_lrintf((table[c] - low) * inverse);
        bytes[c] = (uint8_t)(steps < UINT8_MAX ? steps : UINT8_MAX);
    }
}

#endif
