/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <string.h>

#include "plan.h"

enum { MAX_NAME = 64 };

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Edits (insert, delete, replace: Levenshtein 1966) between two names of at most MAX_NAME. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[MAX_NAME + 1], columns = strlen(b);
    for (size_t j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t replace = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = least(replace, row[j] + 1, row[j - 1] + 1);
        }
    }
    return row[columns];
}

const char *kvr_nearest(const char *text, const char *const *names, size_t count)
{
    size_t length = strlen(text), best = SIZE_MAX;
    const char *nearest = NULL;
    if (length > MAX_NAME)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) > MAX_NAME)
            continue;
        size_t distance = edit_distance(text, names[i]);
        if (distance <= length / 2 && distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
