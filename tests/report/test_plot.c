/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The ladder's data against its golden file, and pictures that gnuplot draws from it; 77 without
 * gnuplot, after everything that needs none.
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

static void check_sheet(const char *golden_name, const struct kvr_run_record *records, size_t count)
{
    char path[512], folder[256], sheet[300];
    sample_folder(folder, sizeof folder);
    snprintf(sheet, sizeof sheet, "%s/ladder.tsv", folder);
    FILE *out = fopen(sheet, "w");
    assert_int_equal(kvr_plot_ladder(out, records, count), 0);
    fclose(out);
    char *text = sample_read(sheet, NULL);
    snprintf(path, sizeof path, "%s/%s", KVR_GOLDEN, golden_name);
    if (getenv("KVROOF_UPDATE_GOLDEN"))
        sample_write(path, text, strlen(text));
    char *golden = sample_read(path, NULL);
    assert_non_null(golden);
    assert_string_equal(text, golden);
    free(golden);
    free(text);
    sample_folder_remove(folder);
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
    check_sheet("ladder.tsv", records, 1);
    check_sheet("ladder.same.tsv", records, 2);
    records[1].machine.fingerprint[0] = 'x'; /* another machine: its caches are drawn too */
    check_sheet("ladder.two.tsv", records, 2);
    kvr_run_record_free(&records[0]);
    kvr_run_record_free(&records[1]);
}

static void test_no_data(void **state)
{
    struct kvr_run_record record;
    (void)state;
    sample_everything(&record); /* its one ceiling is no point of a ladder: another layout */
    FILE *out = tmpfile();
    assert_int_equal(kvr_plot_ladder(out, &record, 1), -ENODATA);
    assert_int_equal(ftell(out), 0);
    fclose(out);
    kvr_run_record_free(&record);
}

/* A folder with the result of a sample, and `kvroof plot` over it. */
struct fixture {
    char folder[256], result[300], pictures[300];
};

static int setup(void **state)
{
    struct kvr_run_record record;
    struct fixture *f = calloc(1, sizeof *f);
    sample_folder(f->folder, sizeof f->folder);
    snprintf(f->result, sizeof f->result, "%s/result.json", f->folder);
    snprintf(f->pictures, sizeof f->pictures, "%s/new/pictures", f->folder);
    sample_run(&record);
    FILE *out = fopen(f->result, "w");
    assert_int_equal(kvr_write(out, KVR_OUT_JSON, &record, NULL), 0);
    fclose(out);
    kvr_run_record_free(&record);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    sample_folder_remove(f->folder);
    free(f);
    return 0;
}

static int plot(const char *result, const char *folder, const char *formats)
{
    char *argv[] = {"plot", (char *)result, "-k", "ladder", "-o", (char *)folder,
                    "--format", (char *)formats, NULL};
    return kvr_cmd_plot(8, argv);
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
    assert_int_equal(plot(f->result, f->pictures, "svg"), KVR_EXIT_OK);
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
    assert_int_equal(plot(f->result, f->pictures, "svg"), KVR_EXIT_OK);
    char *second = picture(f->pictures, "ladder.svg");
    assert_string_equal(first, second);
    free(first);
    free(second);
    free(script);
}

static void test_formats(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(plot(f->result, f->pictures, "png,txt"), KVR_EXIT_OK);
    char *png = picture(f->pictures, "ladder.png"), *text = picture(f->pictures, "ladder.txt");
    assert_memory_equal(png, "\x89PNG", 4);
    assert_non_null(strstr(text, "read, 1 thread, thp"));
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
    FILE *out = fopen(f->result, "w");
    assert_int_equal(kvr_write(out, KVR_OUT_JSON, &record, NULL), 0);
    fclose(out);
    kvr_run_record_free(&record);
    assert_int_equal(plot(f->result, f->pictures, "svg"), KVR_EXIT_OK);
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
    assert_int_equal(plot(f->result, f->pictures, "svg"), KVR_EXIT_OK);
    snprintf(path, sizeof path, "%s/ladder.gp", f->pictures);
    sample_write(path, own, sizeof own - 1);
    assert_int_equal(plot(f->result, f->pictures, "svg"), KVR_EXIT_OK);
    char *script = picture(f->pictures, "ladder.gp"), *svg = picture(f->pictures, "ladder.svg");
    assert_string_equal(script, own);
    assert_non_null(strstr(svg, "mine"));
    free(script);
    free(svg);
    sample_write(path, "nonsense here\n", 14);
    assert_int_equal(plot(f->result, f->pictures, "svg"), KVR_EXIT_IO);
    assert_null(picture(f->pictures, "ladder.svg"));
}

static void test_without_gnuplot(void **state)
{
    struct fixture *f = *state;
    char *path = strdup(getenv("PATH") ? getenv("PATH") : "");
    setenv("PATH", f->folder, 1);
    int code = plot(f->result, f->pictures, "svg");
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
    snprintf(folder, sizeof folder, "%s/below", f->result); /* below a file */
    assert_int_equal(plot(f->result, f->result, "svg"), KVR_EXIT_IO);
    assert_int_equal(plot(f->result, folder, "svg"), KVR_EXIT_IO);
    assert_int_equal(plot(f->result, "/proc/none", "svg"), KVR_EXIT_IO);
    assert_int_equal(plot(f->result, "/proc", "svg"), KVR_EXIT_IO);
    assert_int_equal(plot(f->result, f->pictures, "gif"), KVR_EXIT_USAGE);
    assert_int_equal(plot(f->result, f->pictures, ""), KVR_EXIT_USAGE);
    assert_int_equal(plot(folder, f->pictures, "svg"), KVR_EXIT_USAGE);
    char *kind[] = {"plot", f->result, "-k", "laddre", NULL}, *none[] = {"plot", NULL};
    assert_int_equal(kvr_cmd_plot(4, kind), KVR_EXIT_USAGE);
    assert_int_equal(kvr_cmd_plot(1, none), KVR_EXIT_USAGE);
    assert_int_equal(access(f->pictures, F_OK), -1);
}

/* A result without a ladder: exit code 2, and no data file. */
static void test_lacking(void **state)
{
    struct fixture *f = *state;
    struct kvr_run_record record;
    sample_everything(&record);
    FILE *out = fopen(f->result, "w");
    assert_int_equal(kvr_write(out, KVR_OUT_JSON, &record, NULL), 0);
    fclose(out);
    kvr_run_record_free(&record);
    assert_int_equal(plot(f->result, f->pictures, "svg"), KVR_EXIT_USAGE);
    assert_null(picture(f->pictures, "ladder.tsv"));
    assert_null(picture(f->pictures, "ladder.tsv.partial"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data), cmocka_unit_test(test_no_data),
        TEST(test_without_gnuplot), TEST(test_refusals), TEST(test_lacking),
    };
    const struct CMUnitTest drawing[] = {
        TEST(test_svg), TEST(test_formats), TEST(test_least), TEST(test_own_script),
    };
    char error[64];
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bool drawn = kvr_plot_gnuplot(".", "/dev/null", "txt", error, sizeof error) != -ENOENT;
    failed += drawn ? cmocka_run_group_tests(drawing, NULL, NULL) : 0;
    if (failed || getenv("KVROOF_UPDATE_GOLDEN"))
        return 1;
    if (!drawn)
        print_message("gnuplot is not installed: no picture was drawn\n");
    return drawn ? 0 : 77;
}
