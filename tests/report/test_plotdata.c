/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The data of every picture: figures one by one, and whole files against golden ones.
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

static void check_sheet(const char *golden_name, sample_data *data,
                        const struct kvr_run_record *records, size_t count)
{
    char path[512];
    char *text = sample_sheet(data, records, count);
    snprintf(path, sizeof path, "%s/%s", KVR_GOLDEN, golden_name);
    if (getenv("KVROOF_UPDATE_GOLDEN"))
        sample_write(path, text, strlen(text));
    char *golden = sample_read(path, NULL);
    assert_non_null(golden);
    assert_string_equal(text, golden);
    free(golden);
    free(text);
}

static void test_data(void **state)
{
    struct kvr_run_record records[2];
    (void)state;
    sample_run(&records[0]);
    sample_run(&records[1]);
    records[1].label[0] = 0;
    snprintf(records[1].machine.isa.name, sizeof records[1].machine.isa.name,
             "odd \"name\"\twith\ntabs");
    check_sheet("ladder.tsv", kvr_plot_ladder, records, 1);
    check_sheet("ladder.same.tsv", kvr_plot_ladder, records, 2);
    records[1].machine.fingerprint[0] = 'x'; /* another machine: its caches are drawn too */
    check_sheet("ladder.two.tsv", kvr_plot_ladder, records, 2);
    kvr_run_record_free(&records[0]);
    kvr_run_record_free(&records[1]);
}

/* ---- roofline and scaling ---- */

/* How often the text occurs; newlines and tabs in it keep rows and columns apart. */
static size_t times(const char *sheet, const char *text)
{
    size_t n = 0;
    for (const char *at = sheet; (at = strstr(at, text)); at++)
        n++;
    return n;
}

struct expected { const char *text; size_t count; };

static void check_times(const char *sheet, const struct expected *expected, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (times(sheet, expected[i].text) != expected[i].count)
            print_message("%zu times, not %zu: %s\n", times(sheet, expected[i].text),
                          expected[i].count, expected[i].text);
        assert_int_equal(times(sheet, expected[i].text), expected[i].count);
    }
}

static void test_roofline_data(void **state)
{
    struct kvr_run_record records[2];
    (void)state;
    sample_work(&records[0]);
    sample_work(&records[1]);
    char *one = sample_sheet(kvr_plot_roofline, records, 1);
    static const struct expected expected[] = {
        {"\npanel\t", 3}, {"\npoint\t1\t", 9}, {"\npoint\t2\t", 6}, {"\npoint\t3\t", 1},
        /* 128 flops of 128 bytes; stored, else 128 / 3.3 ns; the interval of the time turned */
        {"fp16.fused@avx512/d64/m0/n512/DRAM/1t/scan/heads/thp\t1\t36\t", 1},
        {"fp16.fused@avx512/d64/m0/n4096/DRAM/1t/scan/heads/thp\t1\t38.78787878787879\t"
         "38.4800384", 1},
        {"int8q8.fused@avx512vnni/d64/m0/n4096/DRAM/1t/scan/heads/thp\t2\t74.4186046511628\t", 1},
        {"DRAM, 1t: 26.2 GB/s\t", 2 * 3}, /* the family, its best; a line and a name a panel */
        {"DRAM, 2t: 39.4 GB/s\t", 2 * 3}, {"27.5", 0}, {"DRAM, 1t: 25.5", 0},
        {"multiply-add f32, avx512, 1t: 180 GFLOP/s\t", 2}, {"multiply-add f32, avx2", 0},
        {"byte permutes (K = 256), 1t: 48.0 G/s\t", 2},
        {"byte shuffles (K = 16), 1t: 192 G/s\t", 2},
        {"scalar loads, 1t: 9.00 G/s", 2},
        {"gathers, 1t: 8.00 G/s\t", 2}, {"integer dot, 1t: 768 Gop/s\t", 2},
        {"shuffle.two/avx512vbmi, 1.50 Gop/s x 32\t", 1}, {"madd/avx512", 0},
        {"\nkernel\t0\t1\tA  fp16.fused@avx512\t", 1},
        {"\nplace\t0\t1\tDRAM, n 512, 1t\t", 1},
        {"\ncommon\t0\t0\td 64, m 4, K 256, scan, heads", 1},
    };
    check_times(one, expected, sizeof expected / sizeof *expected);
    free(one);
    check_sheet("roofline.tsv", kvr_plot_roofline, records, 1);
    char *same = sample_sheet(kvr_plot_roofline, records, 2); /* one machine has one set of roofs */
    assert_int_equal(times(same, "DRAM, 1t: 26.2 GB/s\t"), 2 * 3);
    assert_int_equal(times(same, "\npoint\t1\t"), 2 * 9);
    assert_int_equal(times(same, "\t2: DRAM, n 512, 1t\t"), 1);
    free(same);
    records[1].machine.fingerprint[0] = 'x';
    char *two = sample_sheet(kvr_plot_roofline, records, 2);
    assert_int_equal(times(two, "\t1, 2: DRAM, 1t: 26.2 GB/s\t"), 3); /* none lies on another */
    assert_int_equal(times(two, "\t1, 2: DRAM, 2t: 39.4 GB/s\t"), 3);
    free(two);
    for (size_t i = 0; i < records[1].ceiling_count; i++)
        records[1].ceilings[i].value *= 1.5;
    two = sample_sheet(kvr_plot_roofline, records, 2);
    assert_int_equal(times(two, "\t1: DRAM, 1t: 26.2 GB/s\t"), 3);
    assert_int_equal(times(two, "\t2: DRAM, 2t: 59.1 GB/s\t"), 3);
    free(two);
    kvr_run_record_free(&records[0]);
    kvr_run_record_free(&records[1]);
}

