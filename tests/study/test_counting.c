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
    kvr_result_free_counters(&f->result);
    return 0;
}

static void store(struct fixture *f, const char *why)
{
    const struct kvr_counted_part part = {&f->tally, 10};
    kvr_counting_store(&f->counting, &part, why ? 0 : 1, why, &f->result);
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

static void check_thread(const struct kvr_counter_record *c, size_t at, uint32_t thread,
                         double value, const char *quality)
{
    assert_true(at < c->thread_count);
    const struct kvr_counter_thread *t = &c->threads[at];
    assert_int_equal(t->thread, thread);
    if (fabs(t->value - value) > 1e-9 * fabs(value))
        fail_msg("%s of thread %u is %g, not %g", c->name, thread, t->value, value);
    assert_string_equal(t->quality, quality);
}

/* Each thread's own, and what follows from several of its own; the system's is no thread's. */
static void test_threads(void **state)
{
    struct fixture *f = *state;
    f->sums[1][INSTRUCTIONS].value = 4000;
    f->sums[1][CYCLES].running_ns = 80;
    f->sums[1][FLOPS] = (struct kvr_count_sum){.value = 100, .enabled_ns = 9, .running_ns = 9};
    store(f, NULL);
    assert_int_equal(of(f, "cycles")->thread_count, 2);
    check_thread(of(f, "cycles"), 0, 0, 2, "measured");
    check_thread(of(f, "cycles"), 1, 1, 5, "scaled");
    assert_true(of(f, "cycles")->threads[1].running == .8);
    check_thread(of(f, "ipc"), 0, 0, 2.5, "measured");
    check_thread(of(f, "ipc"), 1, 1, 1.6, "scaled");
    assert_int_equal(of(f, "flops")->thread_count, 2);
    check_thread(of(f, "flops"), 0, 0, 64, "measured");
    check_thread(of(f, "flops"), 1, 1, 3.2, "measured");
    static const char *const of_system[] = {"dram-reads@uncore_imc_0", "memory-bytes",
                                            "memory-gb-per-s", "energy-pkg",
                                            "joules-per-million-keys", "flops-model"};
    for (size_t i = 0; i < sizeof of_system / sizeof *of_system; i++)
        assert_int_equal(of(f, of_system[i])->thread_count, 0);
}

/* A thread that did not count has no row among those that did. */
static void test_a_thread_is_absent(void **state)
{
    struct fixture *f = *state;
    f->sums[0][CYCLES].running_ns = 40; /* of 100; the team has 140 of 200 */
    store(f, NULL);
    assert_int_equal(of(f, "cycles")->thread_count, 1);
    assert_int_equal(of(f, "cycles")->threads[0].thread, 1);
    assert_int_equal(of(f, "ipc")->thread_count, 1);
    assert_int_equal(of(f, "instructions")->thread_count, 2);
    assert_int_equal(of(f, "flops")->thread_count, 1); /* the fixture's thread 1 has none */
}

/* T as the sum of two passes: values a key add up, whatever each had of keys. */
static void test_two_passes(void **state)
{
    struct fixture *f = *state;
    struct kvr_tally second = {f->sums, 2, 200, 3, 2000, 0};
    struct kvr_counted_part parts[] = {{&f->tally, 10}, {&second, 20}};
    kvr_counting_store(&f->counting, parts, 2, NULL, &f->result);
    check_value(f, "cycles", 3 + .75, "measured");
    assert_true(of(f, "cycles")->total == 6000);
    check_value(f, "ipc", 2.5, "measured");
    check_thread(of(f, "cycles"), 1, 1, 4 + 1, "measured");
    check_value(f, "memory-bytes", 64 + 16, "measured");
    check_value(f, "memory-gb-per-s", 80 / (4 + .5), "measured");
    check_value(f, "joules-per-million-keys", .5 + .125, "measured");
    assert_null(kvr_result_counter(&f->result, "flops-model")); /* that of the scan alone */
    tear_down(state);
    set_up(state);
    second.samples = 0;
    kvr_counting_store(&f->counting, parts, 2, NULL, &f->result);
    assert_non_null(strstr(kvr_result_why(&f->result, "counters"), "no sample"));
    assert_null(kvr_result_counter(&f->result, "cycles"));
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
    tear_down(state);
    set_up(state);
    f->counting.counters.count = 0; /* no backend: the check says it, once for all cases */
    store(f, NULL);
    assert_int_equal(f->result.unavailable_count, 0);
    check_value(f, "memory-bytes-model", 64, "modelled");
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
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(test_values), TEST(test_threads),
                                       TEST(test_a_thread_is_absent), TEST(test_two_passes),
                                       TEST(test_mismatch),
                                       TEST(test_scaled_and_absent), TEST(test_nothing_counted),
                                       TEST(test_witness)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
