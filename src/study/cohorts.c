/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cohort.h"
#include "deep.h"

static bool same_cohort(const struct kvr_case *a, const struct kvr_case *b)
{
    /* A float16 copy takes its room from the codes: other lists. */
    bool copies = !strcmp(a->variant, "materialised") == !strcmp(b->variant, "materialised");
    return copies && a->codec->encode == b->codec->encode &&
           a->shape.head_dim == b->shape.head_dim &&
           a->shape.tokens == b->shape.tokens && a->shape.heads == b->shape.heads &&
           a->shape.tables == b->shape.tables && a->shape.entries == b->shape.entries &&
           a->shape.group == b->shape.group && !strcmp(a->level, b->level) &&
           a->working_set_bytes == b->working_set_bytes && !strcmp(a->layout, b->layout) &&
           !strcmp(a->op, b->op) && a->threads == b->threads && a->pages == b->pages &&
           a->page_tokens == b->page_tokens && a->codebook == b->codebook &&
           a->codebook_warm == b->codebook_warm && a->batch == b->batch &&
           a->shape.queries == b->shape.queries && a->evict_bytes == b->evict_bytes &&
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
    double cases = (double)cohort->case_count;
    const char *op = cohort->cases[0]->op;
    /* The whole; of each phase T, C and, but for the softmax, its readers. */
    double phase_samples = 2 + KVR_BEST_READERS;
    double case_samples = !strcmp(op, "attention") ? 3 + 3 * phase_samples
                          : !strcmp(op, "step")    ? 1 + 2 * phase_samples
                                                   : 2;
    double samples = REFERENCE_SAMPLES + KVR_BEST_READERS + case_samples * cases;
    if (strcmp(op, "scan")) /* FP16 has the same phases */
        samples = case_samples * (cases + (strcmp(cohort->cases[0]->codec->name, "fp16") != 0));
    double setup_s = .85 + .25 * cases; /* families, tuning, verification */
    if (plan->deep)
        setup_s += KVR_DEEP_SECONDS * cases;
    /* A sample overshoots by a slice, and a stolen one is repeated. */
    return setup_s + rounds * samples * plan->min_time_s * 1.15;
}
