/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The harness without time: rounds over made-up work on a clock that only the work moves. The same
 * work gives the same record, bit for bit, and every figure is the one that the work dictates.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "src/report/writers.h"
#include "src/study/balance.h"
#include "src/study/rounds.h"
#include "src/study/verdict.h"
#include "tests/measure/fake_clock.h"

enum { ROUNDS = 9, TOKENS = 100, LIST = 64 };

/* Work of a fixed price a segment; the clock has 2 ticks a ns. */
struct priced {
    uint64_t *ticks, price_ticks;
    uint64_t calls, stall_every, stall_ticks;
};

static void priced_slice(void *argument, unsigned thread, uint32_t first, uint32_t count)
{
    struct priced *p = argument;
    (void)thread;
    (void)first;
    *p->ticks += count * p->price_ticks;
    if (p->stall_every && ++p->calls % p->stall_every == 0)
        *p->ticks += p->stall_ticks;
}

static uint64_t one_tick_clock(void *state)
{
    return ++*(uint64_t *)state;
}

struct bench {
    uint64_t ticks;
    struct kvr_session session;
    struct kvr_options options;
    struct kvr_lists lists;
    uint32_t count, cursor;
    struct kvr_family family;
    struct priced m, t, c, reference_t, reference_c;
    struct kvr_subject reference, subject;
    struct kvr_stage stage;
};

static struct kvr_sample_request request_of(struct bench *b, struct priced *work,
                                            uint64_t ns_per_key)
{
    work->ticks = &b->ticks;
    work->price_ticks = 2 * ns_per_key * TOKENS;
    return (struct kvr_sample_request){.run = priced_slice,
                                       .argument = work,
                                       .list_counts = &b->count,
                                       .cursors = &b->cursor,
                                       .slice_segments = 3,
                                       .slices = 10};
}

static struct bench *open_bench(void)
{
    struct bench *b = calloc(1, sizeof *b);
    uint32_t cpu = 0;
    assert_non_null(b);
    b->count = LIST;
    b->lists = (struct kvr_lists){.threads = 1, .counts = &b->count, .tokens = TOKENS};
    b->options.seed = 7;
    b->session.options = &b->options;
    b->session.deadline_s = INFINITY;
    b->session.clock = fake_clock(&b->ticks);
    b->session.clock.now = one_tick_clock; /* the imul chain must take some time */
    assert_int_equal(kvr_team_start(&b->session.team, &cpu, 1, fake_pin, NULL), 0);
    b->session.sampler = kvr_sampler_new(b->session.team, &b->session.clock);
    b->session.threads = 1;
    b->family.best_count = 3;
    struct kvr_stage *s = &b->stage;
    s->reference_family = s->subject_family = &b->family;
    s->reference = &b->reference;
    s->subjects = &b->subject;
    s->subject_count = 1;
    s->seed = 3;
    s->reference_read.lists = s->subject_read.lists = &b->lists;
    b->reference.t.lists = b->reference.c.lists = &b->lists;
    b->subject.t.lists = b->subject.c.lists = &b->lists;
    s->reference_read_request = s->subject_read_request = request_of(b, &b->m, 4000);
    b->reference.t_request = request_of(b, &b->reference_t, 4400);
    b->reference.c_request = request_of(b, &b->reference_c, 1000);
    b->subject.t_request = request_of(b, &b->t, 4200);
    b->subject.c_request = request_of(b, &b->c, 600);
    return b;
}

static void close_bench(struct bench *b)
{
    kvr_sampler_free(b->session.sampler);
    kvr_team_stop(b->session.team);
    free(b);
}

static void run(struct bench *b, struct kvr_round *rounds, uint32_t *done)
{
    uint32_t wins[KVR_BEST_READERS];
    memset(rounds, 0, ROUNDS * sizeof *rounds);
    assert_int_equal(kvr_rounds_run(&b->session, &b->stage, ROUNDS, rounds, done, wins), 0);
}

static bool near(double value, double expected)
{
    return fabs(value / expected - 1) < 1e-4; /* a stamp costs one tick */
}

static void test_rounds_pair_every_time(void **state)
{
    (void)state;
    struct bench *b = open_bench();
    struct kvr_round rounds[ROUNDS];
    uint32_t done;
    run(b, rounds, &done);
    assert_int_equal(done, ROUNDS);
    for (int i = 0; i < ROUNDS; i++) {
        assert_true(near(rounds[i].t_ns, 4200) && near(rounds[i].m_ns, 4000));
        assert_true(near(rounds[i].c_ns, 600) && near(rounds[i].fp16_ns, 4400));
        assert_true(near(rounds[i].fp16_m_ns, 4000) && near(rounds[i].fp16_c_ns, 1000));
        assert_true(near(rounds[i].t_total_ns, 4200));
        assert_int_equal(rounds[i].keys, 30 * TOKENS);
        assert_false(rounds[i].repeated);
    }
    close_bench(b);
}

