/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the reader accepts and refuses. A refusal is one sentence that names the file and the
 * defect, and leaves an empty record.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/report/writers.h"
#include "sample.h"

struct fixture { struct sample_place place; };

static int setup(void **state)
{
    *state = sample_place_new(sizeof(struct fixture));
    return 0;
}

static int read_text(const struct fixture *f, const char *text, size_t bytes,
                     struct kvr_run_record *record, char *error, size_t error_bytes)
{
    sample_write(f->place.result, text, bytes);
    return kvr_read_result(f->place.result, record, error, error_bytes);
}

/* Refused by this error, with `words` in the sentence. */
static void check_bytes_by(const struct fixture *f, const char *text, size_t bytes,
                           const char *words, int error_code)
{
    struct kvr_run_record record;
    char error[512];
    int rc = read_text(f, text, bytes, &record, error, sizeof error);
    if (rc != error_code || !strstr(error, words) || !strstr(error, "result.json"))
        print_message("%.60s: %d, \"%s\" lacks \"%s\"\n", text, rc, error, words);
    assert_int_equal(rc, error_code);
    assert_non_null(strstr(error, words));
    assert_non_null(strstr(error, "result.json"));
    assert_null(strchr(error, '\n'));
    assert_int_equal(record.result_count, 0);
    assert_null(record.results);
}

static void check_bytes(const struct fixture *f, const char *text, size_t bytes, const char *words)
{
    check_bytes_by(f, text, bytes, words, -EINVAL);
}

static void check_refused(const struct fixture *f, const char *text, const char *words)
{
    check_bytes(f, text, strlen(text), words);
}

#define HEAD "{\"schema\": \"kvroof.result/1\", \"complete\": true, \"machine\": {}"
#define MEASURED "\"codec\": \"fp16\", \"variant\": \"fused\", \"op\": \"scan\", " \
                 "\"head_dim\": 64, \"tokens\": 512, \"threads\": 1, \"scan\": {}"
#define RESULTS(list) HEAD ", \"results\": [" list "]}"
#define ROUND(fields) RESULTS("{\"name\": \"a\", " MEASURED ", \"rounds\": [{" fields "}]}")
#define WITH(fields) RESULTS("{\"name\": \"a\", " MEASURED ", \"rounds\": [], " fields "}")

#define CHECK(fields) HEAD ", \"checks\": [{" fields "}], \"results\": []}"
#define PROOF(value) CHECK("\"id\": \"bypass\", \"value\": " value)
#define COUNTS "\"regions\": 1, \"syscalls\": 0, \"faults\": 0, \"switches\": 0"

static void test_accepts(void **state)
{
    static const char *const good[] = {
        RESULTS(""),
        RESULTS("{\"name\": \"a\", \"unavailable\": {\"isa\": \"none\"}}"),
        ROUND("\"t_ns\": 1, \"m_ns\": 1.5"),
        ROUND("\"void\": true"),
        PROOF("{" COUNTS "}"),
        PROOF("{" COUNTS ", \"interrupts\": 3, \"later\": []}"),
        CHECK("\"id\": \"pages\", \"value\": {\"later\": 1}"),
        /* fields of a later version, of any type */
        HEAD ", \"new\": null, \"results\": [{\"name\": \"a\", " MEASURED ", \"newer\": [[]], "
             "\"rounds\": [{\"t_ns\": 1e-3, \"newest\": {}}]}]}\n\n",
    };
    struct kvr_run_record record;
    char error[512];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int rc = read_text(*state, good[i], strlen(good[i]), &record, error, sizeof error);
        if (rc)
            print_message("%s\n", error);
        assert_int_equal(rc, 0);
        assert_true(record.complete);
        kvr_run_record_free(&record);
    }
    assert_int_equal(read_text(*state, good[2], strlen(good[2]), &record, error, sizeof error), 0);
    assert_true(record.results[0].measured);
    assert_true(record.results[0].rounds[0].t_ns == 1);
    assert_true(isnan(record.results[0].rounds[0].c_ns));
    assert_true(isnan(record.results[0].result.ns_per_key));
    kvr_run_record_free(&record);
}

