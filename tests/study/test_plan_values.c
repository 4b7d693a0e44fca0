/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The format of an attention's values as an axis of the plan.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "planning.h"

#define GROUP(kernels) "groups:\n  - {kernels: [" kernels "], bytes: [64M]"
#define FP16 "fp16.fused@auto/d64/n512/W64M/1t/"
#define INT8 "int8.fused@scalar/d64/n512/W64M/1t/"

/* Only an attention reads values. */
static void test_value_formats_concern_attention(void **state)
{
    struct world *w = *state;
    world_profile(w, GROUP("fp16, int8.fused") ", ops: [step, attention], "
                                               "value_formats: [fp16, q8]}\n");
    EXPECT(w, FP16 "step/heads/thp", INT8 "step/heads/thp", FP16 "attention/heads/thp",
           INT8 "attention/heads/thp", FP16 "attention/heads/thp/vq8",
           INT8 "attention/heads/thp/vq8");
    assert_false(w->plan.cases[2].values_q8);
    assert_true(w->plan.cases[4].values_q8 && w->plan.cases[5].values_q8);
    assert_ptr_equal(kvr_case_values(&w->plan.cases[4]), &kvr_codec_value_q8);
    assert_string_equal(kvr_case_values(&w->plan.cases[2])->name, "fp16");
    /* 60 bytes a row less than FP16's 128 */
    uint64_t tokens = w->plan.cases[2].shape.tokens;
    assert_int_equal(kvr_case_head_bytes(&w->plan.cases[2]) -
                         kvr_case_head_bytes(&w->plan.cases[4]), tokens * 60);
}

/* What values of 8 bits cannot be: a wish is a row with its reason, an order is refused. */
static void test_value_formats_refused(void **state)
{
    struct world *w = *state;
    struct kvr_options *o = &w->options;
    world_profile(w, GROUP("fp16") ", ops: [attention], layouts: [pages:1], "
                                   "value_formats: [fp16, q8]}\n");
    EXPECT(w, FP16 "attention/pages:1/thp");
    assert_int_equal(w->plan.skip_count, 1);
    assert_string_equal(w->plan.skips[0].what, "value-format");
    assert_non_null(strstr(w->plan.skips[0].why, "pages:16 or --value-format fp16"));
    o->value_formats[o->value_format_count++] = "q8";
    world_expect_error(w, -EINVAL, "blocks of 16 rows, which pages of 1 would cut");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_value_formats_concern_attention),
        TEST(test_value_formats_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
