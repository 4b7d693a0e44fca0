/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "fake_clock.h"
#include "src/measure/sampler.h"

struct work {
    uint64_t *ticks;
    uint64_t ticks_per_segment;
    uint64_t calls, segments;
    uint64_t stall_call, stall_ticks; /* a preemption inside the n-th call */
    uint32_t next;                    /* where the next call must start */
    uint32_t list_count;
    int out_of_order;
    volatile char *fault_page;
};

static void work_slice(void *argument, unsigned thread, uint32_t first, uint32_t count)
{
    struct work *w = argument;
    (void)thread;
    w->out_of_order += first != w->next;
    w->next = (uint32_t)(((uint64_t)first + count) % w->list_count);
    w->calls++;
    w->segments += count;
    *w->ticks += count * w->ticks_per_segment;
    if (w->calls == w->stall_call)
        *w->ticks += w->stall_ticks;
    if (w->fault_page && w->calls == 2)
        *w->fault_page = 1;
}

struct harness {
    uint64_t ticks;
    struct kvr_clock clock;
    struct kvr_team *team;
    struct kvr_sampler *sampler;
    struct work work;
    uint32_t counts[1], cursors[1];
    struct kvr_sample_request request;
};

static void set_up(struct harness *h)
{
    memset(h, 0, sizeof *h);
    h->clock = fake_clock(&h->ticks);
    uint32_t cpu = 0;
    assert_int_equal(kvr_team_start(&h->team, &cpu, 1, fake_pin, NULL), 0);
    h->sampler = kvr_sampler_new(h->team, &h->clock);
    assert_non_null(h->sampler);
    h->counts[0] = 100;
    h->work = (struct work){.ticks = &h->ticks, .ticks_per_segment = 10, .list_count = 100};
    h->request = (struct kvr_sample_request){.run = work_slice,
                                             .argument = &h->work,
                                             .list_counts = h->counts,
                                             .cursors = h->cursors,
                                             .slice_segments = 7,
                                             .slices = 11};
}

static void tear_down(struct harness *h)
{
    kvr_sampler_free(h->sampler);
    kvr_team_stop(h->team);
}

static void test_times_and_cursor(void **state)
{
    (void)state;
    struct harness h;
    struct kvr_sample s;
    set_up(&h);
    h.cursors[0] = h.work.next = 90;
    kvr_sample_take(h.sampler, &h.request, &s);
    assert_int_equal(s.segments, 77);
    assert_true(s.total_ns == 77 * 10 / 2.0 && s.robust_ns == s.total_ns && s.stolen == 0);
    assert_int_equal(h.cursors[0], (90 + 77) % 100);
    assert_int_equal(h.work.out_of_order, 0);
    kvr_sample_take(h.sampler, &h.request, &s); /* goes on where the last one stopped */
    assert_int_equal(h.cursors[0], (90 + 154) % 100);
    assert_int_equal(h.work.out_of_order, 0);
    assert_false(s.invalid);
    tear_down(&h);
}

static void test_stolen_time_is_told_and_not_in_robust(void **state)
{
    (void)state;
    struct harness h;
    struct kvr_sample s;
    set_up(&h);
    h.work.stall_call = 4;
    h.work.stall_ticks = 330;
    kvr_sample_take(h.sampler, &h.request, &s);
    assert_true(s.robust_ns == 385 && s.total_ns == 385 + 165);
    assert_true(fabs(s.stolen - (1 - 385.0 / 550)) < 1e-12);
    tear_down(&h);
}

static void test_warm_up_is_outside_the_stamps(void **state)
{
    (void)state;
    struct harness h;
    struct kvr_sample s;
    set_up(&h);
    h.request.warm_segments = 100; /* a whole pass: the cursor does not move by it */
    kvr_sample_take(h.sampler, &h.request, &s);
    assert_int_equal(h.work.segments, 177);
    assert_int_equal(s.segments, 77);
    assert_true(s.total_ns == 385);
    assert_int_equal(h.cursors[0], 77);
    tear_down(&h);
}

static void test_a_page_fault_inside_makes_it_void(void **state)
{
    (void)state;
    struct harness h;
    struct kvr_sample s;
    set_up(&h);
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(page != MAP_FAILED);
    h.work.fault_page = page;
    kvr_sample_take(h.sampler, &h.request, &s);
    assert_true(s.faults >= 1);
    assert_true(s.invalid);
    munmap(page, 4096);
    tear_down(&h);
}

static void test_plan_reaches_the_wanted_length(void **state)
{
    (void)state;
    static const uint64_t per_segment[] = {1, 10, 1000, 100000, 30000000};
    for (size_t i = 0; i < sizeof per_segment / sizeof *per_segment; i++) {
        struct harness h;
        struct kvr_sample s;
        set_up(&h);
        h.work.ticks_per_segment = per_segment[i];
        kvr_sample_plan(h.sampler, &h.request, 20e-3);
        kvr_sample_take(h.sampler, &h.request, &s);
        assert_true(s.total_ns >= 20e6);
        double slice_ns = s.total_ns / h.request.slices;
        assert_true(slice_ns <= 5e6 || h.request.slice_segments == 1);
        assert_true(h.request.slices >= 3);
        tear_down(&h);
    }
}

