/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * read(write(x)) == x, for all fields: structs are compared byte by byte.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/report/writers.h"
#include "sample.h"

static void check_strings(char *const *a, char *const *b)
{
    assert_int_equal(a == NULL, b == NULL);
    for (; a && *a; a++, b++)
        assert_string_equal(*a, *b);
    assert_true(!b || !*b);
}

static void check_ceiling(const struct kvr_ceiling *a, const struct kvr_ceiling *b)
{
    struct kvr_ceiling x = *a, y = *b;
    x.family = y.family = NULL;
    assert_memory_equal(&x, &y, sizeof x);
    assert_memory_equal(a->family ? a->family : &x.family[0], b->family,
                        a->family_count * sizeof *a->family);
}

static void check_counter(const struct kvr_counter_record *a, const struct kvr_counter_record *b)
{
    struct kvr_counter_record x = *a, y = *b;
    x.threads = y.threads = NULL;
    assert_memory_equal(&x, &y, sizeof x);
    assert_memory_equal(a->threads ? (void *)a->threads : (void *)"", b->threads,
                        a->thread_count * sizeof *a->threads);
}

static void check_result(const struct kvr_result *a, const struct kvr_result *b)
{
    struct kvr_result x = *a, y = *b;
    x.rounds = y.rounds = NULL;
    x.counters = y.counters = NULL;
    assert_memory_equal(&x, &y, sizeof x);
    for (size_t i = 0; i < a->counter_count; i++)
        check_counter(&a->counters[i], &b->counters[i]);
    for (size_t i = 0; i < a->round_count; i++)
        assert_memory_equal(&a->rounds[i], &b->rounds[i], sizeof *a->rounds);
}

static void check_crossing(const struct kvr_crossing *a, const struct kvr_crossing *b)
{
    assert_string_equal(a->what, b->what);
    assert_string_equal(a->axis, b->axis);
    assert_string_equal(a->series, b->series);
    assert_string_equal(a->why, b->why);
    assert_memory_equal(&a->at, &b->at, sizeof a->at);
    assert_memory_equal(a->ci95, b->ci95, sizeof a->ci95);
    assert_int_equal(a->reached, b->reached);
    assert_int_equal(a->flagged, b->flagged);
}

static void check_numa_cell(const struct kvr_numa_cell *a, const struct kvr_numa_cell *b)
{
    assert_int_equal(a->cpu_node, b->cpu_node);
    assert_int_equal(a->mem_node, b->mem_node);
    assert_int_equal(a->distance, b->distance);
    assert_int_equal(a->threads, b->threads);
    assert_int_equal(a->working_set_bytes, b->working_set_bytes);
    assert_string_equal(a->reader, b->reader);
    assert_true(isnan(a->gb_per_s) ? isnan(b->gb_per_s) : a->gb_per_s == b->gb_per_s);
    assert_true(a->latency_ns == b->latency_ns);
    assert_true(isnan(a->placed_fraction) ? isnan(b->placed_fraction)
                                          : a->placed_fraction == b->placed_fraction);
}

static void check_record(const struct kvr_run_record *a, const struct kvr_run_record *b,
                         bool complete)
{
    assert_int_equal(b->complete, complete);
    assert_string_equal(a->version, b->version);
    assert_string_equal(a->git, b->git);
    assert_string_equal(a->compiler, b->compiler);
    assert_string_equal(a->flags, b->flags);
    assert_string_equal(a->started, b->started);
    assert_memory_equal(&a->duration_s, &b->duration_s, sizeof a->duration_s);
    assert_memory_equal(&a->clock_ghz, &b->clock_ghz, sizeof a->clock_ghz);
    assert_string_equal(a->label, b->label);
    assert_string_equal(a->profile_json, b->profile_json);
    check_strings(a->command, b->command);
    check_strings(a->tags, b->tags);
    assert_memory_equal(&a->machine, &b->machine, sizeof a->machine);
    assert_int_equal(a->checks.count, b->checks.count);
    for (size_t i = 0; i < a->checks.count; i++) {
        assert_string_equal(a->checks.items[i].id, b->checks.items[i].id);
        assert_int_equal(a->checks.items[i].status, b->checks.items[i].status);
        assert_string_equal(a->checks.items[i].value, b->checks.items[i].value);
        assert_string_equal(a->checks.items[i].text, b->checks.items[i].text);
        assert_string_equal(a->checks.items[i].fix, b->checks.items[i].fix);
        assert_memory_equal(&a->checks.items[i].bypass, &b->checks.items[i].bypass,
                            sizeof a->checks.items[i].bypass);
    }
    assert_int_equal(a->ceiling_count, b->ceiling_count);
    for (size_t i = 0; i < a->ceiling_count; i++)
        check_ceiling(&a->ceilings[i], &b->ceilings[i]);
    assert_int_equal(a->result_count, b->result_count);
    for (size_t i = 0; i < a->result_count; i++)
        check_result(&a->results[i], &b->results[i]);
    assert_int_equal(a->claim_count, b->claim_count);
    assert_memory_equal(a->claim_count ? (void *)a->claims : (void *)"", b->claims,
                        a->claim_count * sizeof *a->claims);
    assert_int_equal(a->crossing_count, b->crossing_count);
    for (size_t i = 0; i < a->crossing_count; i++)
        check_crossing(&a->crossings[i], &b->crossings[i]);
    assert_int_equal(a->numa_cell_count, b->numa_cell_count);
    for (size_t i = 0; i < a->numa_cell_count; i++)
        check_numa_cell(&a->numa_matrix[i], &b->numa_matrix[i]);
    assert_int_equal(a->verdict_settings, b->verdict_settings);
    assert_int_equal(a->verdict_right, b->verdict_right);
    assert_int_equal(a->verdict_wrong, b->verdict_wrong);
    assert_int_equal(a->verdict_undecided, b->verdict_undecided);
}

