/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The decision on one change, by figures that can be checked by hand or in a table of t.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../src/compare/judge.h"

#define ALPHA .05

static void near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.12g, expected %.12g", value, expected);
}

static void test_interval_of_pairs(void **unused)
{
    (void)unused;
    const double base[] = {0, 0, 0, 0, 0}, other[] = {.1, .12, .08, .11, .09};
    struct kvr_change c;
    kvr_change_of_pairs(base, other, 5, ALPHA, &c);
    double error = sqrt(.00025) / sqrt(5); /* the variance of other */
    assert_int_equal(c.base_count, 5);
    near(c.log_ratio, .1, 1e-12);
    near(c.error, error, 1e-12);
    near(c.high - c.log_ratio, 2.776445 * error, 1e-6); /* t with 4 degrees of freedom */
    near(c.p, 7.2564e-5, 1e-8); /* t = 14.142, by the closed form for 4 */
}

static void test_lost_processes_are_left_out(void **unused)
{
    (void)unused;
    const double base[] = {0, NAN, 0, 0}, other[] = {.1, .1, NAN, .3};
    struct kvr_change c;
    kvr_change_of_pairs(base, other, 4, ALPHA, &c);
    assert_int_equal(c.base_count, 2);
    near(c.log_ratio, .2, 1e-12);
    kvr_change_of_pairs(base, other, 1, ALPHA, &c);
    assert_true(isnan(c.low) && isnan(c.p));
    kvr_change_decide(&c, .05, ALPHA, false);
    assert_int_equal(c.outcome, KVR_INCONCLUSIVE);
    kvr_change_of_pairs(base, other, 0, ALPHA, &c);
    kvr_change_decide(&c, .05, ALPHA, false);
    assert_int_equal(c.outcome, KVR_INCONCLUSIVE);
}

static void test_welch(void **unused)
{
    (void)unused;
    const double a[] = {1, 2, 3, 4}, b[] = {2, 4, 6};
    struct kvr_change c;
    kvr_change_of_files(a, 4, b, 3, ALPHA, &c);
    assert_int_equal(c.how, KVR_BY_WELCH);
    double va = 5. / 3 / 4, vb = 4. / 3;
    near(c.log_ratio, 1.5, 1e-12);
    near(c.error, sqrt(va + vb), 1e-12);
    near(c.freedom, (va + vb) * (va + vb) / (va * va / 3 + vb * vb / 2), 1e-12);
}

static enum kvr_outcome outcome_of(const double *base, size_t n, const double *other, size_t m,
                                   double threshold, bool sentinel_changed)
{
    struct kvr_change c, *one = &c;
    kvr_change_of_files(base, n, other, m, ALPHA, &c);
    kvr_holm(&one, 1);
    kvr_change_decide(&c, threshold, ALPHA, sentinel_changed);
    return c.outcome;
}

static void test_three_outcomes(void **unused)
{
    (void)unused;
    const double base[] = {0, .002, -.002, .001, -.001};
    double slow[5], same[5], fast[5], wide[5], small[5];
    static const double noise[] = {-.08, .08, 0, .06, -.06};
    for (int i = 0; i < 5; i++) {
        slow[i] = base[i] + log(1.1);
        same[i] = base[i];
        fast[i] = base[i] - log(1.1);
        small[i] = base[i] + log(1.02);
        wide[i] = noise[i] + log(1.05);
    }
    assert_int_equal(outcome_of(base, 5, slow, 5, .05, false), KVR_REGRESSED);
    assert_int_equal(outcome_of(base, 5, slow, 5, .05, true), KVR_INCONCLUSIVE);
    assert_int_equal(outcome_of(base, 5, slow, 5, .2, false), KVR_OK);
    assert_int_equal(outcome_of(base, 5, same, 5, .05, false), KVR_OK);
    assert_int_equal(outcome_of(base, 5, small, 5, .05, false), KVR_OK);
    assert_int_equal(outcome_of(base, 5, small, 5, .01, false), KVR_REGRESSED);
    assert_int_equal(outcome_of(base, 5, fast, 5, .05, false), KVR_IMPROVED);
    assert_int_equal(outcome_of(base, 5, wide, 5, .05, false), KVR_INCONCLUSIVE);
}

