/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The verdict's rule table from both sides of every threshold, with made-up rounds: no time is
 * measured here.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "src/study/verdict.h"
#include "src/study/witness.h"

enum { ROUNDS = 9 };

/* Nine rounds around (t, m, c) in ns, each ratio spread by +-spread over the rounds. */
static void rounds_of(struct kvr_round *rounds, double t, double m, double c, double spread)
{
    memset(rounds, 0, ROUNDS * sizeof *rounds);
    for (int i = 0; i < ROUNDS; i++) {
        double f = 1 + spread * (i - 4) / 4.0;
        rounds[i] = (struct kvr_round){.t_ns = t * f, .m_ns = m, .c_ns = c,
                                       .t_total_ns = t * f, .m_total_ns = m, .c_total_ns = c,
                                       .fp16_ns = 4, .fp16_m_ns = 4, .fp16_c_ns = 1};
    }
}

struct row {
    const char *what;
    double t, m, c, spread;
    const char *bound, *side;
};

static void test_rule_table(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"memory, inside", 1.10, 1, .30, .01, "memory", "memory"},
        {"memory, T/M just under", 1.14, 1, .30, .005, "memory", "memory"},
        {"B just under 1/1.15", 1.05, 1, .86, .005, "memory", "memory"},
        {"B just over 1/1.15", 1.05, 1, .88, .005, "balanced", "even"},
        {"core, inside", 3.1, 1, 3, .01, "core", "core"},
        {"core, B just over 1.15", 1.2, 1, 1.16, .005, "core", "core"},
        {"B just under 1.15", 1.2, 1, 1.14, .005, "balanced", "even"},
        {"overlap: T/E over, T/S under", 1.3, 1, .4, .01, "overlap", "memory"},
        {"overlap on the core side", 3.6, 1, 3, .01, "overlap", "core"},
        {"T/S over without a witness", 2.1, 1, .4, .01, "undecided", "memory"},
        {"T/E interval crosses", 1.15, 1, .3, .01, "undecided", "memory"},
        {"T/E wider than 3 %", 1.05, 1, .3, .05, "undecided", "memory"},
        {"T/S interval crosses", 1.54, 1, .4, .01, "undecided", "memory"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct kvr_round rounds[ROUNDS];
        struct kvr_verdict v;
        rounds_of(rounds, rows[i].t, rows[i].m, rows[i].c, rows[i].spread);
        struct kvr_verdict_input in = {.rounds = rounds, .round_count = ROUNDS,
                                       .core_limit_ns = NAN};
        kvr_verdict_decide(&in, &v);
        if (strcmp(kvr_bound_name(v.bound), rows[i].bound)
            || strcmp(kvr_side_name(v.side), rows[i].side))
            fail_msg("%s: bound %s side %s (%s)", rows[i].what, kvr_bound_name(v.bound),
                     kvr_side_name(v.side), v.why);
        assert_true(v.why[0] != 0);
        double e = fmax(rows[i].m, rows[i].c);
        assert_true(fabs(v.attained - e / rows[i].t) < 1e-9);
    }
}

static void test_a_witness_makes_it_latency(void **state)
{
    (void)state;
    struct kvr_round rounds[ROUNDS];
    struct kvr_verdict v;
    struct kvr_witness_value w[2] = {{.id = "translation", .ratio = .97, .stands = false},
                                     {.id = "concurrency", .ratio = .6, .stands = true}};
    rounds_of(rounds, 2.1, 1, .4, .01);
    struct kvr_verdict_input in = {.rounds = rounds, .round_count = ROUNDS, .core_limit_ns = NAN,
                                   .witnesses = w, .witness_count = 1};
    kvr_verdict_decide(&in, &v);
    assert_int_equal(v.bound, KVR_BOUND_UNDECIDED);
    in.witness_count = 2;
    kvr_verdict_decide(&in, &v);
    assert_int_equal(v.bound, KVR_BOUND_LATENCY);
    assert_string_equal(v.cause, "concurrency");
}

