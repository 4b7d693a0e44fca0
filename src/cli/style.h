/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KVR_STYLE_H
#define KVR_STYLE_H

#include "../report/writers.h"

/* $COLUMNS or the terminal's width; 0 where stdout is none. */
int kvr_terminal_width(void);

/* How text on stdout looks: its width, and colour
 * as `when` says: "always", "never", or "auto" = on a terminal that knows colours, unless
 * $NO_COLOR is set. 0 or -EINVAL (another `when`). */
int kvr_style_of_stdout(const char *when, struct kvr_output_style *style);

#endif
