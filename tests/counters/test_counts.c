/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What lies between two readings: wraps, readings that go back, events that share a counter.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "src/counters/counters.h"

static struct kvr_count_sum between(uint64_t before, uint64_t after, uint32_t width)
{
    struct kvr_count_sum sum = {0};
    struct kvr_reading a = {before, 100, 100}, b = {after, 1100, 1100};
    kvr_count_add(&sum, &a, &b, width);
    return sum;
}

static void test_wraps(void **state)
{
    (void)state;
    assert_int_equal(between(5, 25, 64).value, 20);
    assert_int_equal(between(0xfffffff0, 0x10, 32).value, 0x20);
    assert_int_equal(between((UINT64_C(1) << 48) - 1, 1, 48).value, 2);
    assert_int_equal(between(0, 0xffffffff, 32).value, 0xffffffff);
    assert_int_equal(between(UINT64_MAX - 3, UINT64_MAX, 0).value, 3);
}

static void test_backwards(void **state)
{
    char why[80];
    (void)state;
    static const struct { uint64_t before, after; uint32_t width; } wrong[] = {
        {25, 5, 64}, {25, 5, 0}, {25, 5, 32}, {UINT64_MAX, 0, 64}, {UINT64_C(1) << 40, 5, 32}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct kvr_count_sum sum = between(wrong[i].before, wrong[i].after, wrong[i].width);
        assert_true(sum.backwards);
        struct kvr_count count = kvr_count_of(&sum, why, sizeof why);
        assert_int_equal(count.quality, KVR_ABSENT);
        assert_true(isnan(count.value));
        assert_non_null(strstr(why, "smaller"));
    }
    struct kvr_count_sum sum = {0};
    struct kvr_reading a = {0, 100, 100}, b = {1, 50, 100}, c = {1, 200, 50};
    kvr_count_add(&sum, &a, &b, 0);
    assert_true(sum.backwards);
    sum = (struct kvr_count_sum){0};
    kvr_count_add(&sum, &a, &c, 0);
    assert_true(sum.backwards);
}

/* A good interval does not make a bad one good. */
static void test_backwards_stays(void **state)
{
    struct kvr_count_sum sum = between(9, 1, 64);
    struct kvr_reading a = {0, 0, 0}, b = {10, 10, 10};
    (void)state;
    kvr_count_add(&sum, &a, &b, 64);
    assert_true(sum.backwards);
}

static struct kvr_count quality(uint64_t enabled, uint64_t running, char *why)
{
    struct kvr_count_sum sum = {.value = 600, .enabled_ns = enabled, .running_ns = running};
    return kvr_count_of(&sum, why, 80);
}

static void test_qualities(void **state)
{
    char why[80];
    (void)state;
    struct kvr_count all = quality(1000, 1000, why), most = quality(1000, 750, why);
    assert_int_equal(all.quality, KVR_MEASURED);
    assert_true(all.value == 600 && all.running == 1);
    assert_int_equal(most.quality, KVR_SCALED);
    assert_true(most.value == 800 && most.running == .75);
    assert_string_equal(why, "");
    assert_int_equal(quality(1000, 500, why).quality, KVR_SCALED);
    assert_true(quality(1000, 500, why).value == 1200);

    struct kvr_count few = quality(1000, 499, why);
    assert_int_equal(few.quality, KVR_ABSENT);
    assert_true(isnan(few.value) && few.running == .499);
    assert_non_null(strstr(why, "fewer events"));
    struct kvr_count never = quality(0, 0, why);
    assert_int_equal(never.quality, KVR_ABSENT);
    assert_true(isnan(never.value) && isnan(never.running));
    assert_non_null(strstr(why, "not counted"));
    /* Running ahead of enabled by the time between two clocks is no gain. */
    assert_true(quality(1000, 1001, why).value == 600);
}

static void test_zero_is_absent(void **state)
{
    static const struct kvr_count nothing;
    (void)state;
    assert_int_equal(nothing.quality, KVR_ABSENT);
    assert_string_equal(kvr_quality_name(KVR_ABSENT), "absent");
    assert_string_equal(kvr_quality_name(KVR_MODELLED), "modelled");
    assert_string_equal(kvr_quality_name(KVR_SCALED), "scaled");
    assert_string_equal(kvr_quality_name(KVR_MEASURED), "measured");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wraps),          cmocka_unit_test(test_backwards),
        cmocka_unit_test(test_backwards_stays), cmocka_unit_test(test_qualities),
        cmocka_unit_test(test_zero_is_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