static void test_scaling_data(void **state)
{
    struct kvr_run_record records[2];
    (void)state;
    sample_run(&records[0]);
    sample_run(&records[1]);
    char *one = sample_sheet(kvr_plot_scaling, records, 1);
    static const struct expected expected[] = {
        {"\npanel\t", 1}, {"\npoint\t1\t1\t", 2}, {"\npoint\t1\t2\t", 2}, {"\npoint\t1\t3\t", 0},
        /* 128 bytes in 1.9 ns on two threads; linear: twice 128 / 3.3 */
        {"/n4096/DRAM/2t/scan/heads/thp\t2\t67.36842105263158\t", 1},
        {"\nlinear\t1\t1\t\t2\t77.57575757575758\t", 1},
        /* M, the best of the drawn cases: 128 / 3.2 on one, 128 / 1.85 on two */
        {"\nroof\t1\t1\tbest reader\t1\t40", 1}, {"\nroof\t1\t1\tbest reader\t2\t69.189189189", 1},
        {"\nseries\t0\t2\tB  lookat.u8@avx512\t", 1},
    };
    check_times(one, expected, sizeof expected / sizeof *expected);
    free(one);
    check_sheet("scaling.tsv", kvr_plot_scaling, records, 1);
    check_sheet("scaling.two.tsv", kvr_plot_scaling, records, 2);
    kvr_run_record_free(&records[0]);
    kvr_run_record_free(&records[1]);
}

/* ---- realism, shift, speedup ---- */

static void test_realism_data(void **state)
{
    struct kvr_run_record records[2];
    (void)state;
    sample_ops(&records[0]);
    sample_ops(&records[1]);
    char *one = sample_sheet(kvr_plot_realism, records, 1);
    static const struct expected expected[] = {
        {"\npanel\t1\t0\tn 512\t", 1}, {"\npanel\t2\t0\tn 4096\t", 1},
        {"\npanel\t3\t0\tn 32768\t", 1}, {"\npanel\t", 3},
        /* Seven rungs; two kernels stand on each of them. */
        {"\nrung\t0\t1\tscan\t1\t", 1}, {"\nrung\t0\t2\tcontiguous\t1\t", 1},
        {"\nrung\t0\t3\twarm\t3\t", 1}, {"\nrung\t0\t3\tcold\t4\t", 1},
        {"\nrung\t0\t4\tevicted\t6\t", 1}, {"\nrung\t0\t2\tpages:16\t7\t", 1},
        {"\npoint\t1\t", 14}, {"\npoint\t", 42}, {"fp16.fused", 0}, {"int8q8.fused", 0},
        /* 3.5 ns over .205 ns, beside each other; flagged only where evicted at 4096 */
        {"/n512/W1G/1t/scan/heads/thp\t1.92\t17.073170731707318\t14.5121951", 1},
        {"\t1\n", 2},
        /* 128 bytes over 4; 128 + 128 over 4 + 128 with the values */
        {"\npromise\t1\t0\tbytes saved: x32\t0.55\t32\t4.45\t32\t", 1},
        {"\npromise\t1\t0\tbytes saved: x1.94\t4.55\t1.93939\t7.45\t", 1},
        {"\npromise\t", 6}, {"\neven\t", 3},
        {"\nseries\t0\t1\tA  lookat.u8@avx512vbmi\t", 1}, {"\nseries\t", 2},
    };
    check_times(one, expected, sizeof expected / sizeof *expected);
    free(one);
    check_sheet("realism.tsv", kvr_plot_realism, records, 1);
    char *two = sample_sheet(kvr_plot_realism, records, 2);
    assert_int_equal(times(two, "\npoint\t"), 84);
    assert_int_equal(times(two, "\nseries\t0\t3\tC  2: lookat.u8@avx512vbmi\t"), 1);
    free(two);
    kvr_run_record_free(&records[0]);
    kvr_run_record_free(&records[1]);
}

