/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * likwid played: it counts, refuses, hangs, dies, prints. None of it reaches this process.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "src/counters/likwid.h"
#include "tests/skips.h"

enum how { COUNTS, NO_ACCESS, HANGS, DIES, EXITS, PRINTS, STUCK };

static struct {
    enum how how;
    int add_result, start_result;
    int reads, inits, finishes;
    double excess;  /* of instructions, of what happened */
    double step[4]; /* of the events in a read */
} play;

static const char *const names[] = {"INSTR_RETIRED_ANY", "CAS_COUNT_RD", "CAS_COUNT_RD",
                                    "PWR_PKG_ENERGY"};

static int init(int threads, const int *cpus)
{
    assert_true(threads >= 1 && cpus[0] >= 0);
    play.inits++;
    switch (play.how) {
    case NO_ACCESS:
        return -EACCES;
    case HANGS:
        for (;;)
            pause();
    case DIES:
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
        return 0;
    case EXITS:
        exit(3); /* with the handlers and buffers of its caller */
    case PRINTS:
        printf("likwid says hello\n");
        fprintf(stderr, "likwid says hello\n");
        fflush(NULL);
        return 0;
    default:
        return 0;
    }
}

static int add_group(const char *name)
{
    return strcmp(name, "MEM") ? -1 : play.add_result;
}

static int set_up(int group)
{
    return group;
}

static int start(void)
{
    return play.start_result;
}

static int read_cpu(int cpu)
{
    (void)cpu;
    play.reads++;
    return 0;
}

static int event_count(int group)
{
    (void)group;
    return 4;
}

static const char *event_name(int group, int event)
{
    (void)group;
    return names[event];
}

/* The trial's reads come before, after once and after twice of a million loops of two. */
static double result(int group, int event, int thread)
{
    static const double done[] = {0, 0, 1, 3};
    (void)group, (void)thread;
    if (play.how == STUCK)
        return 7;
    if (!event && play.reads < 4)
        return 1000 * play.reads + (1 + play.excess) * 2e6 * done[play.reads];
    return play.step[event] * play.reads;
}

static void finish(void)
{
    play.finishes++;
}

static const struct kvr_likwid_library library = {init,     add_group,   set_up,     start, read_cpu,
                                                  event_count, event_name, result, finish};

static int reset(void **state)
{
    (void)state;
    memset(&play, 0, sizeof play);
    play.step[1] = 10;
    play.step[2] = 20;
    play.step[3] = .5;
    return 0;
}

static int probe(const char *group, struct kvr_likwid_report *report, char *why, size_t bytes)
{
    why[0] = 0;
    int rc = kvr_likwid_probe(&library, group, 1, report, why, bytes);
    assert_int_equal(play.inits, 0); /* not in this process */
    return rc;
}

static void test_probe_counts(void **state)
{
    struct kvr_likwid_report report;
    char why[160];
    (void)state;
#if !defined __x86_64__ && !defined __aarch64__
    SKIP_BECAUSE("no loop of known instructions on this architecture");
#endif
    assert_int_equal(probe("MEM", &report, why, sizeof why), 0);
    assert_int_equal(report.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(report.names[i], names[i]);
        assert_true(report.counts[i]);
    }
}

static void test_probe_refusals(void **state)
{
    static const struct { enum how how; const char *why; } ways[] = {
        {NO_ACCESS, "no access"}, {HANGS, "did not answer within 1 s"},
        {DIES, "died of signal 11"}, {EXITS, "ended the process"}};
    struct kvr_likwid_report report;
    char why[160];
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        reset(state);
        play.how = ways[i].how;
        assert_int_equal(probe("MEM", &report, why, sizeof why), -ENODEV);
        if (!strstr(why, ways[i].why))
            fail_msg("\"%s\" is not \"%s\"", why, ways[i].why);
    }
    reset(state);
    assert_int_equal(probe("MEMM", &report, why, sizeof why), -ENODEV);
    assert_non_null(strstr(why, "no group MEMM"));
    play.start_result = -1;
    assert_int_equal(probe("MEM", &report, why, sizeof why), -ENODEV);
    assert_non_null(strstr(why, "cannot start"));
    reset(state);
    play.excess = .02; /* above the one per cent that is allowed */
    assert_int_equal(probe("MEM", &report, why, sizeof why), 0);
    assert_false(report.counts[0]);
    assert_true(report.counts[1]);
    play.how = STUCK;
    assert_int_equal(probe("MEM", &report, why, sizeof why), 0);
    for (size_t i = 0; i < 4; i++)
        assert_false(report.counts[i]);
}

