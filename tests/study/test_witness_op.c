/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The witness of an op of several phases, over made-up work on a clock that only the work moves:
 * what the whole and the core take is a price that follows from the look-ahead of the keys.
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

#include "src/study/op.h"
#include "src/study/witness.h"
#include "tests/measure/fake_clock.h"

enum { TOKENS = 100, LIST = 64, PREPARE_NS = 1000, SCAN_NS = 500, WHOLE_NS = 4000, OWN_AHEAD = 4 };

struct bench;

/* ns a key without look-ahead, and what two segments ahead take off. */
struct priced {
    struct bench *of;
    const struct kvr_heads *heads;
    uint64_t ns, less_ns;
};

struct bench {
    uint64_t ticks; /* two a ns */
    uint32_t count, cursor;
    struct kvr_session session;
    struct kvr_lists lists;
    struct kvr_op op;
    struct kvr_subject subject;
    struct priced whole, prepare, scan;
};

static void priced_slice(void *argument, unsigned thread, uint32_t first, uint32_t count)
{
    struct priced *p = argument;
    bool less = p->heads->keys_tuning.ahead_segments == 2 && p->heads->keys_tuning.streams == 1;
    (void)thread;
    (void)first;
    p->of->ticks += 2 * TOKENS * count * (p->ns - (less ? p->less_ns : 0));
}

static struct kvr_sample_request request_of(struct bench *b, struct priced *work,
                                            struct kvr_heads *heads, uint64_t ns)
{
    *work = (struct priced){.of = b, .heads = heads, .ns = ns};
    heads->keys = &b->lists;
    heads->keys_tuning = (struct kvr_tuning_choice){OWN_AHEAD, 0, 1};
    return (struct kvr_sample_request){.run = priced_slice, .argument = work,
                                       .list_counts = &b->count, .cursors = &b->cursor,
                                       .slice_segments = 1, .slices = 1};
}

static struct bench *open_bench(uint64_t whole_less_ns, uint64_t scan_less_ns)
{
    struct bench *b = calloc(1, sizeof *b);
    uint32_t cpu = 0;
    assert_non_null(b);
    struct kvr_phase_run *phases = b->op.phases;
    b->count = LIST;
    b->lists = (struct kvr_lists){.threads = 1, .counts = &b->count, .tokens = TOKENS};
    b->session.clock = fake_clock(&b->ticks);
    assert_int_equal(kvr_team_start(&b->session.team, &cpu, 1, fake_pin, NULL), 0);
    b->session.sampler = kvr_sampler_new(b->session.team, &b->session.clock);
    b->session.threads = 1;
    b->op.has_whole = true;
    b->op.whole = request_of(b, &b->whole, &b->op.whole_heads, WHOLE_NS);
    phases[KVR_PHASE_PREPARE].present = phases[KVR_PHASE_SCAN].present = true;
    phases[KVR_PHASE_PREPARE].c =
        request_of(b, &b->prepare, &b->op.core[KVR_PHASE_PREPARE], PREPARE_NS);
    phases[KVR_PHASE_SCAN].c = request_of(b, &b->scan, &b->op.core[KVR_PHASE_SCAN], SCAN_NS);
    b->whole.less_ns = whole_less_ns;
    b->scan.less_ns = scan_less_ns;
    b->subject.op = &b->op;
    return b;
}

static void close_bench(struct bench *b)
{
    kvr_sampler_free(b->session.sampler);
    kvr_team_stop(b->session.team);
    free(b);
}

/* What was found, and that the op is as it was. */
static struct kvr_witness_value look(uint64_t whole_less_ns, uint64_t scan_less_ns)
{
    struct bench *b = open_bench(whole_less_ns, scan_less_ns);
    assert_int_equal(kvr_witness_look_op(&b->session, &b->subject), 0);
    assert_int_equal(b->subject.witness_count, 1);
    assert_int_equal(b->op.whole_heads.keys_tuning.ahead_segments, OWN_AHEAD);
    assert_int_equal(b->op.core[KVR_PHASE_SCAN].keys_tuning.ahead_segments, OWN_AHEAD);
    struct kvr_witness_value found = b->subject.witnesses[0];
    assert_string_equal(found.id, "concurrency");
    close_bench(b);
    return found;
}

static void test_look_ahead_that_helps(void **state)
{
    (void)state;
    struct kvr_witness_value w = look(1000, 0);
    assert_true(w.stands && fabs(w.ratio - .75) < 1e-3);
    assert_true(fabs(w.low - .75) < 1e-3 && fabs(w.high - .75) < 1e-3);
    w = look(1000, 40); /* the core's part falls, too, but by less than 3 % of 1500 */
    assert_true(w.stands);
}

static void test_what_is_no_witness(void **state)
{
    (void)state;
    struct kvr_witness_value w = look(0, 0);
    assert_true(!w.stands && fabs(w.ratio - 1) < 1e-3);
    w = look(300, 0); /* not by a tenth */
    assert_true(!w.stands && fabs(w.ratio - .925) < 1e-3);
    w = look(1000, 60); /* less to compute, which helps a full core as well */
    assert_true(!w.stands && fabs(w.ratio - .75) < 1e-3);
}

static void test_an_interrupt(void **state)
{
    static volatile sig_atomic_t interrupted = 2;
    struct bench *b = open_bench(1000, 0);
    (void)state;
    b->session.interrupted = &interrupted;
    assert_int_equal(kvr_witness_look_op(&b->session, &b->subject), -EINTR);
    assert_int_equal(b->subject.witness_count, 0);
    assert_int_equal(b->op.whole_heads.keys_tuning.ahead_segments, OWN_AHEAD);
    close_bench(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_look_ahead_that_helps),
                                       cmocka_unit_test(test_what_is_no_witness),
                                       cmocka_unit_test(test_an_interrupt)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
