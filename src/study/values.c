/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "values.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

const char *const kvr_op_names[] = {"scan", "step", "attention", NULL};
const char *const kvr_codebook_names[] = {"f16", "f32", NULL};
const char *const kvr_residency_names[] = {"cold", "warm", NULL};
const char *const kvr_value_format_names[] = {"fp16", "q8", NULL};

static const char *const suffixes[] = {"", "k", "M", "G", "K", "KiB", "MiB", "GiB"};
static const unsigned suffix_shifts[] = {0, 10, 20, 30, 10, 10, 20, 30};

/* The digits at the start of text; strtoull would also take signs, spaces and hexadecimal. */
static int parse_digits(const char *text, uint64_t max, uint64_t *value, const char **end)
{
    const char *s = text;
    uint64_t sum = 0;
    for (; *s >= '0' && *s <= '9'; s++) {
        uint64_t digit = (uint64_t)(*s - '0');
        if (sum > (max - digit) / 10 || digit > max)
            return -ERANGE;
        sum = sum * 10 + digit;
    }
    *value = sum;
    *end = s;
    return s == text ? -EINVAL : 0;
}

static int check_range(uint64_t value, uint64_t min, uint64_t max, bool over, char *why,
                       size_t why_bytes)
{
    char limit[24];
    if (over || value > max) {
        kvr_size_text(max, limit, sizeof limit);
        snprintf(why, why_bytes, "is too large: the most is %s", limit);
        return -EINVAL;
    }
    if (value < min) {
        kvr_size_text(min, limit, sizeof limit);
        snprintf(why, why_bytes, "is too small: the least is %s", limit);
        return -EINVAL;
    }
    return 0;
}

static int not_a_number(const char *text, const char *example, char *why, size_t why_bytes)
{
    const char *what = !*text ? "is empty" : *text == '-' ? "is negative" : "is not a number";
    snprintf(why, why_bytes, "%s; give %s", what, example);
    return -EINVAL;
}

int kvr_size_parse(const char *text, uint64_t min, uint64_t max, uint64_t *value, char *why,
                   size_t why_bytes)
{
    const char *end = NULL;
    uint64_t number = 0;
    int status = parse_digits(text, UINT64_MAX, &number, &end);
    if (status == -ERANGE)
        return check_range(0, min, max, true, why, why_bytes);
    if (status)
        return not_a_number(text, "a size such as 512, 4k, 96M or 2G", why, why_bytes);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        if (strcmp(end, suffixes[i]))
            continue;
        bool over = number > UINT64_MAX >> suffix_shifts[i];
        status = check_range(number << suffix_shifts[i], min, max, over, why, why_bytes);
        if (!status)
            *value = number << suffix_shifts[i];
        return status;
    }
    snprintf(why, why_bytes,
             "has '%.20s' after the number; the suffixes are k, M, G "
             "(powers of 1024)",
             end);
    return -EINVAL;
}

int kvr_count_parse(const char *text, uint64_t min, uint64_t max, uint64_t *value, char *why,
                    size_t why_bytes)
{
    const char *end = NULL;
    uint64_t number = 0;
    int status = parse_digits(text, UINT64_MAX, &number, &end);
    if (status == -EINVAL)
        return not_a_number(text, "a whole number", why, why_bytes);
    if (!status && *end) {
        snprintf(why, why_bytes, "has '%.20s' after the number; give a whole number", end);
        return -EINVAL;
    }
    int outside = check_range(number, min, max, status == -ERANGE, why, why_bytes);
    if (!outside)
        *value = number;
    return outside;
}

int kvr_positive_parse(const char *text, double *value, char *why, size_t why_bytes)
{
    /* The program never calls setlocale, so strtod's decimal point is '.'. The first character is
     * checked because strtod also takes spaces, signs, "nan" and "inf". */
    char *end = NULL;
    if (!strchr("0123456789.", *text) || !*text)
        return not_a_number(text, "a number above 0", why, why_bytes);
    double number = strtod(text, &end);
    if (end == text || strpbrk(text, "xXpP"))
        return not_a_number("x", "a number above 0", why, why_bytes);
    if (*end) {
        snprintf(why, why_bytes, "has '%.20s' after the number; give a number above 0", end);
        return -EINVAL;
    }
    if (!isfinite(number) || !(number > 0)) {
        snprintf(why, why_bytes, "is %s; give a number above 0", number > 0 ? "too large" : "0");
        return -EINVAL;
    }
    *value = number;
    return 0;
}

