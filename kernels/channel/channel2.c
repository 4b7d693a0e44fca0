/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * channel2: 2-bit keys with a float16 scale and zero per channel and 32 keys.
 */
#define BITS 2
#define NAME "channel2"
#define LAYOUT LAYOUT_OF_GROUPS
#define FORMAT kvr_format_channel2
#define Q8 0
#include "channel_format.inc"
