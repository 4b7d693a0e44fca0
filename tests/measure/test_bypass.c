/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Planted kernel entries are caught and named, whichever thread makes them; clean regions are not
 * accused. usage: test_bypass dispatch|seccomp: the method that is tested; a process of its own
 * for each, because a filter stays.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "fake_clock.h"
#include "src/measure/sampler.h"

enum { THREADS = 2, SLICES = 8, PAGE = 4096 };

static const struct kvr_bypass_method *method;

/* What a thread does in one of its slices. */
struct plant {
    unsigned thread;
    long (*act)(void);
    int slices; /* counted down to the act */
    long result;
};

static volatile char *untouched;
static volatile sig_atomic_t signals;

static long ask_pid(void)
{
    return syscall(SYS_getpid);
}

static long ask_time(void)
{
    struct timespec t = {0};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static long yield(void)
{
    return syscall(SYS_sched_yield);
}

static long map_and_touch(void)
{
    volatile char *page =
        mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[0] = 1;
    return page[0];
}

static long touch(void)
{
    untouched[0] = 1;
    return 1;
}

static long await_signal(void)
{
    signals = 0; /* one that comes now, while calls are caught */
    while (!signals)
        ;
    return 1;
}

static long nothing(void)
{
    return 1;
}

struct bench {
    uint64_t ticks;
    struct kvr_clock clock;
    struct kvr_team *team;
    struct kvr_sampler *sampler;
    struct kvr_bypass *bypass;
    struct plant plant;
    uint32_t counts[THREADS], cursors[THREADS], cpus[THREADS];
    struct kvr_sample_request request;
};

static void slice(void *argument, unsigned thread, uint32_t first, uint32_t count)
{
    struct plant *p = argument;
    (void)first;
    (void)count;
    if (p->thread == thread && p->slices && !--p->slices)
        p->result = p->act();
}

static void name(const void *argument, char *text, size_t bytes)
{
    (void)argument;
    snprintf(text, bytes, "planted");
}

static void set_up(struct bench *b, unsigned thread, long (*act)(void))
{
    char why[256] = "";
    memset(b, 0, sizeof *b);
    b->clock = fake_clock(&b->ticks);
    b->plant = (struct plant){.thread = thread, .act = act, .slices = 3};
    assert_int_equal(kvr_bypass_open(&b->bypass, method, why, sizeof why), 0);
    for (uint32_t t = 0; t < THREADS; t++)
        b->counts[t] = 100;
    assert_int_equal(kvr_team_start(&b->team, b->cpus, THREADS, fake_pin, NULL), 0);
    assert_int_equal(kvr_bypass_enroll(b->bypass, b->team, b->cpus), 0);
    b->sampler = kvr_sampler_new(b->team, &b->clock);
    assert_non_null(b->sampler);
    b->request = (struct kvr_sample_request){.run = slice,
                                             .argument = &b->plant,
                                             .list_counts = b->counts,
                                             .cursors = b->cursors,
                                             .slice_segments = 1,
                                             .slices = SLICES,
                                             .name = name};
    struct kvr_sample sample;
    int slices = b->plant.slices;
    b->plant.slices = 0;
    kvr_sample_take(b->sampler, &b->request, &sample); /* unwatched: first touches of code */
    b->plant.slices = slices;
    kvr_sampler_prove(b->sampler, b->bypass);
    kvr_bypass_subject(b->bypass, "a case");
}

static void tear_down(struct bench *b)
{
    kvr_bypass_dismiss(b->bypass);
    kvr_sampler_free(b->sampler);
    kvr_team_stop(b->team);
    kvr_bypass_close(b->bypass);
}

static const struct kvr_entry *entry(const struct bench *b, enum kvr_entry_kind kind)
{
    return &kvr_bypass_counted(b->bypass)->entries[kind];
}

/* Plants `act` in either thread, and demands one entry of that kind and name, with its thread and
 * what ran; the samples before and after are clean. */
static void check_caught(long (*act)(void), enum kvr_entry_kind kind, const char *named)
{
    for (unsigned thread = 0; thread < THREADS; thread++) {
        struct bench b;
        struct kvr_sample sample;
        set_up(&b, thread, act);
        b.plant.slices += SLICES; /* in the second sample */
        kvr_sample_take(b.sampler, &b.request, &sample);
        assert_int_equal(kvr_bypass_entries(b.bypass), 0);
        kvr_sample_take(b.sampler, &b.request, &sample);
        assert_int_not_equal(b.plant.result, 0);
        const struct kvr_entry *e = entry(&b, kind);
        assert_int_equal(e->count, 1);
        assert_string_equal(e->name, named);
        assert_int_equal(e->thread, thread);
        assert_string_equal(e->code, "planted");
        assert_string_equal(e->subject, "a case");
        uint64_t entries = kvr_bypass_entries(b.bypass);
        kvr_sample_take(b.sampler, &b.request, &sample);
        assert_int_equal(kvr_bypass_entries(b.bypass), entries);
        b.plant.slices = 2; /* it is watched again, and the call is done as ever */
        b.plant.result = 0;
        kvr_sample_take(b.sampler, &b.request, &sample);
        assert_int_equal(entry(&b, kind)->count, kind == KVR_ENTRY_FAULT ? 1 : 2);
        assert_int_not_equal(b.plant.result, 0);
        assert_int_equal(kvr_bypass_counted(b.bypass)->regions, 4 * THREADS);
        tear_down(&b);
    }
}

static void test_a_system_call(void **state)
{
    (void)state;
    check_caught(ask_pid, KVR_ENTRY_CALL, "getpid");
}

static long yield_and_tell(void)
{
    return yield() == 0;
}

static void test_a_yield(void **state)
{
    (void)state;
    check_caught(yield_and_tell, KVR_ENTRY_CALL, "sched_yield");
}

static void test_a_mapping_that_is_touched(void **state)
{
    (void)state;
    check_caught(map_and_touch, KVR_ENTRY_CALL, "mmap");
}

static void test_the_vdso(void **state)
{
    (void)state;
    check_caught(ask_time, KVR_ENTRY_VDSO, "clock_gettime (vDSO)");
}

static void test_a_first_touch(void **state)
{
    (void)state;
    for (unsigned thread = 0; thread < THREADS; thread++) {
        untouched = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(untouched != MAP_FAILED);
        struct bench b;
        struct kvr_sample sample;
        set_up(&b, thread, touch);
        kvr_sample_take(b.sampler, &b.request, &sample);
        const struct kvr_entry *e = entry(&b, KVR_ENTRY_FAULT);
        assert_true(e->count >= 1);
        assert_string_equal(e->name, "page fault");
        assert_int_equal(e->thread, thread);
        assert_string_equal(e->code, "planted");
        assert_true(sample.invalid);
        assert_int_equal(entry(&b, KVR_ENTRY_CALL)->count + entry(&b, KVR_ENTRY_VDSO)->count, 0);
        tear_down(&b);
        munmap((void *)untouched, PAGE);
    }
}

static void test_a_call_returns_what_it_would(void **state)
{
    (void)state;
    struct bench b;
    struct kvr_sample sample;
    set_up(&b, 1, ask_pid);
    kvr_sample_take(b.sampler, &b.request, &sample);
    assert_int_equal(b.plant.result, getpid());
    tear_down(&b);
}

static void test_clean_regions(void **state)
{
    (void)state;
    struct bench b;
    struct kvr_sample sample;
    set_up(&b, 0, nothing);
    for (int i = 0; i < 50; i++)
        kvr_sample_take(b.sampler, &b.request, &sample);
    assert_int_equal(kvr_bypass_counted(b.bypass)->regions, 50 * THREADS);
    assert_int_equal(kvr_bypass_entries(b.bypass), 0);
    assert_non_null(
        strstr(kvr_bypass_how(b.bypass), method == &kvr_bypass_dispatch ? "dispatch" : "seccomp"));
    kvr_sampler_prove(b.sampler, NULL); /* and none of what is not to be proven is counted */
    b.plant = (struct plant){.act = ask_pid, .slices = 1};
    kvr_sample_take(b.sampler, &b.request, &sample);
    assert_int_equal(kvr_bypass_counted(b.bypass)->regions, 50 * THREADS);
    assert_int_equal(kvr_bypass_entries(b.bypass), 0);
    tear_down(&b);
}

static void on_signal(int number)
{
    (void)number;
    signals++;
}

/* An interrupt from outside is no entry that the measured code asked for. */
static void test_a_signal_is_not_accused(void **state)
{
    (void)state;
    struct bench b;
    struct kvr_sample sample;
    set_up(&b, 0, await_signal);
    signals = 0;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, before;
    struct itimerval soon = {.it_value = {.tv_usec = 20000}, .it_interval = {.tv_usec = 20000}};
    struct itimerval never = {0};
    sigaction(SIGALRM, &action, &before);
    setitimer(ITIMER_REAL, &soon, NULL);
    kvr_sample_take(b.sampler, &b.request, &sample);
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    assert_int_equal(entry(&b, KVR_ENTRY_CALL)->count, 0);
    assert_int_equal(entry(&b, KVR_ENTRY_VDSO)->count, 0);
    assert_true(signals >= 1);
    tear_down(&b);
}

/* A fault that has nothing to do with the proof ends the process as ever. */
static void test_other_faults_are_not_hidden(void **state)
{
    (void)state;
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        struct kvr_bypass *bypass;
        char why[256];
        signal(SIGSEGV, SIG_DFL); /* not the test framework's */
        if (kvr_bypass_open(&bypass, method, why, sizeof why))
            _exit(2);
        volatile char *closed = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        *closed = 1;
        _exit(0);
    }
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void test_one_proof_at_a_time(void **state)
{
    (void)state;
    struct bench b;
    struct kvr_bypass *second;
    char why[64] = "";
    set_up(&b, 0, nothing);
    assert_true(kvr_bypass_open(&second, method, why, sizeof why) < 0);
    assert_null(second);
    assert_true(why[0]);
    tear_down(&b);
}

int main(int argc, char **argv)
{
    char why[256] = "";
    struct kvr_bypass *probe = NULL;
    method = argc > 1 && !strcmp(argv[1], "seccomp") ? &kvr_bypass_seccomp : &kvr_bypass_dispatch;
    if (kvr_bypass_open(&probe, method, why, sizeof why)) {
        printf("SKIP: %s\n", why);
        return 77;
    }
    kvr_bypass_close(probe);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_system_call),
        cmocka_unit_test(test_a_yield),
        cmocka_unit_test(test_a_mapping_that_is_touched),
        cmocka_unit_test(test_the_vdso),
        cmocka_unit_test(test_a_first_touch),
        cmocka_unit_test(test_a_call_returns_what_it_would),
        cmocka_unit_test(test_clean_regions),
        cmocka_unit_test(test_a_signal_is_not_accused),
        cmocka_unit_test(test_other_faults_are_not_hidden),
        cmocka_unit_test(test_one_proof_at_a_time),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fflush(NULL);
    /* No leak check at exit: it stops the thread that answers the filter. */
    _exit(failed > 255 ? 255 : failed);
}
