/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quality_cases.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fidelity.h"

/* ---- the front ---- */

void kvr_pareto_front(const double *cost, const double *worth, size_t count, bool *on)
{
    for (size_t i = 0; i < count; i++) {
        on[i] = isfinite(cost[i]) && isfinite(worth[i]);
        for (size_t k = 0; on[i] && k < count; k++)
            on[i] = !(cost[k] <= cost[i] && worth[k] >= worth[i] &&
                      (cost[k] < cost[i] || worth[k] > worth[i]));
    }
}

/* What rho is worth, to three digits of 1 - rho: less than that does not tell two kernels of one
 * format apart, and would put the slower one on the front. */
static double worth_of(const struct kvr_result *r)
{
    char text[40];
    snprintf(text, sizeof text, "%.3g", 1 - r->closeness->mean[KVR_RHO]);
    return -strtod(text, NULL);
}

int kvr_quality_front(const struct kvr_quality *q, size_t place, bool *on)
{
    double *figures = malloc(2 * q->count * sizeof *figures);
    if (!figures)
        return -ENOMEM;
    for (size_t i = 0; i < q->count; i++) {
        const struct kvr_result *r = q->cases[i].result;
        figures[i] = !place ? r->key_bytes : q->place[i] == place ? r->result.ns_per_key : NAN;
        figures[q->count + i] = worth_of(r);
    }
    kvr_pareto_front(figures, figures + q->count, q->count, on);
    free(figures);
    return 0;
}

/* ---- the choice ---- */

/* While cases are chosen. */
struct choice {
    struct kvr_traits traits;
    struct kvr_plot_case *cases;
    size_t *setting; /* of each case, from 1 */
    size_t *formats; /* of each setting */
    size_t count;
    struct kvr_names settings;
};

static bool same_kernel(const struct kvr_result *a, const struct kvr_result *b)
{
    return kvr_same_format(a, b) && !strcmp(a->variant, b->variant) && !strcmp(a->isa, b->isa) &&
           !strcmp(a->codebook, b->codebook) &&
           !strcmp(a->codebook_residency, b->codebook_residency);
}

bool kvr_same_format(const struct kvr_result *a, const struct kvr_result *b)
{
    return !strcmp(a->codec, b->codec) && a->subspaces == b->subspaces &&
           a->entries == b->entries && a->group == b->group;
}

static bool same_panel(const struct kvr_result *a, const struct kvr_result *b)
{
    return !strcmp(a->op, b->op) && !strcmp(a->level, b->level);
}

/* How many different formats were measured in each setting. */
static void count_formats(struct choice *c)
{
    for (size_t k = 0; k < c->count; k++) {
        size_t j = 0;
        while (j < k && !(c->setting[j] == c->setting[k] &&
                          kvr_same_format(c->cases[j].result, c->cases[k].result)))
            j++;
        c->formats[c->setting[k] - 1] += j == k;
    }
}

/* Whether the setting of case i is the better one. */
static bool better(const struct choice *c, size_t i, size_t than)
{
    const struct kvr_result *a = c->cases[i].result, *b = c->cases[than].result;
    size_t formats = c->formats[c->setting[i] - 1], others = c->formats[c->setting[than] - 1];
    if (formats != others)
        return formats > others;
    if (a->threads != b->threads)
        return a->threads < b->threads;
    if (a->tokens != b->tokens)
        return a->tokens > b->tokens;
    bool usual = !strcmp(a->layout, "heads"), usual_too = !strcmp(b->layout, "heads");
    return usual != usual_too ? usual : c->setting[i] < c->setting[than];
}

static bool is_chosen(const struct choice *c, size_t i)
{
    const struct kvr_result *r = c->cases[i].result;
    for (size_t k = 0; k < c->count; k++) {
        const struct kvr_result *other = c->cases[k].result;
        if (!same_panel(r, other))
            continue;
        if (c->setting[k] != c->setting[i] && better(c, k, i))
            return false;
        if (c->setting[k] == c->setting[i] && c->cases[k].record == c->cases[i].record &&
            same_kernel(r, other) && (other->working_set_bytes > r->working_set_bytes ||
            (other->working_set_bytes == r->working_set_bytes && k < i)))
            return false;
    }
    return true;
}

static int name_settings(struct choice *c)
{
    kvr_traits_of(c->cases, c->count, &c->traits);
    c->setting = calloc(c->count, sizeof *c->setting);
    c->formats = calloc(c->count, sizeof *c->formats);
    if (!c->setting || !c->formats)
        return -ENOMEM;
    for (size_t i = 0; i < c->count; i++) {
        char text[KVR_SERIES_BYTES] = "";
        kvr_traits_text(&c->traits, c->cases[i].result, KVR_TRAIT_PLACE | KVR_TRAIT_THREADS, text,
                        sizeof text);
        c->setting[i] = kvr_names_number(&c->settings, text);
        if (!c->setting[i])
            return -ENOMEM;
    }
    count_formats(c);
    return 0;
}

double kvr_place_rank(const struct kvr_result *r)
{
    static const char *const levels[] = {"DRAM", "L3", "L2", "L1"};
    size_t level = 0;
    while (level < sizeof levels / sizeof *levels && strcmp(r->level, levels[level]))
        level++;
    return 10 * kvr_op_rank(r) + (double)level;
}

/* The chosen cases, those of the first place first. */
static int take(const struct choice *c, struct kvr_quality *q)
{
    enum { MOST_RANK = 30 };
    q->cases = calloc(c->count, sizeof *q->cases);
    q->place = calloc(c->count, sizeof *q->place);
    if (!q->cases || !q->place)
        return -ENOMEM;
    for (int rank = 0; rank < MOST_RANK; rank++)
        for (size_t i = 0; i < c->count; i++) {
            if ((int)kvr_place_rank(c->cases[i].result) != rank || !is_chosen(c, i))
                continue;
            q->cases[q->count] = c->cases[i];
            q->place[q->count] =
                kvr_names_number(&q->places, c->settings.text[c->setting[i] - 1]);
            if (!q->place[q->count++])
                return -ENOMEM;
        }
    return 0;
}

int kvr_quality_make(const struct kvr_sheet *sheet, struct kvr_quality *quality)
{
    struct choice c = {.count = 0};
    int rc = 0;
    size_t count = 0;
    *quality = (struct kvr_quality){.count = 0};
    c.cases = kvr_plot_cases(sheet, &count, &rc);
    for (size_t i = 0; i < count; i++)
        if (c.cases[i].result->closeness)
            c.cases[c.count++] = c.cases[i];
    if (!rc && !c.count)
        rc = -ENODATA;
    if (!rc)
        rc = name_settings(&c);
    if (!rc)
        rc = take(&c, quality);
    free(c.cases);
    free(c.setting);
    free(c.formats);
    free(c.settings.text);
    return rc;
}

void kvr_quality_free(struct kvr_quality *quality)
{
    free(quality->cases);
    free(quality->place);
    free(quality->places.text);
    *quality = (struct kvr_quality){.count = 0};
}
