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

#include "predicting.h"

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
    set_serial(x, "step", "fused");
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
    set_serial(x, "scan", "materialised");
    kvr_predict_time(x, &s, &p);
    near(p.predicted_ns, 2.4); /* as the step of test_phases */
    x->verdict.phases[KVR_PHASE_PREPARE].t_ns = NAN; /* the scan alone is not the whole of it */
    x->verdict.phases[KVR_PHASE_SCAN].t_ns = NAN;
    kvr_predict_time(x, &s, &p);
    assert_non_null(strstr(p.refused, "not measured"));
    kvr_run_record_free(&r);
}

/* P: the time that a resource needs, by the rate of one of `make`'s ceilings. */
static void set_limit(struct kvr_result *r, const char *resource, double ns, const char *ceiling,
                      double rate)
{
    struct kvr_verdict_record *v = &r->verdict;
    snprintf(v->core_limit_resource, sizeof v->core_limit_resource, "%s", resource);
    snprintf(v->core_limit_ceiling, sizeof v->core_limit_ceiling, "%s", ceiling);
    v->core_limit_ns = ns;
    v->core_limit_rate = rate;
}

static void test_machine(void **state)
{
    struct kvr_run_record r;
    struct kvr_prediction *p = NULL;
    size_t count = 0;
    (void)state;
    make(&r);
    struct kvr_result *x = add(&r, "DRAM", 1, 4, 4, 2);
    set_limit(x, "load", 1.8, "load/avx512", 6); /* C is 1.11 of it: loads are full */
    x = add(&r, "DRAM", 1, 4, 4, 2);
    set_limit(x, "load", 1.7, "load/avx512", 6); /* 1.18: not full, so the clock */
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

/* C goes by the very rate that P was made of; two-source shuffles are not those of another file. */
static void test_kinds_of_rates(void **state)
{
    static const struct {
        const char *resource, *ceiling;
        double rate;
        const char *by;
    } cases[] = {{"shuffle", "shuffle.byte/avx512", 3, "shuffle"},
                 {"shuffle", "shuffle.two/avx512vbmi", 3, "clock"},
                 {"convert", "convert.f16/avx512", 2, "convert"},
                 {"convert", "convert.i8/avx512", 2, "clock"},
                 {"issue", "issue/scalar", 12, "issue"},  /* there, too, only scalar has one */
                 {"issue", "issue/gone", 12, "clock"},    /* a result without that ceiling */
                 {"store", "store/avx512", 3, "clock"}};  /* not stated there */
    struct kvr_other_machine there = faster;
    struct kvr_run_record r;
    struct kvr_prediction *p = NULL;
    size_t count = 0;
    (void)state;
    make(&r);
    there.rates[1] = (struct kvr_other_rate){"shuffle", "avx512", 12, ""};
    there.rates[2] = (struct kvr_other_rate){"convert", "avx512", 10, ""};
    there.rates[3] = (struct kvr_other_rate){"issue", "scalar", 96, ""};
    there.rate_count = 4;
    add_rate(&r, "shuffle.byte", "avx512", 3);
    add_rate(&r, "shuffle.two", "avx512vbmi", 3);
    add_rate(&r, "convert.f16", "avx512", 2);
    add_rate(&r, "convert.i8", "avx512", 2);
    add_rate(&r, "issue", "scalar", 12);
    add_rate(&r, "store", "avx512", 3);
    for (size_t i = 0; i < 7; i++)
        set_limit(add(&r, "DRAM", 1, 2, .1, 2), cases[i].resource, 1.9, cases[i].ceiling,
                  cases[i].rate);
    assert_int_equal(kvr_predict(&r, &there, &p, &count), 0);
    assert_int_equal(count, 7);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(p[i].scaled_by, cases[i].by);
    near(p[0].predicted_ns, 2. * 3 / 12);
    near(p[2].predicted_ns, 2. * 2 / 10);
    near(p[4].predicted_ns, 2. * 12 / 96);
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
    set_limit(x, "load", 1.8, "load/avx512", 6);
    x = add(&r, "DRAM", 2, 2, 1, 2);
    set_limit(x, "load", .9, "load/avx512", 6);
    assert_int_equal(kvr_predict(&r, &faster, &p, &count), 0);
    assert_int_equal(count, 2);
    assert_string_equal(p[0].scaled_by, "load");
    near(p[0].predicted_ns, 2. * 6 / 18); /* M' 1 x 24 / 100, hidden */
    assert_string_equal(p[1].scaled_by, "clock");
    free(p);
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
        cmocka_unit_test(test_kinds_of_rates),
        cmocka_unit_test(test_limit_of_a_team),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
