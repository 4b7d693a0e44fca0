/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8g in portable C: a line is 4 channels of 16 keys.
 */
#include "../half.h"
#include "lines_scalar.h"

#define ADD_LINE(sums, line, query) KVR_ADD_BYTES(sums, line, query, float, KVR_AFFINE8_ZERO)

KVR_INLINE float finish(float sum, const struct kvr_prepared_dense *p, uint32_t g)
{
    (void)p;
    (void)g;
    return sum;
}

#define SCAN score_affine8g
#define KIND KVR_AFFINE8G
#define LINE_CHANNELS KVR_AFFINE8_LINE_CHANNELS
#define PREPARED struct kvr_prepared_dense
#define QUERY query
#define SUM float
#include "groups_scalar.inc"

const struct kvr_kernel kvr_kernel_affine8g_fused_scalar = {
    .variant = "fused",
    .isa_name = "scalar",
    .format = &kvr_format_affine8g,
    .score = SCAN,
};
