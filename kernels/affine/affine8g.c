/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8g: 8-bit keys with a float16 scale per key and group of 32 channels, float query.
 */
#include "group_float.h"

#define NAME "affine8g"
#define LAYOUT                                                                                     \
    "blocks of 16 keys: [d/32][16 keys] float16 scales padded to whole lines, then "               \
    "[d/4][16 keys][4 channels] bytes, code = value + 128"
#define FORMAT kvr_format_affine8g
#define KIND KVR_AFFINE8G
#define ZERO KVR_AFFINE8_ZERO
#include "group_format.inc"
