/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The backend `perf` on a kernel that is played: groups, multiplexing, user-space reads of few
 * bits, and every way of being refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "src/counters/perf.h"
#include "src/counters/trust.h"

enum { FDS = 64, FIRST_FD = 100 };

/* What the played kernel holds and does. */
static struct {
    struct perf_event_attr attributes[FDS];
    int leaders[FDS]; /* its own number: leads */
    int open, opened, closed, maps, unmaps;
    int refuse_after, error;   /* the n-th and later opens fail; error 0: none does */
    uint64_t refused_config;   /* with error: this one only; 0: all */
    int group_room;            /* of a hardware group */
    int refuse_kernel;         /* software events that count the kernel: EACCES */
    int system_calls;
    uint64_t values[FDS], enabled_ns, running_ns;
    int short_read;
    uint64_t step_enabled, step_running; /* a read adds them */
    struct perf_event_mmap_page pages[FDS];
    uint64_t counters[8];
} fake;

static int members(int leader)
{
    int n = 0;
    for (int i = 0; i < fake.open; i++)
        n += fake.leaders[i] == leader;
    return n;
}

static int fake_open(struct perf_event_attr *attribute, int pid, int cpu, int group)
{
    assert_true((pid == 0 && cpu == -1) || (pid == -1 && cpu >= 0));
    fake.opened++;
    if (fake.error && fake.opened > fake.refuse_after &&
        (!fake.refused_config || attribute->config == fake.refused_config))
        return -fake.error;
    if (fake.refuse_kernel && !attribute->exclude_kernel)
        return -EACCES;
    if (group >= 0 && members(group - FIRST_FD) >= fake.group_room)
        return -EINVAL;
    assert_true(fake.open < FDS);
    fake.attributes[fake.open] = *attribute;
    fake.leaders[fake.open] = group < 0 ? fake.open : group - FIRST_FD;
    return FIRST_FD + fake.open++;
}

static ssize_t fake_read(int fd, void *data, size_t bytes)
{
    uint64_t *out = data;
    int leader = fd - FIRST_FD, n = members(leader), at = 3;
    fake.system_calls++;
    assert_int_equal(fake.leaders[leader], leader);
    assert_int_equal(bytes, (3 + (size_t)n) * sizeof *out);
    if (fake.short_read)
        return (ssize_t)bytes - 8;
    out[0] = (uint64_t)n;
    fake.enabled_ns += fake.step_enabled;
    fake.running_ns += fake.step_running;
    out[1] = fake.enabled_ns;
    out[2] = fake.running_ns;
    for (int i = 0; i < fake.open; i++)
        if (fake.leaders[i] == leader)
            out[at++] = fake.values[i];
    return (ssize_t)bytes;
}

static void fake_close(int fd)
{
    assert_in_range(fd, FIRST_FD, FIRST_FD + fake.open);
    fake.closed++;
}

static struct perf_event_mmap_page *fake_map(int fd)
{
    fake.maps++;
    return &fake.pages[fd - FIRST_FD];
}

static void fake_unmap(struct perf_event_mmap_page *page)
{
    assert_true(page >= fake.pages && page < fake.pages + FDS);
    fake.unmaps++;
}

static uint64_t fake_counter(uint32_t number)
{
    return fake.counters[number];
}

static uint64_t fake_ticks(void)
{
    return 1000;
}

static const uint64_t plain[] = {0}, arm_like[] = {3, 2, 0};
static struct kvr_perf_system play = {fake_open,  fake_read,    fake_close, fake_map,
                                      fake_unmap, fake_counter, fake_ticks, plain};
static struct kvr_machine machine;

static int set_up(void **state)
{
    static struct kvr_counters c;
    size_t count;
    memset(&fake, 0, sizeof fake);
    memset(&c, 0, sizeof c);
    memset(&machine, 0, sizeof machine);
    strcpy(machine.root, "/nonexistent"); /* no PMU of the host's */
    fake.group_room = 4;
    fake.enabled_ns = fake.running_ns = 1000;
    play.config1 = plain;
    play.counter = fake_counter;
    c.backend = &kvr_counters_perf;
    c.machine = &machine;
    c.perf_system = &play;
    kvr_events_generic(&machine, c.events, &count);
    c.count = 9;
    assert_int_equal(count, 9);
    *state = &c;
    return 0;
}

static void start(struct kvr_counters *c, int errors[KVR_MAX_EVENTS])
{
    char why[200] = "";
    assert_int_equal(c->backend->open(c, NULL, why, sizeof why), 0);
    c->backend->enroll(c, 0, 1, &(uint32_t){0}, errors);
}

/* Whatever was opened and mapped is given back. */
static void stop(struct kvr_counters *c)
{
    c->backend->close(c);
    assert_int_equal(fake.closed, fake.open);
    assert_int_equal(fake.unmaps, fake.maps);
}

