/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof plot: pictures that gnuplot draws from stored results; 77 without gnuplot, after
 * everything that needs none.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/cli/cli.h"
#include "../../src/report/plotdata.h"
#include "../../src/report/writers.h"
#include "sample.h"

/* A folder with the result of a sample, and `kvroof plot` over it. */
struct fixture {
    struct sample_place place;
    char pictures[300];
};

static int setup(void **state)
{
    struct fixture *f = sample_place_new(sizeof *f);
    snprintf(f->pictures, sizeof f->pictures, "%s/new/pictures", f->place.folder);
    sample_write_result(f->place.result, sample_work);
    *state = f;
    return 0;
}

static int plot_kinds(const char *kinds, const char *result, const char *folder,
                      const char *formats)
{
    char *argv[] = {"plot", (char *)result, "-k", (char *)kinds, "-o", (char *)folder,
                    "--format", (char *)formats, NULL};
    return kvr_cmd_plot(8, argv);
}

static int plot(const char *result, const char *folder, const char *formats)
{
    return plot_kinds("ladder", result, folder, formats);
}

static char *picture(const char *folder, const char *name)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return sample_read(path, NULL);
}

static void test_svg(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(plot(f->place.result, f->pictures, "svg"), KVR_EXIT_OK);
    char *first = picture(f->pictures, "ladder.svg"), *script = picture(f->pictures, "ladder.gp");
    assert_non_null(first);
    assert_non_null(script);
    static const char *const words[] = {
        "</svg>", "read, 1 thread, thp", "read, 2 threads, thp", "Sample 9000 (R)",
        "2026-01-02T03:04:05Z", "bandwidth (GB/s)", "working set (bytes)", "L1 32K", "L3 480M",
        "L3 32M", "lookat.u8@avx512",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!strstr(first, words[i]))
            print_message("the picture lacks \"%s\"\n", words[i]);
        assert_non_null(strstr(first, words[i]));
    }
    assert_int_equal(plot(f->place.result, f->pictures, "svg"), KVR_EXIT_OK);
    char *second = picture(f->pictures, "ladder.svg");
    assert_string_equal(first, second);
    free(first);
    free(second);
    free(script);
}

/* Drawn, with these words in it, and again the same. */
static void check_picture(const struct fixture *f, const char *kind, const char *const *words)
{
    char name[64];
    snprintf(name, sizeof name, "%s.svg", kind);
    assert_int_equal(plot_kinds(kind, f->place.result, f->pictures, "svg"), KVR_EXIT_OK);
    char *first = picture(f->pictures, name);
    assert_non_null(first);
    for (; *words; words++) {
        if (!strstr(first, *words))
            print_message("%s lacks \"%s\"\n", name, *words);
        assert_non_null(strstr(first, *words));
    }
    assert_int_equal(plot_kinds(kind, f->place.result, f->pictures, "svg"), KVR_EXIT_OK);
    char *second = picture(f->pictures, name);
    assert_string_equal(first, second);
    free(first);
    free(second);
}

static void test_roofline_svg(void **state)
{
    static const char *const words[] = {
        "</svg>", "Floating-point operations", "FLOP per byte of keys", "GFLOP/s",
        "Table look-ups", "G look-ups/s", "Integer operations", "Gop/s", "L1, 1t: 180 GB/s",
        "DRAM, 2t: 39.4 GB/s", "multiply-add f32, avx512, 1t: 180 GFLOP/s",
        "byte permutes (K = 256), 1t", "integer dot, 1t: 768 Gop/s", "A  fp16.fused@avx512",
        "DRAM, n 4096, 2t", "hollow: the case has a flag", "two instructions of 64 lanes",
        "Sample 9000 (R)", "2026-01-02T03:04:05Z", NULL,
    };
    check_picture(*state, "roofline", words);
}

static void test_scaling_svg(void **state)
{
    static const char *const words[] = {
        "</svg>", "threads", "bytes of keys read (GB/s)", "DRAM", "best reader",
        "A  fp16.fused@avx512", "B  lookat.u8@avx512", "hollow: the case has a flag",
        "all cases: d 64, m 4, K 256, scan, DRAM, 1G, n 4096, heads, thp pages",
        "Sample 9000 (R)", "2026-01-02T03:04:05Z", NULL,
    };
    check_picture(*state, "scaling", words);
}

