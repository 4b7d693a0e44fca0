/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8_q8 in portable C: a line is 4 channels of 16 keys.
 */
#include "../simd/inject.h"
#include "lines_scalar.h"

#define ADD_LINE(sums, line, query) KVR_ADD_BYTES(sums, line, query, int, 0)

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
