/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4g in portable C: a line is 8 channels of 16 keys.
 */
#include "../half.h"
#include "lines_scalar.h"

#define ADD_LINE(sums, line, query) KVR_ADD_NIBBLES(sums, line, query, float, KVR_AFFINE4_ZERO)

KVR_INLINE float finish(float sum, const struct kvr_prepared_dense *p, uint32_t g)
{
    (void)p;
    (void)g;
    return sum;
}

#define SCAN score_affine4g
#define KIND KVR_AFFINE4G
#define LINE_CHANNELS KVR_AFFINE4_LINE_CHANNELS
#define PREPARED struct kvr_prepared_dense
#define QUERY query
#define SUM float
#include "groups_scalar.inc"

const struct kvr_kernel kvr_kernel_affine4g_fused_scalar = {
    .variant = "fused",
    .isa_name = "scalar",
    .format = &kvr_format_affine4g,
    .score = SCAN,
};
