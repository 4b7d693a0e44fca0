/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cohort.h"
#include "deep.h"

static bool same_cohort(const struct kvr_case *a, const struct kvr_case *b)
{
    /* A cohort has one reference, and FP16 is it. */
    if (!strcmp(a->codec->name, "fp16"))
        return false;
    /* A float16 copy takes its room from the codes: other lists. */
    bool copies = !strcmp(a->variant, "materialised") == !strcmp(b->variant, "materialised");
    return copies && a->codec->encode == b->codec->encode &&
           a->shape.head_dim == b->shape.head_dim &&
           a->shape.tokens == b->shape.tokens && a->shape.heads == b->shape.heads &&
           a->shape.tables == b->shape.tables && a->shape.entries == b->shape.entries &&
           a->shape.group == b->shape.group && a->shape.residual == b->shape.residual &&
           !strcmp(a->level, b->level) &&
           a->working_set_bytes == b->working_set_bytes && !strcmp(a->layout, b->layout) &&
           !strcmp(a->op, b->op) && a->threads == b->threads && a->pages == b->pages &&
           a->page_tokens == b->page_tokens && a->codebook == b->codebook &&
           a->codebook_warm == b->codebook_warm && a->values_q8 == b->values_q8 &&
           a->batch == b->batch &&
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

bool kvr_case_is_one_pass(const struct kvr_case *c)
{
    return !strcmp(c->op, "scan") && c->shape.queries <= 1 && !c->page_tokens &&
           c->evict_bytes == 0 && !kvr_case_materialises(c);
}

/* Samples of a case in a round: the whole; of each phase T, C and, but for the softmax, readers. */
static double case_samples(const struct kvr_case *c)
{
    enum { PHASE = 2 + KVR_BEST_READERS };
    return kvr_case_is_one_pass(c)      ? 2
           : kvr_case_materialises(c)   ? 2 * PHASE
           : !strcmp(c->op, "attention") ? 3 + 3 * PHASE
           : !strcmp(c->op, "step")      ? 1 + 2 * PHASE
                                         : 1 + PHASE;
}

/* What evictions add to a sample: three passes at least, each after a read of so many bytes. */
static double evict_s(const struct kvr_case *c)
{
    enum { PASSES = 3, AUTO_BYTES = 64 << 20 };
    double bytes = c->evict_bytes == KVR_EVICT_AUTO ? AUTO_BYTES : (double)c->evict_bytes;
    return PASSES * bytes / 8e9;
}

double kvr_cohort_estimate_s(const struct kvr_cohort *cohort, const struct kvr_plan *plan,
                             uint32_t rounds)
{
    enum { REFERENCE_SAMPLES = KVR_BEST_READERS + 2, EVICTED_TRIES = 150 };
    const struct kvr_case *c = cohort->cases[0];
    struct kvr_case fp16 = *c; /* has the same phases, but that it copies nothing */
    fp16.variant = "fused";
    double cases = (double)cohort->case_count, reference = REFERENCE_SAMPLES;
    if (!kvr_case_is_one_pass(&fp16))
        reference = strcmp(c->codec->name, "fp16") ? case_samples(&fp16) : 0;
    double samples = reference + case_samples(c) * cases;
    if (kvr_case_is_one_pass(c))
        samples += KVR_BEST_READERS;
    double setup_s = .85 + .25 * cases; /* families, tuning, verification */
    if (plan->deep)
        setup_s += KVR_DEEP_SECONDS * cases;
    /* Every reader and look-ahead of an evicted case is tried over passes of its own. */
    if (c->evict_bytes)
        setup_s += EVICTED_TRIES * evict_s(c);
    /* A sample overshoots by a slice, and a stolen one is repeated. */
    return setup_s + rounds * samples * (plan->min_time_s + evict_s(c)) * 1.15;
}
