/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How settings of the dial are counted, and that dials really execute what they say.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernels/peak.h"
#include "src/study/dial.h"

static struct kvr_dial_outcome outcome(double balance, enum kvr_side truth, enum kvr_side side,
                                       enum kvr_bound bound)
{
    return (struct kvr_dial_outcome){.true_balance = balance, .truth = truth,
                                     .verdict = {.side = side, .bound = bound},
                                     .reaches_bound = true};
}

static void test_sides(void **state)
{
    (void)state;
    struct kvr_dial_outcome o = outcome(.2, KVR_SIDE_MEMORY, KVR_SIDE_MEMORY, KVR_BOUND_MEMORY);
    kvr_dial_judge(&o);
    assert_int_equal(o.says, KVR_DIAL_RIGHT);
    o = outcome(.2, KVR_SIDE_MEMORY, KVR_SIDE_CORE, KVR_BOUND_CORE);
    kvr_dial_judge(&o);
    assert_int_equal(o.says, KVR_DIAL_WRONG);
    o = outcome(5, KVR_SIDE_CORE, KVR_SIDE_UNDECIDED, KVR_BOUND_UNDECIDED);
    kvr_dial_judge(&o);
    assert_int_equal(o.says, KVR_DIAL_UNDECIDED);
    o = outcome(1.2, KVR_SIDE_CORE, KVR_SIDE_MEMORY, KVR_BOUND_UNDECIDED); /* too near to count */
    kvr_dial_judge(&o);
    assert_int_equal(o.says, KVR_DIAL_NOT_COUNTED);
    o = outcome(5, KVR_SIDE_CORE, KVR_SIDE_CORE, KVR_BOUND_CORE);
    o.reaches_bound = false; /* faster than what it must do: not believed */
    kvr_dial_judge(&o);
    assert_int_equal(o.says, KVR_DIAL_UNDECIDED);
}

static void test_latency(void **state)
{
    (void)state;
    struct kvr_dial_outcome o = outcome(NAN, KVR_SIDE_UNDECIDED, KVR_SIDE_MEMORY,
                                        KVR_BOUND_LATENCY);
    o.latency = true;
    kvr_dial_judge(&o);
    assert_int_equal(o.says, KVR_DIAL_RIGHT);
    o.verdict.bound = KVR_BOUND_MEMORY;
    kvr_dial_judge(&o);
    assert_int_equal(o.says, KVR_DIAL_WRONG);
    o.verdict.bound = KVR_BOUND_UNDECIDED;
    kvr_dial_judge(&o);
    assert_int_equal(o.says, KVR_DIAL_UNDECIDED);
    /* independent loads must never be called waiting, not even near a border */
    o = outcome(1.1, KVR_SIDE_EVEN, KVR_SIDE_EVEN, KVR_BOUND_LATENCY);
    kvr_dial_judge(&o);
    assert_int_equal(o.says, KVR_DIAL_WRONG);
}

static void test_controls(void **state)
{
    (void)state;
    static struct kvr_dial_report report;
    assert_false(kvr_dial_controls_hold(&report));
    report.count = 2;
    report.outcomes[0] = outcome(.2, KVR_SIDE_MEMORY, KVR_SIDE_MEMORY, KVR_BOUND_MEMORY);
    report.outcomes[1] = outcome(5, KVR_SIDE_CORE, KVR_SIDE_CORE, KVR_BOUND_CORE);
    strcpy(report.outcomes[1].setting.resource, "fma");
    strcpy(report.outcomes[1].verdict.resource, "fma");
    assert_true(kvr_dial_controls_hold(&report));
    strcpy(report.outcomes[1].verdict.resource, "load");
    assert_false(kvr_dial_controls_hold(&report));
    strcpy(report.outcomes[1].verdict.resource, "fma");
    report.outcomes[0].verdict.side = KVR_SIDE_UNDECIDED;
    assert_false(kvr_dial_controls_hold(&report));
}

static void test_dials_of_this_host_run(void **state)
{
    (void)state;
    struct kvr_isa_info isa;
    size_t count, ran = 0;
    const struct kvr_dial *const *dials = kvr_dials(&count);
    unsigned char *lines = aligned_alloc(64, 8192);
    const uint32_t order[2] = {1, 0};
    assert_non_null(lines);
    memset(lines, 1, 8192);
    kvr_isa_detect(&isa);
    for (size_t i = 0; i < count; i++) {
        if (dials[i]->isa & ~isa.usable)
            continue;
        for (uint32_t ahead = 0; ahead < 2; ahead++) {
            struct kvr_segments s = {.base = lines, .stride_bytes = 4096, .order = order,
                                     .count = 2, .tokens = 64, .ahead_segments = ahead};
            dials[i]->run(&s, 0, 4096, 0, lines);
            dials[i]->run(&s, 1, 4096, 7, lines);
        }
        ran++;
    }
    assert_true(ran > 0);
    for (size_t i = 0; i < 8192; i++)
        assert_int_equal(lines[i], 1); /* a dial only reads */
    free(lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sides),
        cmocka_unit_test(test_latency),
        cmocka_unit_test(test_controls),
        cmocka_unit_test(test_dials_of_this_host_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
