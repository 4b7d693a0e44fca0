/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tables of a query, for the kernels that build them: what does not depend on the ISA. `half`:
 * the codebook is float16.
 */
#ifndef KVR_LOOKUP_PREPARE_H
#define KVR_LOOKUP_PREPARE_H

#include <float.h>
#include <string.h>

#include "../simd/hide.h"
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

/* One step for all tables, and the sum of their lowest entries, from the ranges; returns 1 / step,
 * or 0 with step 0: a subnormal step would be flushed to 0 by the measured threads' modes. */
KVR_INLINE float kvr_table_steps(const struct kvr_shape *shape, const float *low,
                                 const float *high, float *step, float *sum)
{
    double bias = 0, width = 0;
    for (uint32_t i = 0; i < shape->tables; i++) {
        double wide = (double)high[i] - (double)low[i];
        bias += (double)low[i];
        width = wide > width ? wide : width;
    }
    *sum = (float)bias;
    *step = width / 255 >= (double)FLT_MIN ? (float)(width / 255) : 0;
    return *step > 0 ? 1 / *step : 0;
}

KVR_INLINE float kvr_lookup_u8_header(const struct kvr_shape *shape, const float *low,
                                      const float *high, struct kvr_prepared_lookup_u8 *p)
{
    memset(p->pad, 0, sizeof p->pad);
    return kvr_table_steps(shape, low, high, &p->step, &p->bias);
}

/* sqrt(pi / 2) / (2 d) / sqrt(d): what a product of signs and a projected query is times, beside
 * the key's norm. */
KVR_INLINE float kvr_signs_factor(uint32_t head_dim)
{
    const double d = head_dim;
    return (float)(1.2533141373155003 / (2 * d * __builtin_sqrt(d)));
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
