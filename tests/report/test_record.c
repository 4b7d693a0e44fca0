/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/report/record.h"

/* Every double of the struct is NAN and everything else zero, whatever was there before. */
static void test_init(void **state)
{
    struct kvr_result r;
    struct kvr_ceiling c;
    struct kvr_run_record run;
    (void)state;
    memset(&r, 0x55, sizeof r);
    memset(&c, 0x55, sizeof c);
    memset(&run, 0x55, sizeof run);
    kvr_result_init(&r);
    kvr_ceiling_init(&c);
    kvr_run_record_init(&run);
    const double doubles[] = {
        r.key_bytes, r.cost.stream_bytes, r.cost.side_bytes, r.cost.score_bytes,
        r.cost.written_bytes, r.cost.useful_flops, r.cost.executed_flops, r.cost.int_ops,
        r.cost.lookups, r.cost.converts, r.prepare_flops, r.traffic.l1, r.traffic.l1_l2,
        r.traffic.l2_l3, r.traffic.mem_read, r.traffic.mem_write, r.traffic.mem_allocate,
        r.fp16_ns_per_key, r.ceiling_raised_percent, r.huge_fraction, r.placed_fraction,
        r.result.ns_per_key,
        r.result.ci95[0], r.result.ci95[1], r.result.cv, r.result.cycles_per_key,
        r.result.cycles_per_line, r.result.m_ns_per_key, r.result.c_ns_per_key,
        r.result.speedup_vs_fp16, r.result.speedup_ci95[0], r.result.speedup_ci95[1],
        r.result.keys_per_s, r.result.gb_per_s, r.result.lookups_per_s, r.result.flops_per_s,
        r.result.arithmetic_intensity, r.result.ridge_point, r.result.percent_of_roof,
        r.result.percent_of_roof_ci95[0], r.result.percent_of_roof_ci95[1],
        r.result.percent_of_read_roof, r.result.prepare_share, r.verdict.attained,
        r.verdict.balance, r.verdict.balance_ci95[0], r.verdict.balance_ci95[1],
        r.verdict.overlap, r.verdict.shift_ln_b, r.verdict.shift_ci95[0],
        r.verdict.shift_ci95[1], c.value, c.ci95[0], c.ci95[1], run.duration_s, run.clock_ghz,
    };
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
        assert_true(isnan(doubles[i]));
    assert_string_equal(r.name, "");
    assert_int_equal(r.tokens, 0);
    assert_null(r.rounds);
    assert_false(r.measured);
    assert_null(c.family);
    assert_int_equal(run.result_count, 0);
    assert_null(run.command);
    kvr_run_record_free(&run);
}

static void test_flags(void **state)
{
    struct kvr_result r;
    char name[24];
    (void)state;
    kvr_result_init(&r);
    assert_false(kvr_result_flagged(&r, "noisy"));
    kvr_result_flag(&r, "noisy");
    kvr_result_flag(&r, "noisy");
    kvr_result_flag(&r, "");
    kvr_result_flag(&r, "leaking");
    assert_true(kvr_result_flagged(&r, "noisy"));
    assert_true(kvr_result_flagged(&r, "leaking"));
    assert_string_equal(r.flags[0], "noisy");
    assert_string_equal(r.flags[1], "leaking");
    assert_string_equal(r.flags[2], "");
    for (int i = 0; i < 2 * KVR_MAX_FLAGS; i++) {
        snprintf(name, sizeof name, "flag-%d", i);
        kvr_result_flag(&r, name);
    }
    assert_string_equal(r.flags[KVR_MAX_FLAGS - 1], "flag-9");
    assert_true(kvr_result_flagged(&r, "flag-9"));
    assert_false(kvr_result_flagged(&r, "flag-10"));
}

static void test_unavailable(void **state)
{
    struct kvr_result r;
    char name[24];
    (void)state;
    kvr_result_init(&r);
    kvr_result_unavailable(&r, "counters", "errno %d", 2);
    kvr_result_unavailable(&r, "node", "there is no node 1");
    kvr_result_unavailable(&r, "counters", "seccomp");
    assert_int_equal(r.unavailable_count, 2);
    assert_string_equal(r.unavailable[0].what, "counters");
    assert_string_equal(r.unavailable[0].why, "seccomp");
    assert_string_equal(r.unavailable[1].why, "there is no node 1");
    for (int i = 0; i < 2 * KVR_MAX_UNAVAILABLE; i++) {
        snprintf(name, sizeof name, "what-%d", i);
        kvr_result_unavailable(&r, name, "why");
    }
    assert_int_equal(r.unavailable_count, KVR_MAX_UNAVAILABLE);
    assert_string_equal(r.unavailable[0].why, "seccomp");
}

/* Copies keep their order, own what was given to them, and survive growth. */
static void test_add(void **state)
{
    struct kvr_run_record run;
    (void)state;
    kvr_run_record_init(&run);
    for (uint32_t i = 0; i < 100; i++) {
        struct kvr_result r;
        struct kvr_ceiling c;
        kvr_result_init(&r);
        kvr_ceiling_init(&c);
        r.tokens = i;
        r.rounds = calloc(1, sizeof *r.rounds);
        r.rounds[0].keys = i;
        r.round_count = 1;
        c.threads = i;
        c.family = calloc(1, sizeof *c.family);
        c.family_count = 1;
        const struct kvr_result *result = kvr_record_add_result(&run, &r);
        const struct kvr_ceiling *ceiling = kvr_record_add_ceiling(&run, &c);
        assert_ptr_equal(result, &run.results[i]);
        assert_ptr_equal(ceiling, &run.ceilings[i]);
    }
    assert_int_equal(run.result_count, 100);
    assert_int_equal(run.ceiling_count, 100);
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(run.results[i].tokens, i);
        assert_int_equal(run.results[i].rounds[0].keys, i);
        assert_int_equal(run.ceilings[i].threads, i);
    }
    kvr_run_record_free(&run);
    assert_int_equal(run.result_count, 0);
    assert_null(run.results);
    kvr_run_record_free(&run); /* twice is harmless */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_unavailable),
        cmocka_unit_test(test_add),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