static void test_resource_is_named_only_when_full(void **state)
{
    (void)state;
    struct kvr_round rounds[ROUNDS];
    struct kvr_verdict v;
    rounds_of(rounds, 3.1, 1, 3, .01);
    struct kvr_verdict_input in = {.rounds = rounds, .round_count = ROUNDS, .core_limit_ns = 2.7,
                                   .resource = "load"};
    kvr_verdict_decide(&in, &v); /* 3 / 2.7 = 1.11 */
    assert_string_equal(v.resource, "load");
    in.core_limit_ns = 2.5; /* 3 / 2.5 = 1.2: something else holds it up */
    kvr_verdict_decide(&in, &v);
    assert_string_equal(v.resource, "dependency");
    rounds_of(rounds, 1.1, 1, .3, .01);
    kvr_verdict_decide(&in, &v); /* memory-bound: no resource is full */
    assert_string_equal(v.resource, "");
}

static void test_a_raised_ceiling_takes_the_memory_s_place(void **state)
{
    (void)state;
    struct kvr_round rounds[ROUNDS];
    struct kvr_verdict v;
    rounds_of(rounds, .94, 1, .9, .001); /* T beat every reader: memory can, B is .9 / .94 */
    struct kvr_verdict_input in = {.rounds = rounds, .round_count = ROUNDS, .core_limit_ns = NAN};
    kvr_verdict_decide(&in, &v);
    assert_true(fabs(v.attained - 1 / .94) < 1e-9);
    in.ceiling_raised = true;
    kvr_verdict_decide(&in, &v);
    assert_true(fabs(v.attained - 1) < 1e-9);
    assert_true(fabs(v.balance.median - .9 / .94) < 1e-9);
    assert_int_equal(v.bound, KVR_BOUND_BALANCED);
}

static void test_several_threads_have_a_cause(void **state)
{
    (void)state;
    struct kvr_round rounds[ROUNDS];
    struct kvr_verdict v;
    rounds_of(rounds, 1.05, 1, .3, .001);
    struct kvr_verdict_input in = {.rounds = rounds, .round_count = ROUNDS, .core_limit_ns = NAN,
                                   .memory_cause = "node"};
    kvr_verdict_decide(&in, &v);
    assert_string_equal(v.cause, "node");
    assert_non_null(strstr(v.why, "node"));
    rounds_of(rounds, 3.1, 1, 3, .001); /* not memory-bound: no such cause */
    kvr_verdict_decide(&in, &v);
    assert_string_equal(v.cause, "");
}

static void test_confidence(void **state)
{
    (void)state;
    struct kvr_round rounds[ROUNDS];
    struct kvr_verdict v;
    struct kvr_verdict_input in = {.rounds = rounds, .round_count = ROUNDS, .core_limit_ns = NAN};
    rounds_of(rounds, 1.05, 1, .3, .001);
    kvr_verdict_decide(&in, &v); /* nine of nine rounds on the same side: 1 - 2^-9 */
    assert_true(fabs(v.confidence - (1 - 1 / 512.)) < 1e-9);
    rounds[8].t_ns = rounds[8].t_total_ns = 1.3; /* one round of nine above 1.15 */
    kvr_verdict_decide(&in, &v);
    assert_int_equal(v.bound, KVR_BOUND_MEMORY);
    assert_true(fabs(v.confidence - (1 - 10 / 512.)) < 1e-9);
    in.control_failed = true;
    kvr_verdict_decide(&in, &v);
    assert_true(isnan(v.confidence));
}

/* Two phases in series: memory-bound 1 ns (core .2) and core-bound 2 ns (memory .5). */
static void test_phases_add_up(void **state)
{
    (void)state;
    struct kvr_round rounds[ROUNDS];
    struct kvr_verdict v;
    rounds_of(rounds, 3.1, 1.5, 2.2, .001);
    for (int i = 0; i < ROUNDS; i++) {
        rounds[i].e_ns = rounds[i].e_total_ns = 3;
        rounds[i].phases[KVR_PHASE_PREPARE] = (struct kvr_phase_times){2.05, .5, 2};
        rounds[i].phases[KVR_PHASE_SCAN] = (struct kvr_phase_times){1.05, 1, .2};
    }
    struct kvr_verdict_input in = {.rounds = rounds, .round_count = ROUNDS, .core_limit_ns = NAN};
    kvr_verdict_decide(&in, &v);
    assert_true(fabs(v.e_ns - 3) < 1e-9 && fabs(v.s_ns - 3.7) < 1e-9);
    assert_true(fabs(v.t_over_e.median - 3.1 / 3) < 1e-9);
    assert_true(isnan(v.overlap)); /* it means nothing across phases */
    assert_int_equal(v.side, KVR_SIDE_CORE); /* 2.2 / 1.5 */
    /* E is reached, but neither C (3.1 / 2.2) nor M alone is what fills it. */
    assert_int_equal(v.bound, KVR_BOUND_UNDECIDED);
    assert_non_null(strstr(v.why, "phases"));
    assert_int_equal(kvr_phase_bound(&in, KVR_PHASE_PREPARE), KVR_BOUND_CORE);
    assert_int_equal(kvr_phase_bound(&in, KVR_PHASE_SCAN), KVR_BOUND_MEMORY);
    assert_int_equal(kvr_phase_bound(&in, KVR_PHASE_VALUES), KVR_BOUND_UNDECIDED);

    /* Where one phase is nearly all, its bound is the whole's. */
    rounds_of(rounds, 2.3, .3, 2.2, .001);
    for (int i = 0; i < ROUNDS; i++)
        rounds[i].e_ns = rounds[i].e_total_ns = 2.25;
    kvr_verdict_decide(&in, &v);
    assert_int_equal(v.bound, KVR_BOUND_CORE);
}

