/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the kernels of the product with the values share. Values lie as dense_f16 keys do: row-major
 * float16, a row for every token, then rows of padding to a whole block.
 */
#ifndef KVR_VALUES_H
#define KVR_VALUES_H

#include "../dense/dense.h"
#include "../steps.h"

/* Rows of one step: a divisor of the block's, whole lines for any multiple of 16 channels. */
enum { GROUP_ROWS = 4 };

/* output *= rescale; without reading it if rescale is 0: the first tile's output is not set, and 0
 * times a NaN is one. */
KVR_INLINE void kvr_rescale(float *output, uint32_t head_dim, float rescale)
{
    for (uint32_t c = 0; c < head_dim; c++)
        output[c] = rescale == 0 ? 0 : output[c] * rescale;
}

#endif
