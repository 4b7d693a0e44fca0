/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * channel1_q8: the keys of channel1 and a query that is rounded to 8 bits for each group of them.
 */
#define BITS 1
#define NAME "channel1_q8"
#define LAYOUT "codes of channel1"
#define FORMAT kvr_format_channel1_q8
#define Q8 1
#include "channel_format.inc"
