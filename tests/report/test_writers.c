/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every writer against its golden file, bit by bit (golden.h).
 */
#include <errno.h>
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

static int put(FILE *out, enum kvr_output_format format, const struct kvr_run_record *record,
               bool color, int width)
{
    return kvr_write(out, format, record,
                     &(struct kvr_output_style){.color = color, .width = width});
}
static int put_json(FILE *out, const struct kvr_run_record *record)
{
    return put(out, KVR_OUT_JSON, record, false, 0);
}
static int put_jsonl(FILE *out, const struct kvr_run_record *record)
{
    return put(out, KVR_OUT_JSONL, record, false, 0);
}
static int put_csv(FILE *out, const struct kvr_run_record *record)
{
    return put(out, KVR_OUT_CSV, record, false, 0);
}
static int put_md(FILE *out, const struct kvr_run_record *record)
{
    return put(out, KVR_OUT_MD, record, false, 0);
}
static int put_table(FILE *out, const struct kvr_run_record *record)
{
    return put(out, KVR_OUT_TABLE, record, false, 0);
}
static int put_table_60(FILE *out, const struct kvr_run_record *record)
{
    return put(out, KVR_OUT_TABLE, record, false, 60);
}
static int put_table_80(FILE *out, const struct kvr_run_record *record)
{
    return put(out, KVR_OUT_TABLE, record, false, 80);
}
static int put_table_120(FILE *out, const struct kvr_run_record *record)
{
    return put(out, KVR_OUT_TABLE, record, false, 120);
}
static int put_color(FILE *out, const struct kvr_run_record *record)
{
    return put(out, KVR_OUT_TABLE, record, true, 100);
}

/* As `show` prints it: with the reasons. */
static int put_shown(FILE *out, const struct kvr_run_record *record, bool color, int width)
{
    struct kvr_output_style style = {.color = color, .width = width, .evidence = true};
    return kvr_write(out, KVR_OUT_TABLE, record, &style);
}
static int put_shown_table(FILE *out, const struct kvr_run_record *record)
{
    return put_shown(out, record, false, 0);
}
static int put_shown_80(FILE *out, const struct kvr_run_record *record)
{
    return put_shown(out, record, false, 80);
}
static int put_shown_color(FILE *out, const struct kvr_run_record *record)
{
    return put_shown(out, record, true, 100);
}

static void test_json(void **state)
{
    (void)state;
    check_golden("everything.json", put_json, sample_everything);
    check_golden("run.json", put_json, sample_run);
}
static void test_jsonl(void **state)
{
    (void)state;
    check_golden("everything.jsonl", put_jsonl, sample_everything);
}
static void test_csv(void **state)
{
    (void)state;
    check_golden("everything.csv", put_csv, sample_everything);
    check_golden("run.csv", put_csv, sample_run);
}
static void test_markdown(void **state)
{
    (void)state;
    check_golden("run.md", put_md, sample_run);
}
static void test_summary(void **state)
{
    (void)state;
    check_golden("run.summary.txt", kvr_write_summary, sample_run);
    check_golden("everything.summary.txt", kvr_write_summary, sample_everything);
}
static void test_color(void **state)
{
    (void)state;
    check_golden("run.color.txt", put_color, sample_run);
}

/* Terminal columns of the longest line before the sentences: a name in a sentence may be longer
 * than a line. */
static size_t table_columns(const char *text)
{
    size_t longest = 0;
    assert_non_null(strstr(text, "\nFastest"));
    while (strncmp(text, "Fastest", 7) != 0) {
        size_t bytes = strcspn(text, "\n"), columns = 0;
        for (size_t i = 0; i < bytes; i++)
            columns += ((unsigned char)text[i] & 0xc0) != 0x80;
        longest = columns > longest ? columns : longest;
        text += bytes + (text[bytes] == '\n');
    }
    return longest;
}

static size_t table_width(write_sample *write)
{
    struct kvr_run_record record;
    sample_run(&record);
    char *text = written_text(write, &record);
    size_t width = table_columns(text);
    free(text);
    kvr_run_record_free(&record);
    return width;
}

static void test_table(void **state)
{
    (void)state;
    check_golden("run.table.txt", put_table, sample_run);
    check_golden("run.table60.txt", put_table_60, sample_run);
    check_golden("run.table80.txt", put_table_80, sample_run);
    check_golden("run.table120.txt", put_table_120, sample_run);
    assert_true(table_width(put_table_60) <= 60);
    assert_true(table_width(put_table_80) <= 80);
    assert_true(table_width(put_table_120) <= 120);
    assert_true(table_width(put_table) > 120);
}

