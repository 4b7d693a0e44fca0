/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "fake_clock.h"
#include "src/measure/team.h"

struct shared {
    struct kvr_team *team;
    atomic_int phase_count[8];
    atomic_int early; /* threads that passed a barrier before all had arrived */
    atomic_int runs[16];
};

static void phases(void *argument, unsigned thread)
{
    struct shared *s = argument;
    int threads = (int)kvr_team_threads(s->team);
    for (int p = 0; p < 8; p++) {
        atomic_fetch_add(&s->phase_count[p], 1);
        kvr_team_barrier(s->team);
        if (atomic_load(&s->phase_count[p]) % threads)
            atomic_fetch_add(&s->early, 1);
        kvr_team_barrier(s->team);
    }
    atomic_fetch_add(&s->runs[thread], 1);
}

static void test_every_thread_runs_and_barriers_hold(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 4; threads++) {
        static struct shared s;
        const uint32_t cpus[4] = {0, 1, 2, 3};
        s = (struct shared){0};
        assert_int_equal(kvr_team_start(&s.team, cpus, threads, fake_pin, NULL), 0);
        for (int repeat = 0; repeat < 5; repeat++)
            kvr_team_run(s.team, phases, &s);
        for (unsigned t = 0; t < threads; t++)
            assert_int_equal(s.runs[t], 5);
        assert_int_equal(s.early, 0);
        kvr_team_stop(s.team);
    }
}

static void test_sleeping_helpers_wake(void **state)
{
    (void)state;
    static struct shared s;
    const uint32_t cpus[2] = {0, 1};
    s = (struct shared){0};
    assert_int_equal(kvr_team_start(&s.team, cpus, 2, fake_pin, NULL), 0);
    nanosleep(&(struct timespec){.tv_nsec = 60000000}, NULL); /* longer than they spin */
    kvr_team_run(s.team, phases, &s);
    assert_int_equal(s.runs[1], 1);
    kvr_team_stop(s.team);
}

static int pin_refuses_cpu_1(const void *context, uint32_t cpu)
{
    (void)context;
    return cpu == 1 ? -EINVAL : 0;
}

static void test_a_refused_pin_is_an_error(void **state)
{
    (void)state;
    struct kvr_team *team;
    const uint32_t cpus[3] = {0, 2, 1}, first[1] = {1};
    assert_int_equal(kvr_team_start(&team, cpus, 3, pin_refuses_cpu_1, NULL), -EINVAL);
    assert_null(team);
    assert_int_equal(kvr_team_start(&team, first, 1, pin_refuses_cpu_1, NULL), -EINVAL);
    assert_null(team);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_thread_runs_and_barriers_hold),
        cmocka_unit_test(test_sleeping_helpers_wake),
        cmocka_unit_test(test_a_refused_pin_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