static void test_a_phase_without_memory_is_core_only_where_it_reaches_c(void **state)
{
    (void)state;
    struct kvr_round rounds[ROUNDS];
    struct kvr_verdict_input in = {.rounds = rounds, .round_count = ROUNDS, .core_limit_ns = NAN};
    rounds_of(rounds, 3, 1, 2, .001);
    for (int i = 0; i < ROUNDS; i++) {
        rounds[i].phases[KVR_PHASE_SOFTMAX] = (struct kvr_phase_times){1.05, 0, 1};
        rounds[i].phases[KVR_PHASE_PREPARE] = (struct kvr_phase_times){1.4, 0, 1};
    }
    assert_int_equal(kvr_phase_bound(&in, KVR_PHASE_SOFTMAX), KVR_BOUND_CORE);
    assert_int_equal(kvr_phase_bound(&in, KVR_PHASE_PREPARE), KVR_BOUND_UNDECIDED);
    in.control_failed = true;
    assert_int_equal(kvr_phase_bound(&in, KVR_PHASE_SOFTMAX), KVR_BOUND_UNDECIDED);
}

static void test_what_makes_a_witness(void **state)
{
    (void)state;
    assert_true(kvr_witness_concurrency_stands(.9, 1, 1));
    assert_false(kvr_witness_concurrency_stands(.91, 1, 1));
    assert_true(kvr_witness_concurrency_stands(.5, .97, 1.2)); /* a prefetch may raise C */
    assert_false(kvr_witness_concurrency_stands(.5, .96, 1));
    assert_false(kvr_witness_concurrency_stands(.5, 1, .96));
    assert_true(kvr_witness_other_stands(.9));
    assert_false(kvr_witness_other_stands(.91));
}

static void test_refusals(void **state)
{
    (void)state;
    struct kvr_round rounds[ROUNDS];
    struct kvr_verdict v;
    rounds_of(rounds, 1.1, 1, .3, .01);
    struct kvr_verdict_input base = {.rounds = rounds, .round_count = ROUNDS,
                                     .core_limit_ns = NAN};
    struct kvr_verdict_input in = base;
    in.control_failed = true;
    kvr_verdict_decide(&in, &v);
    assert_int_equal(v.side, KVR_SIDE_UNDECIDED);
    assert_int_equal(v.bound, KVR_BOUND_UNDECIDED);
    assert_non_null(strstr(v.why, "control failed"));
    in = base;
    in.in_l1 = true;
    kvr_verdict_decide(&in, &v);
    assert_int_equal(v.side, KVR_SIDE_UNDECIDED);
    in = base;
    in.ceiling_bug = true;
    kvr_verdict_decide(&in, &v);
    assert_int_equal(v.side, KVR_SIDE_UNDECIDED);
    in = base;
    in.round_count = 5;
    kvr_verdict_decide(&in, &v);
    assert_int_equal(v.side, KVR_SIDE_UNDECIDED);
    assert_non_null(strstr(v.why, "rounds"));
    in = base;
    for (int i = 0; i < 4; i++)
        rounds[i].invalid = true; /* void rounds do not count */
    kvr_verdict_decide(&in, &v);
    assert_int_equal(v.side, KVR_SIDE_UNDECIDED);
}

