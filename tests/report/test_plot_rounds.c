/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The data of the pictures of rounds and of several results: samples and compare.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/report/plotdata.h"
#include "sample.h"

enum { ROUNDS = 9, FIELD_BYTES = 200 };

/* The record of sample_run, every case with rounds that lie around `scale` times its time, their
 * median and its interval (of nine: from the second to the eighth). */
static void make(struct kvr_run_record *record, double scale)
{
    sample_run(record);
    for (size_t i = 0; i < record->result_count; i++) {
        struct kvr_result *r = &record->results[i];
        free(r->rounds);
        r->rounds = calloc(ROUNDS, sizeof *r->rounds);
        r->round_count = ROUNDS;
        r->result.ns_per_key = 1.04 * scale * (double)(i + 1);
        r->result.ci95[0] = 1.01 * scale * (double)(i + 1);
        r->result.ci95[1] = 1.07 * scale * (double)(i + 1);
        for (size_t k = 0; k < ROUNDS; k++) {
            double t = scale * (double)(i + 1) * (1 + .01 * (double)k);
            r->rounds[k] = (struct kvr_round){.t_ns = t, .m_ns = .5 * t, .c_ns = .25 * t,
                                              .process = k >= 5};
        }
    }
}

struct row { char kind[16], name[FIELD_BYTES]; size_t panel, series; double x, y, low, high;
             int flagged; };

static double number(const char *field)
{
    return *field ? strtod(field, NULL) : NAN;
}

/* The next row of that kind, from *at on; false: there is none. */
static bool next_row(const char **at, const char *kind, struct row *row)
{
    while (**at) {
        char line[600], *fields[9], *rest = line;
        size_t bytes = strcspn(*at, "\n");
        assert_true(bytes < sizeof line);
        snprintf(line, sizeof line, "%.*s", (int)bytes, *at);
        *at += bytes + 1;
        for (size_t i = 0; i < 9; i++) {
            fields[i] = strsep(&rest, "\t");
            assert_non_null(fields[i]);
        }
        if (strcmp(fields[0], kind))
            continue;
        *row = (struct row){.panel = strtoul(fields[1], NULL, 10),
                            .series = strtoul(fields[2], NULL, 10), .x = number(fields[4]),
                            .y = number(fields[5]), .low = number(fields[6]),
                            .high = number(fields[7]), .flagged = fields[8][0] == '1'};
        snprintf(row->kind, sizeof row->kind, "%s", kind);
        snprintf(row->name, sizeof row->name, "%s", fields[3]);
        return true;
    }
    return false;
}

static size_t rows(const char *sheet, const char *kind)
{
    struct row row;
    size_t count = 0;
    while (next_row(&sheet, kind, &row))
        count++;
    return count;
}

static size_t measured(const struct kvr_run_record *record)
{
    size_t count = 0;
    for (size_t i = 0; i < record->result_count; i++)
        count += record->results[i].measured;
    return count;
}

/* ---- samples ---- */

static void test_rounds(void **state)
{
    struct kvr_run_record record;
    struct row row, panel;
    (void)state;
    make(&record, 1);
    struct kvr_round *rounds = record.results[0].rounds;
    rounds[2].invalid = true;
    rounds[2].t_ns = 1000; /* far off: it sets no axis, and stands at the edge */
    rounds[3].repeated = true;
    char *sheet = sample_sheet(kvr_plot_samples, &record, 1);
    size_t cases = measured(&record);
    assert_int_equal(rows(sheet, "panel"), cases);
    assert_int_equal(rows(sheet, "t"), ROUNDS * cases - 1);
    assert_int_equal(rows(sheet, "m"), ROUNDS * cases - 1);
    assert_int_equal(rows(sheet, "c"), ROUNDS * cases - 1);
    assert_int_equal(rows(sheet, "void"), 3);
    assert_int_equal(rows(sheet, "process"), cases);
    const char *at = sheet;
    assert_true(next_row(&at, "panel", &panel));
    assert_true(panel.high < 2 && panel.low < .25 && panel.high > 1.08);
    at = sheet;
    assert_true(next_row(&at, "void", &row));
    assert_true(row.panel == 1 && row.series == 1 && row.x == 3 && row.y == panel.high);
    at = sheet;
    assert_true(next_row(&at, "repeated", &row));
    assert_true(row.panel == 1 && row.x == 4 && fabs(row.y - 1.03) < 1e-9);
    at = sheet;
    assert_true(next_row(&at, "t", &row));
    assert_true(row.panel == 1 && row.x == 1 && row.y == 1);
    assert_int_equal(row.flagged, record.results[0].flags[0][0] != 0);
    free(sheet);
    kvr_run_record_free(&record);
}

/* Names stay in their panel, and cases that have no room are counted. */
static void test_many_cases(void **state)
{
    enum { CASES = 60 };
    struct kvr_run_record record;
    struct row row;
    (void)state;
    make(&record, 1);
    struct kvr_result *like = &record.results[0], *few = record.results;
    size_t few_count = record.result_count;
    struct kvr_result *many = calloc(CASES, sizeof *many);
    memset(like->codec, 'x', sizeof like->codec - 1);
    memset(like->isa, 'y', sizeof like->isa - 1);
    for (size_t i = 0; i < CASES; i++) {
        many[i] = *like;
        many[i].tokens = (uint32_t)i + 1;
    }
    record.results = many;
    record.result_count = CASES;
    char *sheet = sample_sheet(kvr_plot_samples, &record, 1);
    assert_int_equal(rows(sheet, "panel"), 48);
    const char *at = sheet;
    while (next_row(&at, "name", &row))
        assert_true(strlen(row.name) <= 250 / 6);
    at = sheet;
    assert_true(next_row(&at, "more", &row));
    assert_non_null(strstr(row.name, "and 12 more cases"));
    free(sheet);
    free(many);
    record.results = few;
    record.result_count = few_count;
    kvr_run_record_free(&record);
}

