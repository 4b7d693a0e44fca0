/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Crossings of made-up sweeps against hand counts: where, the interval, what is doubtful. No time
 * is measured.
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

#include "sweeps.h"

/* 4 at 64 and 1/2 at 128: two thirds of the way in logs. */
static void test_bracketed(void **state)
{
    struct kvr_run_record record;
    (void)state;
    SWEEP(&record, 1.1, 4, .5);
    const struct kvr_crossing *c = sweep_only(&record);
    double width = log2(1.1);
    assert_true(c->reached);
    assert_false(c->flagged);
    sweep_near(c->at, 64 * pow(2, 2. / 3));
    sweep_near(c->ci95[0], 64 * pow(2, (2 - width) / 3));
    sweep_near(c->ci95[1], 64 * pow(2, (2 + width) / 3));
    assert_string_equal(c->why, "B falls from 4 to 0.5 between 64 and 128 tokens");
    assert_string_equal(c->series, "lookat.f32@scalar/d64/m4/K256/n*/W1G/1t/scan/heads/thp");
    kvr_run_record_free(&record);
    SWEEP(&record, 1.1, .1, .5, 4);
    c = sweep_only(&record);
    sweep_near(c->at, 128 * pow(2, 1. / 3));
    sweep_near(c->ci95[0], 128 * pow(2, (1 - width) / 3));
    sweep_near(c->ci95[1], 128 * pow(2, (1 + width) / 3));
    sweep_says(c, "B rises from 0.5 to 4 between 128 and 256 tokens");
    kvr_run_record_free(&record);
}

static void test_no_interval(void **state)
{
    (void)state;
    for (size_t lacks = 0; lacks < 3; lacks++) { /* the first, the second, both */
        struct kvr_run_record record;
        SWEEP(&record, 1.1, 4, .25);
        for (size_t i = 0; i < 2; i++)
            if (lacks == i || lacks == 2)
                sweep_balance(&record.results[i], record.results[i].verdict.balance, 0);
        const struct kvr_crossing *c = sweep_only(&record);
        sweep_near(c->at, 64 * sqrt(2));
        assert_true(c->reached && isnan(c->ci95[0]) && isnan(c->ci95[1]));
        sweep_says(c, "no interval: too few rounds");
        kvr_run_record_free(&record);
    }
}

static void test_not_reached(void **state)
{
    struct kvr_run_record record;
    (void)state;
    SWEEP(&record, 1.1, 3.1, 5, 8.2);
    const struct kvr_crossing *c = sweep_only(&record);
    assert_true(!c->reached && isnan(c->at) && isnan(c->ci95[0]));
    assert_string_equal(c->why, "B stays above 1 from 64 to 256 tokens (3.1 to 8.2)");
    kvr_run_record_free(&record);
    SWEEP(&record, 1.1, .2, .8, .4);
    c = sweep_only(&record);
    assert_false(c->reached);
    assert_string_equal(c->why, "B stays below 1 from 64 to 256 tokens (0.2 to 0.4, 0.8 at 128)");
    kvr_run_record_free(&record);
    /* The median does not pass 1, its interval does. */
    SWEEP(&record, 1.2, .3, .9);
    c = sweep_only(&record);
    assert_false(c->reached);
    sweep_says(c, "below 1 from 64 to 128 tokens (0.3 to 0.9); its interval at 128 contains 1");
    kvr_run_record_free(&record);
}

static void test_exact(void **state)
{
    struct kvr_run_record record;
    double width = log2(1.1);
    (void)state;
    SWEEP(&record, 1.1, 4, 1, .5);
    const struct kvr_crossing *c = sweep_only(&record);
    assert_true(c->reached && c->at == 128);
    sweep_near(c->ci95[0], 64 * pow(2, (2 - width) / 2)); /* the lower line: 4/1.1 to 1/1.1 */
    sweep_near(c->ci95[1], 128 * pow(2, width));          /* the upper one: 1.1 to .55 */
    assert_string_equal(c->why, "B is 1 at 128 tokens");
    kvr_run_record_free(&record);
    SWEEP(&record, 1.1, 1, .5); /* nothing is known before the first point */
    c = sweep_only(&record);
    assert_true(c->reached && c->at == 64 && c->ci95[0] == 64);
    sweep_near(c->ci95[1], 64 * pow(2, width));
    kvr_run_record_free(&record);
    SWEEP(&record, 1.1, .5, 1);
    c = sweep_only(&record);
    assert_true(c->reached && c->at == 128 && c->ci95[1] == 128);
    sweep_near(c->ci95[0], 64 * pow(2, 1 - width));
    kvr_run_record_free(&record);
}

