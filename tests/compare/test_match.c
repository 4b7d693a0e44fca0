/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which case is which: patterns, and option sets whose names differ.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/compare/compare.h"

static const char name[] = "lookat.u8@avx512vbmi/d64/m4/K256/n512/W1G/1t/step/heads/thp";

static void test_globs(void **unused)
{
    (void)unused;
    assert_true(kvr_case_matches(name, "*"));
    assert_true(kvr_case_matches(name, "lookat.u8"));
    assert_true(kvr_case_matches(name, "lookat.u8@avx512vbmi"));
    assert_true(kvr_case_matches(name, "lookat*@avx512*"));
    assert_true(kvr_case_matches(name, "*/n512/*/step/*"));
    assert_true(kvr_case_matches(name, name));
    assert_false(kvr_case_matches(name, "lookat"));
    assert_false(kvr_case_matches(name, "fp16*"));
    assert_false(kvr_case_matches(name, "*/scan/*"));
}

static void test_option_sets(void **unused)
{
    (void)unused;
    const char *const small[] = {"fp16.fused@avx2/d64/n512/4k", "int8.fused@avx2/d64/n512/4k"};
    const char *const huge[] = {"int8.fused@avx2/d64/n512/thp", "fp16.fused@avx2/d64/n512/thp",
                                "int4.fused@avx2/d64/n512/thp"};
    size_t partner[2];
    assert_int_equal(kvr_match_names(small, 2, huge, 3, partner), 0);
    assert_int_equal(partner[0], 1);
    assert_int_equal(partner[1], 0);
    /* Two that stay apart in what one side does not share are not the same case. */
    const char *const mixed[] = {"fp16.fused@avx2/d64/n512/thp", "int4.fused@avx2/d64/n512/2m"};
    assert_int_equal(kvr_match_names(small, 2, mixed, 2, partner), 0);
    assert_true(partner[0] == SIZE_MAX && partner[1] == SIZE_MAX);
    const char *const longer[] = {"fp16.fused@avx2/d64/n512/thp/q8"};
    assert_int_equal(kvr_match_names(small, 2, longer, 1, partner), 0);
    assert_true(partner[0] == SIZE_MAX && partner[1] == SIZE_MAX);
    assert_int_equal(kvr_match_names(small, 2, longer, 0, partner), 0);
    assert_true(partner[0] == SIZE_MAX && partner[1] == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_globs),
        cmocka_unit_test(test_option_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
