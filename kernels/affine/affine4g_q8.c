/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4g_q8: the keys of affine4g and a query of 8 bits with a scale per group.
 */
#include "group_q8.h"

#define NAME "affine4g_q8"
#define LAYOUT "codes of affine4g"
#define FORMAT kvr_format_affine4g_q8
#define KIND KVR_AFFINE4G
#define ZERO KVR_AFFINE4_ZERO
#include "group_format.inc"
