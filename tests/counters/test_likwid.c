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
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "src/counters/likwid.h"
#include "tests/skips.h"

enum how { COUNTS, NO_ACCESS, HANGS, HANGS_READING, DIES, EXITS, PRINTS, STUCK };

static struct {
    enum how how;
    int add_result, start_result;
    int reads, inits, finishes;
    double excess;  /* of instructions, of what happened */
    double step[4]; /* of the events in a read */
} play;

static const char *const names[] = {"INSTR_RETIRED_ANY", "CAS_COUNT_RD", "CAS_COUNT_RD",
                                    "PWR_PKG_ENERGY"};

static int group_name(int k, char *name, size_t bytes)
{
    static const char *const groups[] = {"ENERGY", "MEM"};
    if (play.how == HANGS)
        for (;;)
            pause();
    if (k > 1)
        return -1;
    snprintf(name, bytes, "%s", groups[k]);
    return 0;
}

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
    while (play.how == HANGS_READING)
        pause();
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

/* A trial's three reads come before, after once and after twice its work; the next trial's follow.
 * So a unit of work lies before the second of three, two before the third, one between threes. */
static double result(int group, int event, int thread)
{
    int reads = play.reads - 1;
    double units = 4 * (reads / 3) + (int[]){0, 1, 3}[reads % 3];
    (void)group, (void)thread;
    if (play.how == STUCK)
        return 7;
    if (!event)
        return 1000 + (1 + play.excess) * 2e6 * units;
    return play.step[event] * units;
}

static void finish(void)
{
    play.finishes++;
}

static const struct kvr_likwid_library library = {
    group_name, init, add_group, set_up, start, read_cpu, event_count, event_name, result, finish};

static struct kvr_machine machine;
enum { LIMIT_S = 3 };

static int reset(void **state)
{
    (void)state;
    memset(&play, 0, sizeof play);
    play.step[1] = 1 << 20; /* lines of the least stream, 64 MiB: all of it */
    play.step[2] = 1 << 18; /* a quarter */
    play.step[3] = .5;
    return 0;
}

static int probe(const char *group, struct kvr_likwid_report *report, char *why, size_t bytes)
{
    why[0] = 0;
    int rc = kvr_likwid_probe(&library, &machine, NULL, group, LIMIT_S, report, why, bytes);
    assert_int_equal(play.inits, 0); /* not in this process */
    return rc;
}

/* Names are asked for in a child, too, and one that hangs has none. */
static void test_groups(void **state)
{
    char groups[KVR_LIKWID_GROUPS][KVR_LIKWID_GROUP_BYTES];
    (void)state;
    assert_int_equal(kvr_likwid_groups(&library, 1, groups), 2);
    assert_string_equal(groups[0], "ENERGY");
    assert_string_equal(groups[1], "MEM");
    play.how = HANGS;
    assert_int_equal(kvr_likwid_groups(&library, 1, groups), 0);
}

static void test_words(void **state)
{
    static const struct { const char *theirs, *ours, *unit; double scale; } words[] = {
        {"CAS_COUNT_WR", "dram-writes", "bytes", 64},
        {"FP_ARITH_INST_RETIRED_512B_PACKED_SINGLE", "fp32-512", "flops", 16},
        {"PWR_DRAM_ENERGY", "PWR_DRAM_ENERGY", "joules", 1e-6},
        {"PWR_PKG_ENERGY", "energy-pkg", "joules", 1e-6},
        {"TEMP_CORE", "TEMP_CORE", "", 1}, /* left as likwid has it */
    };
    struct kvr_event event;
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        kvr_likwid_event(words[i].theirs, &event);
        assert_string_equal(event.name, words[i].ours);
        assert_string_equal(event.unit, words[i].unit);
        assert_true(event.scale == words[i].scale);
    }
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
        assert_string_equal(report.why[i], "");
    }
}

