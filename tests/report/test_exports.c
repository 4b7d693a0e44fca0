/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The formats of other programs against their golden files (golden.h), and what those programs
 * must not meet in them. The programs themselves read them in tests/cli/test_consumers.py.
 */
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/report/writers.h"
#include "../skips.h"
#include "golden.h"
#include "sample.h"

#define WRITER(name, format) \
    static int name(FILE *out, const struct kvr_run_record *record) \
    { \
        return kvr_write(out, format, record, NULL); \
    }
WRITER(put_gbench, KVR_OUT_GBENCH)
WRITER(put_gha_bigger, KVR_OUT_GHA_BIGGER)
WRITER(put_gha_smaller, KVR_OUT_GHA_SMALLER)
WRITER(put_bmf, KVR_OUT_BMF)
WRITER(put_openmetrics, KVR_OUT_OPENMETRICS)
WRITER(put_junit, KVR_OUT_JUNIT)
#undef WRITER

static const struct {
    const char *file;
    write_sample *write;
} exports[] = {
    {"run.gbench.json", put_gbench},           {"run.gha-bigger.json", put_gha_bigger},
    {"run.gha-smaller.json", put_gha_smaller}, {"run.bmf.json", put_bmf},
    {"run.openmetrics.txt", put_openmetrics},  {"run.junit.xml", put_junit},
};
enum { EXPORTS = sizeof exports / sizeof *exports };

static void check_all(void)
{
    for (size_t i = 0; i < EXPORTS; i++)
        check_golden(exports[i].file, exports[i].write, sample_run);
}

static void test_golden(void **state)
{
    (void)state;
    check_all();
    check_golden("ops.openmetrics.txt", put_openmetrics, sample_ops); /* with verdicts */
    check_golden("ops.junit.xml", put_junit, sample_ops);
}

static void test_comma_locale(void **state)
{
    char folder[256];
    (void)state;
    sample_folder(folder, sizeof folder);
    bool comma = set_comma_locale(folder);
    if (comma)
        check_all();
    setlocale(LC_NUMERIC, "C");
    sample_folder_remove(folder);
    if (!comma)
        SKIP_BECAUSE("no locale with a decimal comma on this host");
}

static void check_part(write_sample *write, const struct kvr_run_record *record, const char *part,
                       bool there)
{
    char *text = written_text(write, record);
    if (!strstr(text, part) == there)
        fail_msg("%s \"%s\":\n%s", there ? "lacks" : "has", part, text);
    free(text);
}

/* A wrong score is a failure, and the figures of a flagged case carry the flag everywhere. */
static void test_wrong_score(void **state)
{
    struct kvr_run_record record;
    (void)state;
    sample_run(&record);
    check_part(put_junit, &record, "<failure", false);
    check_part(put_junit, &record, "failures=\"0\" errors=\"0\" skipped=\"2\"", true);
    kvr_result_flag(&record.results[0], "mismatch");
    check_part(put_junit, &record, "<failure message=\"the scores differ", true);
    check_part(put_junit, &record, "failures=\"1\" errors=\"0\" skipped=\"2\"", true);
    check_part(put_gbench, &record, "\"label\": \"mismatch\"", true);
    check_part(put_gha_bigger, &record, "flags: mismatch", true);
    check_part(put_gha_smaller, &record, "flags: mismatch", true);
    check_part(put_openmetrics, &record, "flag=\"mismatch\"} 1", true);
    check_part(put_bmf, &record, "\"flags\": {\n      \"value\": 1.0\n    }", true);
    kvr_run_record_free(&record);
}

/* A case without a time, a round that is void, a head of no keys. */
static void test_gaps(void **state)
{
    struct kvr_run_record record;
    (void)state;
    sample_run(&record);
    struct kvr_result *r = record.results;
    snprintf(r[0].name, sizeof r[0].name, "no-time");
    r[0].result.ns_per_key = NAN;
    snprintf(r[1].name, sizeof r[1].name, "no-round");
    r[1].rounds[0].invalid = true;
    r[1].rounds[1].t_ns = NAN;
    r[1].result.cv = .25;
    r[2].tokens = 0;
    for (size_t i = 0; i < EXPORTS; i++) {
        check_part(exports[i].write, &record, "nan", false);
        check_part(exports[i].write, &record, "null", false);
    }
    check_part(put_gbench, &record, "\"no-time", false);
    check_part(put_gbench, &record, "\"name\": \"no-round\"", false);
    check_part(put_gbench, &record, "\"name\": \"no-round_median\"", true);
    check_part(put_gbench, &record, "\"name\": \"no-round_cv\"", true);
    check_part(put_bmf, &record, "\"no-time", false);
    check_part(put_openmetrics, &record, "kvroof_key_time_seconds{case=\"no-time", false);
    check_part(put_openmetrics, &record, "kvroof_case_measured{case=\"no-time\"} 1", true);
    kvr_run_record_free(&record);
}

/* Text from outside ends neither a label nor an attribute. */
static void test_hostile_text(void **state)
{
    static const char hostile[] = "a\"b\\c\nd<e>&f\xff\x01'";
    struct kvr_run_record record;
    (void)state;
    sample_run(&record);
    snprintf(record.label, sizeof record.label, "%s", hostile);
    snprintf(record.results[0].name, sizeof record.results[0].name, "%s", hostile);
    check_part(put_openmetrics, &record, "label=\"a\\\"b\\\\c?d<e>&f?\?'\"} 1\n", true);
    check_part(put_junit, &record, "name=\"a&quot;b\\c?d&lt;e&gt;&amp;f??&#39;\">", true);
    check_part(put_bmf, &record, "\"a\\\"b\\\\c\\nd<e>&f\xef\xbf\xbd\\u0001'\": {", true);
    kvr_run_record_free(&record);
}

/* A run may write what export refuses: its own exit code says that nothing was measured. */
static void test_nothing_measured(void **state)
{
    struct kvr_run_record record;
    (void)state;
    sample_run(&record);
    assert_true(kvr_has_cases(&record));
    for (size_t i = 0; i < record.result_count; i++)
        record.results[i].measured = false;
    assert_false(kvr_has_cases(&record));
    check_part(put_gbench, &record, "\"benchmarks\": []", true);
    check_part(put_gha_bigger, &record, "[]\n", true);
    check_part(put_bmf, &record, "{}\n", true);
    check_part(put_junit, &record, "tests=\"12\" failures=\"0\" errors=\"0\" skipped=\"12\"", true);
    kvr_run_record_free(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),       cmocka_unit_test(test_comma_locale),
        cmocka_unit_test(test_wrong_score),  cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_hostile_text), cmocka_unit_test(test_nothing_measured),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return exit_code(failed || getenv("KVROOF_UPDATE_GOLDEN"));
}