static void test_a_stolen_sample_is_repeated_once_and_both_are_kept(void **state)
{
    (void)state;
    struct bench *b = open_bench();
    struct kvr_round rounds[ROUNDS];
    uint32_t done;
    b->session.repeats_left_s = 1e9;
    b->t.stall_every = 10; /* one slice of each sample of ten */
    b->t.stall_ticks = b->t.price_ticks * 30;
    run(b, rounds, &done);
    for (int i = 0; i < ROUNDS; i++) {
        assert_true(rounds[i].repeated);
        assert_true(near(rounds[i].t_ns, 4200)); /* the median slice saw nothing of it */
        assert_true(near(rounds[i].t_total_ns, 8400));
        assert_true(fabs(rounds[i].stolen - .5) < 1e-3);
        assert_true(near(rounds[i].t_first_ns, 4200) && rounds[i].t_first_stolen > .4);
    }
    close_bench(b);
    b = open_bench();
    b->session.repeats_left_s = 0; /* the share of the budget is used up: told, not repeated */
    b->t.stall_every = 10;
    b->t.stall_ticks = b->t.price_ticks * 30;
    run(b, rounds, &done);
    assert_false(rounds[0].repeated);
    assert_true(isnan(rounds[0].t_first_ns));
    close_bench(b);
}

static void test_an_interrupt_stops_between_samples(void **state)
{
    (void)state;
    struct bench *b = open_bench();
    static volatile sig_atomic_t interrupted = 2;
    struct kvr_round rounds[ROUNDS] = {{0}};
    uint32_t done, wins[KVR_BEST_READERS];
    b->session.interrupted = &interrupted;
    assert_int_equal(kvr_rounds_run(&b->session, &b->stage, ROUNDS, rounds, &done, wins), -EINTR);
    assert_int_equal(done, 0);
    close_bench(b);
}

static void test_the_deadline_ends_rounds(void **state)
{
    (void)state;
    struct bench *b = open_bench();
    struct kvr_round rounds[ROUNDS] = {{0}};
    uint32_t done, wins[KVR_BEST_READERS];
    b->session.deadline_s = kvr_wall_s() - 1;
    assert_int_equal(kvr_rounds_run(&b->session, &b->stage, ROUNDS, rounds, &done, wins), 0);
    assert_int_equal(done, 0);
    close_bench(b);
}

/* The whole way to the JSON, twice. */
static char *record_json(size_t *bytes)
{
    struct bench *b = open_bench();
    struct kvr_run_record record;
    struct kvr_result r;
    struct kvr_verdict_input judge = {.core_limit_ns = NAN};
    uint32_t done;
    char *text = NULL;
    kvr_run_record_init(&record);
    kvr_result_init(&r);
    snprintf(r.name, sizeof r.name, "made/up");
    snprintf(r.codec, sizeof r.codec, "int8");
    snprintf(r.op, sizeof r.op, "scan");
    snprintf(r.level, sizeof r.level, "DRAM");
    r.measured = true;
    r.tokens = TOKENS;
    r.threads = 1;
    r.cost.stream_bytes = 64.0 * TOKENS;
    r.traffic.mem_read = 64;
    r.rounds = calloc(ROUNDS, sizeof *r.rounds);
    b->t.stall_every = 17; /* some disturbance, the same each time */
    b->t.stall_ticks = 99999;
    run(b, r.rounds, &done);
    r.round_count = done;
    for (uint32_t i = 0; i < done; i++)
        r.rounds[i].preemptions = 0; /* the host's own */
    kvr_balance(&r, 1e11);
    kvr_verdict_record_fill(&r, &judge);
    assert_string_equal(r.verdict.bound, "memory");
    assert_string_equal(r.verdict.side, "memory");
    assert_true(near(r.result.speedup_vs_fp16, 4400 / 4200.0));
    assert_true(near(r.result.percent_of_roof, 100 * 4000 / 4200.0));
    assert_string_equal(r.result.roof, "memory");
    kvr_record_add_result(&record, &r);
    FILE *out = open_memstream(&text, bytes);
    assert_int_equal(kvr_write(out, KVR_OUT_JSON, &record, &(struct kvr_output_style){0}), 0);
    fclose(out);
    kvr_run_record_free(&record);
    close_bench(b);
    return text;
}