static void test_shown(void **state)
{
    (void)state;
    check_golden("show.table.txt", put_shown_table, sample_run);
    check_golden("show.table80.txt", put_shown_80, sample_run);
    check_golden("show.color.txt", put_shown_color, sample_run);
}

static void check_says(const char *text, const char *part)
{
    assert_non_null(text);
    if (!strstr(text, part))
        fail_msg("lacks \"%s\":\n%s", part, text);
}

/* Cases that differ in anything but format, length and threads share no sentence, and each name
 * says what is not the usual. */
static void test_settings(void **state)
{
    static const char *const cases[] = {
        "Fastest from DRAM (step, d 64, 32768 tokens, layout heads, 1 thread):",
        "Fastest from DRAM (step, d 64, 32768 tokens, layout heads, 1 thread, codebook warm):",
        "Fastest from DRAM (attention, d 64, 32768 tokens, layout heads, 1 thread, 64M evicted",
        "(DRAM, step, d 64, layout heads, 1 thread, m 4, K 256): x1.32 at 512 tokens",
        "(DRAM, step, d 64, layout heads, 1 thread, codebook warm, m 4, K 256): x6.52 at 512",
        "fp16.fused@avx512 d64 n4096 DRAM heads 1t scan ",
        "lookat.u8@avx512vbmi d64 m4 n4096 DRAM heads 1t step, codebook warm ",
        "fp16.fused@avx512 d64 n4096 DRAM heads 1t attention, 64M evicted between passes "};
    struct kvr_run_record record;
    (void)state;
    sample_ops(&record);
    char *text = written_text(put_table, &record);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_says(text, cases[i]);
    free(text);
    for (size_t i = 0; i < record.result_count; i++) {
        struct kvr_result *r = &record.results[i];
        r->batch = strcmp(r->codec, "fp16") ? 1 : 8;
    }
    text = written_text(put_table, &record);
    check_says(text, "layout contiguous, 1 thread, batch 8): fp16.fused@avx512");
    free(text);
    kvr_run_record_free(&record);
    sample_ops(&record);
    for (size_t i = 0; i < record.result_count; i++) {
        struct kvr_result *r = &record.results[i];
        if (r->codebook_residency[0])
            snprintf(r->codebook, sizeof r->codebook, r->tokens == 512 ? "f32" : "f16");
    }
    text = written_text(put_table, &record);
    check_says(text, "  cb   codebook  "); /* columns, as they vary */
    check_says(text, "  evict  ");
    check_says(text, "64M  ");
    check_says(text, "512 tokens, layout heads, 1 thread, codebook f32, codebook warm)");
    free(text);
    kvr_run_record_free(&record);
}

static void test_shift_words(void **state)
{
    struct kvr_run_record record;
    (void)state;
    sample_ops(&record);
    for (size_t i = 0; i < record.result_count; i++) {
        struct kvr_result *r = &record.results[i];
        if (!strcmp(r->codec, "fp16"))
            continue;
        kvr_result_flag(r, "shared-core");
        r->verdict.shift_ln_b = r->tokens == 512 ? -.7 : .7;
        if (r->tokens == 4096)
            kvr_result_unavailable(r, "shift", "the side of FP16 is undecided");
        else
            snprintf(r->verdict.shift_says, sizeof r->verdict.shift_says, "moved");
    }
    char *text = written_text(put_table, &record);
    check_says(text, "moved towards the memory side: B x0.497 of ");
    check_says(text, "moved towards the core side: B x2.01 of ");
    check_says(text, "shift not known: the side of FP16 is undecided");
    check_says(text, ": the side of FP16 is undecided) and is ");
    check_says(text, "Flag shared-core (threads ran on CPUs that share a core");
    check_says(text, "/thp and 57 more.");
    free(text);
    kvr_run_record_free(&record);
}

/* Cases left out for one reason are one line, whatever their settings. */
static void test_grouped_skips(void **state)
{
    static const struct {
        const char *name, *why;
    } cases[] = {{"lookat.u8@sse/d64/m2/n512", "--budget was spent"},
                 {"lookat.u8@sse/d64/m4/n512", "--budget was spent"},
                 {"int4.fused@sse/d64/n512", "this host has no node 7"},
                 {"int8.fused@sse/d64/n512", "--budget was spent"}};
    struct kvr_run_record record;
    (void)state;
    sample_run(&record);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kvr_result *r = &record.results[i];
        r->measured = false;
        r->unavailable_count = 0;
        snprintf(r->name, sizeof r->name, "%s", cases[i].name);
        kvr_result_unavailable(r, "scan", "%s", cases[i].why);
    }
    char *text = written_text(put_table, &record);
    check_says(text, "not measured: 3 cases of lookat.u8@sse, int8.fused@sse: --budget was "
                     "spent\n");
    check_says(text, "not measured: int4.fused@sse/d64/n512: this host has no node 7\n");
    free(text);
    kvr_run_record_free(&record);
}

