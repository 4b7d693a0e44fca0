/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The page of a report: what it holds, that text stays text, and that it stays small.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/report/html.h"
#include "sample.h"

/* An owned page of these results. */
static char *page_of(const struct kvr_report_result *results, size_t count, int expected)
{
    const struct kvr_report report = {.results = results, .count = count,
                                      .compare_why = "none was <drawn>"};
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    assert_int_equal(kvr_write_report(out, &report), expected);
    assert_int_equal(fclose(out), 0);
    assert_true(bytes < KVR_REPORT_BYTES);
    char *copy = strdup(text); /* gcc 12 takes the buffer of open_memstream for a local one */
    free(text);
    assert_non_null(copy);
    return copy;
}

static char *page_of_one(const struct kvr_run_record *record)
{
    struct kvr_report_result result = {.record = record, .name = "run.json"};
    return page_of(&result, 1, 0);
}

static void holds(const char *page, const char *words)
{
    if (!strstr(page, words))
        print_message("the page lacks \"%s\"\n", words);
    assert_non_null(strstr(page, words));
}

static void lacks(const char *page, const char *words)
{
    if (strstr(page, words))
        print_message("the page holds \"%s\"\n", words);
    assert_null(strstr(page, words));
}

static void test_text(void **state)
{
    static const struct { const char *text, *escaped; } cases[] = {
        {"a < b && \"c\" > 'd'", "a &lt; b &amp;&amp; &quot;c&quot; &gt; &#39;d&#39;"},
        {"&lt;", "&amp;lt;"},
        {"line\nbreak\x1b[31m", "line?break?[31m"},
        {"\xc3\xbc \xff", "\xc3\xbc ?"},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = NULL;
        size_t bytes = 0;
        FILE *out = open_memstream(&text, &bytes);
        kvr_html_text(out, cases[i].text);
        fclose(out);
        assert_string_equal(text, cases[i].escaped);
        free(text);
    }
}

static void test_sections(void **state)
{
    static const char *const words[] = {
        "<!DOCTYPE html>", "id=\"r1-answer\"", "id=\"r1-verdicts\"", "id=\"r1-times\"",
        "id=\"r1-pictures\"", "id=\"r1-claims\"", "id=\"r1-ceilings\"", "id=\"r1-machine\"",
        "id=\"r1-method\"", "Fastest from DRAM", "LOOKAT over dense FP16",
        "scan from DRAM: d 64, m 4, K 256, W 1G, layout heads", "Sample 9000 (R)",
        "before &quot;the&quot; change", "download=\"run.json\"", "kvroof.result/1", "26.4",
    };
    struct kvr_run_record record;
    (void)state;
    sample_run(&record);
    char *page = page_of_one(&record), *again = page_of_one(&record);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        holds(page, words[i]);
    assert_string_equal(page, again);
    free(again);
    free(page);
    kvr_run_record_free(&record);
}

/* Nothing of a record that holds nothing is made up. */
static void test_bare(void **state)
{
    struct kvr_run_record record;
    (void)state;
    kvr_run_record_init(&record);
    char *page = page_of_one(&record);
    holds(page, "No case was measured");
    holds(page, "holds no claims ledger");
    holds(page, "does not hold the command");
    lacks(page, "nan");
    lacks(page, "(null)");
    free(page);
    kvr_run_record_free(&record);
}

static void taint(char *text, size_t bytes)
{
    snprintf(text, bytes, "<s>\"'&");
}

static void test_hostile(void **state)
{
    struct kvr_run_record record;
    (void)state;
    sample_everything(&record);
    taint(record.label, sizeof record.label);
    taint(record.compiler, sizeof record.compiler);
    taint(record.machine.isa.name, sizeof record.machine.isa.name);
    taint(record.machine.kernel, sizeof record.machine.kernel);
    assert_true(record.result_count && record.claim_count && record.ceiling_count &&
                record.checks.count && record.crossing_count);
    for (size_t i = 0; i < record.result_count; i++) {
        struct kvr_result *r = &record.results[i];
        taint(r->name, sizeof r->name);
        taint(r->codec, sizeof r->codec);
        taint(r->op, sizeof r->op);
        taint(r->level, sizeof r->level);
        taint(r->flags[0], sizeof r->flags[0]);
        taint(r->verdict.side, sizeof r->verdict.side);
        taint(r->verdict.bound, sizeof r->verdict.bound);
        taint(r->verdict.why, sizeof r->verdict.why);
    }
    taint(record.claims[0].source, sizeof record.claims[0].source);
    taint(record.claims[0].why, sizeof record.claims[0].why);
    taint(record.ceilings[0].method, sizeof record.ceilings[0].method);
    taint(record.checks.items[0].text, sizeof record.checks.items[0].text);
    taint(record.crossings[0].series, sizeof record.crossings[0].series);
    struct kvr_report_result result = {.record = &record, .name = "<s>\"'&.json"};
    snprintf(result.why[0], sizeof result.why[0], "<s>\"'&");
    char *page = page_of(&result, 1, 0);
    lacks(page, "<s>");
    holds(page, "&lt;s&gt;&quot;&#39;&amp;");
    holds(page, "download=\"&lt;s&gt;&quot;&#39;&amp;.json\"");
    free(page);
    kvr_run_record_free(&record);
}