static void test_shift_data(void **state)
{
    struct kvr_run_record record;
    (void)state;
    sample_ops(&record);
    char *sheet = sample_sheet(kvr_plot_shift, &record, 1);
    static const struct expected expected[] = {
        /* What has no codebook is compared with the warm and with the cold ones. */
        {"\npanel\t", 7}, {"\tscan, contiguous\t", 1}, {"\tscan, heads\t", 1},
        {"\tstep, heads, codebook warm\t", 1}, {"\tstep, heads, codebook cold\t", 1},
        {"\tattention, heads, codebook cold, evicted by 64M\t", 1},
        {"\ttotal\t", 0}, {"\ntotal\t2\t", 12}, {"\ntotal\t3\t", 12}, {"\ntotal\t4\t", 12},
        {"\ntick\t0\t0\t512\t512\t", 1}, {"\ntick\t0\t0\t32K\t32768\t", 1},
        {"\nprepare\t1\t", 0}, {"\nscan\t1\t", 0}, /* a scan is one part */
        {"\nprepare\t4\t", 6}, {"\nscan\t4\t", 6}, /* LOOKAT's; others' tell nothing */
        {"thp\t512\t2.44140625\t\t\t0\n", 3 * 2}, /* 1250 ns a head: line, mark */
        {"\npart\t3\t2\t", 8}, {"\npart\t4\t1\t", 8}, /* warm by the core, cold by memory */
        {"\nbound\t0\t1\tmemory\t", 1}, {"\nbound\t0\t5\tlatency\t", 1},
        {"\nbound\t0\t6\tundecided\t", 0}, {"\nseries\t", 4},
    };
    check_times(sheet, expected, sizeof expected / sizeof *expected);
    free(sheet);
    check_sheet("shift.tsv", kvr_plot_shift, &record, 1);
    /* Without verdicts the share of the preparation splits a step, and nothing bounds it. */
    for (size_t i = 0; i < record.result_count; i++)
        record.results[i].verdict = (struct kvr_verdict_record){.attained = 0};
    sheet = sample_sheet(kvr_plot_shift, &record, 1);
    assert_int_equal(times(sheet, "\nprepare\t4\t"), 6);
    assert_int_equal(times(sheet, "\nscan\t4\t"), 6);
    assert_int_equal(times(sheet, "\nbound\t"), 1);
    assert_int_equal(times(sheet, "\nbound\t0\t6\tundecided\t"), 1);
    free(sheet);
    kvr_run_record_free(&record);
}

static void test_speedup_data(void **state)
{
    struct kvr_run_record record;
    (void)state;
    sample_ops(&record);
    char *sheet = sample_sheet(kvr_plot_speedup, &record, 1);
    static const struct expected expected[] = {
        {"\npanel\t1\t0\tscan\t", 1}, {"\npanel\t2\t0\tstep\t", 1},
        {"\npanel\t3\t0\tattention\t", 1}, {"\npoint\t1\t", 24}, {"\npoint\t3\t", 36},
        {"/n512/W1G/1t/scan/heads/thp\t4\t17.073170731707318\t", 1},
        {"fp16.fused@avx512/d64/n512/W1G/1t/scan/heads/thp\t128\t1\t", 1},
        /* The diagonal begins at half of the fewest bytes; with values no saving reaches 2. */
        {"\npromise\t1\t0\tbytes saved\t2\t64\t", 1},
        {"\npromise\t3\t0\tbytes saved\t2\t1.96923\t", 1},
        {"\nseries\t", 4}, {"\nplace\t0\t1\tn 512, contiguous\t", 1},
        {"\tn 4096, heads, codebook cold, evicted by 64M\t", 1},
    };
    check_times(sheet, expected, sizeof expected / sizeof *expected);
    free(sheet);
    check_sheet("speedup.tsv", kvr_plot_speedup, &record, 1);
    kvr_run_record_free(&record);
}