/* A proof that failed is told with what was found, and names are no mention of a user. */
static void test_failed_proof(void **state)
{
    struct kvr_run_record record;
    (void)state;
    sample_run(&record);
    struct kvr_check *c = kvr_check_add(&record.checks, "bypass", KVR_CHECK_REFUSE,
                                        "1 page fault (the first: page fault by thread 1 in a@b)");
    snprintf(c->fix, sizeof c->fix, "run again");
    snprintf(c->bypass.method, sizeof c->bypass.method, "some way");
    c->bypass.regions = 7;
    c->bypass.t_ratio = c->bypass.ready_us = NAN;
    kvr_result_flag(&record.results[0], "kernel-entry");
    char *text = written_text(put_table, &record);
    check_says(text, "bypass: 1 page fault (the first: page fault by thread 1 in a@b); what would "
                     "help: run again; method: some way.");
    check_says(text, "Flag kernel-entry (measured code entered the kernel between the stamps");
    free(text);
    text = written_text(put_md, &record);
    check_says(text, "- bypass: `1 page fault (the first: page fault by thread 1 in a@b)`; ");
    free(text);
    kvr_run_record_free(&record);
}

static void test_empty(void **state)
{
    struct kvr_run_record record;
    (void)state;
    kvr_run_record_init(&record);
    char *text = written_text(put_table, &record);
    assert_non_null(strstr(text, "No case was measured."));
    free(text);
    text = written_text(put_csv, &record);
    assert_non_null(strchr(text, '\n'));
    assert_string_equal(strchr(text, '\n'), "\n"); /* the header alone */
    free(text);
    kvr_run_record_free(&record);
}

static void test_formats(void **state)
{
    static const char *const names[] = {"table", "json", "jsonl", "csv", "md", "gbench",
                                        "gha-bigger", "gha-smaller", "bmf", "openmetrics",
                                        "junit"};
    enum kvr_output_format format = KVR_OUT_TABLE;
    (void)state;
    assert_int_equal(sizeof names / sizeof *names, KVR_OUT_FORMATS);
    for (size_t i = 0; i < KVR_OUT_FORMATS; i++) {
        assert_int_equal(kvr_output_format_parse(names[i], &format), 0);
        assert_int_equal(format, i);
    }
    assert_int_equal(kvr_output_format_parse("yaml", &format), -EINVAL);
    assert_int_equal(kvr_output_format_parse("", &format), -EINVAL);
}

/* Every format reports that the disk is full. */
static void test_full_disk(void **state)
{
    struct kvr_run_record record;
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    if (!full)
        SKIP_BECAUSE("no /dev/full on this host");
    fclose(full);
    sample_run(&record);
    for (int format = 0; format < KVR_OUT_FORMATS; format++) {
        full = fopen("/dev/full", "w");
        int rc = kvr_write(full, (enum kvr_output_format)format, &record, NULL);
        assert_int_equal(rc, -ENOSPC);
        fclose(full);
    }
    kvr_run_record_free(&record);
}

/* Numbers keep their '.' where the user's locale writes ','. */
static void test_comma_locale(void **state)
{
    char folder[256], number[16];
    (void)state;
    sample_folder(folder, sizeof folder);
    if (!set_comma_locale(folder)) {
        sample_folder_remove(folder);
        SKIP_BECAUSE("no locale with a decimal comma on this host");
    }
    snprintf(number, sizeof number, "%.1f", 1.5);
    assert_string_equal(number, "1,5");
    check_golden("everything.json", put_json, sample_everything);
    check_golden("run.csv", put_csv, sample_run);
    check_golden("run.md", put_md, sample_run);
    check_golden("run.table.txt", put_table, sample_run);
    check_golden("run.summary.txt", kvr_write_summary, sample_run);
    snprintf(number, sizeof number, "%.1f", 1.5);
    assert_string_equal(number, "1,5"); /* and the user's is back */
    setlocale(LC_NUMERIC, "C");
    sample_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),      cmocka_unit_test(test_jsonl),
        cmocka_unit_test(test_csv),       cmocka_unit_test(test_markdown),
        cmocka_unit_test(test_summary),   cmocka_unit_test(test_color),
        cmocka_unit_test(test_table),     cmocka_unit_test(test_empty),
        cmocka_unit_test(test_failed_proof), cmocka_unit_test(test_grouped_skips),
        cmocka_unit_test(test_formats),   cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_comma_locale), cmocka_unit_test(test_shown),
        cmocka_unit_test(test_settings), cmocka_unit_test(test_shift_words),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return exit_code(failed || getenv("KVROOF_UPDATE_GOLDEN"));
}
