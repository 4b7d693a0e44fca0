/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "predicting.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

const struct kvr_other_machine faster = {
    .name = "faster",
    .clock_ghz = 6,
    .cores = 4,
    .bandwidths = {{"DRAM", 1, 80, ""}, {"DRAM", KVR_ROOF_ALL_CORES, 100, ""},
                   {"L2", 1, 400, ""}, {"DRAM", 3, 90, ""}},
    .bandwidth_count = 4,
    .rates = {{"load", "avx512", 18, ""}, {"issue", "scalar", 24, ""}},
    .rate_count = 2,
};

void near(double found, double by_hand)
{
    if (!(fabs(found - by_hand) <= 1e-9 * fabs(by_hand)))
        fail_msg("%.12g, not %.12g", found, by_hand);
}

struct kvr_result *add(struct kvr_run_record *record, const char *level, uint32_t threads,
                              double t, double m, double c)
{
    struct kvr_result r;
    kvr_result_init(&r);
    r.measured = true;
    snprintf(r.name, sizeof r.name, "case %zu", record->result_count);
    snprintf(r.codec, sizeof r.codec, "int4");
    snprintf(r.variant, sizeof r.variant, "fused");
    snprintf(r.isa, sizeof r.isa, "avx512vnni");
    snprintf(r.op, sizeof r.op, "scan");
    snprintf(r.level, sizeof r.level, "%s", level);
    snprintf(r.layout, sizeof r.layout, "heads");
    r.head_dim = 64;
    r.tokens = 512;
    r.threads = threads;
    r.working_set_bytes = !strcmp(level, "DRAM") ? 1 << 30 : 1 << 20;
    r.cost.stream_bytes = 32. * 512;
    r.cost.useful_flops = 128. * 512;
    r.cost.lookups = 0;
    r.result.ns_per_key = t;
    r.result.m_ns_per_key = m;
    r.result.c_ns_per_key = c;
    snprintf(r.verdict.side, sizeof r.verdict.side, "memory");
    return kvr_record_add_result(record, &r);
}

void add_roof(struct kvr_run_record *record, const char *type, const char *level,
                     uint32_t threads, uint64_t bytes, double value)
{
    struct kvr_ceiling c;
    kvr_ceiling_init(&c);
    snprintf(c.id, sizeof c.id, "%zu", record->ceiling_count);
    snprintf(c.kind, sizeof c.kind, "bandwidth");
    snprintf(c.type, sizeof c.type, "%s", type);
    snprintf(c.level, sizeof c.level, "%s", level);
    snprintf(c.layout, sizeof c.layout, "heads");
    c.threads = threads;
    c.working_set_bytes = bytes;
    c.segment_bytes = strcmp(type, "read") ? 32 * 512 : 0;
    c.value = value;
    kvr_record_add_ceiling(record, &c);
}

void add_rate(struct kvr_run_record *record, const char *type, const char *isa, double value)
{
    struct kvr_ceiling c;
    kvr_ceiling_init(&c);
    snprintf(c.id, sizeof c.id, "%s/%s", type, isa);
    snprintf(c.kind, sizeof c.kind, "rate");
    sscanf(type, "%15[^.].%7s", c.type, c.dtype);
    snprintf(c.isa, sizeof c.isa, "%s", isa);
    snprintf(c.unit, sizeof c.unit, "Gop/s");
    c.value = value;
    kvr_record_add_ceiling(record, &c);
}

void make(struct kvr_run_record *record)
{
    kvr_run_record_init(record);
    record->clock_ghz = 3;
    add_roof(record, "read", "DRAM", 1, 1 << 30, 20);
    add_roof(record, "read", "DRAM", 1, 1 << 26, 30); /* a cache has a part in this one */
    add_roof(record, "read-family", "DRAM", 1, 1 << 30, 16);
    add_roof(record, "read-family", "DRAM", 2, 1 << 30, 24);
    add_roof(record, "read-family", "L2", 1, 1 << 20, 160);
    add_rate(record, "load", "avx512", 6);
}

void set_serial(struct kvr_result *r, const char *op, const char *variant)
{
    snprintf(r->op, sizeof r->op, "%s", op);
    snprintf(r->variant, sizeof r->variant, "%s", variant);
    r->verdict.phases[KVR_PHASE_PREPARE] = (struct kvr_phase_record){8, 4, 4, "overlap"};
    r->verdict.phases[KVR_PHASE_SCAN] = (struct kvr_phase_record){5, 5, 2, "memory"};
}
