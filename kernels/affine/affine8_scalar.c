/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8 in portable C: a line is 4 channels of 16 keys. The only kernel that subtracts
 * offset_sum; the others convert signed values.
 */
#include "../simd/inject.h"
#include "../planted.h"
#include "affine.h"

/* Adds 4 channels of 16 keys. */
KVR_INLINE void add_line(float *sums, const unsigned char *line, const float *query)
{
    for (int k = 0; k < KVR_AFFINE_BLOCK_KEYS; k++) {
        const unsigned char *codes = line + k * KVR_AFFINE8_LINE_CHANNELS;
        for (int j = 0; j < KVR_AFFINE8_LINE_CHANNELS; j++)
            sums[k] += (float)(int)codes[j] * query[j];
    }
}

KVR_INLINE float finish(float sum, const struct kvr_prepared_affine *p)
{
    return sum - p->offset_sum;
}

#define LINE_CHANNELS KVR_AFFINE8_LINE_CHANNELS
#define PREPARED struct kvr_prepared_affine
#define QUERY query
#define SCAN score_affine8
#define SUM float
#include "lines_scalar.inc"

KVR_PLANT(score_affine8)
const struct kvr_kernel kvr_kernel_affine8_fused_scalar = {
    .variant = "fused",
    .isa_name = "scalar",
    .format = &kvr_format_affine8,
    .score = KVR_PLANTED(score_affine8),
};
