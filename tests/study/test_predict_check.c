/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Predictions between cases of one record, with numbers by hand. No time is measured.
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
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct kvr_run_record r;
        struct kvr_prediction_check *c = NULL;
        size_t count = 0;
        make(&r);
        for (size_t n = 0; n < 3; n++) {
            struct kvr_result *x = add(&r, "DRAM", n == 1 ? 2 : 1, 15, 9, 6);
            set_serial(x, i ? "scan" : "step", i ? "materialised" : "fused");
            x->head_dim = n == 2 ? 128 : 64;
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
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_check_core),
        cmocka_unit_test(test_check_phases),
        cmocka_unit_test(test_check_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
