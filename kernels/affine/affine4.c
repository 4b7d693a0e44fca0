/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4: 4-bit keys with one scale per tensor, float query. The rest is in tensor_format.inc.
 */
#include <math.h>

#include "affine.h"

#define NAME "affine4"
#define LAYOUT "blocks of 16 keys, [d/8][16 keys] dwords of 8 channels, code = value + 8"
#define FORMAT kvr_format_affine4
#define LINE_CHANNELS KVR_AFFINE4_LINE_CHANNELS
#define VALUE kvr_affine4_value
#define ZERO KVR_AFFINE4_ZERO
#include "tensor_format.inc"
