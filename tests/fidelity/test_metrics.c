/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Metrics of rows small enough to be worked out by hand.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/fidelity/cells.h"
#include "../../src/fidelity/metrics.h"
#include "../codec/support.h"

static void near(double value, double expected)
{
    if (!(fabs(value - expected) < 1e-12))
        fail_msg("%.15g, expected %.15g", value, expected);
}

static void ranks_share_ties(void **state)
{
    (void)state;
    const double values[] = {7, -1, 3, 3, 7, 3, 9}, expected[] = {5.5, 1, 3, 3, 5.5, 3, 7};
    double ranks[7];
    uint64_t work[14];
    kvr_ranks(values, 7, ranks, work);
    for (size_t i = 0; i < 7; i++)
        near(ranks[i], expected[i]);
}

/* Alike as floats, beyond a float's range, and zeros of both signs. */
static void ranks_are_of_doubles(void **state)
{
    (void)state;
    const double values[] = {1 + 0x1p-40, 1, -0.0, 1e-60, 0.0, -1e-60, 1 + 0x1p-41, 1e200, 2e200,
                             -2e200, -1e200},
                 expected[] = {9, 7, 4.5, 6, 4.5, 3, 8, 10, 11, 1, 2};
    double ranks[11];
    uint64_t work[22];
    kvr_ranks(values, 11, ranks, work);
    for (size_t i = 0; i < 11; i++)
        near(ranks[i], expected[i]);
}

/* Ranks 1 2.5 2.5 4 and 4 1 3 2: sum of products of deviations -3, of squares 4.5 and 5. */
static void spearman_with_ties(void **state)
{
    (void)state;
    const double a[] = {1, 2.5, 2.5, 4}, b[] = {4, 1, 3, 2}, constant[] = {2.5, 2.5, 2.5, 2.5};
    near(kvr_rank_correlation(a, b, 4), -3.0 / sqrt(22.5));
    near(kvr_rank_correlation(a, a, 4), 1.0);
    near(kvr_rank_correlation(a, constant, 4), 0.0);
    near(kvr_rank_correlation(constant, a, 4), 0.0);
}

/* Any length, so that every shape of a last run is merged. */
static void ranks_of_many(void **state)
{
    (void)state;
    for (size_t n = 1; n < 200; n++) {
        float *values = test_random(n, n, 8.0f);
        double rounded[200], ranks[200];
        uint64_t work[400];
        for (size_t i = 0; i < n; i++)
            rounded[i] = floorf(values[i]); /* ties */
        kvr_ranks(rounded, n, ranks, work);
        for (size_t i = 0; i < n; i++) {
            size_t below = 0, equal = 0;
            for (size_t j = 0; j < n; j++) {
                below += rounded[j] < rounded[i];
                equal += rounded[j] == rounded[i];
            }
            near(ranks[i], (double)below + (double)(equal + 1) / 2.0);
        }
        free(values);
    }
}

static void top_is_sorted(void **state)
{
    (void)state;
    const double values[] = {1, 3, 3, 2, -1};
    double top[KVR_TOP_MOST];
    assert_int_equal(kvr_top(values, 5, 3, top), 3);
    assert_true(top[0] == 3 && top[1] == 3 && top[2] == 2);
    assert_int_equal(kvr_top(values, 2, 10, top), 2);
    assert_true(top[0] == 3 && top[1] == 1);
}

static struct kvr_attention_row row_of(const double *scores, size_t n, const float *values,
                                       size_t d)
{
    struct kvr_attention_row row;
    assert_int_equal(kvr_row_open(&row, n, d), 0);
    row.n = n;
    memcpy(row.scores, scores, n * sizeof *scores);
    kvr_row_fill(kvr_wide(0), &row, values);
    return row;
}

/* Two keys with weights 1/4 and 3/4, approximated by 1/2 and 1/2; values (1, 0) and (0, 1), so that
 * outputs are the weights and the centre is (1/2, 1/2). */
