/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cohort.h"
#include "deep.h"

static bool same_cohort(const struct kvr_case *a, const struct kvr_case *b)
{
    return a->codec->encode == b->codec->encode && a->shape.head_dim == b->shape.head_dim &&
           a->shape.tokens == b->shape.tokens && a->shape.heads == b->shape.heads &&
           a->shape.tables == b->shape.tables && a->shape.entries == b->shape.entries &&
           a->shape.group == b->shape.group && !strcmp(a->level, b->level) &&
           a->working_set_bytes == b->working_set_bytes && !strcmp(a->layout, b->layout) &&
           !strcmp(a->op, b->op) && a->threads == b->threads && a->pages == b->pages &&
           a->mem == b->mem && a->mem_node == b->mem_node;
}

int kvr_cohorts_make(const struct kvr_plan *plan, struct kvr_cohort **cohorts, size_t *count)
{
    *count = 0;
    *cohorts = calloc(plan->case_count ? plan->case_count : 1, sizeof **cohorts);
    if (!*cohorts)
        return -ENOMEM;
    for (size_t i = 0; i < plan->case_count; i++) {
        const struct kvr_case *c = &plan->cases[i];
        size_t g = 0;
        while (g < *count && ((*cohorts)[g].case_count == KVR_MAX_COHORT_CASES ||
                              !same_cohort((*cohorts)[g].cases[0], c)))
            g++;
        struct kvr_cohort *cohort = &(*cohorts)[g];
        if (g == *count) {
            cohort->position = i;
            ++*count;
        }
        cohort->cases[cohort->case_count++] = c;
    }
    return 0;
}

double kvr_cohort_estimate_s(const struct kvr_cohort *cohort, const struct kvr_plan *plan,
                             uint32_t rounds)
{
    enum { REFERENCE_SAMPLES = KVR_BEST_READERS + 2 };
    double samples = REFERENCE_SAMPLES + KVR_BEST_READERS + 2 * (double)cohort->case_count;
    double setup_s = .5 + .25 * (double)cohort->case_count;
    if (plan->deep)
        setup_s += KVR_DEEP_SECONDS * (double)cohort->case_count;
    /* A sample overshoots by a slice, and a stolen one is repeated. */
    return setup_s + rounds * samples * plan->min_time_s * 1.15;
}
