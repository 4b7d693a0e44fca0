/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a run adds to the checks: what disturbed its rounds, the step of its clock, and that nothing
 * which only a run can know is claimed before one. No time is measured but the clock's own.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "src/study/facts.h"
#include "src/study/sentinel.h"
#include "tests/measure/fake_clock.h"

static const struct kvr_check *find(const struct kvr_checks *checks, const char *id)
{
    for (size_t i = 0; i < checks->count; i++)
        if (!strcmp(checks->items[i].id, id))
            return &checks->items[i];
    return NULL;
}

static void expect(const struct kvr_checks *checks, const char *id, enum kvr_check_status status,
                   const char *value)
{
    const struct kvr_check *c = find(checks, id);
    if (!c || c->status != status || strcmp(c->value, value))
        fail_msg("%s is %s \"%s\"", id, c ? kvr_check_status_name(c->status) : "absent",
                 c ? c->value : "");
}

/* Two results of two rounds. */
static void make_record(struct kvr_run_record *record)
{
    kvr_run_record_init(record);
    for (int i = 0; i < 2; i++) {
        struct kvr_result r;
        kvr_result_init(&r);
        r.measured = true;
        r.round_count = 2;
        r.rounds = calloc(2, sizeof *r.rounds);
        assert_non_null(r.rounds);
        r.rounds[0].preemptions = 3;
        assert_non_null(kvr_record_add_result(record, &r));
    }
}

static void test_rounds_are_summed(void **state)
{
    (void)state;
    struct kvr_run_record record;
    make_record(&record);
    kvr_rounds_check(&record);
    expect(&record.checks, "faults", KVR_CHECK_OK, "0");
    expect(&record.checks, "switches", KVR_CHECK_OK, "0");
    expect(&record.checks, "preemptions", KVR_CHECK_OK, "6"); /* they cannot be refused */
    expect(&record.checks, "migrations", KVR_CHECK_OK, "0");
    expect(&record.checks, "void-rounds", KVR_CHECK_OK, "0");
    record.results[1].rounds[1].faults = 2;
    record.results[1].rounds[1].migrations = 1;
    record.results[1].rounds[0].switches = 1;
    record.results[1].rounds[1].invalid = true;
    kvr_rounds_check(&record);
    expect(&record.checks, "faults", KVR_CHECK_INFO, "2");
    expect(&record.checks, "switches", KVR_CHECK_INFO, "1");
    expect(&record.checks, "migrations", KVR_CHECK_INFO, "1");
    expect(&record.checks, "void-rounds", KVR_CHECK_WARN, "1");
    assert_true(find(&record.checks, "void-rounds")->fix[0]);
    assert_non_null(strstr(find(&record.checks, "faults")->text, "4 rounds"));
    kvr_run_record_free(&record);
}

static void test_without_rounds_nothing_is_claimed(void **state)
{
    (void)state;
    struct kvr_run_record record;
    kvr_run_record_init(&record);
    kvr_rounds_check(&record);
    assert_int_equal(record.checks.count, 0);
    kvr_run_record_free(&record);
}

/* A clock that moves by `step` at every third reading. */
struct coarse {
    uint64_t readings, step;
};

static uint64_t coarse_now(void *state)
{
    struct coarse *coarse = state;
    return coarse->readings++ / 3 * coarse->step;
}

static void test_the_step_of_the_clock(void **state)
{
    (void)state;
    struct kvr_checks checks = {0};
    uint64_t ticks = 7;
    struct coarse coarse = {0, 36};
    struct kvr_clock clock = {.now = coarse_now, .state = &coarse, .ticks_per_ns = 2,
                              .method = "coarse"};
    kvr_resolution_check(&clock, &checks);
    expect(&checks, "clock-resolution", KVR_CHECK_OK, "18");
    coarse.step = 8000000; /* 4 ms, as of a kernel without a finer source */
    kvr_resolution_check(&clock, &checks);
    expect(&checks, "clock-resolution", KVR_CHECK_WARN, "4e+06");
    struct kvr_clock stopped = fake_clock(&ticks);
    kvr_resolution_check(&stopped, &checks);
    expect(&checks, "clock-resolution", KVR_CHECK_WARN, "");
    kvr_checks_free(&checks);
}

static void test_only_a_run_knows(void **state)
{
    (void)state;
    static const char *const ids[] = {
        "cache-l1", "cache-l2", "cache-l3", "dram-proven", "sentinel", "verdict-controls",
        "faults", "switches", "preemptions", "migrations", "bypass",
    };
    static struct kvr_machine machine;
    struct kvr_checks checks = {0};
    const char *why = "";
    assert_int_equal(kvr_machine_load(&machine, NULL, &why), 0);
    kvr_facts_check(&machine, &checks);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        expect(&checks, ids[i], KVR_CHECK_UNKNOWN, "");
        assert_ptr_equal(strstr(find(&checks, ids[i])->text, "measured by run"),
                         find(&checks, ids[i])->text);
    }
    assert_true(atof(find(&checks, "clock-real")->value) > 0);
    assert_non_null(find(&checks, "counters")); /* the machine's own are there too */
    kvr_checks_free(&checks);
}

static void test_the_middle_of_one_cohort_is_that_of_its_rounds(void **state)
{
    (void)state;
    struct kvr_round rounds[11] = {{0}};
    struct kvr_result r = {.rounds = rounds, .round_count = 11};
    assert_true(isnan(kvr_sentinel_of_rounds(&r)));
    for (int i = 0; i < 11; i++)
        rounds[i].sentinel_ns = 4 + .1 * i;
    rounds[0].sentinel_ns = 1; /* beyond the midst */
    assert_true(fabs(kvr_sentinel_of_rounds(&r) - 4.5) < 1e-9);
    for (int i = 0; i < 11; i++)
        rounds[i].sentinel_ns = NAN;
    rounds[3].sentinel_ns = 5;
    assert_true(fabs(kvr_sentinel_of_rounds(&r) - 5) < 1e-9);
    r.round_count = 0;
    assert_true(isnan(kvr_sentinel_of_rounds(&r)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds_are_summed),
        cmocka_unit_test(test_without_rounds_nothing_is_claimed),
        cmocka_unit_test(test_the_step_of_the_clock),
        cmocka_unit_test(test_only_a_run_knows),
        cmocka_unit_test(test_the_middle_of_one_cohort_is_that_of_its_rounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