static void test_same_work_gives_the_same_bits(void **state)
{
    (void)state;
    struct kvr_sample samples[2];
    memset(samples, 0, sizeof samples);
    for (int i = 0; i < 2; i++) {
        struct harness h;
        set_up(&h);
        h.work.stall_call = 9;
        h.work.stall_ticks = 12345;
        kvr_sample_plan(h.sampler, &h.request, 1e-3);
        kvr_sample_take(h.sampler, &h.request, &samples[i]);
        tear_down(&h);
    }
    samples[0].preemptions = samples[1].preemptions = 0; /* the host's, not the clock's */
    assert_memory_equal(&samples[0], &samples[1], sizeof samples[0]);
}

struct looks {
    struct harness *h;
    uint64_t calls_at_start, calls_at_stop;
    int starts, stops, taken, evictions;
    int evictions_seen[16]; /* at each start */
};

static void look_start(void *context, unsigned thread)
{
    struct looks *l = context;
    assert_int_equal(thread, 0);
    l->starts++;
    l->calls_at_start = l->h->work.calls;
}

static void look_stop(void *context, unsigned thread)
{
    struct looks *l = context;
    assert_int_equal(thread, 0);
    l->stops++;
    l->calls_at_stop = l->h->work.calls;
}

static void look_taken(void *context, const struct kvr_sample *sample)
{
    struct looks *l = context;
    l->taken++;
    assert_int_equal(sample->segments, l->h->request.slices * l->h->request.slice_segments);
}

/* A probe sees all slices and nothing else: not the warm-up, not what planning tries. */
static void test_probe(void **state)
{
    struct harness h;
    struct kvr_sample sample;
    (void)state;
    set_up(&h);
    struct looks looks = {.h = &h};
    const struct kvr_sample_probe probe = {look_start, look_stop, look_taken, &looks};
    kvr_sampler_probe(h.sampler, &probe);
    kvr_sample_plan(h.sampler, &h.request, 1e-6);
    assert_int_equal(looks.starts + looks.stops + looks.taken, 0);
    uint64_t before = h.work.calls;
    h.request.warm_segments = 1;
    h.work.next = h.cursors[0];
    kvr_sample_take(h.sampler, &h.request, &sample);
    assert_int_equal(looks.starts, 1);
    assert_int_equal(looks.stops, 1);
    assert_int_equal(looks.taken, 1);
    assert_int_equal(looks.calls_at_start, before + 1);
    assert_int_equal(looks.calls_at_stop, before + 1 + h.request.slices);
    kvr_sampler_probe(h.sampler, NULL);
    kvr_sample_take(h.sampler, &h.request, &sample);
    assert_int_equal(looks.starts, 1);
    tear_down(&h);
}

/* What is done between slices. */
static void evict(void *context, unsigned thread)
{
    struct looks *l = context;
    assert_int_equal(thread, 0);
    l->evictions++;
    assert_int_equal(l->stops, l->evictions - 1); /* the last slice's look is over */
}

static void look_evicted(void *context, unsigned thread)
{
    struct looks *l = context;
    l->evictions_seen[l->starts % 16] = l->evictions;
    look_start(context, thread);
}

/* With passes that something lies between, each is looked at alone: a start after the eviction, a
 * stop behind one call of the kernel; one start more before all. */
static void test_probe_of_passes(void **state)
{
    struct harness h;
    struct kvr_sample sample;
    (void)state;
    set_up(&h);
    struct looks looks = {.h = &h};
    const struct kvr_sample_probe probe = {look_evicted, look_stop, look_taken, &looks};
    h.request.between = evict;
    h.request.between_context = &looks;
    h.request.slices = 5;
    h.work.next = h.cursors[0];
    kvr_sampler_probe(h.sampler, &probe);
    uint64_t before = h.work.calls;
    kvr_sample_take(h.sampler, &h.request, &sample);
    assert_int_equal(looks.evictions, 5);
    assert_int_equal(looks.starts, 6);
    assert_int_equal(looks.stops, 5);
    assert_int_equal(looks.taken, 1);
    for (int i = 0; i < 6; i++)
        assert_int_equal(looks.evictions_seen[i], i); /* the first one is before all of them */
    assert_int_equal(looks.calls_at_start, before + 4);
    assert_int_equal(looks.calls_at_stop, before + 5);
    tear_down(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_and_cursor),
        cmocka_unit_test(test_stolen_time_is_told_and_not_in_robust),
        cmocka_unit_test(test_warm_up_is_outside_the_stamps),
        cmocka_unit_test(test_a_page_fault_inside_makes_it_void),
        cmocka_unit_test(test_plan_reaches_the_wanted_length),
        cmocka_unit_test(test_same_work_gives_the_same_bits),
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_probe_of_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
