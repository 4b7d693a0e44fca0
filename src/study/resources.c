/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resources.h"

#include <math.h>
#include <string.h>

/* The rate ceiling of a resource for a kernel's ISA, in instructions a ns (gather: elements). An
 * extension (avx512vnni) has rates of its own for what it adds and its base's for the rest. */
static double rate(const struct kvr_run_record *record, const char *isa, const char *type,
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
    return NAN;
}

/* What measures a resource; shuffles of two tables where the ISA has them for bytes. */
double kvr_core_rate(const struct kvr_run_record *record, const char *isa, const char *resource)
{
    const char *dtype = NULL;
    if (!strcmp(resource, "shuffle"))
        dtype = strstr(isa, "vbmi") ? "two" : "byte";
    else if (!strcmp(resource, "fma"))
        dtype = "f32";
    else if (!strcmp(resource, "convert"))
        dtype = "f16";
    double r = rate(record, isa, resource, dtype);
    return isnan(r) && !strcmp(resource, "issue") ? rate(record, "scalar", "issue", NULL) : r;
}

void kvr_core_limit(const struct kvr_run_record *record, const struct kvr_kernel *kernel,
                    const struct kvr_shape *shape, struct kvr_core_limit *limit)
{
    const struct kvr_work *w = &kernel->work;
    const char *isa = kernel->isa_name;
    const struct {
        const char *resource;
        uint32_t count;
    } uses[] = {{"load", w->loads},       {"store", w->stores},   {"shuffle", w->shuffles},
                {"valu", w->vector_alu},  {"fma", w->fma},        {"intdot", w->int_dots},
                {"convert", w->converts}, {"gather", w->gathered}, {"issue", w->uops}};
    *limit = (struct kvr_core_limit){.ns_per_key = NAN};
    if (!w->block_keys)
        return;
    double scale = 1.0 / w->block_keys;
    if (kernel->work_tables && shape->tables)
        scale *= (double)shape->tables / kernel->work_tables;
    else if (kernel->work_head_dim)
        scale *= (double)shape->head_dim / kernel->work_head_dim;
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        double r = kvr_core_rate(record, isa, uses[i].resource);
        double ns = uses[i].count * scale / r;
        if (uses[i].count && !isnan(ns) && !(ns <= limit->ns_per_key)) {
            limit->ns_per_key = ns;
            limit->resource = uses[i].resource;
        }
    }
}
