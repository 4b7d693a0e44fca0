/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8_q8 in portable C: a line is 4 channels of 16 keys.
 */
#include "../simd/inject.h"
#include "affine.h"

/* Adds 4 channels of 16 keys. */
KVR_INLINE void add_line(int32_t *sums, const unsigned char *line, const int8_t *query)
{
    for (int k = 0; k < KVR_AFFINE_BLOCK_KEYS; k++) {
        const unsigned char *codes = line + k * KVR_AFFINE8_LINE_CHANNELS;
        for (int j = 0; j < KVR_AFFINE8_LINE_CHANNELS; j++)
            sums[k] += (int)codes[j] * query[j];
    }
}

KVR_INLINE float finish(int32_t sum, const struct kvr_prepared_affine_q8 *p)
{
    return (float)(sum - p->offset_sum) * p->scale;
}

#define LINE_CHANNELS KVR_AFFINE8_LINE_CHANNELS
#define PREPARED struct kvr_prepared_affine_q8
#define QUERY query8
#define SCAN score_affine8_q8
#define SUM int32_t
#include "lines_scalar.inc"

const struct kvr_kernel kvr_kernel_affine8_q8_fused_scalar = {
    .variant = "fused",
    .isa_name = "scalar",
    .format = &kvr_format_affine8_q8,
    .score = SCAN,
};