static void test_groups(void **state)
{
    struct kvr_counters *c = *state;
    struct kvr_mark mark;
    int errors[KVR_MAX_EVENTS];
    start(c, errors);
    for (size_t i = 0; i < c->count; i++)
        assert_int_equal(errors[i], 0);
    /* Five events of the CPU in groups of four, four of the kernel in one of theirs. */
    static const int leaders[] = {0, 0, 0, 0, 4, 5, 5, 5, 5};
    for (int i = 0; i < 9; i++)
        assert_int_equal(fake.leaders[i], leaders[i]);
    for (int i = 0; i < 9; i++) {
        fake.values[i] = 100 + (uint64_t)i;
        assert_int_equal(fake.attributes[i].exclude_kernel, i < 5);
    }
    c->backend->mark(c, 0, &mark);
    assert_int_equal(mark.error, 0);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(mark.readings[i].value, 100 + i);
    assert_int_equal(fake.system_calls, 3);
    assert_non_null(strstr(c->backend->how(c), "system calls"));
    stop(c);
}

static void test_multiplexed(void **state)
{
    struct kvr_counters *c = *state;
    struct kvr_mark before, after;
    int errors[KVR_MAX_EVENTS];
    char why[80];
    c->count = 1;
    start(c, errors);
    c->backend->mark(c, 0, &before);
    fake.values[0] = 300;
    fake.enabled_ns = 2000;
    fake.running_ns = 1600;
    c->backend->mark(c, 0, &after);
    struct kvr_count_sum sum = {0};
    kvr_count_add(&sum, &before.readings[0], &after.readings[0], 0);
    struct kvr_count count = kvr_count_of(&sum, why, sizeof why);
    assert_int_equal(count.quality, KVR_SCALED);
    assert_true(count.value == 500 && count.running == .6);
    stop(c);
}

static void show_page(int event, uint32_t index, uint16_t width, int64_t offset)
{
    struct perf_event_mmap_page *p = &fake.pages[event];
    p->cap_user_rdpmc = p->cap_user_time = 1;
    p->index = index;
    p->pmc_width = width;
    p->offset = offset;
    p->time_mult = 1;
    p->time_enabled = 50;
    p->time_running = 40;
    p->time_offset = 7;
}

static void test_user_space_reads(void **state)
{
    struct kvr_counters *c = *state;
    struct kvr_mark mark;
    int errors[KVR_MAX_EVENTS];
    c->count = 2;
    start(c, errors);
    show_page(0, 3, 32, 0x100000000);
    show_page(1, 4, 48, INT64_C(1) << 47);
    fake.counters[2] = 0xfffffff0;               /* of 32 bits: 16 below zero */
    fake.counters[3] = (UINT64_C(1) << 47) + 5;  /* of 48 bits: 2^47 - 5 below zero */
    c->backend->mark(c, 0, &mark);
    assert_int_equal(fake.system_calls, 0);
    assert_int_equal(mark.readings[0].value, 0x100000000 - 16);
    assert_int_equal(mark.readings[1].value, 5);
    assert_int_equal(mark.readings[0].enabled_ns, 50 + 7 + 1000);
    assert_int_equal(mark.readings[0].running_ns, 40 + 7 + 1000);
    assert_non_null(strstr(c->backend->how(c), "user space"));
    fake.counters[2] = 0x20; /* over zero: grows through it */
    c->backend->mark(c, 0, &mark);
    assert_int_equal(mark.readings[0].value, 0x100000020);
    stop(c);
}

/* Not on a counter now, not allowed, no clock, or only some of a group: the group is read. */
static void test_falls_back(void **state)
{
    struct kvr_counters *c = *state;
    int errors[KVR_MAX_EVENTS];
    c->count = 2;
    start(c, errors);
    fake.values[0] = 11;
    fake.values[1] = 22;
    for (int way = 0; way < 5; way++) {
        struct kvr_mark mark;
        show_page(0, 1, 48, 0);
        show_page(1, 2, 48, 0);
        if (way == 0)
            fake.pages[1].index = 0;
        else if (way == 1)
            fake.pages[1].cap_user_rdpmc = 0;
        else if (way == 2)
            fake.pages[0].cap_user_time = 0;
        else if (way == 3)
            fake.pages[0].pmc_width = 0;
        else
            fake.pages[0].pmc_width = 65;
        fake.system_calls = 0;
        c->backend->mark(c, 0, &mark);
        assert_int_equal(fake.system_calls, 1);
        assert_int_equal(mark.readings[0].value, 11);
        assert_int_equal(mark.readings[1].value, 22);
    }
    stop(c);
}

static void test_read_fails(void **state)
{
    struct kvr_counters *c = *state;
    struct kvr_mark mark;
    int errors[KVR_MAX_EVENTS];
    c->count = 1;
    start(c, errors);
    fake.short_read = 1;
    c->backend->mark(c, 0, &mark);
    assert_int_equal(mark.error, -EIO);
    stop(c);
}

