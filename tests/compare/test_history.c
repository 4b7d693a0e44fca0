/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Steps in series whose truth is known: planted ones are found at their place, and how often one
 * is seen where there is none. Prints what it counts; fixed seeds.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../src/compare/pelt.h"

enum { CASES = 20, MOST = 120 };
#define ALPHA .05

static uint64_t state;

static double uniform(void)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint64_t z = (state ^ (state >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    return ((double)((z ^ (z >> 33)) >> 11) + .5) / 9007199254740992.0;
}

/* The sum of twelve uniform values, less its mean. */
static double normal(double sigma)
{
    double sum = -6;
    for (unsigned i = 0; i < 12; i++)
        sum += uniform();
    return sigma * sum;
}

struct noise {
    const char *name;
    double sigma;
    /* Of a result that was disturbed, in all its cases. Three of them in a row are a change that
     * nobody could tell from another. */
    double outlier_chance, outlier;
};

static void disturb(const struct noise *n, double *common, size_t count)
{
    for (size_t i = 0; i < count; i++)
        common[i] = uniform() < n->outlier_chance ? n->outlier : 0;
}

static void fill(const struct noise *n, const double *common, double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = log(5) + normal(n->sigma) + common[i];
}

static struct kvr_levels search(double *values, size_t count)
{
    struct kvr_levels levels;
    assert_int_equal(kvr_calm(values, count), 0);
    assert_int_equal(kvr_find_steps(values, count, CASES, ALPHA, &levels), 0);
    assert_true(levels.count >= 1 && levels.starts[0] == 0);
    return levels;
}

static const struct noise noises[] = {
    {"1 %", .01, 0, 0},
    {"3 %", .03, 0, 0},
    {"1 %, one in twenty disturbed by 20 %", .01, .05, .2},
};
static const double steady[MOST];
static const size_t lengths[] = {6, 12, 40, MOST};

/* Per cent of histories of 20 cases in which any case has a step. */
static double alarms_of(const struct noise *n, size_t count, unsigned histories)
{
    double values[MOST], common[MOST];
    unsigned alarms = 0;
    for (unsigned h = 0; h < histories; h++) {
        bool any = false;
        disturb(n, common, count);
        for (unsigned c = 0; c < CASES; c++) {
            fill(n, common, values, count);
            struct kvr_levels levels = search(values, count);
            any |= levels.count > 1;
            free(levels.starts);
        }
        alarms += any;
    }
    return 100. * alarms / histories;
}

static void test_false_alarms(void **unused)
{
    enum { HISTORIES = 250 };
    double sum = 0;
    unsigned cells = 0;
    (void)unused;
    state = 20240203;
    printf("# %d histories of %d cases each: per cent with a false step\n", HISTORIES, CASES);
    for (size_t i = 0; i < sizeof noises / sizeof *noises; i++)
        for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
            double alarms = alarms_of(&noises[i], lengths[k], HISTORIES);
            printf("# %-36s %3zu results: %.1f\n", noises[i].name, lengths[k], alarms);
            assert_true(alarms <= 5);
            sum += alarms;
            cells++;
        }
    printf("# all: %.2f\n", sum / cells);
    assert_true(sum / cells <= 2);
}

/* A step up and, later, one down again. */
static void test_planted_steps_are_found(void **unused)
{
    enum { TRIALS = 400, COUNT = 40, UP = 15, DOWN = 28 };
    unsigned found = 0, in_place = 0;
    double values[COUNT];
    (void)unused;
    state = 7;
    for (unsigned t = 0; t < TRIALS; t++) {
        fill(&noises[0], steady, values, COUNT);
        for (size_t i = UP; i < DOWN; i++)
            values[i] += log(1.06);
        struct kvr_levels levels = search(values, COUNT);
        found += levels.count == 3;
        in_place += levels.count == 3 && levels.starts[1] == UP && levels.starts[2] == DOWN;
        if (levels.count == 3) {
            struct kvr_step step = kvr_step_of(values, COUNT, &levels, 1, CASES);
            assert_true(fabs(step.difference - log(1.06)) < .03 && step.p < ALPHA);
        }
        free(levels.starts);
    }
    printf("# 6 %% up and down in noise of 1 %%: found %.1f %%, at its very place %.1f %%\n",
           100. * found / TRIALS, 100. * in_place / TRIALS);
    assert_true(found >= .95 * TRIALS);
    assert_true(in_place >= .9 * TRIALS);
}

/* The newest three results are enough for a large step, and one is not. */
static void test_a_step_at_the_end(void **unused)
{
    enum { COUNT = 20 };
    double values[COUNT];
    (void)unused;
    state = 11;
    for (size_t newest = 1; newest <= 3; newest++) {
        fill(&noises[0], steady, values, COUNT);
        for (size_t i = COUNT - newest; i < COUNT; i++)
            values[i] += log(1.2);
        struct kvr_levels levels = search(values, COUNT);
        if (newest == 3) {
            assert_int_equal(levels.count, 2);
            assert_int_equal(levels.starts[1], COUNT - 3);
        }
        if (newest == 1)
            assert_int_equal(levels.count, 1);
        free(levels.starts);
    }
}

static void test_calming_keeps_levels(void **unused)
{
    double values[] = {0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 2, 2, 2, 0, 0, 0, 0, .01, 1, 0, 0, 0,
                       2, 2, 2};
    (void)unused;
    assert_int_equal(kvr_calm(values, sizeof values / sizeof *values), 0);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_true((i >= 12 && i < 15) || i >= 24 ? values[i] > 1.9 : values[i] < .1);
}

/* The cheapest segments of a series that is worked out by hand. */
static void test_pelt_finds_the_least_cost(void **unused)
{
    const double values[] = {0, .001, 0, .001, 1, 1.001, 1, 1.001, .5, .501, .5, .501};
    struct kvr_levels levels;
    (void)unused;
    assert_int_equal(kvr_pelt(values, sizeof values / sizeof *values, &levels), 0);
    assert_int_equal(levels.count, 3);
    assert_int_equal(levels.starts[1], 4);
    assert_int_equal(levels.starts[2], 8);
    free(levels.starts);
}

static void test_short_and_equal_series(void **unused)
{
    double equal[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    (void)unused;
    for (size_t count = 1; count <= 8; count++) {
        struct kvr_levels levels = search(equal, count);
        assert_int_equal(levels.count, 1);
        double least = kvr_step_floor(equal, count, &levels, CASES, ALPHA);
        assert_true(count < 2 * KVR_LEAST_SEGMENT ? isnan(least) : least > 0 && least < .01);
        free(levels.starts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_false_alarms),
        cmocka_unit_test(test_planted_steps_are_found),
        cmocka_unit_test(test_a_step_at_the_end),
        cmocka_unit_test(test_calming_keeps_levels),
        cmocka_unit_test(test_pelt_finds_the_least_cost),
        cmocka_unit_test(test_short_and_equal_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
