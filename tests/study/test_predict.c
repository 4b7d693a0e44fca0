/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Predictions with numbers by hand. No time is measured.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "src/study/predict.h"

static void near(double found, double by_hand)
{
    if (!(fabs(found - by_hand) <= 1e-9 * fabs(by_hand)))
        fail_msg("%.12g, not %.12g", found, by_hand);
}

static struct kvr_result *add(struct kvr_run_record *record, const char *level, uint32_t threads,
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

static void add_roof(struct kvr_run_record *record, const char *type, const char *level,
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

static void add_rate(struct kvr_run_record *record, const char *type, const char *isa, double value)
{
    struct kvr_ceiling c;
    kvr_ceiling_init(&c);
    snprintf(c.id, sizeof c.id, "%zu", record->ceiling_count);
    snprintf(c.kind, sizeof c.kind, "rate");
    snprintf(c.type, sizeof c.type, "%s", type);
    snprintf(c.isa, sizeof c.isa, "%s", isa);
    snprintf(c.unit, sizeof c.unit, "Gop/s");
    c.value = value;
    kvr_record_add_ceiling(record, &c);
}

/* Twice the clock, three times the loads, four times the bandwidth of one core. */
static const struct kvr_other_machine faster = {
    .name = "faster",
    .clock_ghz = 6,
    .cores = 4,
    .bandwidths = {{"DRAM", 1, 80, ""}, {"DRAM", KVR_ROOF_ALL_CORES, 100, ""},
                   {"L2", 1, 400, ""}, {"DRAM", 3, 90, ""}},
    .bandwidth_count = 4,
    .rates = {{"load", "avx512", 18, ""}},
    .rate_count = 1,
};

static void make(struct kvr_run_record *record)
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

static void test_time(void **state)
{
    struct kvr_run_record r;
    struct kvr_prediction p;
    struct kvr_scaling s = {.c = .5, .c_other = 1, .m = .25};
    (void)state;
    make(&r);
    struct kvr_result *x = add(&r, "DRAM", 1, 5, 4, 2); /* omega (2 + 4 - 5) / 2 = .5 */
    kvr_predict_time(x, &s, &p);
    near(p.predicted_ns, 1.5); /* C' 1, M' 1: 1 + .5 */
    near(p.balance, 1);
    assert_string_equal(p.side, "even");
    x->verdict.overlap = .75; /* of rounds, before what medians give */
    kvr_predict_time(x, &s, &p);
    near(p.predicted_ns, 1.25);
    x->verdict.overlap = 1.5; /* faster than perfect: no more than perfect there */
    kvr_predict_time(x, &s, &p);
    near(p.predicted_ns, 1);
    s.c = .1;
    kvr_predict_time(x, &s, &p);
    assert_string_equal(p.side, "memory");
    s.c = 1;
    kvr_predict_time(x, &s, &p);
    assert_string_equal(p.side, "core");
    near(p.predicted_ns, 2);
    kvr_run_record_free(&r);
}

static void test_refusals(void **state)
{
    struct kvr_run_record r;
    struct kvr_prediction p;
    const struct kvr_scaling s = {.c = .5, .c_other = 1, .m = .25};
    (void)state;
    make(&r);
    struct kvr_result *x = add(&r, "DRAM", 1, 6.59, 4, 2);
    kvr_predict_time(x, &s, &p); /* 1.098 of C + M: no overlap */
    near(p.predicted_ns, 2);
    x->result.ns_per_key = 6.61;
    kvr_predict_time(x, &s, &p);
    assert_true(isnan(p.predicted_ns));
    assert_non_null(strstr(p.refused, "latency is needed"));
    assert_string_equal(p.side, "");
    x->result.ns_per_key = 6.2;
    snprintf(x->verdict.bound, sizeof x->verdict.bound, "latency");
    kvr_predict_time(x, &s, &p);
    assert_non_null(strstr(p.refused, "latency is needed"));
    x->verdict.bound[0] = 0;
    kvr_result_flag(x, "ceiling-bug");
    kvr_predict_time(x, &s, &p);
    assert_non_null(strstr(p.refused, "flagged"));
    kvr_run_record_free(&r);
}

static void test_phases(void **state)
{
    struct kvr_run_record r;
    struct kvr_prediction p;
    const struct kvr_scaling s = {.c = .5, .c_other = .25, .m = .1};
    (void)state;
    make(&r);
    struct kvr_result *x = add(&r, "DRAM", 1, 15, 9, 6);
    snprintf(x->op, sizeof x->op, "step");
    kvr_predict_time(x, &s, &p);
    assert_non_null(strstr(p.refused, "not measured")); /* phases absent */
    x->verdict.phases[KVR_PHASE_PREPARE] = (struct kvr_phase_record){8, 4, 4, "overlap"};
    x->verdict.phases[KVR_PHASE_SCAN] = (struct kvr_phase_record){5, 5, 2, "memory"};
    kvr_predict_time(x, &s, &p);
    /* prepare: C' 1, M' .4, omega 0: 1.4; scan: C' 1, M' .5, omega 1: 1 */
    near(p.predicted_ns, 2.4);
    near(p.balance, 2 / .9);
    snprintf(x->verdict.phases[KVR_PHASE_SCAN].bound, 12, "latency");
    kvr_predict_time(x, &s, &p);
    assert_non_null(strstr(p.refused, "scan: it waits"));
    kvr_run_record_free(&r);
}

/* Softmax reads no memory of its own: it has T and C, and goes as C does. */
static void test_phase_without_memory(void **state)
{
    struct kvr_run_record r;
    struct kvr_prediction p;
    const struct kvr_scaling s = {.c = .5, .c_other = .25, .m = .1};
    (void)state;
    make(&r);
    struct kvr_result *x = add(&r, "DRAM", 1, 9, 5, 4);
    snprintf(x->op, sizeof x->op, "attention");
    x->verdict.phases[KVR_PHASE_SCAN] = (struct kvr_phase_record){5, 5, 2, "memory"};
    x->verdict.phases[KVR_PHASE_SOFTMAX] = (struct kvr_phase_record){4, NAN, 2, "undecided"};
    kvr_predict_time(x, &s, &p);
    near(p.predicted_ns, 2); /* scan: C' 1, M' .5, hidden; softmax 4 / 4 */
    near(p.balance, (1 + .5) / .5);
    x->verdict.phases[KVR_PHASE_SOFTMAX].c_ns = NAN;
    kvr_predict_time(x, &s, &p);
    assert_non_null(strstr(p.refused, "softmax: memory or core alone"));
    snprintf(x->op, sizeof x->op, "scan"); /* a scan's M is not left out by nature */
    x->result.m_ns_per_key = NAN;
    kvr_predict_time(x, &s, &p);
    assert_non_null(strstr(p.refused, "scan: memory or core alone"));
    kvr_run_record_free(&r);
}

/* A scan that copies its keys first is serial, too: what T exceeds of M and C is no waiting. */
static void test_copying_scan(void **state)
{
    struct kvr_run_record r;
    struct kvr_prediction p;
    const struct kvr_scaling s = {.c = .5, .c_other = .25, .m = .1};
    (void)state;
    make(&r);
    struct kvr_result *x = add(&r, "DRAM", 1, 15, 9, 6);
    snprintf(x->variant, sizeof x->variant, "materialised");
    kvr_predict_time(x, &s, &p);
    assert_non_null(strstr(p.refused, "not measured")); /* phases absent */
    x->verdict.phases[KVR_PHASE_PREPARE] = (struct kvr_phase_record){8, 4, 4, "overlap"};
    x->verdict.phases[KVR_PHASE_SCAN] = (struct kvr_phase_record){5, 5, 2, "memory"};
    kvr_predict_time(x, &s, &p);
    near(p.predicted_ns, 2.4); /* as the step of test_phases */
    kvr_run_record_free(&r);
}

static void test_machine(void **state)
{
    struct kvr_run_record r;
    struct kvr_prediction *p = NULL;
    size_t count = 0;
    (void)state;
    make(&r);
    struct kvr_result *x = add(&r, "DRAM", 1, 4, 4, 2);
    snprintf(x->verdict.core_limit_resource, 16, "load");
    x->verdict.core_limit_ns = 1.8; /* C is 1.11 of it: loads are full */
    x = add(&r, "DRAM", 1, 4, 4, 2);
    snprintf(x->verdict.core_limit_resource, 16, "load");
    x->verdict.core_limit_ns = 1.7; /* 1.18: not full, so the clock */
    add(&r, "L2", 1, .6, .2, .6);
    add(&r, "L1", 1, .5, .4, .5);
    add(&r, "DRAM", 2, 2, 2, 1);
    add(&r, "L3", 1, 2, 2, 1);
    add(&r, "DRAM", 8, 1, 1, 1);
    r.results[6].measured = true;
    assert_int_equal(kvr_predict(&r, &faster, &p, &count), 0);
    assert_int_equal(count, 7);
    near(p[0].predicted_ns, 1); /* M 4 -> 1 (20 to 80 GB/s), C 2 -> 2/3 */
    near(p[0].balance, 2. / 3);
    assert_string_equal(p[0].scaled_by, "load");
    near(p[1].balance, 1);
    assert_string_equal(p[1].scaled_by, "clock");
    near(p[2].predicted_ns, .3); /* C by the clock; M .2 -> .08, hidden */
    near(p[3].predicted_ns, .25);
    /* Two threads: 24 GB/s here, min(2 x 80, 100) there. */
    near(p[4].balance, .5 / (2 * 24. / 100));
    assert_non_null(strstr(p[5].refused, "no bandwidth of L3"));
    assert_non_null(strstr(p[6].refused, "4 cores"));
    free(p);
    struct kvr_other_machine narrow = faster;
    narrow.isa_count = 1;
    snprintf(narrow.isas[0], sizeof narrow.isas[0], "avx2");
    assert_int_equal(kvr_predict(&r, &narrow, &p, &count), 0);
    assert_non_null(strstr(p[0].refused, "avx512vnni"));
    assert_true(isnan(p[0].predicted_ns));
    free(p);
    kvr_run_record_free(&r);
}

/* P and C are wall time of all threads: neither is multiplied by their number. */
static void test_limit_of_a_team(void **state)
{
    struct kvr_run_record r;
    struct kvr_prediction *p = NULL;
    size_t count = 0;
    (void)state;
    make(&r);
    struct kvr_result *x = add(&r, "DRAM", 2, 2, 1, 2);
    snprintf(x->verdict.core_limit_resource, 16, "load");
    x->verdict.core_limit_ns = 1.8;
    x = add(&r, "DRAM", 2, 2, 1, 2);
    snprintf(x->verdict.core_limit_resource, 16, "load");
    x->verdict.core_limit_ns = .9;
    assert_int_equal(kvr_predict(&r, &faster, &p, &count), 0);
    assert_int_equal(count, 2);
    assert_string_equal(p[0].scaled_by, "load");
    near(p[0].predicted_ns, 2. * 6 / 18); /* M' 1 x 24 / 100, hidden */
    assert_string_equal(p[1].scaled_by, "clock");
    free(p);
    kvr_run_record_free(&r);
}

/* A case that the core fills goes by the cores, and by its look-ups from one d to another. */
static void test_check_core(void **state)
{
    struct kvr_run_record r;
    struct kvr_prediction_check *c = NULL;
    size_t count = 0;
    (void)state;
    make(&r);
    add(&r, "DRAM", 1, 4, 1, 4)->cost.lookups = 4 * 512;
    add(&r, "DRAM", 2, 2.5, 1, 1)->cost.lookups = 4 * 512;
    struct kvr_result *wide = add(&r, "DRAM", 1, 10, 9, 9);
    wide->head_dim = 128;
    wide->cost.lookups = 8 * 512;
    assert_int_equal(kvr_predict_check(&r, &c, &count), 0);
    assert_int_equal(count, 2);
    near(c[0].predicted.predicted_ns, 2);
    near(c[0].error_percent, -20);
    assert_string_equal(c[0].predicted.side, "core");
    assert_string_equal(c[1].over, "head dim");
    near(c[1].predicted.predicted_ns, 8);
    free(c);
    kvr_run_record_free(&r);
}

/* Threads and levels are tried with every op, the head dim only with scans of one phase. */
static void test_check_phases(void **state)
{
    static const char *const variants[] = {"fused", "materialised"};
    for (size_t i = 0; i < 2; i++) {
        struct kvr_run_record r;
        struct kvr_prediction_check *c = NULL;
        size_t count = 0;
        make(&r);
        for (size_t n = 0; n < 3; n++) {
            struct kvr_result *x = add(&r, "DRAM", n == 1 ? 2 : 1, 15, 9, 6);
            snprintf(x->op, sizeof x->op, "%s", i ? "scan" : "step");
            snprintf(x->variant, sizeof x->variant, "%s", variants[i]);
            x->head_dim = n == 2 ? 128 : 64;
            x->verdict.phases[KVR_PHASE_PREPARE] = (struct kvr_phase_record){8, 4, 4, "overlap"};
            x->verdict.phases[KVR_PHASE_SCAN] = (struct kvr_phase_record){5, 5, 2, "memory"};
        }
        assert_int_equal(kvr_predict_check(&r, &c, &count), 0);
        assert_int_equal(count, 2);
        assert_string_equal(c[0].over, "threads");
        /* prepare: C' 2, M' 4 x 16 / 24; scan: M' 5 x 16 / 24, hides C' */
        near(c[0].predicted.predicted_ns, 2 + 9 * 16. / 24);
        assert_string_equal(c[1].over, "head dim");
        assert_true(isnan(c[1].error_percent) && isnan(c[1].predicted.predicted_ns));
        assert_non_null(strstr(c[1].predicted.refused, "phases"));
        free(c);
        kvr_run_record_free(&r);
    }
    (void)state;
}

/* Only cases that differ in nothing else are sources. */
static void test_check_alike(void **state)
{
    struct kvr_run_record r;
    struct kvr_prediction_check *c = NULL;
    size_t count = 0;
    (void)state;
    make(&r);
    add(&r, "DRAM", 1, 4, 4, 1);
    struct kvr_result *x = add(&r, "DRAM", 2, 3, 1, 1);
    snprintf(x->mem, sizeof x->mem, "interleave");
    assert_int_equal(kvr_predict_check(&r, &c, &count), 0);
    assert_int_equal(count, 0);
    free(c);
    x->mem[0] = 0;
    x->group = 32;
    assert_int_equal(kvr_predict_check(&r, &c, &count), 0);
    assert_int_equal(count, 0);
    free(c);
    x->group = 0;
    assert_int_equal(kvr_predict_check(&r, &c, &count), 0);
    assert_int_equal(count, 1);
    free(c);
    kvr_run_record_free(&r);
}

static void test_check(void **state)
{
    struct kvr_run_record r;
    struct kvr_prediction_check *c = NULL;
    size_t count = 0;
    (void)state;
    make(&r);
    add(&r, "DRAM", 1, 4, 4, 1);
    assert_int_equal(kvr_predict_check(&r, &c, &count), 0);
    assert_int_equal(count, 0); /* nothing differs from anything */
    assert_true(isnan(kvr_predict_median_error(c, count)));
    free(c);
    add(&r, "DRAM", 2, 3, 1, 1); /* its own M and C are not looked at */
    add(&r, "L2", 1, 1, 9, 9);
    struct kvr_result *wide = add(&r, "DRAM", 1, 10, 9, 9);
    wide->head_dim = 128;
    wide->cost.stream_bytes *= 2;
    wide->cost.useful_flops *= 2;
    add_roof(&r, "read-family", "DRAM", 1, 1 << 30, 20); /* of its segments */
    r.ceilings[r.ceiling_count - 1].segment_bytes = 64 * 512;
    assert_int_equal(kvr_predict_check(&r, &c, &count), 0);
    assert_int_equal(count, 3);
    assert_string_equal(c[0].over, "threads");
    near(c[0].predicted.predicted_ns, 4 * 16. / 24); /* family roofs of the same list */
    near(c[0].error_percent, 100 * (8. / 9 - 1));
    assert_string_equal(c[1].over, "level");
    near(c[1].predicted.predicted_ns, 1); /* C 1, M 4 * 16/160, hidden */
    near(c[1].error_percent + 1, 1);
    assert_string_equal(c[1].predicted.side, "core");
    assert_string_equal(c[2].over, "head dim");
    near(c[2].predicted.predicted_ns, 8 * 16. / 20);
    near(kvr_predict_median_error(c, count), 100. / 9);
    free(c);
    r.results[0].result.ns_per_key = 6; /* waits: then nothing follows from it */
    assert_int_equal(kvr_predict_check(&r, &c, &count), 0);
    assert_int_equal(count, 3);
    assert_true(isnan(c[0].error_percent));
    assert_non_null(strstr(c[0].predicted.refused, "latency"));
    free(c);
    kvr_run_record_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_phases),
        cmocka_unit_test(test_phase_without_memory),
        cmocka_unit_test(test_copying_scan),
        cmocka_unit_test(test_machine),
        cmocka_unit_test(test_limit_of_a_team),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_check_core),
        cmocka_unit_test(test_check_phases),
        cmocka_unit_test(test_check_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