static void test_records_are_equal_bit_for_bit(void **state)
{
    (void)state;
    size_t bytes[2];
    char *a = record_json(&bytes[0]), *b = record_json(&bytes[1]);
    assert_int_equal(bytes[0], bytes[1]);
    assert_string_equal(a, b);
    free(a);
    free(b);
}

static void test_a_kernel_faster_than_its_roof_is_flagged(void **state)
{
    (void)state;
    struct kvr_result r;
    struct kvr_round rounds[ROUNDS];
    for (int pass = 0; pass < 3; pass++) {
        double t = pass == 0 ? .98 : pass == 1 ? .95 : .88; /* 102, 105, 114 % */
        kvr_result_init(&r);
        snprintf(r.level, sizeof r.level, "DRAM");
        r.tokens = TOKENS;
        r.threads = 1;
        r.cost.stream_bytes = 64.0 * TOKENS;
        r.traffic.mem_read = 64;
        for (int i = 0; i < ROUNDS; i++)
            rounds[i] = (struct kvr_round){.t_ns = t, .m_ns = 1, .c_ns = .3, .fp16_ns = 2,
                                           .clock_ghz = 3};
        r.rounds = rounds;
        r.round_count = ROUNDS;
        kvr_balance(&r, NAN);
        assert_int_equal(kvr_result_flagged(&r, "ceiling-raised"), pass > 0);
        assert_int_equal(kvr_result_flagged(&r, "ceiling-bug"), pass > 1);
    }
}

/* T and its parts are samples of their own, and something may disturb one of them. */
static void test_a_share_is_of_the_whole(void **state)
{
    (void)state;
    struct kvr_result r;
    struct kvr_round round = {.t_ns = 5, .m_ns = 1, .c_ns = 2, .e_ns = 2, .fp16_ns = 2,
                              .clock_ghz = 3};
    round.phases[KVR_PHASE_PREPARE].t_ns = 6;
    round.phases[KVR_PHASE_SCAN].t_ns = 2;
    kvr_result_init(&r);
    r.tokens = TOKENS;
    r.rounds = &round;
    r.round_count = 1;
    kvr_balance(&r, NAN);
    assert_true(near(r.result.prepare_share, .75));
    round.t_ns = 10; /* of a whole that is more than its parts it is that much less */
    kvr_balance(&r, NAN);
    assert_true(near(r.result.prepare_share, .6));
}

static void test_what_few_rounds_do_not_give_is_named(void **state)
{
    static const char *const intervals[] = {"ci95", "speedup_ci95", "percent_of_roof_ci95",
                                            "balance_ci95"};
    (void)state;
    struct kvr_result r;
    struct kvr_round rounds[6];
    struct kvr_verdict_input judge = {.core_limit_ns = NAN};
    kvr_result_init(&r);
    snprintf(r.level, sizeof r.level, "DRAM");
    r.tokens = TOKENS;
    r.threads = 1;
    r.cost.stream_bytes = 64.0 * TOKENS;
    r.traffic.mem_read = 64;
    r.rounds = rounds;
    for (int i = 0; i < 6; i++)
        rounds[i] = (struct kvr_round){.t_ns = 1.01 + .001 * i, .m_ns = 1, .c_ns = .3,
                                       .fp16_ns = 2, .clock_ghz = 3};
    for (r.round_count = 1; r.round_count <= 6; r.round_count++) {
        kvr_balance(&r, NAN);
        kvr_verdict_record_fill(&r, &judge);
        bool few = r.round_count < 6;
        for (size_t i = 0; i < sizeof intervals / sizeof *intervals; i++) {
            const char *why = kvr_result_why(&r, intervals[i]);
            assert_int_equal(why && !strcmp(why, "fewer than 6 valid rounds"), few);
        }
        assert_int_equal(isnan(r.result.ci95[0]), few);
        assert_int_equal(isnan(r.verdict.balance_ci95[0]), few);
        assert_int_equal(kvr_result_why(&r, "cv") != NULL, r.round_count == 1);
        assert_int_equal(isnan(r.result.cv), r.round_count == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds_pair_every_time),
        cmocka_unit_test(test_a_stolen_sample_is_repeated_once_and_both_are_kept),
        cmocka_unit_test(test_an_interrupt_stops_between_samples),
        cmocka_unit_test(test_the_deadline_ends_rounds),
        cmocka_unit_test(test_records_are_equal_bit_for_bit),
        cmocka_unit_test(test_a_kernel_faster_than_its_roof_is_flagged),
        cmocka_unit_test(test_a_share_is_of_the_whole),
        cmocka_unit_test(test_what_few_rounds_do_not_give_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