static void test_no_json(void **state)
{
    char binary[256];
    const struct fixture *f = *state;
    for (size_t i = 0; i < sizeof binary; i++)
        binary[i] = (char)(i + 1);
    check_refused(f, "", "empty");
    check_refused(f, " \n\t\n", "empty");
    check_bytes(f, binary, sizeof binary, "not JSON");
    check_bytes(f, "{\0}", 3, "zero byte");
    check_refused(f, "schema: kvroof.result/1", "not JSON");
    check_refused(f, "[1, 2]", "not an object");
    check_refused(f, "42", "not JSON");
    check_refused(f, RESULTS("") " {}", "not JSON");
    check_refused(f, "{\n\"schema\": \"kvroof.result/1\",\n\"complete\": tru }", ":3: not JSON");
    check_refused(f, ROUND("\"t_ns\": NaN"), "not JSON");
    check_refused(f, ROUND("\"t_ns\": Infinity"), "not JSON");
    check_refused(f, ROUND("\"t_ns\": 1e999"), "not JSON");
    check_refused(f, ROUND("\"t_ns\": 1, \"t_ns\": 2"), "not JSON");
    check_refused(f, HEAD ", \"label\": \"\xff\", \"results\": []}", "not JSON");
    char *deep = malloc(100001);
    memset(deep, '[', 100000);
    deep[100000] = 0;
    check_refused(f, deep, "not JSON");
    free(deep);
}

static void test_schema(void **state)
{
    const struct fixture *f = *state;
    check_refused(f, "{}", "no field schema");
    check_refused(f, "{\"schema\": 1}", "no field schema");
    static const char other[] = "{\"schema\": \"kvroof.fidelity/1\"}";
    check_bytes_by(f, other, sizeof other - 1, "kvroof.fidelity/1", -ENOMSG);
    check_refused(f, "{\"schema\": \"kvroof.result/2\", \"complete\": true}", "kvroof.result/2");
    check_refused(f, "{\"schema\": \"kvroof.result/10\", \"complete\": true}", "reads");
    check_refused(f, "{\"schema\": \"kvroof.result/\", \"complete\": true}", "reads");
}

static void test_missing(void **state)
{
    const struct fixture *f = *state;
    check_refused(f, "{\"schema\": \"kvroof.result/1\", \"results\": []}", "complete is missing");
    check_refused(f, HEAD "}", "results is missing");
    check_refused(f, "{\"schema\": \"kvroof.result/1\", \"complete\": true, \"results\": []}",
                  "machine is missing");
    check_refused(f, RESULTS("{}"), "results[0].name is missing");
    check_refused(f, RESULTS("{\"name\": \"\"}"), "results[0].name is empty");
    check_refused(f, RESULTS("{\"name\": \"a\", " MEASURED "}"), "results[0].rounds is missing");
    check_refused(f, RESULTS("{\"name\": \"a\", \"rounds\": []}"), "results[0].codec is missing");
    check_refused(f, RESULTS("{\"name\": \"a\", " MEASURED ", \"rounds\": [{\"m_ns\": 1}]}"),
                  "results[0].rounds[0].t_ns is missing");
    check_refused(f, RESULTS("{\"name\": \"a\", \"codec\": \"c\", \"variant\": \"v\", "
                             "\"op\": \"step\", \"head_dim\": 64, \"tokens\": 1, \"threads\": 1, "
                             "\"rounds\": []}"), "results[0].step is missing");
    check_refused(f, CHECK("\"status\": \"ok\""), "checks[0].id is missing");
    check_refused(f, PROOF("{}"), "checks[0].value.regions is missing");
    check_refused(f, HEAD ", \"ceilings\": [{\"id\": \"a\"}], \"results\": []}",
                  "ceilings[0].kind is missing");
    check_refused(f, "{\"schema\": \"kvroof.result/1\", \"complete\": true, \"machine\": "
                     "{\"caches\": [{}]}, \"results\": []}",
                  "machine.caches[0].level is missing");
}

