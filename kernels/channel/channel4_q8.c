/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * channel4_q8: the keys of channel4 and a query that is rounded to 8 bits for each group of them.
 */
#define BITS 4
#define NAME "channel4_q8"
#define LAYOUT "codes of channel4"
#define FORMAT kvr_format_channel4_q8
#define Q8 1
#include "channel_format.inc"
