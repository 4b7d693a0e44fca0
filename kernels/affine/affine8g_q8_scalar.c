/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8g_q8 in portable C: a line is 4 channels of 16 keys.
 */
#include "../half.h"
#include "lines_scalar.h"

#define ADD_LINE(sums, line, query) KVR_ADD_BYTES(sums, line, query, int, 0)

KVR_INLINE float finish(int32_t sum, const struct kvr_prepared_group_q8 *p, uint32_t g)
{
    return (float)(sum - p->offset_sums[g]) * p->steps[g];
}

#define SCAN score_affine8g_q8
#define KIND KVR_AFFINE8G
#define LINE_CHANNELS KVR_AFFINE8_LINE_CHANNELS
#define PREPARED struct kvr_prepared_group_q8
#define QUERY query8
#define SUM int32_t
#include "groups_scalar.inc"

const struct kvr_kernel kvr_kernel_affine8g_q8_q8_scalar = {
    .variant = "q8",
    .isa_name = "scalar",
    .format = &kvr_format_affine8g_q8,
    .score = SCAN,
};