static void write_and_read(const struct kvr_run_record *written, enum kvr_output_format format,
                           struct kvr_run_record *read)
{
    char folder[256], path[300], error[512];
    sample_folder(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/result", folder);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(kvr_write(out, format, written, NULL), 0);
    fclose(out);
    assert_int_equal(kvr_read_result(path, read, error, sizeof error), 0);
    sample_folder_remove(folder);
}

static void check_round_trip(void (*make)(struct kvr_run_record *), enum kvr_output_format format)
{
    struct kvr_run_record written, read;
    make(&written);
    write_and_read(&written, format, &read);
    check_record(&written, &read, written.complete);
    kvr_run_record_free(&written);
    kvr_run_record_free(&read);
}

static void test_everything(void **state)
{
    (void)state;
    check_round_trip(sample_everything, KVR_OUT_JSON);
}
static void test_run(void **state)
{
    (void)state;
    check_round_trip(sample_run, KVR_OUT_JSON);
}
/* What a failed proof counted, and what it could not. */
static void make_failed_proof(struct kvr_run_record *record)
{
    sample_run(record);
    struct kvr_check *c = kvr_check_add(
        &record->checks, "bypass", KVR_CHECK_REFUSE,
        "the measured code entered the kernel: 3 system calls (the first: getpid by thread 1)");
    struct kvr_bypass_value *b = &c->bypass;
    b->regions = 7;
    b->syscalls = 3;
    b->vdso_calls = 4;
    b->faults = 5;
    b->switches = 6;
    b->stolen_percent = b->ready_us = b->t_ratio = b->t_ratio_ci95[0] = b->t_ratio_ci95[1] = NAN;
    kvr_result_flag(&record->results[0], "kernel-entry");
}

static void test_failed_proof(void **state)
{
    (void)state;
    check_round_trip(make_failed_proof, KVR_OUT_JSON);
}

/* Counted: with threads, scaled, and beside the model's figure. */
static void make_counted(struct kvr_run_record *record)
{
    sample_run(record);
    struct kvr_result *r = &record->results[0];
    struct kvr_counter_record *c = kvr_result_add_counter(r, "cycles");
    c->value = 3.5;
    c->total = 7e6;
    c->running = .75;
    strcpy(c->quality, "scaled");
    strcpy(c->unit, "events/key");
    for (uint32_t t = 0; t < 3; t += 2) { /* the one between them did not count */
        struct kvr_counter_thread *own = kvr_counter_add_thread(c, t);
        own->value = 3 + t;
        own->running = 1 - t * .25;
        strcpy(own->quality, t ? "scaled" : "measured");
    }
    c->thread_least = 3;
    c->thread_most = 5;
    c = kvr_result_add_counter(r, "memory-bytes-model");
    c->value = 64;
    strcpy(c->quality, "modelled");
    strcpy(c->unit, "bytes/key");
}

static void test_counted(void **state)
{
    (void)state;
    check_round_trip(make_counted, KVR_OUT_JSON);
    check_round_trip(make_counted, KVR_OUT_JSONL);
}

static void test_jsonl(void **state)
{
    (void)state;
    check_round_trip(sample_everything, KVR_OUT_JSONL);
    check_round_trip(sample_run, KVR_OUT_JSONL);
}

static void make_bare(struct kvr_run_record *record)
{
    kvr_run_record_init(record);
    record->profile_json = strdup("{}");
}

/* Nothing measured and nothing known: everything absent comes back absent. */
static void test_bare(void **state)
{
    (void)state;
    struct kvr_run_record bare;
    make_bare(&bare);
    assert_false(bare.complete);
    kvr_run_record_free(&bare);
    check_round_trip(make_bare, KVR_OUT_JSON);
}

/* Bytes that are no UTF-8 are replaced; what is too long is cut between characters. */
static void test_invalid_utf8(void **state)
{
    static const char wrong[] = "a\xff" "b\xc3(\xed\xa0\x80\xf5z\xe2\x82";
    static const char right[] = "a\xef\xbf\xbd" "b\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                                "\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd";
    struct kvr_run_record written, read;
    (void)state;
    make_bare(&written);
    snprintf(written.label, sizeof written.label, "%s", wrong);
    memset(written.flags, 'x', sizeof written.flags - 1);
    written.flags[0] = '\xff'; /* three bytes for one: no longer fits */
    write_and_read(&written, KVR_OUT_JSON, &read);
    assert_string_equal(read.label, right);
    assert_int_equal(strlen(read.flags), sizeof read.flags - 1);
    assert_memory_equal(read.flags, "\xef\xbf\xbdxxx", 6);
    kvr_run_record_free(&written);
    kvr_run_record_free(&read);
}

/* A count that could not be taken is absent, everywhere, and is no zero. */
static void test_unavailable_count(void **state)
{
    struct kvr_run_record record;
    char *text = NULL;
    size_t bytes = 0;
    (void)state;
    sample_run(&record);
    FILE *out = open_memstream(&text, &bytes);
    assert_int_equal(kvr_write_jsonl_result(out, &record.results[0]), 0);
    fclose(out);
    assert_non_null(strstr(text, "\"switches\":0"));
    assert_non_null(strstr(text, "\"unavailable\":{\"faults\":\"the kernel"));
    assert_null(strstr(text, "\"faults\":0"));
    free(text);
    kvr_run_record_free(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything),   cmocka_unit_test(test_run),
        cmocka_unit_test(test_failed_proof),
        cmocka_unit_test(test_counted),
        cmocka_unit_test(test_jsonl),        cmocka_unit_test(test_bare),
        cmocka_unit_test(test_invalid_utf8), cmocka_unit_test(test_unavailable_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