static void test_ops_svg(void **state)
{
    struct fixture *f = *state;
    struct kvr_run_record record;
    static const char *const realism[] = {
        "</svg>", "LOOKAT", "n 512", "n 32768", "times as fast as FP16", "contiguous", "pages:16",
        "evicted", "bytes saved: x32", "bytes saved: x1.94", "as fast as FP16",
        "B  lookat.f32-gather@avx512", "hollow: the case has a flag", "Sample 9000 (R)", NULL,
    };
    static const char *const shift[] = {
        "</svg>", "time a key (ns)", "tokens", "step, heads, codebook warm", "C prepare", "C scan",
        "memory", "core", "balanced", "latency", "32K", "C  lookat.u8@avx512vbmi",
        "dashed: preparation of the query", "Sample 9000 (R)", NULL,
    };
    static const char *const speedup[] = {
        "</svg>", "bytes a key", "times as fast as FP16", "scan", "step", "attention",
        "bytes saved", "as fast as FP16", "n 512, contiguous", "C  lookat.u8@avx512vbmi",
        "all cases: d 64, m 4", "Sample 9000 (R)", NULL,
    };
    static const char *const numa[] = {
        "</svg>", "load of a node's cores (GB/s)", "latency of one core (ns)", "cores 1",
        "memory 2", "91.2", "18.5 *", "340", "Sample 9000 (R)", NULL,
    };
    sample_ops(&record);
    sample_add_numa(&record);
    FILE *out = fopen(f->place.result, "w");
    assert_int_equal(kvr_write(out, KVR_OUT_JSON, &record, NULL), 0);
    fclose(out);
    kvr_run_record_free(&record);
    check_picture(f, "realism", realism);
    check_picture(f, "shift", shift);
    check_picture(f, "speedup", speedup);
    check_picture(f, "numa", numa);
    assert_int_equal(plot_kinds("realism,shift,speedup,numa", f->place.result, f->pictures,
                                "png,txt,pdf"), KVR_EXIT_OK);
}

static void test_formats(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(plot(f->place.result, f->pictures, "png,txt"), KVR_EXIT_OK);
    char *png = picture(f->pictures, "ladder.png"), *text = picture(f->pictures, "ladder.txt");
    assert_memory_equal(png, "\x89PNG", 4);
    assert_non_null(strstr(text, "read, 1 thread, thp"));
    free(png);
    free(text);
    assert_int_equal(plot_kinds("roofline,scaling", f->place.result, f->pictures, "png,txt,pdf"),
                     KVR_EXIT_OK);
    png = picture(f->pictures, "scaling.png");
    text = picture(f->pictures, "roofline.txt");
    assert_memory_equal(png, "\x89PNG", 4);
    assert_non_null(strstr(text, "fp16.fused@avx512"));
    free(png);
    free(text);
}

/* Nothing reported and nothing measured but the ladder itself, one point of it. */
static void test_least(void **state)
{
    struct fixture *f = *state;
    struct kvr_run_record record;
    struct kvr_ceiling c;
    kvr_run_record_init(&record);
    kvr_ceiling_init(&c);
    snprintf(c.id, sizeof c.id, "one");
    snprintf(c.kind, sizeof c.kind, "bandwidth");
    snprintf(c.type, sizeof c.type, "read");
    c.working_set_bytes = 4096;
    c.threads = 1;
    c.value = 12.5;
    kvr_record_add_ceiling(&record, &c);
    FILE *out = fopen(f->place.result, "w");
    assert_int_equal(kvr_write(out, KVR_OUT_JSON, &record, NULL), 0);
    fclose(out);
    kvr_run_record_free(&record);
    assert_int_equal(plot(f->place.result, f->pictures, "svg"), KVR_EXIT_OK);
    char *svg = picture(f->pictures, "ladder.svg");
    assert_non_null(strstr(svg, "read, 1 thread"));
    free(svg);
}

/* The user's own changes to a script stay, and are what is drawn. */
static void test_own_script(void **state)
{
    struct fixture *f = *state;
    char path[400];
    static const char own[] = "set terminal svg\nset output 'ladder.svg'\nset title 'mine'\n"
                              "plot [1:2] x\n";
    assert_int_equal(plot(f->place.result, f->pictures, "svg"), KVR_EXIT_OK);
    snprintf(path, sizeof path, "%s/ladder.gp", f->pictures);
    sample_write(path, own, sizeof own - 1);
    assert_int_equal(plot(f->place.result, f->pictures, "svg"), KVR_EXIT_OK);
    char *script = picture(f->pictures, "ladder.gp"), *svg = picture(f->pictures, "ladder.svg");
    assert_string_equal(script, own);
    assert_non_null(strstr(svg, "mine"));
    free(script);
    free(svg);
    sample_write(path, "nonsense here\n", 14);
    assert_int_equal(plot(f->place.result, f->pictures, "svg"), KVR_EXIT_IO);
    assert_null(picture(f->pictures, "ladder.svg"));
}

