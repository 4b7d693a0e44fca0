/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct kvr_numeric kvr_numeric_c(void)
{
    struct kvr_numeric numeric = {.own = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0)};
    numeric.before = numeric.own ? uselocale(numeric.own) : (locale_t)0;
    return numeric;
}

void kvr_numeric_restore(struct kvr_numeric numeric)
{
    if (!numeric.own)
        return;
    uselocale(numeric.before);
    freelocale(numeric.own);
}

/* Bytes of the valid UTF-8 character at `s`, 0 if it is none (the Unicode standard's table 3-7:
 * no overlong forms, no surrogates, nothing above U+10FFFF). */
static size_t character_bytes(const unsigned char *s)
{
    unsigned char low = 0x80, high = 0xbf;
    size_t bytes;
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xc2 && s[0] <= 0xdf)
        bytes = 2;
    else if (s[0] >= 0xe0 && s[0] <= 0xef)
        bytes = 3;
    else if (s[0] >= 0xf0 && s[0] <= 0xf4)
        bytes = 4;
    else
        return 0;
    if (s[0] == 0xe0)
        low = 0xa0;
    else if (s[0] == 0xed)
        high = 0x9f;
    else if (s[0] == 0xf0)
        low = 0x90;
    else if (s[0] == 0xf4)
        high = 0x8f;
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < bytes; i++)
        if (s[i] < 0x80 || s[i] > 0xbf)
            return 0;
    return bytes;
}

char *kvr_utf8_valid(const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd";
    const unsigned char *s = (const unsigned char *)text;
    char *valid = malloc(3 * strlen(text) + 1), *to = valid;
    if (!valid)
        return NULL;
    while (*s) {
        size_t bytes = character_bytes(s);
        memcpy(to, bytes ? (const char *)s : replacement, bytes ? bytes : 3);
        to += bytes ? bytes : 3;
        s += bytes ? bytes : 1;
    }
    *to = 0;
    return valid;
}

void kvr_utf8_copy(char *to, size_t bytes, const char *from)
{
    size_t used = 0;
    while (from[used]) {
        size_t character = character_bytes((const unsigned char *)from + used);
        character = character ? character : 1;
        if (used + character >= bytes)
            break;
        used += character;
    }
    memcpy(to, from, used);
    to[used] = 0;
}

size_t kvr_utf8_columns(const char *text)
{
    size_t columns = 0;
    for (; *text; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

void kvr_clean_text(char *to, size_t bytes, const char *from)
{
    const unsigned char *s = (const unsigned char *)from;
    size_t used = 0;
    while (*s) {
        size_t character = character_bytes(s);
        /* C1 controls (U+0080 to U+009F) drive terminals as well. */
        bool control = *s < 0x20 || *s == 0x7f || (*s == 0xc2 && s[1] < 0xa0);
        bool keep = character && !control;
        if (used + (keep ? character : 1) >= bytes)
            break;
        memcpy(to + used, keep ? (const char *)s : "?", keep ? character : 1);
        used += keep ? character : 1;
        s += character ? character : 1;
    }
    to[used] = 0;
}

void kvr_exact_text(double value, char *text, size_t bytes)
{
    char shortest[40] = "";
    for (int digits = 15; isfinite(value) && digits <= 17; digits++) {
        snprintf(shortest, sizeof shortest, "%.*g", digits, value);
        if (strtod(shortest, NULL) == value)
            break;
    }
    kvr_utf8_copy(text, bytes, shortest);
}

void kvr_figure_text(double value, int digits, char *text, size_t bytes)
{
    *text = 0;
    if (!isfinite(value))
        return;
    /* Rounding may carry into another place (9.996 -> 10.0), so the place is that of the rounded
     * value. */
    char scientific[40];
    snprintf(scientific, sizeof scientific, "%.*e", digits - 1, value);
    const char *exponent = strchr(scientific, 'e');
    int place = exponent ? atoi(exponent + 1) : 0;
    int decimals = value != 0 && place < digits - 1 ? digits - 1 - place : 0;
    if (place > 14 || place < -9) { /* no such figure is measured, but a file may hold one */
        snprintf(text, bytes, "%s", scientific);
        return;
    }
    snprintf(text, bytes, "%.*f", decimals, strtod(scientific, NULL));
}

void kvr_bytes_text(uint64_t value, char *text, size_t bytes)
{
    static const char suffixes[] = "BKMGTPE";
    double scaled = (double)value;
    size_t power = 0;
    *text = 0;
    if (!value)
        return;
    while (scaled >= 1024) {
        scaled /= 1024;
        power++;
    }
    snprintf(text, bytes, scaled == floor(scaled) ? "%.0f%c" : "%.1f%c", scaled, suffixes[power]);
}

void kvr_put_wrapped(FILE *out, const char *text, int width)
{
    size_t column = 0;
    while (*text) {
        size_t bytes = strcspn(text, " ");
        char word[256];
        kvr_utf8_copy(word, bytes < sizeof word ? bytes + 1 : sizeof word, text);
        size_t columns = kvr_utf8_columns(word);
        if (width > 0 && column && column + 1 + columns > (size_t)width) {
            fputs("\n  ", out);
            column = 2;
        } else if (column) {
            fputc(' ', out);
            column++;
        }
        fwrite(text, 1, bytes, out);
        column += columns;
        text += bytes;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}
