/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The list command, run in a child with its output in a file.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../kernels/kernel.h"
#include "../../src/cli/cli.h"
#include "../../src/cli/list_rows.h"
#include "../../src/codec/codec.h"

enum { TEXT_BYTES = 1 << 18 };

static char out_text[TEXT_BYTES], error_text[TEXT_BYTES];

static void read_all(FILE *file, char *text)
{
    rewind(file);
    size_t length = fread(text, 1, TEXT_BYTES - 1, file);
    text[length] = '\0';
    fclose(file);
}

/* The exit code; what was printed is in out_text and error_text. */
static int list(const char *topic, const char *option, const char *value)
{
    const char *words[] = {"list", topic, option, value, NULL};
    char *argv[5] = {NULL};
    int argc = 0, status = 0;
    FILE *out = tmpfile(), *error = tmpfile();
    assert_true(out && error);
    for (size_t i = 0; i < 4; i++)
        if (words[i])
            argv[argc++] = (char *)words[i];
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (dup2(fileno(out), STDOUT_FILENO) < 0 || dup2(fileno(error), STDERR_FILENO) < 0)
            _exit(99);
        int code = kvr_cmd_list(argc, argv);
        fflush(NULL);
        _exit(code);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    read_all(out, out_text);
    read_all(error, error_text);
    return WEXITSTATUS(status);
}

static void every_kernel_is_listed(void **state)
{
    (void)state;
    size_t count;
    const struct kvr_kernel *const *kernels = kvr_kernels(&count);
    assert_int_equal(list("kernels", NULL, NULL), 0);
    assert_string_equal(error_text, "");
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        char tail[96];
        snprintf(tail, sizeof tail, ".%s@%s ", kernels[i]->variant, kernels[i]->isa_name);
        if (!strstr(out_text, tail))
            fail_msg("%s is not listed:\n%s", tail, out_text);
    }
    assert_null(strstr(out_text, "peak."));
    assert_int_equal(list("kernels", "--all", NULL), 0);
    assert_non_null(strstr(out_text, "peak."));
}

static void every_codec_is_listed(void **state)
{
    (void)state;
    assert_int_equal(list("codecs", NULL, NULL), 0);
    for (const struct kvr_codec *const *codec = kvr_codecs(); *codec; codec++)
        assert_non_null(strstr(out_text, (*codec)->name));
    assert_int_equal(list("codecs", "--format", "json"), 0);
    assert_non_null(strstr(out_text, "\"name\": \"lookat\",\n    \"key_bytes\": 4,"));
    assert_non_null(strstr(out_text, "\"name\": \"fp16\",\n    \"key_bytes\": 128,"));
}

static void every_feature_has_a_state(void **state)
{
    (void)state;
    size_t lines = 0;
    assert_int_equal(list("isa", NULL, NULL), 0);
    for (const char *c = out_text; *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, 1 + kvr_isa_bit_count());
    assert_int_equal(list("isa", "--format", "json"), 0);
    assert_int_equal(out_text[0], '[');
}

static void a_foreign_machine_is_listed(void **state)
{
    (void)state;
    use_synthetic("pack:2 l3:1(size=32MiB) core:2 pu:2");
    assert_int_equal(list("topology", NULL, NULL), 0);
    assert_non_null(strstr(out_text, "nothing is pinned"));
    assert_non_null(strstr(out_text, "32 MiB"));
    assert_int_equal(list("topology", "--format", "json"), 0);
    assert_non_null(strstr(out_text, "\"size_bytes\": 33554432"));
    assert_non_null(strstr(out_text, "\"index\": 7"));
    assert_null(strstr(out_text, "null"));
    use_synthetic(NULL);
}

static void checks_and_profiles_are_listed(void **state)
{
    (void)state;
    assert_int_equal(list("checks", NULL, NULL), 0);
    assert_non_null(strstr(out_text, "clock-source"));
    assert_int_equal(list("checks", "--format", "json"), 0);
    assert_non_null(strstr(out_text, "\"id\": \"build\""));
    assert_int_equal(list("profiles", "--format", "json"), 0);
    assert_int_equal(out_text[0], '[');
}

static void mistakes_are_named(void **state)
{
    (void)state;
    assert_int_equal(list("kernel", NULL, NULL), 2);
    assert_non_null(strstr(error_text, "kernels"));
    assert_string_equal(out_text, "");
    assert_int_equal(list("zzzzzzzzzzz", NULL, NULL), 2);
    assert_int_equal(list(NULL, NULL, NULL), 2);
    assert_int_equal(list("isa", "--format", "xml"), 2);
    assert_string_equal(out_text, "");
    assert_int_equal(list("isa", "--frmat", "json"), 2);
    assert_int_equal(list("isa", "codecs", NULL), 2);
    assert_int_equal(list("--help", NULL, NULL), 0);
    assert_non_null(strstr(out_text, "Examples:"));
}

static void rows_print_as_told(void **state)
{
    (void)state;
    static const struct kvr_list_column columns[] = {{"name", KVR_LIST_TEXT},
                                                     {"n", KVR_LIST_NUMBER},
                                                     {"size", KVR_LIST_BYTES},
                                                     {"why", KVR_LIST_NOTE},
                                                     {"fix", KVR_LIST_NOTE}};
    struct kvr_rows rows = {.columns = columns, .column_count = 5};
    kvr_rows_add(&rows, "%s", "one");
    kvr_rows_add(&rows, "%d", 5);
    kvr_rows_add(&rows, "%d", 1536);
    kvr_rows_add(&rows, "say \"%s\"", "x");
    kvr_rows_add(&rows, "%s", "unplug");
    kvr_rows_add(&rows, "%s", "longer");
    kvr_rows_add(&rows, "%s", "-12.25");
    kvr_rows_end(&rows);
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(kvr_rows_table(&rows, file), 0);
    read_all(file, out_text);
    assert_string_equal(out_text, "name         n     size\n"
                                  "one          5  1.5 KiB\n"
                                  "    say \"x\"\n"
                                  "    fix: unplug\n"
                                  "longer  -12.25\n");
    file = tmpfile();
    assert_non_null(file);
    assert_int_equal(kvr_rows_json(&rows, file), 0);
    read_all(file, out_text);
    assert_string_equal(out_text, "[\n  {\n    \"name\": \"one\",\n    \"n\": 5,\n"
                                  "    \"size\": 1536,\n    \"why\": \"say \\\"x\\\"\",\n"
                                  "    \"fix\": \"unplug\"\n  },\n"
                                  "  {\n    \"name\": \"longer\",\n    \"n\": -12.25\n  }\n]\n");
    kvr_rows_free(&rows);
    kvr_rows_add(&rows, "%s", "a");
    kvr_rows_add(&rows, "%s", "12 apples");
    kvr_rows_end(&rows);
    file = tmpfile();
    assert_non_null(file);
    assert_true(kvr_rows_json(&rows, file) < 0);
    fclose(file);
    kvr_rows_free(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_is_listed),
        cmocka_unit_test(every_codec_is_listed),
        cmocka_unit_test(every_feature_has_a_state),
        cmocka_unit_test(a_foreign_machine_is_listed),
        cmocka_unit_test(checks_and_profiles_are_listed),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(rows_print_as_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
