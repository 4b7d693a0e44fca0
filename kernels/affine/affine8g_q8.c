/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8g_q8: the keys of affine8g and a query of 8 bits with a scale per group.
 */
#include "group_q8.h"

#define NAME "affine8g_q8"
#define LAYOUT "codes of affine8g"
#define FORMAT kvr_format_affine8g_q8
#define KIND KVR_AFFINE8G
#define ZERO KVR_AFFINE8_ZERO
#include "group_format.inc"
