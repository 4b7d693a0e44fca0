/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Measured against theoretical bandwidth, from made-up records.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "src/study/peak.h"

static void add_read(struct kvr_run_record *record, const char *type, const char *level,
                     uint32_t threads, double gb_per_s, uint64_t working_set_bytes)
{
    struct kvr_ceiling c;
    kvr_ceiling_init(&c);
    strcpy(c.id, type);
    strcpy(c.kind, "bandwidth");
    strcpy(c.type, type);
    strcpy(c.level, level);
    strcpy(c.unit, "GB/s");
    c.threads = threads;
    c.working_set_bytes = working_set_bytes;
    c.value = gb_per_s;
    assert_non_null(kvr_record_add_ceiling(record, &c));
}

static void fill(struct kvr_run_record *record, double firmware_gb_per_s, bool upper_bound)
{
    kvr_run_record_init(record);
    add_read(record, "read", "L1", 1, 200, 8192);
    add_read(record, "read", "DRAM", 1, 35, 1 << 20); /* a cache still has a part in it */
    add_read(record, "read", "DRAM", 1, 10, 1 << 28);
    add_read(record, "read-family", "DRAM", 2, 20, 1 << 28);
    add_read(record, "copy", "DRAM", 2, 30, 1 << 28);
    record->machine.memory_peak.gb_per_s = firmware_gb_per_s;
    record->machine.memory_peak.upper_bound = upper_bound;
    strcpy(record->machine.memory_peak.text, "by a test");
}

static const struct kvr_check *find(const struct kvr_run_record *record, const char *id)
{
    for (size_t i = 0; i < record->checks.count; i++)
        if (!strcmp(record->checks.items[i].id, id))
            return &record->checks.items[i];
    return NULL;
}

static void firmware_is_the_default(void **state)
{
    struct kvr_run_record record;
    (void)state;
    fill(&record, 40, true);
    kvr_peak_compare(&record, NAN);
    kvr_peak_compare(&record, NAN); /* once is enough */
    assert_int_equal(record.ceiling_count, 6);
    assert_true(kvr_peak_of(&record) == 40);
    const struct kvr_ceiling *c = &record.ceilings[5];
    assert_string_equal(c->kind, "bandwidth");
    assert_string_equal(c->level, "DRAM");
    assert_string_equal(c->method, "by a test");
    const struct kvr_check *check = find(&record, "peak-percent");
    assert_non_null(check);
    assert_int_equal(check->status, KVR_CHECK_INFO);
    assert_string_equal(check->value, "50.0");
    assert_non_null(strstr(check->text, "at most"));
    assert_non_null(strstr(check->text, "2 threads"));
    kvr_run_record_free(&record);
}

static void the_option_comes_first(void **state)
{
    struct kvr_run_record record;
    (void)state;
    fill(&record, 40, true);
    kvr_peak_compare(&record, 80);
    assert_true(kvr_peak_of(&record) == 80);
    assert_string_equal(find(&record, "peak-percent")->value, "25.0");
    assert_null(strstr(find(&record, "peak-percent")->text, "at most"));
    assert_string_equal(find(&record, "memory-peak")->value, "80.0");
    kvr_run_record_free(&record);
}

static void more_than_possible_is_a_warning(void **state)
{
    struct kvr_run_record record;
    (void)state;
    fill(&record, 19, false);
    kvr_peak_compare(&record, NAN);
    assert_int_equal(find(&record, "peak-percent")->status, KVR_CHECK_WARN);
    assert_true(find(&record, "peak-percent")->fix[0]);
    kvr_run_record_free(&record);
}

static void nothing_is_made_up(void **state)
{
    struct kvr_run_record record;
    (void)state;
    fill(&record, 0, false);
    kvr_peak_compare(&record, NAN);
    assert_int_equal(record.ceiling_count, 5);
    assert_int_equal(record.checks.count, 0);
    assert_true(isnan(kvr_peak_of(&record)));
    kvr_run_record_free(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(firmware_is_the_default),
        cmocka_unit_test(the_option_comes_first),
        cmocka_unit_test(more_than_possible_is_a_warning),
        cmocka_unit_test(nothing_is_made_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
