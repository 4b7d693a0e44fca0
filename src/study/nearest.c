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

/* Edits between two names of at most MAX_NAME: insert, delete, replace, and swap two neighbours
 * (the optimal string alignment distance). */
static size_t edit_distance(const char *a, const char *b)
{
    size_t rows[3][MAX_NAME + 1], columns = strlen(b), i = 0;
    for (size_t j = 0; j <= columns; j++)
        rows[0][j] = j;
    for (i = 1; a[i - 1]; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t replace = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(replace, above[j] + 1, row[j - 1] + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1, SIZE_MAX);
        }
    }
    return rows[(i - 1) % 3][columns];
}

/* The beginning of a name counts as one edit, however long the rest is. */
static size_t distance_of(const char *text, size_t length, const char *name)
{
    return length >= 3 && !strncmp(text, name, length) && name[length] ? 1
                                                                       : edit_distance(text, name);
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
        size_t distance = distance_of(text, length, names[i]);
        if (distance <= length / 2 && distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
