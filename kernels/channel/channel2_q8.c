/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * channel2_q8: the keys of channel2 and a query that is rounded to 8 bits for each group of them.
 */
#define BITS 2
#define NAME "channel2_q8"
#define LAYOUT "codes of channel2"
#define FORMAT kvr_format_channel2_q8
#define Q8 1
#include "channel_format.inc"
