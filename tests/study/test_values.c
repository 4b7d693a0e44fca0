/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Values as users write them and as names show them: sizes, layouts, the nearest name.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/study/plan.h"
#include "src/study/values.h"

static void test_sizes_as_text(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        const char *text;
    } sizes[] = {{0, "0"},          {512, "512"},        {1024, "1k"},
                 {1536, "1536"},    {96 << 20, "96M"},   {UINT64_C(1) << 30, "1G"},
                 {3 << 10, "3k"},   {1023, "1023"},      {UINT64_C(2048) << 30, "2048G"},
                 {1 << 20, "1M"}};
    char text[24];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        kvr_size_text(sizes[i].value, text, sizeof text);
        assert_string_equal(text, sizes[i].text);
    }
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const names[] = {"fp16", "int8", "int8q8", "lookat"};
    assert_string_equal(kvr_nearest("lokat", names, 4), "lookat");
    assert_string_equal(kvr_nearest("int8q", names, 4), "int8"); /* the first of the nearest */
    assert_string_equal(kvr_nearest("fp61", names, 4), "fp16");
    assert_string_equal(kvr_nearest("loo", names, 4), "lookat"); /* a beginning is one edit */
    static const char *const commands[] = {"roofs", "run"};
    assert_string_equal(kvr_nearest("rnu", commands, 2), "run"); /* and so is a swap */
    assert_null(kvr_nearest("f", names, 4));
    assert_null(kvr_nearest("", names, 4));
    assert_null(kvr_nearest("abcdef", names, 4));
    assert_null(kvr_nearest("lookat", names, 0));
    char longer[200];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_null(kvr_nearest(longer, names, 4));
}

static void test_layouts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t page_tokens;
    } good[] = {{"heads", 0},         {"contiguous", 0},   {"pages:1", 1},
                {"pages:16", 16},     {"pages:1k", 1024},  {"pages:1M", KVR_MAX_PAGE_TOKENS}};
    static const char *const bad[] = {"",        "head",     "pages",    "pages:",   "pages:0",
                                      "pages:x", "pages:-1", "pages:2M", "pages: 1", "pages:N",
                                      "heads:1", "Pages:1"};
    char why[240];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint32_t page_tokens = 99;
        assert_int_equal(kvr_layout_parse(good[i].text, &page_tokens, why, sizeof why), 0);
        assert_int_equal(page_tokens, good[i].page_tokens);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint32_t page_tokens = 99;
        *why = '\0';
        if (kvr_layout_parse(bad[i], &page_tokens, why, sizeof why) != -EINVAL || !*why)
            fail_msg("'%s' is taken for a layout", bad[i]);
        assert_int_equal(page_tokens, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_as_text),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_layouts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
