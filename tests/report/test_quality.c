/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Closeness beside speed: the reader of fidelity results, how their rows find cases, the front on
 * cases counted by hand, the picture's data and the page's table.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/report/fidelity.h"
#include "../../src/report/plotdata.h"
#include "../../src/report/quality.h"
#include "../../src/report/quality_cases.h"
#include "../../src/report/report.h"
#include "golden.h"
#include "sample.h"

/* ---- a fidelity result ---- */

static struct kvr_fidelity_row row_of(const char *codec, const char *table, double bytes,
                                      double rho)
{
    struct kvr_fidelity_row row = {.layer = KVR_FIDELITY_ALL, .head = KVR_FIDELITY_ALL,
                                   .text = "all", .codec = codec, .calibration = "",
                                   .tokens = 512, .seeds = 1, .bytes_per_key = bytes,
                                   .key_squared_error = bytes > 0 ? 100 / bytes : NAN,
                                   .skill = rho / 2, .worst_skill = rho / 3};
    snprintf(row.table, sizeof row.table, "%s", table);
    if (*table) {
        row.subspaces = 4;
        row.entries = 256;
    }
    for (size_t k = 0; k < KVR_METRICS; k++) {
        row.mean[k] = k == KVR_RHO ? rho : .5 * rho + .01 * (double)k;
        row.std[k] = .1 + .01 * (double)k;
        row.tail[k] = .2 + .01 * (double)k;
        row.worst_head[k] = .3 + .01 * (double)k;
        row.seed_spread[k] = NAN;
    }
    return row;
}

enum { ROWS = 8 };
static struct kvr_fidelity_row rows[ROWS];
static char *files[] = {"/somewhere/k.npy", "q.npy", "v.npy", "<w>.npy"};
static struct kvr_fidelity_record fidelity;

/* Rows that stand for one layer, one text or fewer tokens come first: nothing may take those. */
static void make_fidelity(void)
{
    rows[0] = rows[1] = rows[2] = row_of("fp16", "", 128, .1);
    rows[0].layer = 1;
    rows[1].text = "prose.npy";
    rows[2].tokens = 64;
    rows[3] = row_of("uniform", "", NAN, 0);
    rows[4] = row_of("fp16", "", 128, 1);
    rows[5] = row_of("int8q8", "", 64, .999);
    rows[6] = row_of("lookat", "f32", 4, .80);
    rows[7] = row_of("lookat", "u8", 4, .79);
    rows[7].leaking = true;
    rows[7].seed_spread[KVR_RHO] = .125;
    snprintf(rows[5].encoder, sizeof rows[5].encoder, "r20/lambda0.001/block16");
    fidelity = (struct kvr_fidelity_record){
        .tokens = 512, .first_query = 32, .head_dim = 64, .seeds = 3, .files = files,
        .file_count = 4, .rows = rows, .row_count = ROWS, .training_s = 1.5, .duration_s = 2.25};
}

/* ---- runs beside it ---- */

static void make_run(struct kvr_run_record *record)
{
    sample_ops(record);
    for (size_t i = 0; i < record->result_count; i++) {
        struct kvr_result *r = &record->results[i];
        if (r->subspaces)
            snprintf(r->table, sizeof r->table, "%.3s", !strcmp(r->variant, "u8") ? "u8" : "f32");
    }
}

static void attach(struct kvr_run_record *records, size_t count)
{
    char error[400];
    int rc = kvr_quality_attach(&fidelity, records, count, error, sizeof error);
    if (rc)
        fail_msg("%s", error);
}

static void make_joined(struct kvr_run_record *record)
{
    make_fidelity();
    make_run(record);
    attach(record, 1);
}

/* ---- the reader ---- */

static int write_file(const char *path, const struct kvr_fidelity_record *record)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    int rc = kvr_write_fidelity(out, KVR_OUT_JSON, record);
    assert_int_equal(fclose(out), 0);
    return rc;
}

