/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8: 8-bit keys with one scale per tensor, float query. The rest is in tensor_format.inc.
 */
#include <math.h>

#include "affine.h"

#define NAME "affine8"
#define LAYOUT "blocks of 16 keys, [d/4][16 keys][4 channels] bytes, code = value + 128"
#define FORMAT kvr_format_affine8
#define LINE_CHANNELS KVR_AFFINE8_LINE_CHANNELS
#define VALUE kvr_affine8_value
#define ZERO KVR_AFFINE8_ZERO
#include "tensor_format.inc"