static void test_probe_refusals(void **state)
{
    static const struct { enum how how; const char *why; } ways[] = {
        {NO_ACCESS, "no access"}, {HANGS, "did not answer within 3 s"},
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
    assert_non_null(strstr(report.why[0], "2.04e+06 where 2e+06 happened"));
    assert_string_equal(report.why[1], "");
    reset(state);
    play.step[1] = 1 << 12; /* a 256th of the stream: less than any channel of many */
    assert_int_equal(probe("MEM", &report, why, sizeof why), 0);
    assert_string_equal(report.why[0], "");
    assert_non_null(strstr(report.why[1], "did not count"));
    assert_string_equal(report.why[2], "");
    play.how = STUCK;
    assert_int_equal(probe("MEM", &report, why, sizeof why), 0);
    for (size_t i = 0; i < 4; i++)
        assert_non_null(strstr(report.why[i], "did not count"));
}

static struct {
    char path[16];
    int fd, kept;
} output;

/* stdout goes to a file; a row of this process lies in its buffer. */
static void catch_output(void)
{
    strcpy(output.path, "likwid-XXXXXX");
    output.fd = mkstemp(output.path);
    output.kept = dup(1);
    fflush(stdout);
    dup2(output.fd, 1);
    printf("a row\n");
}

static void check_output(void)
{
    char text[100] = "";
    fflush(stdout);
    dup2(output.kept, 1);
    ssize_t n = pread(output.fd, text, sizeof text - 1, 0);
    close(output.fd);
    close(output.kept);
    unlink(output.path);
    assert_true(n > 0);
    assert_string_equal(text, "a row\n");
}

/* What is in this process's buffers is written once, what likwid prints not at all. */
static void test_output_is_kept_apart(void **state)
{
    static const enum how ways[] = {PRINTS, EXITS};
    for (size_t i = 0; i < 2; i++) {
        char why[160];
        struct kvr_likwid_report report;
        reset(state);
        play.how = ways[i];
        catch_output();
        probe("MEM", &report, why, sizeof why);
        check_output();
    }
}

/* The backend, below a root that gets msr devices. */
static void open_backend(struct kvr_counters *c)
{
    *c = (struct kvr_counters){.backend = &kvr_counters_likwid, .machine = &machine,
                               .likwid = &library, .limit_s = 1};
    char root[] = "root-XXXXXX", path[64], why[200] = "";
    assert_non_null(mkdtemp(root));
    snprintf(machine.root, sizeof machine.root, "%s", root);
    assert_int_equal(c->backend->open(c, NULL, why, sizeof why), -ENODEV);
    assert_non_null(strstr(why, "msr"));
    static const char *const folders[] = {"/dev", "/dev/cpu", "/dev/cpu/0", "/dev/cpu/0/msr"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s%s", root, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    assert_int_equal(c->backend->open(c, NULL, why, sizeof why), 0);
    for (size_t i = 4; i-- > 0;) {
        snprintf(path, sizeof path, "%s%s", root, folders[i]);
        rmdir(path);
    }
    rmdir(root);
    assert_int_equal(c->count, 4);
}

static void test_backend(void **state)
{
    struct kvr_counters c;
    struct kvr_mark before, after;
    int errors[KVR_MAX_EVENTS] = {0};
    const uint32_t cpus[] = {3, 5};
    char why[200] = "";
    (void)state;
    open_backend(&c);
    assert_string_equal(c.events[0].name, "instructions");
    assert_string_equal(c.events[1].unit, "bytes");
    assert_string_equal(c.events[1].name, "dram-reads");
    assert_string_equal(c.events[2].name, "dram-reads-2");
    assert_string_equal(c.why[0], "");
    c.backend->enroll(&c, 1, 2, cpus, errors);
    play.how = PRINTS;
    catch_output();
    c.backend->enroll(&c, 0, 2, cpus, errors);
    check_output();
    assert_int_equal(play.inits, 1);
    c.backend->mark(&c, 0, &before);
    c.backend->mark(&c, 0, &after);
    struct kvr_count_sum bytes = {0}, joules = {0};
    kvr_count_add(&bytes, &before.readings[2], &after.readings[2], 0);
    kvr_count_add(&joules, &before.readings[3], &after.readings[3], 0);
    assert_true(kvr_count_of(&bytes, why, sizeof why).value * c.events[2].scale == (1 << 18) * 64);
    double energy = kvr_count_of(&joules, why, sizeof why).value * c.events[3].scale;
    assert_true(energy > .499 && energy < .501);
    assert_int_equal(kvr_count_of(&bytes, why, sizeof why).quality, KVR_MEASURED);
    c.backend->dismiss(&c, 1);
    assert_int_equal(play.finishes, 0);
    c.backend->close(&c);
    assert_int_equal(play.finishes, 1);
}

static void say_hung(void *context, const char *why)
{
    printf("%s: %s\n", (const char *)context, why);
}

/* In a child: enrolls, reads, and does not come back from one of both. Its exit code; text receives
 * its stdout. */
static int hang(enum how how, bool listened_to, char *text, size_t bytes)
{
    FILE *out = tmpfile();
    int status = -1;
    fflush(NULL);
    pid_t pid = fork();
    if (!pid) {
        const uint32_t cpu = 3;
        int errors[KVR_MAX_EVENTS];
        struct kvr_mark mark;
        struct kvr_counters c;
        open_backend(&c);
        dup2(fileno(out), 1);
        dup2(fileno(out), 2);
        c.hung = listened_to ? say_hung : NULL;
        c.hung_context = (void *)"so far";
        play.how = how;
        printf("a row\n");
        c.backend->enroll(&c, 0, 1, &cpu, errors);
        c.backend->mark(&c, 0, &mark);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    memset(text, 0, bytes);
    assert_true(pread(fileno(out), text, bytes - 1, 0) > 0);
    fclose(out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A call that never comes back ends the process, after what it has to say reached its stdout. */
static void test_a_call_that_hangs(void **state)
{
    static const char why[] = "likwid counted at first, and then did not come back from a call "
                              "within 1 s; run without it: --counters off\n";
    static const enum how ways[] = {HANGS, HANGS_READING};
    char text[400], expected[400];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(hang(ways[i], true, text, sizeof text), 3);
        snprintf(expected, sizeof expected, "a row\nso far: %s", why);
        assert_string_equal(text, expected);
        assert_int_equal(hang(ways[i], false, text, sizeof text), 3);
        snprintf(expected, sizeof expected, "a row\nkvroof: %s", why);
        assert_string_equal(text, expected);
    }
    assert_int_equal(hang(COUNTS, true, text, sizeof text), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, reset)
    const struct CMUnitTest tests[] = {TEST(test_groups), TEST(test_words),
                                       TEST(test_probe_counts), TEST(test_probe_refusals),
                                       TEST(test_output_is_kept_apart), TEST(test_backend),
                                       TEST(test_a_call_that_hangs)};
    return exit_code(cmocka_run_group_tests(tests, NULL, NULL));
}