/* The same text when it is written again: everything that the schema holds was read. */
static void test_round_trip(void **state)
{
    struct sample_place *place = *state;
    struct kvr_run_record run;
    struct kvr_fidelity_record again;
    char error[400];
    make_fidelity();
    assert_int_equal(write_file(place->result, &fidelity), 0);
    char *first = sample_read(place->result, NULL);
    int rc = kvr_read_either(place->result, &run, &again, error, sizeof error);
    if (rc)
        fail_msg("%s", error);
    assert_int_equal(again.row_count, ROWS);
    assert_int_equal(run.result_count, 0);
    assert_int_equal(write_file(place->result, &again), 0);
    char *second = sample_read(place->result, NULL);
    assert_string_equal(first, second);
    /* A command that wants times says so. */
    assert_int_equal(kvr_read_result(place->result, &run, error, sizeof error), -ENOMSG);
    assert_non_null(strstr(error, "its schema is \"kvroof.fidelity/1\""));
    free(first);
    free(second);
    kvr_fidelity_free(&again);
}

static void test_reader_refuses(void **state)
{
    static const struct { const char *from, *to, *words; } changes[] = {
        {"kvroof.fidelity/1", "kvroof.fidelity/2", "reads kvroof.fidelity/1"},
        {"\"rows\"", "\"lines\"", "it holds no rows"},
        {"\"layer\": 1", "\"layer\": -1", "rows[0].layer is neither"},
        {"\"codec\": \"fp16\"", "\"codec\": 16", "codec is a whole number, not a string"},
        {"\"rho\": ", "\"roh\": ", "rows[0].rho is missing"},
        {"\"tokens\": 512", "\"tokens\": \"512\"", "tokens is a string"},
        {"\"std\": {", "\"std\": 1, \"other\": {", "rows[0].std is a whole number"},
        {"\"head_dim\": 64", "\"head_dim\": -64", "head_dim is negative"},
        {"\"text\": \"all\"", "\"test\": \"all\"", "rows[0] lacks its text"},
    };
    struct sample_place *place = *state;
    make_fidelity();
    assert_int_equal(write_file(place->result, &fidelity), 0);
    char *text = sample_read(place->result, NULL);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct kvr_run_record run;
        struct kvr_fidelity_record record;
        char error[400], *at = strstr(text, changes[i].from), *changed = NULL;
        assert_non_null(at);
        assert_true(asprintf(&changed, "%.*s%s%s", (int)(at - text), text, changes[i].to,
                             at + strlen(changes[i].from)) > 0);
        sample_write(place->result, changed, strlen(changed));
        assert_int_equal(kvr_read_either(place->result, &run, &record, error, sizeof error),
                         -EINVAL);
        if (!strstr(error, changes[i].words) || !strstr(error, "result.json"))
            fail_msg("\"%s\" lacks \"%s\"", error, changes[i].words);
        assert_null(record.rows);
        assert_int_equal(record.row_count, 0);
        free(changed);
    }
    free(text);
}

/* ---- joining ---- */

static void test_joined(void **state)
{
    struct kvr_run_record record;
    char text[200];
    (void)state;
    make_joined(&record);
    for (size_t i = 0; i < record.result_count; i++) {
        const struct kvr_result *r = &record.results[i];
        const struct kvr_fidelity_row *want =
            !strcmp(r->codec, "fp16") ? &rows[4] : !strcmp(r->codec, "int8q8") ? &rows[5]
            : !strcmp(r->variant, "u8") ? &rows[7] : &rows[6];
        assert_ptr_equal(r->closeness, want);
    }
    kvr_quality_missing_text(&record, 1, text, sizeof text);
    assert_string_equal(text, "");
    kvr_quality_source_text(&fidelity, text, sizeof text);
    assert_string_equal(text, "closeness: k.npy, q.npy, v.npy and 1 more; 512 tokens, queries "
                              "from 32 on, k-means seeds: 3");
    rows[5].codec = "int8";
    attach(&record, 1);
    kvr_quality_missing_text(&record, 1, text, sizeof text);
    assert_string_equal(text, "int8q8");
    kvr_run_record_free(&record);
}