static void test_wrong_types(void **state)
{
    const struct fixture *f = *state;
    check_refused(f, ROUND("\"t_ns\": \"1.5\""), "results[0].rounds[0].t_ns is a string");
    check_refused(f, ROUND("\"t_ns\": null"), "t_ns is null, not a number");
    check_refused(f, ROUND("\"t_ns\": true"), "t_ns is true, not a number");
    check_refused(f, ROUND("\"t_ns\": 1, \"keys\": 1.5"), "keys is a number, not a whole number");
    check_refused(f, ROUND("\"t_ns\": 1, \"keys\": \"4\""), "keys is a string");
    check_refused(f, ROUND("\"t_ns\": 1, \"void\": 0"), "void is a whole number, not true or");
    check_refused(f, PROOF("4"), "checks[0].value is a whole number, not a string");
    check_refused(f, PROOF("{" COUNTS ", \"interrupts\": \"3\"}"),
                  "checks[0].value.interrupts is a string");
    check_refused(f, WITH("\"layout\": 4"), "layout is a whole number, not a string");
    check_refused(f, WITH("\"cost\": []"), "results[0].cost is an array, not an object");
    check_refused(f, WITH("\"cost\": {\"lookups\": \"1\"}"), "results[0].cost.lookups is a string");
    check_refused(f, WITH("\"flags\": \"noisy\""), "flags is a string, not an array");
    check_refused(f, WITH("\"flags\": [1]"), "flags[0] is not a string");
    check_refused(f, WITH("\"cpus\": [-1]"), "cpus[0] is not a CPU number");
    check_refused(f, WITH("\"unavailable\": {\"a\": 1}"), "a reason is not a string");
    check_refused(f, WITH("\"verdict\": {\"side\": 1}"), "verdict.side is a whole number");
    check_refused(f, RESULTS("42"), "results[0] is not an object");
    check_refused(f, HEAD ", \"results\": {}}", "results is an object, not an array");
    check_refused(f, HEAD ", \"command\": [1], \"results\": []}", "command[0] is not a string");
    check_refused(f, HEAD ", \"tags\": {\"a\": 1}, \"results\": []}", "tags: a value");
    check_refused(f, HEAD ", \"ceilings\": [{\"id\": \"a\", \"kind\": \"rate\", \"family\": "
                     "{\"b\": \"c\"}}], \"results\": []}", "ceilings[0].family");
    check_refused(f, "{\"schema\": \"kvroof.result/1\", \"complete\": 1, \"results\": []}",
                  "complete is a whole number");
    check_refused(f, "{\"schema\": \"kvroof.result/1\", \"complete\": true, \"machine\": "
                     "{\"clock_ghz\": 0}, \"results\": []}", "machine.clock_ghz");
}

static void test_wrong_values(void **state)
{
    const struct fixture *f = *state;
    char name[300], text[900];
    check_refused(f, ROUND("\"t_ns\": 0"), "results[0].rounds[0].t_ns is 0; it must be greater");
    check_refused(f, ROUND("\"t_ns\": -1"), "t_ns is -1");
    check_refused(f, ROUND("\"t_ns\": 1, \"m_ns\": -0.5"), "m_ns is -0.5");
    check_refused(f, ROUND("\"t_ns\": 1, \"keys\": -1"), "keys is negative");
    check_refused(f, ROUND("\"t_ns\": 1, \"faults\": 4294967296"), "faults is too large");
    check_refused(f, ROUND("\"t_ns\": 1, \"keys\": 99999999999999999999"), "not JSON");
    check_refused(f, PROOF("{" COUNTS ", \"interrupts\": -3}"), "value.interrupts is negative");
    check_refused(f, PROOF("{" COUNTS ", \"vdso_calls\": -3}"), "value.vdso_calls is negative");
    check_refused(f, RESULTS("{\"name\": \"a\"}, {\"name\": \"b\"}, {\"name\": \"a\"}"),
                  "two results are named \"a\"");
    check_refused(f, WITH("\"ceiling_raised_percent\": 0"), "ceiling_raised_percent is 0");
    check_refused(f, HEAD ", \"ceilings\": [{\"id\": \"a\", \"kind\": \"rate\", \"ci95\": "
                     "[2, 1]}], \"results\": []}", "ci95 has its lower end above");
    check_refused(f, HEAD ", \"ceilings\": [{\"id\": \"a\", \"kind\": \"rate\", \"ci95\": "
                     "[1]}], \"results\": []}", "ci95 is not an array of two numbers");
    check_refused(f, HEAD ", \"ceilings\": [{\"id\": \"a\", \"kind\": \"rate\", \"value\": "
                     "-3}], \"results\": []}", "ceilings[0].value is -3");
    check_refused(f, RESULTS("{\"name\": \"a\", \"codec\": \"c\", \"variant\": \"v\", "
                             "\"op\": \"dance\", \"head_dim\": 64, \"tokens\": 1, \"threads\": 1, "
                             "\"rounds\": []}"), "op is not scan, step or attention");
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    snprintf(text, sizeof text, RESULTS("{\"name\": \"%s\"}"), name);
    check_refused(f, text, "name is longer than 191 bytes");
}

