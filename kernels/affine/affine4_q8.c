/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4_q8: the keys of affine4 with an 8-bit query; integer sums. The rest is in q8_format.inc.
 */
#include <stdlib.h>

#include "affine.h"

#define NAME "affine4_q8"
#define LAYOUT "blocks of 16 keys, [d/8][16 keys] dwords of 8 channels, code = value + 8"
#define FORMAT kvr_format_affine4_q8
#define LINE_CHANNELS KVR_AFFINE4_LINE_CHANNELS
#define VALUE kvr_affine4_value
#define ZERO KVR_AFFINE4_ZERO
#include "q8_format.inc"