static void test_stolen_time_decides_nothing(void **state)
{
    (void)state;
    struct kvr_round rounds[ROUNDS];
    struct kvr_verdict v;
    rounds_of(rounds, 1.1, 1, .3, .01);
    struct kvr_verdict_input in = {.rounds = rounds, .round_count = ROUNDS, .core_limit_ns = NAN};
    for (int i = 0; i < ROUNDS; i++)
        rounds[i].c_total_ns = 1.5; /* with the stolen time in it, C would be the longer */
    kvr_verdict_decide(&in, &v);
    assert_int_equal(v.side, KVR_SIDE_UNDECIDED);
    assert_int_equal(v.bound, KVR_BOUND_UNDECIDED);
    assert_non_null(strstr(v.why, "stolen time"));
    rounds_of(rounds, 1.1, 1, .3, .01);
    for (int i = 0; i < ROUNDS; i++)
        rounds[i].t_total_ns *= 1.1; /* the side stands, the bound does not */
    kvr_verdict_decide(&in, &v);
    assert_int_equal(v.side, KVR_SIDE_MEMORY);
    assert_int_equal(v.bound, KVR_BOUND_UNDECIDED);
    assert_non_null(strstr(v.why, "stolen time"));
}

static void test_overlap_only_where_it_means_something(void **state)
{
    (void)state;
    struct kvr_round rounds[ROUNDS];
    struct kvr_verdict v;
    struct kvr_verdict_input in = {.rounds = rounds, .round_count = ROUNDS, .core_limit_ns = NAN};
    rounds_of(rounds, 1.2, 1, .5, 0);
    kvr_verdict_decide(&in, &v);
    assert_true(fabs(v.overlap - .6) < 1e-9);
    rounds_of(rounds, 1.1, 1, .2, 0);
    kvr_verdict_decide(&in, &v);
    assert_true(isnan(v.overlap));
}

static void test_shift(void **state)
{
    (void)state;
    struct kvr_round rounds[ROUNDS];
    struct kvr_shift_result s;
    rounds_of(rounds, 3.1, 1, 3, .01); /* FP16 of these rounds: B = .25 */
    assert_int_equal(kvr_fp16_side(rounds, ROUNDS), KVR_SIDE_MEMORY);
    kvr_shift_decide(rounds, ROUNDS, false, KVR_SIDE_CORE, KVR_SIDE_MEMORY, &s);
    assert_int_equal(s.says, KVR_SHIFT_SHIFTED);
    assert_true(fabs(s.ln_b.median - log(12)) < 1e-9);
    rounds_of(rounds, 1.1, 1, .6, .01);
    kvr_shift_decide(rounds, ROUNDS, false, KVR_SIDE_MEMORY, KVR_SIDE_MEMORY, &s);
    assert_int_equal(s.says, KVR_SHIFT_MOVED);
    rounds_of(rounds, 1.1, 1, .28, .01); /* ln(.28 / .25) < ln 1.15 */
    kvr_shift_decide(rounds, ROUNDS, false, KVR_SIDE_MEMORY, KVR_SIDE_MEMORY, &s);
    assert_int_equal(s.says, KVR_SHIFT_NONE);
    kvr_shift_decide(rounds, ROUNDS, false, KVR_SIDE_UNDECIDED, KVR_SIDE_MEMORY, &s);
    assert_int_equal(s.says, KVR_SHIFT_ABSENT);
    assert_non_null(s.absent_because);
    kvr_shift_decide(rounds, ROUNDS, false, KVR_SIDE_CORE, KVR_SIDE_UNDECIDED, &s);
    assert_int_equal(s.says, KVR_SHIFT_ABSENT);

    /* T beat M: it takes M's place, here too. */
    rounds_of(rounds, .5, 1, .6, .01);
    kvr_shift_decide(rounds, ROUNDS, true, KVR_SIDE_CORE, KVR_SIDE_MEMORY, &s);
    assert_true(fabs(s.ln_b.median - log(.6 / .5 / .25)) < .02);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule_table),
        cmocka_unit_test(test_a_witness_makes_it_latency),
        cmocka_unit_test(test_resource_is_named_only_when_full),
        cmocka_unit_test(test_a_raised_ceiling_takes_the_memory_s_place),
        cmocka_unit_test(test_several_threads_have_a_cause),
        cmocka_unit_test(test_confidence),
        cmocka_unit_test(test_phases_add_up),
        cmocka_unit_test(test_a_phase_without_memory_is_core_only_where_it_reaches_c),
        cmocka_unit_test(test_what_makes_a_witness),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_stolen_time_decides_nothing),
        cmocka_unit_test(test_overlap_only_where_it_means_something),
        cmocka_unit_test(test_shift),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
