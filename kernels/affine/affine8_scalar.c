/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8 in portable C: a line is 4 channels of 16 keys. The only kernel that subtracts
 * offset_sum; the others convert signed values.
 */
#include "../simd/inject.h"
#include "../planted.h"
#include "lines_scalar.h"

#define ADD_LINE(sums, line, query) KVR_ADD_BYTES(sums, line, query, float, 0)

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
