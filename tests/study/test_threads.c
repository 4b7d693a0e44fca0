/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What several threads add, from made-up records: node or core, lines in flight, t*; and the check
 * of the sentinel. No time is measured.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "src/study/sentinel.h"
#include "src/study/threads.h"

static struct kvr_result *add(struct kvr_run_record *record, unsigned threads, double m_ns,
                              double c_ns, const char *side)
{
    struct kvr_result r;
    kvr_result_init(&r);
    r.measured = true;
    snprintf(r.op, sizeof r.op, "scan");
    snprintf(r.level, sizeof r.level, "DRAM");
    snprintf(r.layout, sizeof r.layout, "heads");
    r.head_dim = 64;
    r.tokens = 512;
    r.threads = threads;
    r.cost.stream_bytes = 4 * 512;
    r.result.m_ns_per_key = m_ns;
    r.result.c_ns_per_key = c_ns;
    r.result.gb_per_s = 4 / m_ns;
    snprintf(r.verdict.side, sizeof r.verdict.side, "%s", side);
    return kvr_record_add_result(record, &r);
}

static void test_node_or_core(void **state)
{
    (void)state;
    struct kvr_run_record record;
    kvr_run_record_init(&record);
    add(&record, 1, .4, .2, "memory"); /* 10 GB/s */
    assert_null(kvr_memory_cause(&record, &record.results[0]));
    add(&record, 4, .1, .05, "memory"); /* 40 GB/s: four times one */
    assert_string_equal(kvr_memory_cause(&record, &record.results[1]), "core");
    add(&record, 8, .1, .025, "memory"); /* no more with eight */
    assert_string_equal(kvr_memory_cause(&record, &record.results[2]), "node");
    record.results[0].evict_bytes = 1 << 20; /* another list says nothing about this one */
    assert_null(kvr_memory_cause(&record, &record.results[2]));
    record.results[0].evict_bytes = 0;
    record.results[0].tokens = 4096;
    assert_null(kvr_memory_cause(&record, &record.results[2]));
    kvr_run_record_free(&record);
}

static const char *reason(const struct kvr_result *r)
{
    for (size_t i = 0; i < r->unavailable_count; i++)
        if (!strcmp(r->unavailable[i].what, "threads_to_node_roof"))
            return r->unavailable[i].why;
    return "";
}

static void test_threads_to_the_node_s_roof(void **state)
{
    (void)state;
    struct kvr_run_record record;
    struct kvr_ceiling latency;
    kvr_run_record_init(&record);
    kvr_ceiling_init(&latency);
    snprintf(latency.type, sizeof latency.type, "latency");
    snprintf(latency.level, sizeof latency.level, "DRAM");
    latency.value = 128;
    kvr_record_add_ceiling(&record, &latency);
    add(&record, 1, .4, 2, "core"); /* takes 2 GB/s of the 10 that one thread can read */
    kvr_threads_conclude(&record);
    assert_true(isnan(record.results[0].threads_to_node_roof));
    assert_non_null(strstr(reason(&record.results[0]), "-t 1,max"));
    assert_true(fabs(record.results[0].lines_in_flight - 10 * 128 / 64.) < 1e-9);
    add(&record, 4, .1, .5, "core"); /* four threads read 40: the node's limit is not in sight */
    kvr_threads_conclude(&record);
    assert_non_null(strstr(reason(&record.results[0]), "not reached"));
    record.results[1].result.m_ns_per_key = .2; /* 20 GB/s is the node's: ten times 2 */
    kvr_threads_conclude(&record);
    assert_true(fabs(record.results[0].threads_to_node_roof - 10) < 1e-9);
    kvr_run_record_free(&record);
}

static void test_sentinel_check(void **state)
{
    (void)state;
    struct kvr_checks checks = {0};
    kvr_sentinel_check(&checks, (const double[]){4, 4.3, 4.1});
    assert_int_equal(checks.items[0].status, KVR_CHECK_OK);
    kvr_sentinel_check(&checks, (const double[]){4, 4.5, 4.1});
    assert_int_equal(checks.items[0].status, KVR_CHECK_WARN);
    assert_true(checks.items[0].fix[0]);
    kvr_sentinel_check(&checks, (const double[]){4, NAN, 4.1});
    assert_int_equal(checks.items[0].status, KVR_CHECK_UNKNOWN);
    assert_int_equal(checks.count, 1);
    kvr_checks_free(&checks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_node_or_core),
        cmocka_unit_test(test_threads_to_the_node_s_roof),
        cmocka_unit_test(test_sentinel_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