/* What is in this process's buffers is written once, what likwid prints not at all. */
static void test_output_is_kept_apart(void **state)
{
    static const enum how ways[] = {PRINTS, EXITS};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char path[] = "likwid-XXXXXX", text[100] = "", why[160];
        struct kvr_likwid_report report;
        int fd = mkstemp(path), kept = dup(1);
        reset(state);
        play.how = ways[i];
        fflush(stdout);
        dup2(fd, 1);
        printf("a row\n");
        probe("MEM", &report, why, sizeof why);
        fflush(stdout);
        dup2(kept, 1);
        ssize_t n = pread(fd, text, sizeof text - 1, 0);
        close(fd);
        close(kept);
        unlink(path);
        assert_true(n > 0);
        assert_string_equal(text, "a row\n");
    }
}

/* The whole backend, below a root that has msr devices. */
static void test_backend(void **state)
{
    static struct kvr_machine machine;
    struct kvr_counters c = {.backend = &kvr_counters_likwid, .machine = &machine,
                             .likwid = &library};
    struct kvr_mark before, after;
    int errors[KVR_MAX_EVENTS] = {0};
    const uint32_t cpus[] = {3, 5};
    char root[] = "root-XXXXXX", path[64], why[200] = "";
    (void)state;
    assert_non_null(mkdtemp(root));
    snprintf(machine.root, sizeof machine.root, "%s", root);
    assert_int_equal(c.backend->open(&c, NULL, why, sizeof why), -ENODEV);
    assert_non_null(strstr(why, "msr"));
    static const char *const folders[] = {"/dev", "/dev/cpu", "/dev/cpu/0", "/dev/cpu/0/msr"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s%s", root, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    assert_int_equal(c.backend->open(&c, NULL, why, sizeof why), 0);
    for (size_t i = 4; i-- > 0;) {
        snprintf(path, sizeof path, "%s%s", root, folders[i]);
        rmdir(path);
    }
    rmdir(root);
    assert_int_equal(c.count, 4);
    assert_string_equal(c.events[0].name, "instructions");
    assert_string_equal(c.events[1].unit, "bytes");
    assert_string_not_equal(c.events[1].name, c.events[2].name);
    assert_string_equal(c.why[0], "");
    c.backend->enroll(&c, 1, 2, cpus, errors);
    c.backend->enroll(&c, 0, 2, cpus, errors);
    assert_int_equal(play.inits, 1);
    c.backend->mark(&c, 0, &before);
    c.backend->mark(&c, 0, &after);
    struct kvr_count_sum bytes = {0}, joules = {0};
    kvr_count_add(&bytes, &before.readings[2], &after.readings[2], 0);
    kvr_count_add(&joules, &before.readings[3], &after.readings[3], 0);
    assert_true(kvr_count_of(&bytes, why, sizeof why).value * c.events[2].scale == 20 * 64);
    double energy = kvr_count_of(&joules, why, sizeof why).value * c.events[3].scale;
    assert_true(energy > .499 && energy < .501);
    assert_int_equal(kvr_count_of(&bytes, why, sizeof why).quality, KVR_MEASURED);
    c.backend->dismiss(&c, 1);
    assert_int_equal(play.finishes, 0);
    c.backend->close(&c);
    assert_int_equal(play.finishes, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, reset)
    const struct CMUnitTest tests[] = {TEST(test_probe_counts), TEST(test_probe_refusals),
                                       TEST(test_output_is_kept_apart), TEST(test_backend)};
    return exit_code(cmocka_run_group_tests(tests, NULL, NULL));
}
