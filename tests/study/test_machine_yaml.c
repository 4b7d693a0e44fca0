/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The description of another machine: its figures, what is refused, and the shipped examples.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "predicting.h"

static void test_figures(void **state)
{
    (void)state;
    near(kvr_other_bandwidth(&faster, "DRAM", 1), 80);
    near(kvr_other_bandwidth(&faster, "DRAM", 2), 100); /* the node's */
    near(kvr_other_bandwidth(&faster, "DRAM", 3), 90);  /* as stated */
    near(kvr_other_bandwidth(&faster, "DRAM", 4), 100);
    near(kvr_other_bandwidth(&faster, "L2", 3), 1200);
    assert_true(isnan(kvr_other_bandwidth(&faster, "L2", 5)));
    assert_true(isnan(kvr_other_bandwidth(&faster, "L3", 1)));
    near(kvr_other_rate(&faster, "load", "avx512"), 18);
    near(kvr_other_rate(&faster, "load", "avx512vbmi"), 18);
    assert_true(isnan(kvr_other_rate(&faster, "load", "avx2")));
    assert_true(isnan(kvr_other_rate(&faster, "store", "avx512")));
    near(kvr_other_rate(&faster, "issue", "scalar"), 24);
    near(kvr_other_rate(&faster, "issue", "avx2"), 24); /* one front end for all */
    near(kvr_other_rate(&faster, "issue", "avx512vbmi"), 24);
}

#define HEAD "name: x\nclock_ghz: 3\nclock_source: y\ncores: 8\n"
#define DRAM "bandwidth:\n  - {level: DRAM, threads: 1, gb_per_s: 20, source: z}\n"

static int parse(const char *text, struct kvr_other_machine *m, char *error, size_t bytes)
{
    return kvr_other_machine_parse("file.yaml", text, strlen(text), m, error, bytes);
}

static void refuse(const char *text, const char *place, const char *part)
{
    static struct kvr_other_machine m;
    char error[400] = "";
    assert_int_equal(parse(text, &m, error, sizeof error), -EINVAL);
    if (strncmp(error, "file.yaml", 9) || !strstr(error, place) || !strstr(error, part))
        fail_msg("\"%s\" lacks \"%s\" or \"%s\"", error, place, part);
}

static void test_yaml(void **state)
{
    static struct kvr_other_machine m;
    char error[400] = "";
    (void)state;
    assert_int_equal(parse(HEAD DRAM "  - {level: DRAM, threads: all, gb_per_s: 100, source: z}\n"
                           "rates:\n  - {resource: load, isa: avx2, per_cycle: 2, source: a}\n"
                           "  - {resource: issue, isa: scalar, gop_per_s: 15.5, source: b}\n",
                           &m, error, sizeof error), 0);
    assert_string_equal(m.name, "x");
    assert_int_equal(m.cores, 8);
    near(kvr_other_bandwidth(&m, "DRAM", 2), 40);
    near(kvr_other_bandwidth(&m, "DRAM", 8), 100);
    near(kvr_other_rate(&m, "load", "avx2"), 6);
    near(kvr_other_rate(&m, "load", "avxvnni"), 6); /* an extension of AVX2 */
    near(kvr_other_rate(&m, "issue", "scalar"), 15.5);
    assert_string_equal(m.rates[1].source, "b");
}

static void test_bad_yaml(void **state)
{
    (void)state;
    refuse("", "", "empty");
    refuse("- 1\n", "", "");
    refuse("name: [\n", "", "");
    refuse(HEAD, "", "bandwidth");
    refuse("name: x\nclock_ghz: nan\nclock_source: y\ncores: 8\n" DRAM, "line 2", "nan");
    refuse("name: x\nclock_ghz: 3000\nclock_source: y\ncores: 8\n" DRAM, "line 2", "between");
    refuse("name: x\nclock_ghz: 3\nclock_source: y\ncores: 0\n" DRAM, "line 4", "cores");
    refuse("name: x\nclock_gh: 3\n" DRAM, "line 2", "did you mean clock_ghz");
    refuse(HEAD "bandwidth:\n  - {level: L9, threads: 1, gb_per_s: 20, source: z}\n", "line 6",
           "L9");
    refuse(HEAD DRAM "  - {level: L2, threads: 1, gb_per_s: inf, source: z}\n", "line 7", "inf");
    refuse(HEAD DRAM "  - {level: L2, threads: 1, gb_per_s: -1, source: z}\n", "line 7", "-1");
    refuse(HEAD DRAM "  - {level: L2, threads: 9, gb_per_s: 1, source: z}\n", "line 7", "threads");
    refuse(HEAD DRAM "  - {level: DRAM, gb_per_s: 1, source: z}\n", "line 7", "twice");
    refuse(HEAD DRAM "  - {level: L2, gb_per_s: 1}\n", "line", "source");
    refuse(HEAD DRAM "rates:\n  - {resource: lod, isa: avx2, per_cycle: 2, source: a}\n", "line 8",
           "lod");
    refuse(HEAD DRAM "rates:\n  - {resource: load, isa: avx2, source: a}\n", "line 8",
           "per_cycle or gop_per_s");
    refuse(HEAD DRAM "rates:\n  - {resource: load, isa: avx2, per_cycle: 1, gop_per_s: 1, "
           "source: a}\n", "line 8", "not both");
    refuse(HEAD DRAM "rates:\n  - {resource: load, isa: avx2, per_cycle: 99, source: a}\n",
           "line 8", "between");
}

static void test_shipped(void **state)
{
    static const char *const names[] = {"server", "laptop"};
    static struct kvr_other_machine m;
    char path[512], error[400] = "";
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/machines/%s.yaml", KVR_SHIPPED_PROFILES, names[i]);
        if (kvr_other_machine_load(path, &m, error, sizeof error))
            fail_msg("%s", error);
        assert_true(kvr_other_bandwidth(&m, "DRAM", m.cores) > kvr_other_bandwidth(&m, "DRAM", 1));
        for (size_t b = 0; b < m.bandwidth_count; b++)
            assert_true(m.bandwidths[b].source[0]);
        assert_int_equal(kvr_other_machine_load(names[i], &m, error, sizeof error), 0);
    }
    assert_int_equal(kvr_other_machine_load("missing.yaml", &m, error, sizeof error), -ENOENT);
    assert_non_null(strstr(error, "missing.yaml"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_yaml),
        cmocka_unit_test(test_bad_yaml),
        cmocka_unit_test(test_shipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
