/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resources.h"

#include <math.h>
#include <string.h>

double kvr_resource_rate(const struct kvr_run_record *record, const char *isa, const char *type,
                         const char *dtype)
{
    static const char *const bases[] = {"avx512", "avx2", "scalar"};
    const char *names[2] = {isa, NULL};
    for (size_t b = 0; b < 3 && !names[1]; b++)
        if (!strncmp(isa, bases[b], strlen(bases[b])))
            names[1] = bases[b];
    for (size_t n = 0; n < 2; n++)
        for (size_t i = 0; names[n] && i < record->ceiling_count; i++) {
            const struct kvr_ceiling *c = &record->ceilings[i];
            if (strcmp(c->kind, "rate") || strcmp(c->type, type) || strcmp(c->isa, names[n]) ||
                (dtype && strcmp(c->dtype, dtype)))
                continue;
            double lanes = !strncmp(c->isa, "avx512", 6) ? 16 : !strncmp(c->isa, "avx2", 4) ? 8 : 1;
            return !strcmp(c->unit, "GFLOP/s") && !strcmp(type, "fma") ? c->value / (2 * lanes)
                                                                       : c->value;
        }
    if (!strcmp(type, "issue") && strcmp(isa, "scalar")) /* the front end is the same for all */
        return kvr_resource_rate(record, "scalar", type, dtype);
    return NAN;
}

void kvr_core_limit(const struct kvr_run_record *record, const struct kvr_kernel *kernel,
                    const struct kvr_shape *shape, struct kvr_core_limit *limit)
{
    const struct kvr_work *w = &kernel->work;
    const char *isa = kernel->isa_name;
    const char *shuffle = strstr(isa, "vbmi") ? "two" : "byte";
    const struct {
        const char *resource, *type, *dtype;
        uint32_t count;
    } uses[] = {{"load", "load", NULL, w->loads},
                {"store", "store", NULL, w->stores},
                {"shuffle", "shuffle", shuffle, w->shuffles},
                {"valu", "valu", NULL, w->vector_alu},
                {"fma", "fma", "f32", w->fma},
                {"intdot", "intdot", NULL, w->int_dots},
                {"convert", "convert", "f16", w->converts},
                {"gather", "gather", NULL, w->gathered},
                {"issue", "issue", NULL, w->uops}};
    *limit = (struct kvr_core_limit){.ns_per_key = NAN};
    if (!w->block_keys)
        return;
    double scale = 1.0 / w->block_keys;
    if (kernel->work_tables && shape->tables)
        scale *= (double)shape->tables / kernel->work_tables;
    else if (kernel->work_head_dim)
        scale *= (double)shape->head_dim / kernel->work_head_dim;
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        double r = kvr_resource_rate(record, isa, uses[i].type, uses[i].dtype);
        double ns = uses[i].count * scale / r;
        if (uses[i].count && !isnan(ns) && !(ns <= limit->ns_per_key)) {
            limit->ns_per_key = ns;
            limit->resource = uses[i].resource;
        }
    }
}
