/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8_q8: the keys of affine8 with an 8-bit query; integer sums. The rest is in q8_format.inc.
 */
#include <stdlib.h>

#include "affine.h"

#define NAME "affine8_q8"
#define LAYOUT "blocks of 16 keys, [d/4][16 keys][4 channels] bytes, code = value + 128"
#define FORMAT kvr_format_affine8_q8
#define LINE_CHANNELS KVR_AFFINE8_LINE_CHANNELS
#define VALUE kvr_affine8_value
#define ZERO KVR_AFFINE8_ZERO
#include "q8_format.inc"