/* ---- compare ---- */

static void test_ratios(void **state)
{
    struct kvr_run_record records[2];
    struct row row;
    (void)state;
    make(&records[0], 1);
    make(&records[1], 1.5);
    memcpy(records[1].results[1].flags[0], "noisy", 6);
    records[1].results[2].result.ci95[0] = records[1].results[2].result.ci95[1] = NAN;
    snprintf(records[1].results[3].name, sizeof records[1].results[3].name, "another");
    char *sheet = sample_sheet(kvr_plot_compare, records, 2);
    const char *at = sheet;
    assert_true(next_row(&at, "point", &row));
    assert_true(fabs(row.x - 1.5) < 1e-5 && row.series == 1 && row.y == 1);
    double down = hypot(log(1.04 / 1.01), log(1.07 / 1.04));
    double up = hypot(log(1.07 / 1.04), log(1.04 / 1.01));
    assert_true(fabs(row.low - 1.5 * exp(-down)) < 1e-5);
    assert_true(fabs(row.high - 1.5 * exp(up)) < 1e-5);
    assert_string_equal(row.name, records[0].results[0].name);
    assert_true(next_row(&at, "point", &row));
    assert_true(row.flagged && row.y == 2);
    assert_true(next_row(&at, "point", &row));
    assert_true(row.low == row.x && row.high == row.x);
    assert_true(next_row(&at, "point", &row)); /* the fourth has no other: its place is taken */
    assert_string_equal(row.name, records[0].results[4].name);
    at = sheet;
    assert_true(next_row(&at, "more", &row));
    assert_string_equal(row.name, "and 1 case of the first result that no other holds");
    free(sheet);
    kvr_run_record_free(&records[0]);
    kvr_run_record_free(&records[1]);
}

static void test_none_in_common(void **state)
{
    struct kvr_run_record records[2];
    char *text = NULL;
    size_t size = 0;
    (void)state;
    make(&records[0], 1);
    make(&records[1], 1);
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(kvr_plot_compare(out, &(struct kvr_drawn){records, 1, NULL}), -ENODATA);
    for (size_t i = 0; i < records[1].result_count; i++)
        records[1].results[i].name[0] = '~';
    assert_int_equal(kvr_plot_compare(out, &(struct kvr_drawn){records, 2, NULL}), -ENODATA);
    for (size_t i = 0; i < records[1].result_count; i++)
        records[1].results[i].measured = false;
    assert_int_equal(kvr_plot_compare(out, &(struct kvr_drawn){records, 2, NULL}), -ENODATA);
    fclose(out);
    assert_int_equal(size, 0);
    free(text);
    kvr_run_record_free(&records[0]);
    kvr_run_record_free(&records[1]);
}

/* Of many results: how they are distributed, not who is who; captions are cut, and counted. */
static void test_distribution(void **state)
{
    enum { COUNT = 102 };
    struct kvr_run_record *records = calloc(COUNT, sizeof *records);
    struct row row, last = {.name = ""};
    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        make(&records[i], i ? (double)i : 50); /* ratios 1/50 to 101/50 */
    char *sheet = sample_sheet(kvr_plot_compare, records, COUNT);
    const char *at = sheet;
    assert_int_equal(rows(sheet, "point"), 0);
    assert_int_equal(rows(sheet, "series"), 0);
    assert_int_equal(rows(sheet, "caption"), 17);
    while (next_row(&at, "caption", &row))
        last = row;
    assert_string_equal(last.name, "and 86 more results, which are drawn but not named here");
    at = sheet;
    assert_true(next_row(&at, "most", &row));
    assert_true(fabs(row.x - 51 / 50.) < 1e-5 && fabs(row.low - 6 / 50.) < 1e-5 &&
                fabs(row.high - 96 / 50.) < 1e-5);
    at = sheet;
    assert_true(next_row(&at, "half", &row));
    assert_true(fabs(row.low - 26 / 50.) < 1e-5 && fabs(row.high - 76 / 50.) < 1e-5);
    at = sheet;
    assert_true(next_row(&at, "end", &row) && fabs(row.x - .02) < 1e-6);
    assert_true(next_row(&at, "end", &row) && fabs(row.x - 2.02) < 1e-6);
    free(sheet);
    for (size_t i = 0; i < COUNT; i++)
        kvr_run_record_free(&records[i]);
    free(records);
}

/* Other pictures draw the first results and say how many more there are. */
static void test_left_out(void **state)
{
    struct kvr_run_record records[9];
    sample_data *const data[] = {
        kvr_plot_ladder, kvr_plot_roofline, kvr_plot_speedup, kvr_plot_samples};
    (void)state;
    for (size_t i = 0; i < 9; i++)
        make(&records[i], 1);
    for (size_t k = 0; k < sizeof data / sizeof *data; k++) {
        char *sheet = sample_sheet(data[k], records, 9), *four = sample_sheet(data[k], records, 4);
        assert_non_null(strstr(sheet, "and 5 more results, which are not drawn: "));
        assert_null(strstr(four, "not drawn: kvroof"));
        assert_null(strstr(sheet, "\t5: "));
        free(sheet);
        free(four);
    }
    for (size_t i = 0; i < 9; i++)
        kvr_run_record_free(&records[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds), cmocka_unit_test(test_many_cases),
        cmocka_unit_test(test_ratios), cmocka_unit_test(test_none_in_common),
        cmocka_unit_test(test_distribution), cmocka_unit_test(test_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
