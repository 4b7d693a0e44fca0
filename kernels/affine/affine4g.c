/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4g: 4-bit keys with a float16 scale per key and group of 32 channels, float query.
 */
#include "group_float.h"

#define NAME "affine4g"
#define LAYOUT                                                                                     \
    "blocks of 16 keys: [d/32][16 keys] float16 scales padded to whole lines, then "               \
    "[d/8][16 keys] dwords of 8 channels, code = value + 8"
#define FORMAT kvr_format_affine4g
#define KIND KVR_AFFINE4G
#define ZERO KVR_AFFINE4_ZERO
#include "group_format.inc"