static int append_bytes(uint64_t value, uint64_t *values, size_t max, size_t *count, char *why,
                        size_t why_bytes)
{
    for (size_t i = 0; i < *count; i++) {
        if (values[i] == value)
            return 0;
    }
    if (*count == max) {
        snprintf(why, why_bytes, "makes more than %zu sizes; use a larger step", max);
        return -EINVAL;
    }
    values[(*count)++] = value;
    return 0;
}

/* "x4" after the colon of a range. */
static int parse_step(const char *text, uint64_t *factor, char *why, size_t why_bytes)
{
    if (*text != 'x') {
        snprintf(why, why_bytes, "has the step '%.20s'; give :x2, :x4, ...", text);
        return -EINVAL;
    }
    char reason[96];
    if (kvr_count_parse(text + 1, 2, 1024, factor, reason, sizeof reason)) {
        snprintf(why, why_bytes, "has the step '%.20s', which %s", text, reason);
        return -EINVAL;
    }
    return 0;
}

int kvr_bytes_parse(const char *text, uint64_t *values, size_t max, size_t *count, char *why,
                    size_t why_bytes)
{
    const uint64_t most = UINT64_C(1) << 50;
    char part[32], reason[120];
    uint64_t first = 0, last = 0, factor = 2;
    const char *dots = strstr(text, "..");
    if (!dots) {
        int status = kvr_size_parse(text, 1, most, &first, why, why_bytes);
        return status ? status : append_bytes(first, values, max, count, why, why_bytes);
    }
    const char *colon = strchr(dots, ':');
    if (colon && parse_step(colon + 1, &factor, why, why_bytes))
        return -EINVAL;
    snprintf(part, sizeof part, "%.*s", (int)(dots - text), text);
    if (kvr_size_parse(part, 1, most, &first, reason, sizeof reason)) {
        snprintf(why, why_bytes, "starts at '%s', which %s", part, reason);
        return -EINVAL;
    }
    snprintf(part, sizeof part, "%.*s", colon ? (int)(colon - dots - 2) : 31, dots + 2);
    if (kvr_size_parse(part, 1, most, &last, reason, sizeof reason)) {
        snprintf(why, why_bytes, "ends at '%s', which %s", part, reason);
        return -EINVAL;
    }
    if (last < first) {
        snprintf(why, why_bytes, "ends below its start; give SMALL..LARGE[:xFACTOR]");
        return -EINVAL;
    }
    int status = 0;
    for (uint64_t value = first; !status && value <= last; value *= factor)
        status = append_bytes(value, values, max, count, why, why_bytes);
    return status;
}

int kvr_threads_parse(const char *text, uint32_t *threads, char *why, size_t why_bytes)
{
    uint64_t value = 0;
    if (strcmp(text, "max") == 0) {
        *threads = UINT32_MAX;
        return 0;
    }
    if (kvr_count_parse(text, 1, 1 << 20, &value, why, why_bytes)) {
        size_t used = strlen(why);
        snprintf(why + used, why_bytes - used, "%s", " (or max: one per core)");
        return -EINVAL;
    }
    *threads = (uint32_t)value;
    return 0;
}

int kvr_word_parse(const char *text, const char *const *names, char *why, size_t why_bytes)
{
    size_t count = 0, used = 0;
    for (; names[count]; count++) {
        if (strcmp(text, names[count]) == 0)
            return 0;
    }
    const char *nearest = kvr_nearest(text, names, count);
    used = (size_t)snprintf(why, why_bytes, "is not one of");
    for (size_t i = 0; i < count && used < why_bytes; i++)
        used += (size_t)snprintf(why + used, why_bytes - used, "%s %s", i ? "," : "", names[i]);
    if (nearest && used < why_bytes)
        snprintf(why + used, why_bytes - used, "; did you mean %s?", nearest);
    return -EINVAL;
}

int kvr_layout_parse(const char *text, uint32_t *page_tokens, char *why, size_t why_bytes)
{
    static const char *const names[] = {"heads", "contiguous", "pages:N", NULL};
    static const char pages[] = "pages:";
    char reason[120];
    uint64_t tokens = 0;
    *page_tokens = 0;
    if (strncmp(text, pages, sizeof pages - 1))
        return strcmp(text, names[0]) && strcmp(text, names[1])
                   ? kvr_word_parse(text, names, why, why_bytes)
                   : 0;
    const char *size = text + sizeof pages - 1;
    if (kvr_size_parse(size, 1, KVR_MAX_PAGE_TOKENS, &tokens, reason, sizeof reason)) {
        snprintf(why, why_bytes, "has pages of '%.20s' keys, which %s", size, reason);
        return -EINVAL;
    }
    *page_tokens = (uint32_t)tokens;
    return 0;
}
