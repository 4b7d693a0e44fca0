/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Results of several processes become one.
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

#include "../../src/study/processes.h"

enum { ROUNDS = 6 };

/* rounds 0: a row that was not measured */
static void add(struct kvr_run_record *record, const char *name, double ns, size_t rounds)
{
    struct kvr_result r;
    kvr_result_init(&r);
    snprintf(r.name, sizeof r.name, "%s", name);
    snprintf(r.op, sizeof r.op, "scan");
    snprintf(r.level, sizeof r.level, "DRAM");
    r.tokens = 512;
    r.threads = 1;
    r.measured = rounds > 0;
    if (rounds)
        r.rounds = calloc(rounds, sizeof *r.rounds);
    else
        kvr_result_unavailable(&r, "budget", "no time");
    for (size_t i = 0; i < rounds; i++)
        r.rounds[i] = (struct kvr_round){.t_ns = ns, .m_ns = ns * .9, .c_ns = ns * .5,
                                         .fp16_ns = 2 * ns, .clock_ghz = 3};
    r.round_count = rounds;
    assert_non_null(kvr_record_add_result(record, &r));
}

static void test_rounds_tell_their_process(void **unused)
{
    (void)unused;
    struct kvr_run_record whole, parts[3];
    kvr_run_record_init(&whole);
    for (int i = 0; i < 3; i++)
        kvr_run_record_init(&parts[i]);
    kvr_check_add(&whole.checks, "before", KVR_CHECK_OK, "replaced");
    kvr_check_add(&parts[1].checks, "load", KVR_CHECK_OK, "quiet");
    add(&parts[1], "a", 2, ROUNDS); /* part 0 died before it had anything */
    add(&parts[1], "b", 3, 0);
    add(&parts[2], "b", 3, ROUNDS);
    add(&parts[2], "a", 2.2, ROUNDS);
    assert_int_equal(kvr_processes_merge(&whole, parts, 3), 0);
    assert_int_equal(whole.result_count, 2);
    const struct kvr_result *a = &whole.results[0], *b = &whole.results[1];
    assert_string_equal(a->name, "a");
    assert_int_equal(a->round_count, 2 * ROUNDS);
    for (size_t i = 0; i < a->round_count; i++)
        assert_int_equal(a->rounds[i].process, i < ROUNDS ? 1 : 2);
    assert_true(fabs(a->result.ns_per_key - 2.1) < 1e-12); /* over all rounds */
    assert_true(a->result.ci95[0] < 2 && a->result.ci95[1] > 2.2); /* two processes know little */
    assert_true(b->measured); /* the row of a process that had the time replaces one that had not */
    assert_int_equal(b->round_count, ROUNDS);
    assert_int_equal(b->unavailable_count, 0);
    assert_int_equal(whole.checks.count, 2);
    assert_string_equal(whole.checks.items[0].id, "load");
    assert_string_equal(whole.checks.items[1].id, "processes");
    assert_non_null(strstr(whole.checks.items[1].text, "by 10.0 %"));
    for (int i = 0; i < 3; i++)
        kvr_run_record_free(&parts[i]);
    kvr_run_record_free(&whole);
}

static void test_interval(void **unused)
{
    (void)unused;
    double ci95[2], one = 2;
    const double ns[] = {1, exp(.1), exp(.2)};
    kvr_process_interval(&one, 1, ci95);
    assert_true(isnan(ci95[0]) && isnan(ci95[1]));
    kvr_process_interval(ns, 3, ci95);
    double half = 4.302653 * .1 / sqrt(3); /* t with 2 degrees of freedom */
    assert_true(fabs(log(ci95[0]) - (.1 - half)) < 1e-6);
    assert_true(fabs(log(ci95[1]) - (.1 + half)) < 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds_tell_their_process),
        cmocka_unit_test(test_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