/* A scan that rounds the query has its own row where there is one; another encoder is no match. */
static void test_joined_by_scan(void **state)
{
    struct kvr_run_record record;
    (void)state;
    make_fidelity();
    make_run(&record);
    rows[0] = row_of("q8_0", "", 68, .99);
    rows[1] = row_of("q8_0.q8", "", 68, .98);
    rows[2] = row_of("squat2", "", 24, .9);
    snprintf(rows[2].encoder, sizeof rows[2].encoder, "r5/lambda0.01/block32");
    assert_true(record.result_count > 3);
    for (size_t i = 0; i < 4; i++) {
        struct kvr_result *r = &record.results[i];
        snprintf(r->codec, sizeof r->codec, "%s", i < 2 ? "q8_0" : "squat2");
        snprintf(r->variant, sizeof r->variant, "%s", i == 1 ? "q8" : "fused");
        snprintf(r->encoder, sizeof r->encoder, "%s",
                 i < 2 ? "" : i == 2 ? "r5/lambda0.01/block32" : "r20/lambda0.001/block16");
        r->subspaces = r->entries = 0;
        *r->table = '\0';
    }
    attach(&record, 1);
    assert_ptr_equal(record.results[0].closeness, &rows[0]);
    assert_ptr_equal(record.results[1].closeness, &rows[1]);
    assert_ptr_equal(record.results[2].closeness, &rows[2]);
    assert_null(record.results[3].closeness);
    kvr_run_record_free(&record);
}

static void check_refused(struct kvr_run_record *record, const char *words)
{
    char error[400] = "";
    assert_int_equal(kvr_quality_attach(&fidelity, record, 1, error, sizeof error), -EINVAL);
    if (!strstr(error, words))
        fail_msg("\"%s\" lacks \"%s\"", error, words);
}

static void test_refusals(void **state)
{
    struct kvr_run_record record;
    (void)state;
    make_run(&record);
    make_fidelity();
    for (size_t i = 0; i < ROWS; i++)
        rows[i].codec = i == 3 ? "uniform" : "kivi2";
    check_refused(&record, "the run measured fp16, int8q8, lookat, it holds kivi2; names, "
                           "subspaces and entries must agree");
    make_fidelity();
    fidelity.head_dim = 128;
    check_refused(&record, "its keys have d 128 and those of the run d 64: run with --head-dim "
                           "128");
    fidelity.head_dim = 0;
    check_refused(&record, "it does not say its head_dim");
    make_fidelity();
    rows[6].calibration = "prose";
    rows[7] = rows[6];
    rows[7].calibration = "code";
    check_refused(&record, "it holds lookat of two calibration sets (prose, code)");
    make_fidelity();
    rows[3].skip_sinks = 4;
    check_refused(&record, "no row of uniform attention");
    make_fidelity();
    for (size_t i = 0; i < record.result_count; i++)
        record.results[i].measured = false;
    check_refused(&record, "the run beside it holds no case with a time");
    kvr_run_record_free(&record);
}

/* ---- the front ---- */

static void test_front(void **state)
{
    /* By hand: 0 is beaten by 1 (as cheap, better); 2 costs more than 1 and is better; 3 is 2's
     * equal; 4 is as good as 2 and dearer; 5 is the cheapest; 6 the best; 7 and 8 lack a figure. */
    static const double cost[] = {2, 2, 3, 3, 4, 1, 9, NAN, 1};
    static const double worth[] = {.5, .6, .8, .8, .8, .1, .9, 1, NAN};
    static const bool want[] = {false, true, true, true, false, true, true, false, false};
    enum { COUNT = sizeof cost / sizeof *cost };
    bool on[COUNT];
    (void)state;
    kvr_pareto_front(cost, worth, COUNT, on);
    for (size_t i = 0; i < COUNT; i++)
        if (on[i] != want[i])
            fail_msg("point %zu is %s the front", i, on[i] ? "on" : "not on");
    kvr_pareto_front(cost, worth, 1, on);
    assert_true(on[0]);
}

/* A case of the chosen ones by its kernel, in the place whose name has these words; -1: none. */
static int find(const struct kvr_quality *q, const char *op, const char *variant)
{
    for (size_t i = 0; i < q->count; i++)
        if (!strcmp(q->cases[i].result->op, op) && !strcmp(q->cases[i].result->variant, variant))
            return (int)i;
    return -1;
}

/* One setting of each op and level; scans: 32768 tokens, as long as it gets; the gather kernel is
 * slower there than the 8-bit table but closer, FP16 is the closest, INT8 lies between. */
