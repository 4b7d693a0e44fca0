/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "sample.h"

static void add_rate(struct kvr_run_record *record, const char *id, const char *type,
                     const char *dtype, const char *isa, double value)
{
    struct kvr_ceiling c;
    kvr_ceiling_init(&c);
    snprintf(c.id, sizeof c.id, "%s", id);
    snprintf(c.kind, sizeof c.kind, "rate");
    snprintf(c.type, sizeof c.type, "%s", type);
    snprintf(c.dtype, sizeof c.dtype, "%s", dtype);
    snprintf(c.isa, sizeof c.isa, "%s", isa);
    snprintf(c.unit, sizeof c.unit, "%s", strcmp(type, "fma") ? "Gop/s" : "GFLOP/s");
    c.threads = 1;
    c.value = value;
    kvr_record_add_ceiling(record, &c);
}

static void add_family(struct kvr_run_record *record, const char *level, const char *layout,
                       double value)
{
    struct kvr_ceiling c;
    kvr_ceiling_init(&c);
    snprintf(c.id, sizeof c.id, "read/%s/1G/%s/1t", level, layout);
    snprintf(c.kind, sizeof c.kind, "bandwidth");
    snprintf(c.type, sizeof c.type, "read-family");
    snprintf(c.level, sizeof c.level, "%s", level);
    snprintf(c.layout, sizeof c.layout, "%s", layout);
    c.threads = 1;
    c.value = value;
    kvr_record_add_ceiling(record, &c);
}

void sample_work(struct kvr_run_record *record)
{
    sample_run(record);
    for (size_t i = 0; i < record->result_count; i++) {
        struct kvr_result *r = &record->results[i];
        bool lookat = !strcmp(r->codec, "lookat"), q8 = !strcmp(r->codec, "int8q8");
        r->cost.executed_flops = (lookat ? 4. : q8 ? 1. : 128.) * r->tokens;
        r->cost.lookups = lookat ? 4. * r->tokens : 0;
        r->cost.int_ops = (lookat ? 4. : q8 ? 128. : 0.) * r->tokens;
    }
    record->results[0].result.flops_per_s = 36e9; /* what is stored counts */
    add_family(record, "DRAM", "contiguous", 25.5);
    add_family(record, "DRAM", "heads", 26.25); /* below the ladder's 27.5, and more to the point */
    add_family(record, "L1", "heads", 150); /* with calls; the ladder's 180.5 is without */
    add_rate(record, "fma.f32/avx2", "fma", "f32", "avx2", 96);
    add_rate(record, "fma.f32/avx512", "fma", "f32", "avx512", 180);
    add_rate(record, "load.scalar/scalar", "load", "scalar", "scalar", 9);
    add_rate(record, "load/avx512", "load", "", "avx512", 6);
    add_rate(record, "gather.f32/avx2", "gather", "f32", "avx2", 8);
    add_rate(record, "shuffle.byte/avx512", "shuffle", "byte", "avx512", 3);
    add_rate(record, "shuffle.byte/avx2", "shuffle", "byte", "avx2", 5);
    add_rate(record, "shuffle.two/avx512", "shuffle", "two", "avx512", 3); /* of dwords: no roof */
    add_rate(record, "shuffle.two/avx512vbmi", "shuffle", "two", "avx512vbmi", 1.5);
    add_rate(record, "intdot.madd/avx512", "intdot", "madd", "avx512", 5.75);
    add_rate(record, "intdot/avx512vnni", "intdot", "", "avx512vnni", 6);
}