/* Cases that differ in nothing but their working set are lines of their own; where it differs from
 * format to format and tells nothing apart, nobody is told. */
static void test_working_sets(void **state)
{
    struct kvr_run_record records[1];
    (void)state;
    sample_ops(&records[0]);
    for (size_t i = 0; i < records[0].result_count; i++)
        records[0].results[i].working_set_bytes <<= records[0].results[i].key_bytes < 10;
    char *sheet = sample_sheet(kvr_plot_shift, records, 1);
    assert_int_equal(times(sheet, "\nseries\t"), 4);
    assert_null(strstr(sheet, "1G\t"));
    free(sheet);
    size_t count = records[0].result_count;
    for (size_t i = 0; i < count; i++) {
        struct kvr_result more = records[0].results[i];
        more.working_set_bytes = 1 << 26;
        more.rounds = NULL;
        kvr_record_add_result(&records[0], &more);
    }
    sheet = sample_sheet(kvr_plot_shift, records, 1);
    assert_int_equal(times(sheet, "\nseries\t"), 8);
    assert_non_null(strstr(sheet, "fp16.fused@avx512, 64M\t"));
    free(sheet);
    kvr_run_record_free(&records[0]);
}

/* A line goes on where another ISA is faster; where several were measured, each has its line. */
static void test_isas(void **state)
{
    struct kvr_run_record record;
    (void)state;
    sample_ops(&record);
    size_t count = record.result_count;
    for (size_t i = 0; i < count; i++)
        if (!strcmp(record.results[i].codec, "fp16") && record.results[i].tokens == 512)
            memcpy(record.results[i].isa, "avx2", sizeof "avx2");
    char *sheet = sample_sheet(kvr_plot_shift, &record, 1);
    assert_int_equal(times(sheet, "\ntotal\t2\t"), 12);
    assert_int_equal(times(sheet, "\nseries\t0\t1\tA  fp16.fused@avx2/avx512\t"), 1);
    free(sheet);
    for (size_t i = 0; i < count; i++) {
        struct kvr_result more = record.results[i];
        memcpy(more.isa, "scalar", sizeof "scalar");
        kvr_record_add_result(&record, &more);
    }
    sheet = sample_sheet(kvr_plot_shift, &record, 1);
    assert_non_null(strstr(sheet, "fp16.fused@avx512\t"));
    assert_non_null(strstr(sheet, "fp16.fused@scalar\t"));
    assert_null(strstr(sheet, "fp16.fused@avx2\t")); /* one length is no line */
    free(sheet);
    kvr_run_record_free(&record);
}

