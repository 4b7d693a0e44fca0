/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Cases and how they are told apart: a legend names what differs, and once what is the same.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot_sheet.h"
#include "text.h"

enum trait_kind { TRAIT_NUMBER, TRAIT_BYTES, TRAIT_TEXT };

/* 0 and "" mean that it does not apply. */
static const struct trait {
    const char *format; /* of a text */
    size_t offset;
    enum trait_kind kind;
    unsigned group;
    const char *usual; /* not worth a word where all cases have it */
} traits_table[] = {
#define TRAIT(member, kind, group, format, usual)                                                  \
    {format, offsetof(struct kvr_result, member), kind, group, usual}
    TRAIT(head_dim, TRAIT_NUMBER, KVR_TRAIT_DIM, "d %s", NULL),
    TRAIT(subspaces, TRAIT_NUMBER, KVR_TRAIT_SHAPE, "m %s", NULL),
    TRAIT(entries, TRAIT_NUMBER, KVR_TRAIT_SHAPE, "K %s", NULL),
    TRAIT(group, TRAIT_NUMBER, KVR_TRAIT_SHAPE, "groups of %s", NULL),
    TRAIT(codebook, TRAIT_TEXT, KVR_TRAIT_SHAPE, "codebook %s", NULL),
    TRAIT(op, TRAIT_TEXT, KVR_TRAIT_OP, "%s", NULL),
    TRAIT(level, TRAIT_TEXT, KVR_TRAIT_SITE, "%s", NULL),
    TRAIT(working_set_bytes, TRAIT_BYTES, KVR_TRAIT_BYTES, "%s", NULL),
    TRAIT(tokens, TRAIT_NUMBER, KVR_TRAIT_TOKENS, "n %s", NULL),
    TRAIT(group_queries, TRAIT_NUMBER, KVR_TRAIT_SITE, "%s queries", "1"),
    TRAIT(batch, TRAIT_NUMBER, KVR_TRAIT_SITE, "batch %s", "1"),
    TRAIT(layout, TRAIT_TEXT, KVR_TRAIT_LAYOUT, "%s", NULL),
    TRAIT(codebook_residency, TRAIT_TEXT, KVR_TRAIT_RESIDENCY, "codebook %s", NULL),
    TRAIT(value_format, TRAIT_TEXT, KVR_TRAIT_SITE, "values %s", "fp16"),
    TRAIT(pages, TRAIT_TEXT, KVR_TRAIT_SITE, "%s pages", NULL),
    TRAIT(mem, TRAIT_TEXT, KVR_TRAIT_SITE, "%s memory", "local"),
    TRAIT(evict_bytes, TRAIT_BYTES, KVR_TRAIT_LAYOUT, "evicted by %s", "0"),
    TRAIT(threads, TRAIT_NUMBER, KVR_TRAIT_THREADS, "%st", NULL),
#undef TRAIT
};
enum { TRAITS = sizeof traits_table / sizeof *traits_table };
_Static_assert((int)TRAITS <= (int)KVR_MAX_TRAITS, "struct kvr_traits holds them all");

struct kvr_plot_case *kvr_plot_cases(const struct kvr_sheet *sheet, size_t *count, int *rc)
{
    size_t most = 0;
    *count = 0;
    *rc = 0;
    for (size_t i = 0; i < sheet->count; i++)
        most += sheet->records[i].result_count;
    struct kvr_plot_case *cases = most ? malloc(most * sizeof *cases) : NULL;
    if (!cases) {
        *rc = most ? -ENOMEM : 0;
        return NULL;
    }
    for (size_t i = 0; i < sheet->count; i++)
        for (size_t k = 0; k < sheet->records[i].result_count; k++) {
            const struct kvr_result *r = &sheet->records[i].results[k];
            if (r->measured && r->result.ns_per_key > 0 && isfinite(r->result.ns_per_key) &&
                r->tokens && r->threads)
                cases[(*count)++] = (struct kvr_plot_case){r, i};
        }
    return cases;
}

static void value_text(const struct trait *trait, const struct kvr_result *r, char *text,
                       size_t bytes)
{
    const char *at = (const char *)r + trait->offset;
    uint32_t number;
    uint64_t size;
    *text = 0;
    switch (trait->kind) {
    case TRAIT_NUMBER:
        memcpy(&number, at, sizeof number);
        if (number)
            snprintf(text, bytes, "%u", number);
        break;
    case TRAIT_BYTES:
        memcpy(&size, at, sizeof size);
        kvr_bytes_text(size, text, bytes);
        if (!size && trait->usual) /* what is not done is a value of its own */
            snprintf(text, bytes, "0");
        break;
    case TRAIT_TEXT:
        kvr_utf8_copy(text, bytes, at);
        break;
    }
}

void kvr_traits_of(const struct kvr_plot_case *cases, size_t count, struct kvr_traits *traits)
{
    *traits = (struct kvr_traits){{false}};
    for (size_t t = 0; t < TRAITS; t++) {
        char first[64] = "", text[64];
        for (size_t i = 0; i < count; i++) {
            value_text(&traits_table[t], cases[i].result, text, sizeof text);
            if (*text && !*first)
                memcpy(first, text, sizeof first);
            traits->varies[t] |= *text && strcmp(first, text) != 0;
        }
    }
}

/* ", " and the text, as far as it fits. */
static void append(const struct trait *trait, const char *value, char *text, size_t bytes)
{
    size_t used = strlen(text);
    if (used)
        used += (size_t)snprintf(text + used, bytes - used, ", ");
    if (used < bytes)
        snprintf(text + used, bytes - used, trait->format, value);
}

void kvr_traits_text(const struct kvr_traits *traits, const struct kvr_result *result,
                     unsigned groups, char *text, size_t bytes)
{
    char value[64];
    for (size_t t = 0; t < TRAITS; t++) {
        if (!(traits_table[t].group & groups) || !traits->varies[t])
            continue;
        value_text(&traits_table[t], result, value, sizeof value);
        if (*value && strcmp(value, "0")) /* the others say what they do more */
            append(&traits_table[t], value, text, bytes);
    }
}

void kvr_traits_common(const struct kvr_traits *traits, const struct kvr_plot_case *cases,
                       size_t count, char *text, size_t bytes)
{
    *text = 0;
    for (size_t t = 0; t < TRAITS; t++) {
        char value[64] = "";
        for (size_t i = 0; !traits->varies[t] && !*value && i < count; i++)
            value_text(&traits_table[t], cases[i].result, value, sizeof value);
        const char *usual = traits_table[t].usual;
        if (*value && !(usual && !strcmp(usual, value)))
            append(&traits_table[t], value, text, bytes);
    }
}
