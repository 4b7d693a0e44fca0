/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tables of a query, for the kernels that build them: what does not depend on the ISA. `half`:
 * the codebook is float16.
 */
#ifndef KVR_LOOKUP_PREPARE_H
#define KVR_LOOKUP_PREPARE_H

#include <float.h>
#include <string.h>

#include "../additive.h"
#include "../ahead.h"
#include "../simd/hide.h"
#include "../steps.h"
#include "lookup.h"

enum { KVR_TABLE_ENTRIES = 256 };

struct kvr_table_range {
    float low, high;
};

/* Scratch of lookup_u8, whose bytes need the range of all tables before the first is written. Of
 * 64 KiB a head uses 1 KiB per subspace, which stays in L1. */
struct kvr_table_scratch {
    _Alignas(KVR_LINE_BYTES) float tables[KVR_MAX_TABLES * KVR_TABLE_ENTRIES];
    struct kvr_table_range ranges[KVR_MAX_TABLES];
};

/* 1/sqrt(d), a factor of the finished sums: no copy of the query is needed. */
KVR_INLINE float kvr_table_factor(const struct kvr_shape *shape)
{
    return 1 / __builtin_sqrtf((float)shape->head_dim);
}

/* A place in a codebook, and the same one in the codebook to be prefetched; NULL: none. */
struct kvr_codebook_at {
    const unsigned char *values, *ahead;
};

KVR_INLINE struct kvr_codebook_at kvr_codebook_alone(const unsigned char *values)
{
    return (struct kvr_codebook_at){values, NULL};
}

/* With other K nothing is prefetched: a row may be no whole lines. */
KVR_INLINE struct kvr_codebook_at kvr_codebook_start(const struct kvr_shape *shape,
                                                     const void *codebook, const void *ahead)
{
    return (struct kvr_codebook_at){codebook, shape->entries == KVR_TABLE_ENTRIES ? ahead : NULL};
}

KVR_INLINE struct kvr_codebook_at kvr_codebook_on(struct kvr_codebook_at at, size_t bytes)
{
    at.values += bytes;
    if (at.ahead)
        at.ahead += bytes;
    return at;
}

/* On by `row_bytes`, after the first `read_bytes` of which were read: whole lines, or there is
 * nothing to prefetch. Into L2: a codebook, as large as L1, lies between. */
KVR_INLINE struct kvr_codebook_at kvr_codebook_next(struct kvr_codebook_at at, size_t read_bytes,
                                                    size_t row_bytes)
{
    for (size_t o = 0; at.ahead && o < read_bytes; o += KVR_LINE_BYTES)
        __builtin_prefetch(at.ahead + o, 0, 2);
    return kvr_codebook_on(at, row_bytes);
}

/* Bytes of one channel's values of a subspace. */
KVR_INLINE size_t kvr_codebook_row(uint32_t entries, const int half)
{
    return entries * (half ? sizeof(uint16_t) : sizeof(float));
}

KVR_INLINE struct kvr_table_range kvr_table_range(const float *table, uint32_t entries)
{
    float lowest = table[0], highest = table[0];
    for (uint32_t c = 1; c < entries; c++) {
        lowest = table[c] < lowest ? table[c] : lowest;
        highest = table[c] > highest ? table[c] : highest;
    }
    return (struct kvr_table_range){lowest, highest};
}

/* One step for all tables, whose values are still to be multiplied by `factor`, and the sum of
 * their lowest entries, from the ranges; returns what makes steps of such a value, or 0 with step
 * 0: a subnormal step would be flushed to 0 by the measured threads' modes. Tables wider than 255
 * of the largest step, `most`, are cut off. All bytes wait for it: the divisions run at once. */
KVR_INLINE float kvr_table_steps(const struct kvr_shape *shape,
                                 const struct kvr_table_range *ranges, double factor, double most,
                                 float *step, float *sum)
{
    double bias = 0, width = 0;
    for (uint32_t i = 0; i < shape->tables; i++) {
        double wide = (double)ranges[i].high - (double)ranges[i].low;
        bias += (double)ranges[i].low;
        width = wide > width ? wide : width;
    }
    if (width * factor > 255 * most)
        width = 255 * most / factor;
    const double one = width * factor / 255;
    *sum = (float)(bias * factor);
    *step = one >= (double)FLT_MIN ? (float)one : 0;
    return *step > 0 ? (float)(255 / width) : 0;
}

/* The header from the ranges of tables without 1/sqrt(d), which the bytes do not depend on. */
KVR_INLINE float kvr_lookup_u8_header(const struct kvr_shape *shape,
                                      const struct kvr_table_range *ranges,
                                      struct kvr_prepared_lookup_u8 *p)
{
    memset(p->pad, 0, sizeof p->pad);
    return kvr_table_steps(shape, ranges, (double)kvr_table_factor(shape), KVR_MAX_LOOKUP_STEP,
                           &p->step, &p->bias);
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
