/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sizes of values_q8, for its format and kernels.
 */
#ifndef KVR_VALUES_Q8_H
#define KVR_VALUES_Q8_H

#include "../simd/hide.h"
#include "values.h"

enum { BLOCK_ROWS = 16, GROUP_CHANNELS = 32, GROUP_SCALE_BYTES = BLOCK_ROWS * 2 };

/* Of a block of rows of `groups` groups. */
KVR_INLINE size_t kvr_q8_scale_bytes(uint32_t groups)
{
    return kvr_whole_lines((size_t)groups * GROUP_SCALE_BYTES);
}

KVR_INLINE size_t kvr_q8_block_bytes(uint32_t groups)
{
    return kvr_q8_scale_bytes(groups) + (size_t)groups * GROUP_CHANNELS * BLOCK_ROWS;
}

#endif