/* Where user code may read counters only if it asks: the best that the kernel takes. */
static void test_asks_for_user_reads(void **state)
{
    struct kvr_counters *c = *state;
    int errors[KVR_MAX_EVENTS];
    play.config1 = arm_like;
    c->count = 6;
    start(c, errors);
    assert_int_equal(fake.attributes[0].config1, 3);
    assert_int_equal(fake.attributes[5].config1, 0); /* of the kernel's own */
    stop(c);
    set_up(state);
    play.config1 = arm_like;
    fake.error = EOPNOTSUPP;
    fake.refused_config = PERF_COUNT_HW_INSTRUCTIONS;
    c->count = 2;
    start(c, errors);
    assert_int_equal(errors[0], 0);
    assert_int_equal(errors[1], -EOPNOTSUPP);
    stop(c);
}

static void test_refusals(void **state)
{
    static const struct { int error; const char *cause, *remedy; } refusals[] = {
        {ENOENT, "ENOENT", "virtual PMU"}, {EACCES, "EACCES", "perf_event_paranoid=1"},
        {EPERM, "EPERM", "CAP_PERFMON"},   {EMFILE, "EMFILE", "ulimit -n"},
        {EBUSY, "EBUSY", "nmi_watchdog"},  {ENOSYS, "ENOSYS", "CONFIG_PERF_EVENTS"},
        {EINVAL, "EINVAL", "list counters"}, {EIO, "EIO", "not told"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        set_up(state);
        struct kvr_counters *c = *state;
        fake.error = refusals[i].error;
        c->count = 2;
        kvr_trust_events(c, NULL);
        for (size_t e = 0; e < 2; e++) {
            assert_non_null(strstr(c->why[e], refusals[i].cause));
            assert_non_null(strstr(c->why[e], refusals[i].remedy));
            assert_non_null(strstr(c->why[e], "perf_event_paranoid not told"));
        }
        assert_int_equal(fake.closed, fake.open);
    }
}

/* A thread that is made later runs out of descriptors: its events say so, the others' stay. */
static void test_later_thread_fails(void **state)
{
    struct kvr_counters *c = *state;
    struct kvr_mark mark;
    int errors[KVR_MAX_EVENTS], later[KVR_MAX_EVENTS];
    c->count = 3;
    start(c, errors);
    fake.error = EMFILE;
    fake.refuse_after = fake.opened + 1;
    c->backend->enroll(c, 1, 2, (uint32_t[]){0, 1}, later);
    assert_int_equal(later[0], 0);
    assert_int_equal(later[1], -EMFILE);
    assert_int_equal(later[2], -EMFILE);
    fake.values[0] = 77;
    c->backend->mark(c, 0, &mark);
    assert_int_equal(mark.readings[0].value, 77);
    c->backend->dismiss(c, 1);
    assert_int_equal(fake.closed, 1);
    stop(c);
}

/* Where the kernel's part may not be counted, a software event counts what it may. */
static void test_software_without_kernel(void **state)
{
    struct kvr_counters *c = *state;
    int errors[KVR_MAX_EVENTS];
    fake.refuse_kernel = 1;
    start(c, errors);
    for (size_t i = 0; i < c->count; i++) {
        assert_int_equal(errors[i], 0);
        assert_int_equal(fake.attributes[i].exclude_kernel, 1);
    }
    stop(c);
}

/* More events than counters: how many share, and the least share of the time. */
static void test_shared(void **state)
{
    struct kvr_counters *c = *state;
    int errors[KVR_MAX_EVENTS];
    double least;
    c->count = 6; /* groups of four, one and one of the kernel's own */
    play.counter = NULL;
    fake.step_enabled = fake.step_running = 100;
    start(c, errors);
    assert_true(kvr_trust_shared(c, &least) == 0 && least == 1);
    fake.step_running = 40;
    assert_true(kvr_trust_shared(c, &least) == 6 && least > .39 && least < .41);
    strcpy(c->why[5], "did not count"); /* what is not used shares nothing */
    assert_int_equal(kvr_trust_shared(c, &least), 5);
    stop(c);
}

/* An event that opens and stays where it is counts nothing. */
static void test_stuck_event(void **state)
{
    struct kvr_counters *c = *state;
    c->count = 1;
    play.counter = NULL;
    fake.enabled_ns = 0;
    kvr_trust_events(c, NULL);
    assert_string_equal(c->why[0], "it was not counted");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        TEST(test_groups),          TEST(test_multiplexed),        TEST(test_user_space_reads),
        TEST(test_falls_back),      TEST(test_read_fails),         TEST(test_asks_for_user_reads),
        TEST(test_refusals),        TEST(test_later_thread_fails), TEST(test_stuck_event),
        TEST(test_software_without_kernel), TEST(test_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
