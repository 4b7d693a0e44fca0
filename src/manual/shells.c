/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "shells.h"

#include <stdio.h>
#include <string.h>

void kvr_print_words(const char *const *words, const char *escape)
{
    for (; *words; words++) {
        putchar(' ');
        for (const char *c = *words; *c; c++)
            printf("%s%c", *c == ':' ? escape : "", *c);
    }
}

void kvr_print_quoted(const char *text, const char *escaped)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            printf("%s%c", strchr(escaped, *text) ? "\\" : "", *text);
    }
}

void kvr_print_fish(const char *text)
{
    for (; *text; text++)
        printf("%s%c", strchr("'\\", *text) ? "\\" : "", *text);
}
