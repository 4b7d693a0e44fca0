/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resources.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* "type.dtype" or "type", which is any dtype. */
static bool is_named(const struct kvr_ceiling *c, const char *name)
{
    size_t length = strcspn(name, ".");
    return !strcmp(c->kind, "rate") && strlen(c->type) == length &&
           !strncmp(c->type, name, length) &&
           (!name[length] || !strcmp(c->dtype, name + length + 1));
}

double kvr_resource_rate(const struct kvr_run_record *record, const char *isa, const char *name)
{
    static const char *const bases[] = {"avx512", "avx2", "scalar"};
    const char *names[2] = {isa, NULL};
    for (size_t b = 0; b < 3 && !names[1]; b++)
        if (!strncmp(isa, bases[b], strlen(bases[b])))
            names[1] = bases[b];
    for (size_t n = 0; n < 2; n++)
        for (size_t i = 0; names[n] && i < record->ceiling_count; i++) {
            const struct kvr_ceiling *c = &record->ceilings[i];
            if (!is_named(c, name) || strcmp(c->isa, names[n]))
                continue;
            double lanes = !strncmp(c->isa, "avx512", 6) ? 16 : !strncmp(c->isa, "avx2", 4) ? 8 : 1;
            return !strcmp(c->unit, "GFLOP/s") && !strcmp(c->type, "fma") ? c->value / (2 * lanes)
                                                                       : c->value;
        }
    if (!strcmp(name, "issue") && strcmp(isa, "scalar")) /* the front end is the same for all */
        return kvr_resource_rate(record, "scalar", name);
    return NAN;
}

void kvr_core_limit(const struct kvr_run_record *record, const struct kvr_kernel *kernel,
                    const struct kvr_shape *shape, struct kvr_core_limit *limit)
{
    const struct kvr_work *w = &kernel->work, *once = &kernel->work_once;
    const char *shuffle = w->shuffle_rate ? w->shuffle_rate : "shuffle.byte";
    const char *convert = w->convert_rate ? w->convert_rate : "convert.f16";
    const struct {
        const char *resource, *rate;
        uint32_t count, once;
    } uses[] = {{"load", "load", w->loads, once->loads},
                {"store", "store", w->stores, once->stores},
                {"shuffle", shuffle, w->shuffles, once->shuffles},
                {"valu", "valu", w->vector_alu, once->vector_alu},
                {"fma", "fma.f32", w->fma, once->fma},
                {"intdot", "intdot", w->int_dots, once->int_dots},
                {"convert", convert, w->converts, once->converts},
                {"gather", "gather", w->gathered, once->gathered},
                {"issue", "issue", w->uops, once->uops}};
    *limit = (struct kvr_core_limit){.ns_per_key = NAN};
    if (!w->block_keys)
        return;
    double scale = 1;
    if (kernel->work_tables && shape->tables)
        scale = (double)shape->tables / kernel->work_tables;
    else if (kernel->work_head_dim)
        scale = (double)shape->head_dim / kernel->work_head_dim;
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        double r = kvr_resource_rate(record, kernel->isa_name, uses[i].rate);
        double count = uses[i].once + scale * (uses[i].count - uses[i].once);
        double ns = count / w->block_keys / r;
        if (uses[i].count && !isnan(ns) && !(ns <= limit->ns_per_key)) {
            limit->ns_per_key = ns;
            limit->resource = uses[i].resource;
        }
    }
}