/* Roofs without cases are a picture of the machine; cases without roofs are one too. */
static void test_roofline_parts(void **state)
{
    struct kvr_run_record record;
    (void)state;
    sample_work(&record);
    for (size_t i = 0; i < record.result_count; i++)
        record.results[i].measured = false;
    char *roofs = sample_sheet(kvr_plot_roofline, &record, 1);
    assert_int_equal(times(roofs, "\npanel\t"), 3);
    assert_int_equal(times(roofs, "\npoint\t"), 0);
    assert_int_equal(times(roofs, "\nbandwidth\t1\t"), 8);
    free(roofs);
    kvr_run_record_free(&record);
    sample_work(&record);
    size_t ceilings = record.ceiling_count;
    record.ceiling_count = 0;
    char *cases = sample_sheet(kvr_plot_roofline, &record, 1);
    assert_int_equal(times(cases, "\npoint\t1\t"), 9);
    assert_int_equal(times(cases, "\nbandwidth\t") + times(cases, "\nrate\t"), 0);
    assert_null(strstr(cases, "nan"));
    assert_null(strstr(cases, "inf"));
    free(cases);
    /* What runs in phases is counted, not drawn: an attention by its op, a scan by its rounds. */
    size_t rounds = 0, drawn = 0;
    for (size_t i = 0; i < record.result_count; i++) {
        struct kvr_result *r = &record.results[i];
        if (r->measured && r->round_count && !rounds++)
            r->rounds[0].e_ns = r->rounds[0].t_ns;
        else if (r->measured && r->round_count && !strcmp(r->codec, "int8q8") && !drawn++)
            snprintf(r->op, sizeof r->op, "attention");
    }
    cases = sample_sheet(kvr_plot_roofline, &record, 1);
    assert_int_equal(times(cases, "\npoint\t1\t"), 8); /* of 9, without the integer one */
    assert_int_equal(times(cases, "\npoint\t3\t"), 0);
    assert_int_equal(times(cases, "\tnot drawn: 2 cases: a step"), 1);
    free(cases);
    record.ceiling_count = ceilings;
    kvr_run_record_free(&record);
}

static void check_no_data(sample_data *data, const struct kvr_run_record *record)
{
    FILE *out = tmpfile();
    assert_int_equal(data(out, &(struct kvr_drawn){record, 1, NULL}), -ENODATA);
    assert_int_equal(ftell(out), 0);
    fclose(out);
}

static void test_no_data(void **state)
{
    struct kvr_run_record record;
    (void)state;
    sample_everything(&record); /* its one ceiling is no point of a ladder: another layout */
    check_no_data(kvr_plot_ladder, &record);
    check_no_data(kvr_plot_fleet, &record); /* nobody took it for a node */
    check_no_data(kvr_plot_scaling, &record);
    check_no_data(kvr_plot_realism, &record); /* one rung, one length */
    check_no_data(kvr_plot_shift, &record);
    kvr_run_record_free(&record);
    kvr_run_record_init(&record);
    check_no_data(kvr_plot_roofline, &record);
    check_no_data(kvr_plot_realism, &record);
    check_no_data(kvr_plot_shift, &record);
    check_no_data(kvr_plot_speedup, &record);
    check_no_data(kvr_plot_scaling, &record);
    kvr_run_record_free(&record);
    sample_ops(&record);
    for (size_t i = 0; i < record.result_count; i++) { /* nobody ran FP16, or said bytes */
        record.results[i].result.speedup_vs_fp16 = i % 2 ? NAN : 2;
        record.results[i].key_bytes = i % 2 ? 4 : NAN;
    }
    check_no_data(kvr_plot_speedup, &record);
    kvr_run_record_free(&record);
    sample_run(&record);
    for (size_t i = 0; i < record.result_count; i++) /* two threads, but not of the same case */
        if (record.results[i].threads == 2)
            memcpy(record.results[i].level, "L3", 3);
    check_no_data(kvr_plot_scaling, &record);
    kvr_run_record_free(&record);
}

static void test_numa_data(void **state)
{
    struct kvr_run_record records[2];
    (void)state;
    sample_run(&records[0]);
    check_no_data(kvr_plot_numa, &records[0]);
    sample_run(&records[1]);
    sample_add_numa(&records[1]);
    check_sheet("numa.tsv", kvr_plot_numa, &records[1], 1);
    char *sheet = sample_sheet(kvr_plot_numa, records, 2); /* the one without has no panel */
    assert_non_null(strstr(sheet, "panel\t1\t0\t2: load of a node's cores (GB/s)\t3\t2\t18.5\t"));
    assert_null(strstr(sheet, "panel\t3\t"));
    free(sheet);
    kvr_run_record_free(&records[0]);
    kvr_run_record_free(&records[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data), cmocka_unit_test(test_no_data),
        cmocka_unit_test(test_roofline_data), cmocka_unit_test(test_roofline_parts),
        cmocka_unit_test(test_scaling_data), cmocka_unit_test(test_realism_data),
        cmocka_unit_test(test_shift_data), cmocka_unit_test(test_speedup_data),
        cmocka_unit_test(test_numa_data),
        cmocka_unit_test(test_working_sets), cmocka_unit_test(test_isas),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed || getenv("KVROOF_UPDATE_GOLDEN") ? 1 : 0;
}