static void test_files(void **state)
{
    struct fixture *f = *state;
    struct kvr_run_record record;
    char error[512], path[400];
    snprintf(path, sizeof path, "%s/missing.json", f->place.folder);
    assert_int_equal(kvr_read_result(path, &record, error, sizeof error), -ENOENT);
    assert_non_null(strstr(error, "missing.json: "));
    assert_int_equal(kvr_read_result(f->place.folder, &record, error, sizeof error), -EISDIR);
    assert_non_null(strstr(error, f->place.folder));
    snprintf(path, sizeof path, "%s/huge.json", f->place.folder);
    FILE *huge = fopen(path, "w");
    assert_int_equal(ftruncate(fileno(huge), (256l << 20) + 1), 0); /* sparse */
    fclose(huge);
    assert_int_equal(kvr_read_result(path, &record, error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, "larger than 256 MiB"));
    /* The sentence is cut, not the program, where the buffer is small. */
    sample_write(f->place.result, "{}", 2);
    assert_int_equal(kvr_read_result(f->place.result, &record, error, 8), -EINVAL);
    assert_int_equal(strlen(error), 7);
}

/* A document that ends anywhere but at its end is refused. */
static void test_truncated_json(void **state)
{
    struct kvr_run_record record;
    char error[512], *text = NULL;
    size_t bytes = 0;
    sample_everything(&record);
    FILE *out = open_memstream(&text, &bytes);
    assert_int_equal(kvr_write(out, KVR_OUT_JSON, &record, NULL), 0);
    fclose(out);
    kvr_run_record_free(&record);
    assert_int_equal(text[bytes - 1], '\n');
    for (size_t cut = 1; cut < bytes - 1; cut += 53) {
        assert_int_equal(read_text(*state, text, cut, &record, error, sizeof error), -EINVAL);
        assert_non_null(strstr(error, "result.json"));
    }
    /* Between two values: within a number the rest is a wrong number instead. */
    size_t half = bytes / 2 + strcspn(text + bytes / 2, ",") + 1;
    assert_int_equal(read_text(*state, text, half, &record, error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, "truncated"));
    assert_int_equal(read_text(*state, text, bytes - 1, &record, error, sizeof error), 0);
    kvr_run_record_free(&record);
    free(text);
}

/* The JSONL of a killed run: after any line, and within one, the lines before it are read. */
static void test_truncated_jsonl(void **state)
{
    struct kvr_run_record record;
    char error[512], *text = NULL;
    size_t bytes = 0, lines = 0;
    sample_run(&record);
    size_t results = record.result_count;
    FILE *out = open_memstream(&text, &bytes);
    assert_int_equal(kvr_write(out, KVR_OUT_JSONL, &record, NULL), 0);
    fclose(out);
    kvr_run_record_free(&record);
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] != '\n')
            continue;
        for (size_t cut = i; cut <= i + 20 && cut <= bytes; cut++) {
            int rc = read_text(*state, text, cut, &record, error, sizeof error);
            assert_int_equal(rc, 0);
            assert_int_equal(record.result_count, lines <= results ? lines : results);
            if (lines <= results) /* the last line says whether the run came to its end */
                assert_false(record.complete);
            assert_string_equal(record.machine.hostname, "node7");
            kvr_run_record_free(&record);
        }
        lines++;
    }
    assert_int_equal(lines, results + 2); /* header and trailer */
    /* but the header must be whole */
    check_bytes(*state, text, 300, "truncated");
    /* and so must every line that another one follows */
    char *second = strchr(text, '\n') + 1;
    second[20] = '\n';
    check_bytes(*state, text, bytes, "result.json:2: ");
    free(text);
}

static void test_bad_lines(void **state)
{
    const struct fixture *f = *state;
#define HEADER "{\"schema\": \"kvroof.result/1\", \"complete\": false, \"machine\": {}}\n"
    check_refused(f, HEADER "{\"name\": \"a\"}\n\n{\"name\": 7}\n", "result.json:4: result.name");
    check_refused(f, HEADER "{\"name\": \"a\"}\n{\"name\": \"a\"}\n", "two results are named");
    check_refused(f, HEADER "nonsense\n", "result.json:2: not JSON");
    check_refused(f, HEADER "[]\n", "result.json:2: result is not an object");
    check_refused(f, "{\"schema\": \"kvroof.result/9\", \"complete\": false}\n{}\n", "result/9");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, sample_place_free)
    const struct CMUnitTest tests[] = {
        TEST(test_accepts),      TEST(test_no_json),      TEST(test_schema),
        TEST(test_missing),      TEST(test_wrong_types),  TEST(test_wrong_values),
        TEST(test_files),        TEST(test_truncated_json), TEST(test_truncated_jsonl),
        TEST(test_bad_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