static void test_chosen(void **state)
{
    struct kvr_run_record record;
    struct kvr_quality q;
    (void)state;
    make_joined(&record);
    struct kvr_sheet sheet = kvr_sheet_of(NULL, &record, 1);
    assert_int_equal(kvr_quality_make(&sheet, &q), 0);
    assert_int_equal(q.places.count, 3);
    bool *on = calloc(q.count, sizeof *on);
    for (size_t i = 0; i < q.count; i++) {
        assert_int_equal(q.cases[i].result->tokens, 32768);
        for (size_t k = 0; k < i; k++) /* one setting a place, each kernel once */
            if (q.place[k] == q.place[i])
                assert_true(!strcmp(q.cases[i].result->layout, q.cases[k].result->layout) &&
                            strcmp(q.cases[i].result->name, q.cases[k].result->name));
    }
    size_t scans = q.place[find(&q, "scan", "u8")];
    assert_int_equal(kvr_quality_front(&q, scans, on), 0);
    assert_true(on[find(&q, "scan", "u8")]);
    assert_true(on[find(&q, "scan", "f32-gather")]);
    assert_true(on[find(&q, "scan", "fused")]); /* FP16 comes before INT8 */
    assert_false(on[find(&q, "step", "u8")]);   /* another place */
    rows[6].mean[KVR_RHO] = .7900001; /* nothing that 1 - rho would show in three digits */
    assert_int_equal(kvr_quality_front(&q, scans, on), 0);
    assert_true(on[find(&q, "scan", "u8")]);
    assert_false(on[find(&q, "scan", "f32-gather")]);
    assert_int_equal(kvr_quality_front(&q, 0, on), 0); /* by bytes they are one point */
    assert_true(on[find(&q, "scan", "f32-gather")]);
    free(on);
    kvr_quality_free(&q);
    kvr_run_record_free(&record);
}

/* ---- the picture and the page ---- */

static int write_sheet(FILE *out, const struct kvr_run_record *record)
{
    return kvr_plot_quality(out, &(struct kvr_drawn){record, 1, NULL});
}

static void test_sheet(void **state)
{
    struct kvr_run_record record, records[2];
    (void)state;
    check_golden("quality.tsv", write_sheet, make_joined);
    make_run(&record);
    FILE *out = tmpfile();
    /* nothing beside it */
    assert_int_equal(kvr_plot_quality(out, &(struct kvr_drawn){&record, 1, NULL}), -ENODATA);
    kvr_run_record_free(&record);
    make_run(&records[0]);
    make_run(&records[1]);
    attach(records, 2);
    snprintf(records[1].machine.fingerprint, sizeof records[1].machine.fingerprint, "other");
    assert_int_equal(kvr_plot_quality(out, &(struct kvr_drawn){records, 2, NULL}), -EXDEV);
    assert_int_equal(ftell(out), 0);
    fclose(out);
    kvr_run_record_free(&records[0]);
    kvr_run_record_free(&records[1]);
}

static char *page_of(const struct kvr_run_record *record)
{
    char *text = NULL;
    size_t bytes = 0;
    struct kvr_report_result *result = calloc(1, sizeof *result);
    FILE *out = open_memstream(&text, &bytes);
    result->record = record;
    result->name = "run.json";
    assert_int_equal(kvr_write_report(out, &(struct kvr_report){.results = result, .count = 1}),
                     0);
    fclose(out);
    free(result);
    return text;
}

static void test_page(void **state)
{
    static const char *const words[] = {
        "<a href=\"#r1-quality\">", "<section id=\"r1-quality\">", ">ns/key scan DRAM<",
        ">ns/key attention DRAM<", ">uniform attention (the floor)<",
        "lookat.u8, m 4, K 256</th><td class=\"n\">4.00</td><td class=\"n\">0.7900</td>",
        "<td>scan DRAM, bytes</td>", "leaking"};
    struct kvr_run_record record;
    (void)state;
    make_joined(&record);
    char *page = page_of(&record);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strstr(page, words[i]))
            fail_msg("the page lacks \"%s\"", words[i]);
    free(page);
    kvr_run_record_free(&record);
    make_run(&record);
    page = page_of(&record);
    assert_null(strstr(page, "r1-quality"));
    free(page);
    kvr_run_record_free(&record);
}

static int setup(void **state)
{
    *state = sample_place_new(sizeof(struct sample_place));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, setup, sample_place_free),
        cmocka_unit_test_setup_teardown(test_reader_refuses, setup, sample_place_free),
        cmocka_unit_test(test_joined), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_joined_by_scan),
        cmocka_unit_test(test_front), cmocka_unit_test(test_chosen), cmocka_unit_test(test_sheet),
        cmocka_unit_test(test_page),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed || getenv("KVROOF_UPDATE_GOLDEN") ? 1 : 0;
}
