/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * channel1: 1-bit keys with a float16 scale and zero per channel and 32 keys.
 */
#define BITS 1
#define NAME "channel1"
#define LAYOUT LAYOUT_OF_GROUPS
#define FORMAT kvr_format_channel1
#define Q8 0
#include "channel_format.inc"
