/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "src/measure/stats.h"

static void test_nine_values_take_second_and_eighth(void **state)
{
    (void)state;
    const double x[] = {5, 3, 9, 1, 7, 2, 8, 4, 6};
    struct kvr_estimate e = kvr_median(x, 9);
    assert_true(e.interval);
    assert_true(e.median == 5 && e.low == 2 && e.high == 8);
    assert_true(fabs(kvr_relative_half_width(&e) - .6) < 1e-12);
}

static void test_six_values_take_the_extremes(void **state)
{
    (void)state;
    const double x[] = {6, 1, 5, 2, 4, 3};
    struct kvr_estimate e = kvr_median(x, 6);
    assert_true(e.interval && e.low == 1 && e.high == 6 && e.median == 3.5);
}

static void test_five_values_have_no_interval(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4, 5};
    struct kvr_estimate e = kvr_median(x, 5);
    assert_false(e.interval);
    assert_true(e.median == 3 && e.low == 3 && e.high == 3);
    assert_true(isnan(kvr_relative_half_width(&e)));
}

static void test_absent_values_do_not_count(void **state)
{
    (void)state;
    const double x[] = {NAN, 2, NAN, 4, 3};
    assert_true(kvr_median(x, 5).median == 3);
    const double none[] = {NAN, NAN};
    assert_true(isnan(kvr_median(none, 2).median));
    assert_true(isnan(kvr_median(none, 0).median));
}

/* Coverage by counting: of all 2^n equally likely sides of the median, those that the interval
 * misses must be at most 5 %, and one step narrower more than 5 %. */
static void test_interval_is_the_narrowest_of_95_percent(void **state)
{
    (void)state;
    for (unsigned n = 6; n <= 16; n++) {
        double x[16];
        for (unsigned i = 0; i < n; i++)
            x[i] = i + 1;
        struct kvr_estimate e = kvr_median(x, n);
        unsigned k = (unsigned)e.low, missed = 0, narrower = 0;
        assert_true(e.high == n + 1 - k);
        for (unsigned sides = 0; sides < 1u << n; sides++) {
            unsigned below = (unsigned)__builtin_popcount(sides);
            missed += below < k || n - below < k;
            narrower += below < k + 1 || n - below < k + 1;
        }
        assert_true(missed <= .05 * (1u << n));
        assert_true(narrower > .05 * (1u << n));
    }
}

static void test_variation(void **state)
{
    (void)state;
    const double x[] = {2, 4, 4, 4, 5, 5, 7, 9};
    assert_true(fabs(kvr_variation(x, 8) - sqrt(32.0 / 7) / 5) < 1e-12);
    assert_true(isnan(kvr_variation(x, 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nine_values_take_second_and_eighth),
        cmocka_unit_test(test_six_values_take_the_extremes),
        cmocka_unit_test(test_five_values_have_no_interval),
        cmocka_unit_test(test_absent_values_do_not_count),
        cmocka_unit_test(test_interval_is_the_narrowest_of_95_percent),
        cmocka_unit_test(test_variation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
