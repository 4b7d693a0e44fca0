/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which case of one side is which of the other.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"

enum { MAX_PARTS = 24 };

/* A name at its separators: "fp16.fused", "avx512", "d64", ... */
struct parts { char text[KVR_NAME_BYTES]; const char *part[MAX_PARTS]; size_t count; };

static void split(const char *name, struct parts *p)
{
    char *rest = NULL;
    snprintf(p->text, sizeof p->text, "%s", name);
    p->count = 0;
    for (char *word = strtok_r(p->text, "/@", &rest); word && p->count < MAX_PARTS;
         word = strtok_r(NULL, "/@", &rest))
        p->part[p->count++] = word;
}

/* Whether all names have the same number of parts, and which parts they share. */
static bool shared_parts(const struct parts *p, size_t count, bool shared[MAX_PARTS])
{
    for (size_t k = 0; k < MAX_PARTS; k++)
        shared[k] = k < p[0].count;
    for (size_t i = 1; i < count; i++) {
        if (p[i].count != p[0].count)
            return false;
        for (size_t k = 0; k < p[0].count; k++)
            shared[k] &= !strcmp(p[i].part[k], p[0].part[k]);
    }
    return true;
}

static bool equal_but(const struct parts *a, const struct parts *b, const bool except[MAX_PARTS])
{
    for (size_t k = 0; k < a->count; k++)
        if (!except[k] && strcmp(a->part[k], b->part[k]))
            return false;
    return true;
}

static void match_parts(const struct parts *a, size_t a_count, const struct parts *b,
                        size_t b_count, size_t *partner)
{
    bool of_a[MAX_PARTS], of_b[MAX_PARTS];
    if (!shared_parts(a, a_count, of_a) || !shared_parts(b, b_count, of_b) ||
        a->count != b->count)
        return;
    for (size_t k = 0; k < MAX_PARTS; k++)
        of_a[k] &= of_b[k];
    for (size_t i = 0; i < a_count; i++)
        for (size_t j = 0; j < b_count; j++)
            if (partner[i] == SIZE_MAX && equal_but(&a[i], &b[j], of_a))
                partner[i] = j;
}

int kvr_match_names(const char *const *base, size_t base_count, const char *const *other,
                    size_t other_count, size_t *partner)
{
    for (size_t i = 0; i < base_count; i++)
        partner[i] = SIZE_MAX;
    if (!base_count || !other_count)
        return 0;
    struct parts *p = malloc((base_count + other_count) * sizeof *p);
    if (!p)
        return -ENOMEM;
    for (size_t i = 0; i < base_count + other_count; i++)
        split(i < base_count ? base[i] : other[i - base_count], &p[i]);
    match_parts(p, base_count, p + base_count, other_count, partner);
    free(p);
    return 0;
}

bool kvr_case_matches(const char *name, const char *glob)
{
    static const char *const ends[] = {"", "/", "@"};
    char head[KVR_NAME_BYTES];
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(head, sizeof head, "%.*s", (int)strcspn(name, ends[i]), name);
        if (!fnmatch(glob, head, 0))
            return true;
    }
    return false;
}
