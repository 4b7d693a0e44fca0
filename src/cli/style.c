/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "style.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int kvr_terminal_width(void)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    if (columns && atoi(columns) > 0)
        return atoi(columns);
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ? 0 : size.ws_col;
}

int kvr_style_of_stdout(const char *when, struct kvr_output_style *style)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    bool able = isatty(STDOUT_FILENO) && !(no_color && *no_color) && term && strcmp(term, "dumb");
    style->width = kvr_terminal_width();
    style->color = !strcmp(when, "always") || (!strcmp(when, "auto") && able);
    return style->color || !strcmp(when, "auto") || !strcmp(when, "never") ? 0 : -EINVAL;
}