static void two_keys_by_hand(void **state)
{
    (void)state;
    const double exact_scores[] = {0.0, log(3.0)}, flat[] = {5.0, 5.0}, centre[] = {.5, .5};
    const double reversed[] = {log(3.0), 0.0};
    const float values[] = {1, 0, 0, 1};
    double m[KVR_METRICS];
    struct kvr_attention_row exact = row_of(exact_scores, 2, values, 2);
    struct kvr_attention_row even = row_of(flat, 2, values, 2);
    struct kvr_attention_row other = row_of(reversed, 2, values, 2);
    near(exact.weights[0], .25);
    near(exact.output[1], .75);

    kvr_row_compare(&exact, &even, centre, m);
    near(m[KVR_COS], (.25 * .5 + .75 * .5) / sqrt((.0625 + .5625) * .5));
    near(m[KVR_COS_CENTERED], 0.0); /* the approximation is the centre */
    near(m[KVR_REL_L2], sqrt(.125 / .625));
    near(m[KVR_KL], .25 * log(.25 / .5) + .75 * log(.75 / .5));
    near(m[KVR_RHO], 0.0);
    near(m[KVR_TOP1], .5); /* either of two equal weights could be it */
    near(m[KVR_TOP5], 1.0); /* there are but two */

    kvr_row_compare(&exact, &other, centre, m);
    near(m[KVR_COS], 2 * .25 * .75 / .625);
    near(m[KVR_COS_CENTERED], -1.0);
    near(m[KVR_KL], .25 * log(1.0 / 3.0) + .75 * log(3.0));
    near(m[KVR_RHO], -1.0);

    kvr_row_compare(&exact, &exact, centre, m);
    near(m[KVR_COS], 1.0);
    near(m[KVR_COS_CENTERED], 1.0);
    near(m[KVR_REL_L2], 0.0);
    near(m[KVR_KL], 0.0);
    near(m[KVR_RHO], 1.0);
    near(m[KVR_TOP1], 1.0);
    kvr_row_free(&exact);
    kvr_row_free(&even);
    kvr_row_free(&other);
}

/* Twelve keys: the exact row ranks them upwards, the other downwards. Weights of the exact row are
 * powers of 2, so that keys 0..9 hold 1023 of 4095. */
static void overlap_and_mass(void **state)
{
    (void)state;
    double up[12], down[12], centre[1] = {0}, m[KVR_METRICS];
    float values[12] = {0};
    for (size_t i = 0; i < 12; i++) {
        up[i] = (double)i * log(2.0);
        down[i] = -up[i];
        values[i] = (float)i + 1.0f;
    }
    struct kvr_attention_row exact = row_of(up, 12, values, 1);
    struct kvr_attention_row other = row_of(down, 12, values, 1);
    kvr_row_compare(&exact, &other, centre, m);
    near(m[KVR_TOP1], 0.0);
    near(m[KVR_TOP5], 0.0);
    near(m[KVR_TOP10], .8); /* 2..11 and 0..9 share 2..9 */
    near(m[KVR_MASS10], 1023.0 / 4095.0);
    /* Keys 0..3 above the edge of five, 4..8 equal at it: each is the fifth by a share of 1/5. */
    for (size_t i = 0; i < 12; i++)
        other.scores[i] = i < 4 ? 2.0 : i < 9 ? 1.0 : 0.0;
    kvr_row_fill(kvr_wide(0), &other, values);
    kvr_row_compare(&exact, &other, centre, m);
    near(m[KVR_TOP5], 2 * .2 / 5);         /* 7 and 8 are among the exact 7..11 */
    near(m[KVR_TOP10], (7 + 3.0 / 3) / 10); /* 2..8, and 9..11 by a third each */
    near(m[KVR_MASS10], (511 + (512 + 1024 + 2048) / 3.0) / 4095.0);
    kvr_row_compare(&other, &other, centre, m);
    near(m[KVR_TOP5], 1.0);
    kvr_row_free(&exact);
    kvr_row_free(&other);
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void twentieth_is_a_percentile(void **state)
{
    (void)state;
    for (size_t n = 1; n < 300; n++) {
        float *values = test_random(n, n, 5.0f), *sorted = malloc(n * sizeof *sorted);
        assert_non_null(sorted);
        for (size_t i = 0; i < n && n % 2; i++)
            values[i] = floorf(values[i]);
        memcpy(sorted, values, n * sizeof *sorted);
        qsort(sorted, n, sizeof *sorted, ascending);
        assert_true(kvr_twentieth(values, n, false) == sorted[(n - 1) / 20]);
        assert_true(kvr_twentieth(values, n, true) == sorted[n - 1 - (n - 1) / 20]);
        free(values);
        free(sorted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_share_ties),
        cmocka_unit_test(ranks_are_of_doubles),
        cmocka_unit_test(spearman_with_ties),
        cmocka_unit_test(ranks_of_many),
        cmocka_unit_test(top_is_sorted),
        cmocka_unit_test(two_keys_by_hand),
        cmocka_unit_test(overlap_and_mass),
        cmocka_unit_test(twentieth_is_a_percentile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
