/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof show, called as a function with stdout in a file.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/cli/cli.h"
#include "../../src/report/writers.h"
#include "sample.h"

struct fixture {
    struct sample_place place;
    char shown[300];
};

static int setup(void **state)
{
    struct fixture *f = sample_place_new(sizeof *f);
    snprintf(f->shown, sizeof f->shown, "%s/shown", f->place.folder);
    sample_write_result(f->place.result, sample_run);
    unsetenv("COLUMNS");
    *state = f;
    return 0;
}

/* Runs `show` with stdout in `path`; the exit code. */
static int show(const char *path, int argc, char **argv)
{
    fflush(stdout);
    int kept = dup(1), file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_true(kept >= 0 && file >= 0);
    dup2(file, 1);
    int code = kvr_cmd_show(argc, argv);
    fflush(stdout);
    clearerr(stdout);
    dup2(kept, 1);
    close(kept);
    close(file);
    return code;
}

static void check_golden(const struct fixture *f, int argc, char **argv, const char *name)
{
    char path[512];
    assert_int_equal(show(f->shown, argc, argv), KVR_EXIT_OK);
    snprintf(path, sizeof path, "%s/%s", KVR_GOLDEN, name);
    char *text = sample_read(f->shown, NULL), *golden = sample_read(path, NULL);
    assert_string_equal(text, golden);
    free(text);
    free(golden);
}

static void test_formats(void **state)
{
    struct fixture *f = *state;
    char *plain[] = {"show", f->place.result, NULL};
    char *json[] = {"show", "--format", "json", f->place.result, NULL};
    char *csv[] = {"show", f->place.result, "--format=csv", NULL};
    char *md[] = {"show", f->place.result, "--format", "md", NULL};
    check_golden(f, 2, plain, "show.table.txt");
    check_golden(f, 4, json, "run.json");
    check_golden(f, 3, csv, "run.csv");
    check_golden(f, 4, md, "run.md");
    setenv("COLUMNS", "80", 1);
    check_golden(f, 2, plain, "show.table80.txt");
    setenv("COLUMNS", "100", 1);
    char *color[] = {"show", "--color", "always", f->place.result, NULL};
    check_golden(f, 4, color, "show.color.txt");
    unsetenv("COLUMNS");
}

static void test_usage(void **state)
{
    struct fixture *f = *state;
    char *none[] = {"show", NULL}, *two[] = {"show", f->place.result, f->place.result, NULL};
    char *missing[] = {"show", "missing.json", NULL}, *folder[] = {"show", f->place.folder, NULL};
    char *format[] = {"show", f->place.result, "--format", "yaml", NULL};
    char *color[] = {"show", f->place.result, "--color", "blue", NULL};
    char *option[] = {"show", f->place.result, "--frmat", "csv", NULL};
    assert_int_equal(show(f->shown, 1, none), KVR_EXIT_USAGE);
    assert_int_equal(show(f->shown, 3, two), KVR_EXIT_USAGE);
    assert_int_equal(show(f->shown, 2, missing), KVR_EXIT_USAGE);
    assert_int_equal(show(f->shown, 2, folder), KVR_EXIT_USAGE);
    assert_int_equal(show(f->shown, 4, format), KVR_EXIT_USAGE);
    assert_int_equal(show(f->shown, 4, color), KVR_EXIT_USAGE);
    assert_int_equal(show(f->shown, 4, option), KVR_EXIT_USAGE);
    char *text = sample_read(f->shown, NULL);
    assert_true(!text || !*text); /* a refusal prints nothing to stdout */
    free(text);
}

static void test_help(void **state)
{
    struct fixture *f = *state;
    char *help[] = {"show", "--help", NULL};
    assert_int_equal(show(f->shown, 2, help), KVR_EXIT_OK);
    char *text = sample_read(f->shown, NULL);
    assert_non_null(strstr(text, "Examples:"));
    assert_non_null(strstr(text, "--format"));
    free(text);
}

static void test_full_disk(void **state)
{
    struct fixture *f = *state;
    char *argv[] = {"show", f->place.result, NULL};
    if (access("/dev/full", W_OK)) {
        print_message("no /dev/full on this host\n");
        skip();
    }
    assert_int_equal(show("/dev/full", 2, argv), KVR_EXIT_IO);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, sample_place_free)
    const struct CMUnitTest tests[] = {
        TEST(test_formats), TEST(test_usage), TEST(test_help), TEST(test_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
