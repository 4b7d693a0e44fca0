/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resources.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* "type.dtype" or "type", which is any dtype. */
static bool is_named(const struct kvr_ceiling *c, const char *name)
{
    size_t length = strcspn(name, ".");
    return !strcmp(c->kind, "rate") && strlen(c->type) == length &&
           !strncmp(c->type, name, length) &&
           (!name[length] || !strcmp(c->dtype, name + length + 1));
}

size_t kvr_rate_isas(const char *isa, const char *resource, const char *isas[3])
{
    /* What an extension's name begins with, and its base. */
    static const char *const bases[][2] = {{"avx512", "avx512"}, {"avxvnni", "avx2"}};
    size_t n = 0;
    isas[n++] = isa;
    for (size_t b = 0; b < 2 && n == 1; b++)
        if (!strncmp(isa, bases[b][0], strlen(bases[b][0])) && strcmp(isa, bases[b][1]))
            isas[n++] = bases[b][1];
    if (!strcmp(resource, "issue") && strcmp(isa, "scalar"))
        isas[n++] = "scalar";
    return n;
}

static const struct kvr_ceiling *find_rate(const struct kvr_run_record *record, const char *isa,
                                           const char *name)
{
    const char *isas[3];
    size_t count = kvr_rate_isas(isa, name, isas);
    for (size_t n = 0; n < count; n++)
        for (size_t i = 0; i < record->ceiling_count; i++)
            if (is_named(&record->ceilings[i], name) && !strcmp(record->ceilings[i].isa, isas[n]))
                return &record->ceilings[i];
    return NULL;
}

/* Instructions a ns: of multiply-adds it is their FLOP that are stored. */
static double per_ns(const struct kvr_ceiling *c)
{
    double lanes = !strncmp(c->isa, "avx512", 6) ? 16 : !strncmp(c->isa, "avx2", 4) ? 8 : 1;
    bool flops = !strcmp(c->unit, "GFLOP/s") && !strcmp(c->type, "fma");
    return flops ? c->value / (2 * lanes) : c->value;
}

double kvr_resource_rate(const struct kvr_run_record *record, const char *isa, const char *name)
{
    const struct kvr_ceiling *c = find_rate(record, isa, name);
    return c ? per_ns(c) : NAN;
}

/* One resource: what a block of keys uses of it, and what of that any shape costs. */
struct use {
    const char *resource, *rate;
    uint32_t count, once;
};

enum { USES = 9 };

static void uses_of(const struct kvr_work *w, const struct kvr_work *once, struct use *uses)
{
    const char *shuffle = w->shuffle_rate ? w->shuffle_rate : "shuffle.byte";
    const char *convert = w->convert_rate ? w->convert_rate : "convert.f16";
    const struct use all[USES] = {{"load", "load", w->loads, once->loads},
                                  {"store", "store", w->stores, once->stores},
                                  {"shuffle", shuffle, w->shuffles, once->shuffles},
                                  {"valu", "valu", w->vector_alu, once->vector_alu},
                                  {"fma", "fma.f32", w->fma, once->fma},
                                  {"intdot", "intdot", w->int_dots, once->int_dots},
                                  {"convert", convert, w->converts, once->converts},
                                  {"gather", "gather", w->gathered, once->gathered},
                                  {"issue", "issue", w->uops, once->uops}};
    memcpy(uses, all, sizeof all);
}

/* What one pass over the codes takes of each resource, ns a key where `share` of the keys are coded
 * so; NAN: not known. */
static void add_pass(const struct kvr_run_record *record, const struct kvr_kernel *kernel,
                     const struct kvr_work *work, const struct kvr_work *once, double scale,
                     double share, struct kvr_core_limit *sums)
{
    struct use uses[USES];
    uses_of(work, once, uses);
    for (size_t i = 0; i < USES; i++) {
        const struct kvr_ceiling *rate = find_rate(record, kernel->isa_name, uses[i].rate);
        double count = uses[i].once + scale * (uses[i].count - uses[i].once);
        if (!uses[i].count)
            continue;
        const double per_unit = rate ? per_ns(rate) : NAN;
        if (!sums[i].resource) { /* told of the first pass, which is that of most keys */
            sums[i].resource = uses[i].resource;
            sums[i].rate = per_unit;
            sums[i].ceiling = rate ? rate->id : NULL;
        }
        sums[i].ns_per_key += share * count / work->block_keys / per_unit;
    }
}

/* Of all keys those in the residual, with the places for more that its blocks have. */
static double residual_share(const struct kvr_kernel *kernel, const struct kvr_shape *shape,
                             double *coded_share)
{
    const uint32_t left =
        kernel->format ? kvr_residual_keys(kernel->format, shape, shape->tokens) : 0;
    *coded_share = 1;
    if (!left)
        return 0;
    const uint32_t block = kernel->format->block_keys, blocks = (left + block - 1) / block;
    *coded_share = (double)(shape->tokens - left) / shape->tokens;
    return (double)blocks * block / shape->tokens;
}

void kvr_core_limit(const struct kvr_run_record *record, const struct kvr_kernel *kernel,
                    const struct kvr_shape *shape, struct kvr_core_limit *limit)
{
    struct kvr_core_limit sums[USES] = {0};
    const uint32_t queries = shape->queries ? shape->queries : 1;
    double scale = 1, coded;
    const double residual = residual_share(kernel, shape, &coded);
    *limit = (struct kvr_core_limit){.ns_per_key = NAN, .rate = NAN};
    if (kernel->work_tables && shape->tables)
        scale = (double)shape->tables / kernel->work_tables;
    else if (kernel->work_head_dim)
        scale = (double)shape->head_dim / kernel->work_head_dim;
    for (uint32_t q = 0; q < queries;) {
        const struct kvr_score_group *group = kvr_next_group(kernel, queries - q);
        const struct kvr_work *work = group ? &group->work : &kernel->work;
        if (!work->block_keys)
            return;
        add_pass(record, kernel, work, group ? &group->work_once : &kernel->work_once, scale,
                 coded, sums);
        if (residual > 0 && !kernel->residual_work.block_keys)
            return;
        if (residual > 0)
            add_pass(record, kernel, &kernel->residual_work, &(struct kvr_work){0},
                     shape->head_dim, residual, sums);
        q += group ? group->queries : 1;
    }
    for (size_t i = 0; i < USES; i++)
        if (sums[i].resource && !isnan(sums[i].ns_per_key) &&
            !(sums[i].ns_per_key <= limit->ns_per_key))
            *limit = sums[i];
}

void kvr_core_limit_store(const struct kvr_core_limit *limit, struct kvr_verdict_record *verdict)
{
    if (!limit->resource || !(verdict->core_limit_ns > 0))
        return;
    verdict->core_limit_rate = limit->rate;
    snprintf(verdict->core_limit_ceiling, sizeof verdict->core_limit_ceiling, "%s",
             limit->ceiling);
}