static void test_command(void **state)
{
    static const char *const words[] = {"kvroof", "run", "--label", "it's $HOME <b>", "", "a,b=c"};
    struct kvr_run_record record;
    (void)state;
    kvr_run_record_init(&record);
    record.command = calloc(7, sizeof *record.command);
    assert_non_null(record.command);
    for (size_t i = 0; i < 6; i++)
        record.command[i] = strdup(words[i]);
    char *page = page_of_one(&record);
    holds(page, "<code>kvroof run --label &#39;it&#39;\\&#39;&#39;s $HOME &lt;b&gt;&#39; "
                "&#39;&#39; a,b=c</code>");
    free(page);
    kvr_run_record_free(&record);
}

/* Two pictures with the same names in them, in two results. */
static void test_pictures(void **state)
{
    static const char svg[] =
        "<?xml version=\"1.0\"?>\n<svg width=\"9\">\n<title>Gnuplot</title>\n<defs><circle id='p' "
        "r='1'/></defs><use xlink:href='#p'/><g id=\"q\" fill=\"url(#p)\"/><text>id='p' url(#p)"
        "</text></svg>\n";
    struct kvr_report_result results[2] = {{.name = "a.json"}, {.name = "b.json"}};
    struct kvr_run_record record;
    (void)state;
    sample_run(&record);
    for (size_t i = 0; i < 2; i++) {
        results[i].record = &record;
        results[i].svg[0] = results[i].svg[1] = svg;
        snprintf(results[i].why[2], sizeof results[i].why[2], "the result lacks it");
    }
    char *page = page_of(results, 2, 0);
    holds(page, "id='r1-roofline-p'");
    holds(page, "xlink:href='#r1-ladder-p'");
    holds(page, "id=\"r2-roofline-q\" fill=\"url(#r2-roofline-p)\"");
    holds(page, "<text>id='p' url(#p)</text>");
    holds(page, "role=\"img\" aria-label=\"Roofline");
    holds(page, "<li>scaling: the result lacks it</li>");
    lacks(page, "<?xml");
    lacks(page, "Gnuplot");
    lacks(page, " id='p' r");
    holds(page, "2 results of 1 machine.");
    holds(page, "No picture of the cases against the first result: none was &lt;drawn&gt;");
    holds(page, "<th scope=\"row\">2: b.json</th>");
    free(page);
    kvr_run_record_free(&record);
}

static void test_numa(void **state)
{
    struct kvr_run_record record;
    (void)state;
    sample_run(&record);
    char *page = page_of_one(&record);
    lacks(page, "From the cores of each node");
    free(page);
    sample_add_numa(&record);
    page = page_of_one(&record);
    holds(page, "From the cores of each node to the memory of each");
    holds(page, "<th scope=\"row\">0, 2</th><td class=\"n\">18.5</td><td class=\"n\">8</td>"
                "<td class=\"n\">262</td><td class=\"n\">28</td><td class=\"n\">97 %</td>");
    free(page);
    kvr_run_record_free(&record);
}

static void test_large(void **state)
{
    enum { PICTURE = 700 << 10, CASES = 2000 };
    char *svg = malloc(PICTURE + 1);
    struct kvr_run_record record;
    (void)state;
    assert_non_null(svg);
    memset(svg, ' ', PICTURE);
    svg[PICTURE] = 0;
    memcpy(svg, "<svg>", 5);
    sample_run(&record);
    for (size_t i = 0; i < CASES; i++) { /* rounds are owned: copies have none */
        struct kvr_result copy = record.results[0];
        copy.rounds = NULL;
        copy.round_count = 0;
        snprintf(copy.name, sizeof copy.name, "case-%zu", i);
        assert_non_null(kvr_record_add_result(&record, &copy));
    }
    struct kvr_report_result result = {.record = &record, .name = "run.json", .svg = {svg, svg}};
    char *page = page_of(&result, 1, 0);
    holds(page, "rows are left out, to keep the page small");
    holds(page, "<li>ladder: left out, to keep the page small: kvroof plot draws it</li>");
    holds(page, "run.json (");
    holds(page, "too large to be in this page");
    free(page);
    kvr_run_record_free(&record);
    free(svg);
}

/* A page that cannot be small is none. */
static void test_too_large(void **state)
{
    enum { CLAIMS = 4000 };
    struct kvr_run_record record;
    (void)state;
    kvr_run_record_init(&record);
    record.claims = calloc(CLAIMS, sizeof *record.claims);
    assert_non_null(record.claims);
    record.claim_count = CLAIMS;
    for (size_t i = 0; i < CLAIMS; i++) {
        memset(record.claims[i].why, 'w', sizeof record.claims[i].why - 1);
        snprintf(record.claims[i].id, sizeof record.claims[i].id, "claim-%zu", i);
    }
    struct kvr_report_result result = {.record = &record, .name = "run.json"};
    char *page = page_of(&result, 1, -E2BIG);
    assert_string_equal(page, "");
    free(page);
    kvr_run_record_free(&record);
}

static void test_refused_write(void **state)
{
    struct kvr_run_record record;
    struct kvr_report_result result = {.record = &record, .name = "run.json"};
    const struct kvr_report report = {.results = &result, .count = 1};
    FILE *full = fopen("/dev/full", "w");
    (void)state;
    assert_non_null(full);
    sample_run(&record);
    assert_int_equal(kvr_write_report(full, &report), -ENOSPC);
    fclose(full);
    kvr_run_record_free(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),     cmocka_unit_test(test_sections),
        cmocka_unit_test(test_bare),     cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_command),  cmocka_unit_test(test_pictures),
        cmocka_unit_test(test_numa),     cmocka_unit_test(test_large),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_refused_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
