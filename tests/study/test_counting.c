/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What sums over samples become in a result.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "src/study/counting.h"

enum { CYCLES, INSTRUCTIONS, READS, WRITES, FLOPS, ENERGY, EVENTS };

struct fixture {
    struct kvr_counting counting;
    struct kvr_tally tally;
    struct kvr_count_sum sums[2][KVR_MAX_EVENTS];
    struct kvr_result result;
};

/* Two threads, 100 segments of 10 keys: 1000 keys. */
static int set_up(void **state)
{
    static struct fixture f;
    static const struct kvr_event events[EVENTS] = {
        {.name = "cycles", .scale = 1},
        {.name = "instructions", .scale = 1},
        {.name = "dram-reads@uncore_imc_0", .unit = "bytes", .scale = 64},
        {.name = "dram-writes@uncore_imc_0", .unit = "bytes", .scale = 64},
        {.name = "fp32-512", .unit = "flops", .scale = 16},
        {.name = "energy-pkg", .unit = "joules", .scale = 1e-6},
    };
    static const uint64_t values[EVENTS] = {1000, 2500, 800, 200, 2000, 500};
    memset(&f, 0, sizeof f);
    memcpy(f.counting.counters.events, events, sizeof events);
    f.counting.counters.count = EVENTS;
    f.counting.counters.backend = &kvr_counters_none;
    for (int t = 0; t < 2; t++)
        for (int i = 0; i < EVENTS; i++)
            if (!t || i == CYCLES || i == INSTRUCTIONS)
                f.sums[t][i] = (struct kvr_count_sum){
                    .value = values[i] * (1 + (uint64_t)t), .enabled_ns = 100, .running_ns = 100};
    f.tally = (struct kvr_tally){f.sums, 2, 100, 3, 4000, 0};
    kvr_result_init(&f.result);
    strcpy(f.result.op, "scan");
    f.result.tokens = 10;
    f.result.cost.executed_flops = 320;
    f.result.traffic = (struct kvr_traffic){.mem_read = 60, .mem_write = 4};
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    free(f->result.counters);
    return 0;
}

static void store(struct fixture *f, const char *why)
{
    kvr_counting_store(&f->counting, why ? NULL : &f->tally, 10, why, &f->result);
}

static const struct kvr_counter_record *of(const struct fixture *f, const char *name)
{
    const struct kvr_counter_record *c = kvr_result_counter(&f->result, name);
    if (!c)
        fail_msg("no %s", name);
    return c;
}

static void check_value(const struct fixture *f, const char *name, double value,
                        const char *quality)
{
    const struct kvr_counter_record *c = of(f, name);
    if (fabs(c->value - value) > 1e-9 * fabs(value))
        fail_msg("%s is %g, not %g", name, c->value, value);
    assert_string_equal(c->quality, quality);
}

static void test_values(void **state)
{
    struct fixture *f = *state;
    store(f, NULL);
    check_value(f, "cycles", 3, "measured");
    assert_true(of(f, "cycles")->total == 3000);
    assert_true(of(f, "cycles")->thread_least == 2 && of(f, "cycles")->thread_most == 4);
    check_value(f, "ipc", 2.5, "measured");
    check_value(f, "memory-bytes", 64, "measured");
    check_value(f, "memory-bytes-model", 64, "modelled");
    check_value(f, "memory-gb-per-s", 16, "measured");
    check_value(f, "flops", 32, "measured");
    check_value(f, "flops-model", 32, "modelled");
    check_value(f, "joules-per-million-keys", .5, "measured");
    assert_false(kvr_result_flagged(&f->result, "counter-mismatch"));
    assert_int_equal(f->result.unavailable_count, 0);
}

static void test_mismatch(void **state)
{
    struct fixture *f = *state;
    f->result.traffic.mem_write = 0; /* 64 counted, 60 modelled: within a tenth */
    store(f, NULL);
    assert_false(kvr_result_flagged(&f->result, "counter-mismatch"));
    tear_down(state);
    set_up(state);
    f->result.traffic.mem_read = 50;
    store(f, NULL);
    assert_true(kvr_result_flagged(&f->result, "counter-mismatch"));
}

static void test_scaled_and_absent(void **state)
{
    struct fixture *f = *state;
    f->sums[0][READS].running_ns = 80;
    f->sums[0][FLOPS].running_ns = 40;
    f->sums[1][CYCLES].backwards = true;
    strcpy(f->counting.team_why[ENERGY], "thread 1 of 2: EMFILE");
    store(f, NULL);
    check_value(f, "dram-reads@uncore_imc_0", 64, "scaled");
    check_value(f, "memory-bytes", 76.8, "scaled");
    assert_true(kvr_result_flagged(&f->result, "counter-mismatch"));
    static const char *const absent[] = {"fp32-512", "flops", "cycles", "ipc", "energy-pkg",
                                         "joules-per-million-keys"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        assert_null(kvr_result_counter(&f->result, absent[i]));
    assert_non_null(strstr(kvr_result_why(&f->result, "counter fp32-512"), "40 %"));
    assert_non_null(strstr(kvr_result_why(&f->result, "counter cycles"), "smaller"));
    assert_non_null(strstr(kvr_result_why(&f->result, "counter energy-pkg"), "EMFILE"));
}

static void test_nothing_counted(void **state)
{
    struct fixture *f = *state;
    f->tally.error = -ENODATA;
    store(f, NULL);
    assert_non_null(kvr_result_why(&f->result, "counters"));
    assert_null(kvr_result_counter(&f->result, "cycles"));
    check_value(f, "memory-bytes-model", 64, "modelled");
    tear_down(state);
    set_up(state);
    store(f, "in passes");
    assert_string_equal(kvr_result_why(&f->result, "counters"), "in passes");
    assert_null(kvr_result_counter(&f->result, "cycles"));
}

static void test_witness(void **state)
{
    static const struct { double roof; const char *says; } cases[] = {
        {17, "full"}, {20, "between"}, {32, "slack"}};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_up(state);
        strcpy(f->result.level, "DRAM");
        f->result.result.gb_per_s = 10;
        f->result.result.percent_of_read_roof = 1000 / cases[i].roof;
        store(f, NULL);
        kvr_counting_witness(&f->result);
        assert_int_equal(f->result.verdict.witness_count, 0); /* no verdict: no witness */
        strcpy(f->result.verdict.side, "memory");
        kvr_counting_witness(&f->result);
        assert_int_equal(f->result.verdict.witness_count, 1);
        assert_string_equal(f->result.verdict.witnesses[0].id, "counter-bandwidth");
        assert_string_equal(f->result.verdict.witnesses[0].says, cases[i].says);
        assert_string_equal(f->result.verdict.side, "memory");
        tear_down(state);
    }
    f->result.counters = NULL;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(test_values), TEST(test_mismatch),
                                       TEST(test_scaled_and_absent), TEST(test_nothing_counted),
                                       TEST(test_witness)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