static void test_without_gnuplot(void **state)
{
    struct fixture *f = *state;
    char *path = strdup(getenv("PATH") ? getenv("PATH") : "");
    setenv("PATH", f->place.folder, 1);
    int code = plot(f->place.result, f->pictures, "svg");
    setenv("PATH", path, 1);
    free(path);
    assert_int_equal(code, KVR_EXIT_IMPOSSIBLE);
    char *sheet = picture(f->pictures, "ladder.tsv"), *script = picture(f->pictures, "ladder.gp");
    assert_non_null(strstr(sheet, "read, 1 thread"));
    assert_non_null(script);
    free(sheet);
    free(script);
}

static void test_refusals(void **state)
{
    struct fixture *f = *state;
    char folder[400];
    snprintf(folder, sizeof folder, "%s/below", f->place.result); /* below a file */
    assert_int_equal(plot(f->place.result, f->place.result, "svg"), KVR_EXIT_IO);
    assert_int_equal(plot(f->place.result, folder, "svg"), KVR_EXIT_IO);
    assert_int_equal(plot(f->place.result, "/proc/none", "svg"), KVR_EXIT_IO);
    assert_int_equal(plot(f->place.result, "/proc", "svg"), KVR_EXIT_IO);
    assert_int_equal(plot(f->place.result, f->pictures, "gif"), KVR_EXIT_USAGE);
    assert_int_equal(plot(f->place.result, f->pictures, ""), KVR_EXIT_USAGE);
    assert_int_equal(plot(folder, f->pictures, "svg"), KVR_EXIT_USAGE);
    char *kind[] = {"plot", f->place.result, "-k", "laddre", NULL}, *none[] = {"plot", NULL};
    assert_int_equal(kvr_cmd_plot(4, kind), KVR_EXIT_USAGE);
    assert_int_equal(kvr_cmd_plot(1, none), KVR_EXIT_USAGE);
    assert_int_equal(access(f->pictures, F_OK), -1);
}

/* What can be drawn is drawn, whatever else is lacking. */
static void test_all(void **state)
{
    struct fixture *f = *state;
    struct kvr_run_record record;
    sample_everything(&record);
    FILE *out = fopen(f->place.result, "w");
    assert_int_equal(kvr_write(out, KVR_OUT_JSON, &record, NULL), 0);
    fclose(out);
    kvr_run_record_free(&record);
    assert_int_equal(plot_kinds("all", f->place.result, f->pictures, "svg"), KVR_EXIT_OK);
    char *svg = picture(f->pictures, "roofline.svg");
    assert_non_null(svg);
    free(svg);
    assert_null(picture(f->pictures, "ladder.svg"));
    assert_null(picture(f->pictures, "scaling.tsv"));
    assert_null(picture(f->pictures, "realism.tsv"));
    assert_int_equal(plot_kinds("scaling", f->place.result, f->pictures, "svg"), KVR_EXIT_USAGE);
}

/* A result without a ladder: exit code 2, and no data file. */
static void test_lacking(void **state)
{
    struct fixture *f = *state;
    struct kvr_run_record record;
    sample_everything(&record);
    FILE *out = fopen(f->place.result, "w");
    assert_int_equal(kvr_write(out, KVR_OUT_JSON, &record, NULL), 0);
    fclose(out);
    kvr_run_record_free(&record);
    assert_int_equal(plot(f->place.result, f->pictures, "svg"), KVR_EXIT_USAGE);
    assert_null(picture(f->pictures, "ladder.tsv"));
    assert_null(picture(f->pictures, "ladder.tsv.partial"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, sample_place_free)
    const struct CMUnitTest tests[] = {
        TEST(test_without_gnuplot), TEST(test_refusals), TEST(test_lacking),
    };
    const struct CMUnitTest drawing[] = {
        TEST(test_svg), TEST(test_roofline_svg), TEST(test_scaling_svg), TEST(test_ops_svg),
        TEST(test_all), TEST(test_formats), TEST(test_least), TEST(test_own_script),
    };
    char error[64];
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bool drawn = kvr_plot_gnuplot(".", "/dev/null", "txt", error, sizeof error) != -ENOENT;
    failed += drawn ? cmocka_run_group_tests(drawing, NULL, NULL) : 0;
    if (failed)
        return 1;
    if (!drawn)
        print_message("gnuplot is not installed: no picture was drawn\n");
    return drawn ? 0 : 77;
}
