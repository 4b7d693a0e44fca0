/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * channel4: 4-bit keys with a float16 scale and zero per channel and 32 keys.
 */
#define BITS 4
#define NAME "channel4"
#define LAYOUT LAYOUT_OF_GROUPS
#define FORMAT kvr_format_channel4
#define Q8 0
#include "channel_format.inc"
