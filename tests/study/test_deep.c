/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From times with 0, n and 2n injected instructions to what they say, on tables of numbers.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "src/study/deep.h"

enum { TRIES = 9 };
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What is injected costs `part` of its own time: 2n of them take 40 % of a key's 1 ns, and a
 * no-operation as often costs `issue` of a key's time in all. */
struct row {
    const char *what;
    double part, issue, placebo, noise;
    const char *says;
};

static const struct row rows[] = {
    {"full", 1, 0, 1, 0, "full"},
    {"nearly full", .75, 0, 1, 0, "full"},
    {"half", .5, 0, 1, 0, "between"},
    {"a fifth counts but is slack", .2, 0, 1, 0, "slack"},
    {"a tenth is below 5 %", .1, 0, 1, 0, "slack"},
    {"nothing", 0, 0, 1, 0, "slack"},
    {"faster than without", -.2, 0, 1, 0, "slack"},
    {"as much as the front end alone", .8, .32, 1, 0, "slack"},
    {"more than the front end alone", .8, .1, 1, 0, "full"},
    {"a negative front end is none", .1, -.3, 1, 0, "slack"},
    {"a placebo that moves as much", .2, 0, 1.09, 0, "slack"},
    {"a placebo that moves more than a full resource could", .2, 0, 1.4, 0, "unresolved"},
    {"full against a wide placebo", 1, 0, 1.2, 0, "full"},
    {"full under noise", 1, 0, 1, .02, "full"},
    {"slack under noise", .02, 0, 1, .02, "slack"},
};

static void fill(const struct row *row, double rate, double values[4][TRIES])
{
    static const double wobble[TRIES] = {.3, -1, .6, 0, -.4, 1, -.7, .2, -.1};
    const double twice = .4 * rate; /* instructions per key */
    for (int i = 0; i < TRIES; i++) {
        double noise = 1 + row->noise * wobble[i];
        values[0][i] = 1 / row->placebo;
        values[1][i] = noise;
        values[2][i] = 1 + row->part * twice / 2 / rate;
        values[3][i] = 1 + row->part * twice / rate;
    }
}

static struct kvr_deep_series series_of(const struct row *row, double rate,
                                        double values[4][TRIES])
{
    fill(row, rate, values);
    return (struct kvr_deep_series){.base = values[0],
                                    .placebo = values[1],
                                    .once = values[2],
                                    .twice = values[3],
                                    .tries = TRIES,
                                    .once_per_key = .2 * rate,
                                    .twice_per_key = .4 * rate,
                                    .rate = rate,
                                    .issue_slope_ns = row->issue / (.4 * rate)};
}

static void says_what_the_rules_say(void **state)
{
    static const double rates[] = {.5, 3, 18};
    (void)state;
    for (size_t r = 0; r < COUNT(rates); r++)
        for (size_t i = 0; i < COUNT(rows); i++) {
            double values[4][TRIES];
            struct kvr_deep_series series = series_of(&rows[i], rates[r], values);
            struct kvr_sensitivity out;
            kvr_deep_judge(&series, &out);
            if (strcmp(out.says, rows[i].says) != 0)
                fail_msg("%s: %s, expected %s (s %.3f, effect %.3f, threshold %.3f)",
                         rows[i].what, out.says, rows[i].says, out.s, out.effect, out.threshold);
            if (rows[i].noise == 0) {
                assert_float_equal(out.s, rows[i].part, 1e-9);
                assert_float_equal(out.slope_ns, rows[i].part / rates[r], 1e-9);
            }
        }
}

static void interval_holds_the_value(void **state)
{
    const struct row row = {"", .8, 0, 1, .02, ""};
    double values[4][TRIES];
    struct kvr_deep_series series = series_of(&row, 3, values);
    struct kvr_sensitivity out;
    (void)state;
    kvr_deep_judge(&series, &out);
    assert_true(out.ci95[0] < out.s && out.s < out.ci95[1]);
    assert_float_equal(out.s, .8, .05);
    series.tries = 5;
    kvr_deep_judge(&series, &out);
    assert_true(isnan(out.ci95[0]) && isnan(out.ci95[1]));
    assert_string_equal(out.says, "full");
}

/* Values that are missing or twice as long in a minority of tries change nothing. */
static void neighbours_are_outvoted(void **state)
{
    const struct row row = {"", 1, 0, 1, 0, "full"};
    double values[4][TRIES];
    struct kvr_deep_series series = series_of(&row, 3, values);
    struct kvr_sensitivity out;
    (void)state;
    values[3][0] *= 2;
    values[1][4] *= 3;
    kvr_deep_judge(&series, &out);
    assert_float_equal(out.s, 1, 1e-9);
    assert_string_equal(out.says, "full");
    values[1][4] = NAN;
    kvr_deep_judge(&series, &out);
    assert_float_equal(out.s, 1, 1e-9);
    assert_string_equal(out.says, "full");
}

static void too_few_to_be_seen_is_unresolved(void **state)
{
    const struct row row = {"", .05, 0, 1, 0, ""};
    double values[4][TRIES];
    struct kvr_deep_series series = series_of(&row, 3, values);
    struct kvr_sensitivity out;
    (void)state;
    for (int i = 0; i < TRIES; i++) /* the same instructions in a block ten times as long */
        for (int k = 0; k < 4; k++)
            values[k][i] += 9;
    kvr_deep_judge(&series, &out);
    assert_string_equal(out.says, "unresolved");
    for (int i = 0; i < TRIES; i++)
        values[1][i] = NAN;
    kvr_deep_judge(&series, &out);
    assert_string_equal(out.says, "unresolved");
    assert_true(isnan(out.s));
}

/* The median sees no effect, but the tries agree on nothing. */
static void a_wide_spread_is_unresolved(void **state)
{
    const struct row row = {"", 0, 0, 1, 0, ""};
    double values[4][TRIES];
    struct kvr_deep_series series = series_of(&row, 3, values);
    struct kvr_sensitivity out;
    (void)state;
    for (int i = 0; i < TRIES - 1; i++)
        values[3][i] += i % 2 ? .4 : -.4;
    kvr_deep_judge(&series, &out);
    assert_float_equal(out.s, 0, 1e-9);
    assert_string_equal(out.says, "unresolved");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_the_rules_say), cmocka_unit_test(interval_holds_the_value),
        cmocka_unit_test(neighbours_are_outvoted),
        cmocka_unit_test(too_few_to_be_seen_is_unresolved),
        cmocka_unit_test(a_wide_spread_is_unresolved)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