static void test_interval_holds_one(void **state)
{
    struct kvr_run_record record;
    (void)state;
    SWEEP(&record, 1.2, 4, 1.1, .5); /* [.92, 1.32] at 128: it extends to that point, not beyond */
    const struct kvr_crossing *c = sweep_only(&record);
    assert_true(c->reached && c->at > 128 && c->ci95[0] == 128 && c->ci95[1] > c->at);
    assert_true(c->ci95[1] < 256);
    sweep_says(c, "its interval at 128 contains 1");
    kvr_run_record_free(&record);
    SWEEP(&record, 1.5, 1.1, .9);
    c = sweep_only(&record);
    assert_true(c->ci95[0] == 64 && c->ci95[1] == 128);
    kvr_run_record_free(&record);
}

static void test_several(void **state)
{
    struct kvr_run_record record;
    (void)state;
    SWEEP(&record, 1.1, 2, .5, 2);
    const struct kvr_crossing *c = sweep_only(&record);
    sweep_near(c->at, 64 * sqrt(2));
    sweep_says(c, "between 64 and 128 tokens; 1 more crossing above");
    kvr_run_record_free(&record);
    SWEEP(&record, 1.1, 2, .5, 1, .25, 4);
    sweep_says(sweep_only(&record), "; 2 more crossings above");
    kvr_run_record_free(&record);
}

static void test_flagged(void **state)
{
    struct kvr_run_record record;
    (void)state;
    SWEEP(&record, 1.1, 9, 4, .5, .1);
    kvr_result_flag(&record.results[1], "leaking"); /* touches no time */
    kvr_result_flag(&record.results[3], "noisy");   /* of no part in the bracket */
    assert_false(sweep_only(&record)->flagged);
    kvr_result_flag(&record.results[2], "noisy");
    const struct kvr_crossing *c = sweep_only(&record);
    assert_true(c->reached && c->flagged);
    sweep_says(c, "; noisy at 256 tokens");
    kvr_run_record_free(&record);
    SWEEP(&record, 1.1, 4, .5);
    snprintf(record.results[0].verdict.side, sizeof record.results[0].verdict.side, "undecided");
    assert_true(sweep_only(&record)->flagged);
    record.results[1].verdict.control_failed = true;
    sweep_says(sweep_only(&record), "side undecided at 64 tokens");
    snprintf(record.results[0].verdict.side, sizeof record.results[0].verdict.side, "core");
    sweep_says(sweep_only(&record), "control failed at 128 tokens");
    kvr_run_record_free(&record);
    SWEEP(&record, 1.1, 4, 5, 6); /* not reached rests on every point */
    kvr_result_flag(&record.results[2], "noisy");
    assert_true(sweep_only(&record)->flagged);
    kvr_run_record_free(&record);
}

/* What counts as no case of the series: wrong scores, a wrong ceiling, no verdict, not measured. */
static void test_left_out(void **state)
{
    struct kvr_run_record record;
    (void)state;
    SWEEP(&record, 1.1, 4, .1, 3, .1, 2, .1, 1.5, .1);
    kvr_result_flag(&record.results[1], "mismatch");
    kvr_result_flag(&record.results[3], "ceiling-bug");
    record.results[5].verdict.side[0] = 0;
    record.results[7].measured = false;
    assert_false(sweep_only(&record)->reached);
    record.results[0].measured = record.results[2].measured = record.results[4].measured = false;
    assert_null(sweep_find(&record, "balance-1", "tokens")); /* one point is no series */
    assert_int_equal(record.crossing_count, 0);
    kvr_run_record_free(&record);
    kvr_run_record_init(&record);
    assert_int_equal(kvr_crossings_find(&record), 0);
    assert_null(record.crossings);
    kvr_run_record_free(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bracketed),
        cmocka_unit_test(test_no_interval),
        cmocka_unit_test(test_not_reached),
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_interval_holds_one),
        cmocka_unit_test(test_several),
        cmocka_unit_test(test_flagged),
        cmocka_unit_test(test_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