static void test_one_process_a_side(void **unused)
{
    (void)unused;
    const double zero = 0, several[] = {-.01, 0, .01};
    double beyond = log(1.33), within = log(1.2), small = log(1.04), fast = -log(1.4);
    assert_int_equal(outcome_of(&zero, 1, &beyond, 1, .05, false), KVR_REGRESSED);
    assert_int_equal(outcome_of(&zero, 1, &within, 1, .05, false), KVR_INCONCLUSIVE);
    assert_int_equal(outcome_of(&zero, 1, &small, 1, .05, false), KVR_OK);
    assert_int_equal(outcome_of(&zero, 1, &fast, 1, .05, false), KVR_IMPROVED);
    /* The other side's spread is known: 1 %, so 5 + 3 % is the limit. */
    assert_int_equal(outcome_of(several, 3, &within, 1, .05, false), KVR_REGRESSED);
}

static void test_holm(void **unused)
{
    (void)unused;
    struct kvr_change c[4] = {{.p = .01}, {.p = .04}, {.p = .03}, {.p = NAN, .p_holm = NAN}};
    struct kvr_change *all[4] = {&c[0], &c[1], &c[2], &c[3]};
    kvr_holm(all, 4);
    near(c[0].p_holm, .03, 1e-12);
    near(c[2].p_holm, .06, 1e-12);
    near(c[1].p_holm, .06, 1e-12); /* not below what comes before it */
    assert_true(isnan(c[3].p_holm));
}

static void test_needed(void **unused)
{
    (void)unused;
    struct kvr_change c = {.how = KVR_BY_PAIRS, .base_count = 5, .new_count = 5,
                           .log_ratio = log(1.1), .spread = .06, .low = .02, .high = .17,
                           .p_holm = .2};
    kvr_change_decide(&c, .05, ALPHA, false);
    assert_int_equal(c.outcome, KVR_INCONCLUSIVE);
    assert_int_equal(c.needed, 9); /* 2.306 * .06 / 3 = .0461 < .0465; 8: .0502 */
    c.log_ratio = log(1.05);
    kvr_change_decide(&c, .05, ALPHA, false);
    assert_int_equal(c.needed, 0);
}

static void test_looks(void **unused)
{
    (void)unused;
    size_t looks[KVR_MOST_LOOKS];
    assert_int_equal(kvr_looks_of(5, 20, looks), 4);
    assert_true(looks[0] == 5 && looks[1] == 10 && looks[2] == 15 && looks[3] == 20);
    near(kvr_pocock_alpha(4), .0182, 0);
    assert_int_equal(kvr_looks_of(7, 7, looks), 1);
    assert_int_equal(looks[0], 7);
    near(kvr_pocock_alpha(1), .05, 0);
    for (size_t least = 2; least < 30; least++)
        for (size_t most = least; most < 60; most++) {
            size_t n = kvr_looks_of(least, most, looks);
            assert_true(n >= 1 && looks[0] >= least && looks[n - 1] == most);
            for (size_t i = 1; i < n; i++)
                assert_true(looks[i] > looks[i - 1]);
        }
}

static void test_sentinel(void **unused)
{
    (void)unused;
    struct kvr_change s = {.how = KVR_BY_PAIRS, .log_ratio = .1, .p = .001};
    assert_true(kvr_sentinel_moved(&s, .05));
    s.p = .02;
    assert_false(kvr_sentinel_moved(&s, .05));
    s.p = .001;
    s.log_ratio = -.1;
    assert_true(kvr_sentinel_moved(&s, .05));
    s.log_ratio = .02;
    assert_false(kvr_sentinel_moved(&s, .05));
    s.log_ratio = NAN;
    assert_false(kvr_sentinel_moved(&s, .05));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interval_of_pairs),
        cmocka_unit_test(test_lost_processes_are_left_out),
        cmocka_unit_test(test_welch),
        cmocka_unit_test(test_three_outcomes),
        cmocka_unit_test(test_one_process_a_side),
        cmocka_unit_test(test_holm),
        cmocka_unit_test(test_needed),
        cmocka_unit_test(test_looks),
        cmocka_unit_test(test_sentinel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
