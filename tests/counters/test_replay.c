/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "src/counters/counters.h"

#define HEAD "kvroof-counters 1\nmachine 0123456789abcdef\n"
#define EVENTS "event cycles 1 48 -\nevent bytes-read 64 32 bytes\n"

static struct kvr_machine machine = {.fingerprint = "0123456789abcdef"};

/* Opens a replay of `text`; the file is gone afterwards. */
static int open_text(struct kvr_counters *c, const char *text, char *why, size_t bytes)
{
    char path[] = "replay-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    *c = (struct kvr_counters){.backend = &kvr_counters_replay, .machine = &machine};
    int rc = c->backend->open(c, path, why, bytes);
    unlink(path);
    return rc;
}

static void test_reads_marks(void **state)
{
    struct kvr_counters c;
    struct kvr_mark mark;
    char why[200] = "";
    (void)state;
    assert_int_equal(open_text(&c, HEAD EVENTS "mark 0 100 100 5 4294967295\n"
                               "mark 1 10 10 7 1\nmark 0 200 150 25 3\nend 3\n", why,
                               sizeof why), 0);
    assert_int_equal(c.count, 2);
    assert_string_equal(c.events[1].unit, "bytes");
    assert_string_equal(c.events[0].unit, "");
    assert_true(c.events[1].scale == 64);
    assert_int_equal(c.widths[0], 48);
    c.backend->mark(&c, 0, &mark);
    assert_int_equal(mark.readings[0].value, 5);
    c.backend->mark(&c, 0, &mark);
    assert_int_equal(mark.readings[0].value, 25);
    assert_int_equal(mark.readings[1].running_ns, 150);
    c.backend->mark(&c, 1, &mark);
    assert_int_equal(mark.readings[0].value, 7);
    c.backend->mark(&c, 1, &mark);
    assert_int_equal(mark.error, -ENODATA);
    c.backend->mark(&c, 0, &mark);
    assert_int_equal(mark.error, -ENODATA);
    c.backend->close(&c);
}

static void test_refuses(void **state)
{
    static const struct { const char *text, *why; } files[] = {
        {"", "cut off"},
        {"hello\n", "no recording"},
        {HEAD EVENTS "mark 0 1 1 1 1\n", "cut off after line 5"},
        {HEAD EVENTS "mark 0 1 1 1 1\nmark 0 2 2 2", "line 6 cannot be read"},
        {HEAD EVENTS "mark 0 1 1 1 1\nend 2\n", "line 6"},
        {HEAD EVENTS "mark 0 1 1 1\nend 1\n", "line 5"},
        {HEAD EVENTS "mark 9999 1 1 1 1\nend 1\n", "line 5"},
        {HEAD EVENTS "bark 0 1 1 1 1\nend 1\n", "line 5"},
        {HEAD "event cycles\nend 0\n", "line 3"},
        {"kvroof-counters 1\nmachine fedcba9876543210\nend 0\n", "another machine"},
        {"kvroof-counters 1\nend 0\n", "line \"machine\" is missing"},
        {HEAD EVENTS "mark 0 1 1 9 1\nmark 1 2 2 1 1\nmark 0 2 2 8 1\nend 3\n",
         "line 7: cycles counts backwards"},
        {HEAD EVENTS "mark 0 5 5 1 1\nmark 0 4 4 8 1\nend 2\n", "backwards"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct kvr_counters c;
        char why[200] = "";
        assert_int_equal(open_text(&c, files[i].text, why, sizeof why), -EINVAL);
        if (!strstr(why, files[i].why))
            fail_msg("file %zu: \"%s\" has no \"%s\"", i, why, files[i].why);
        assert_null(c.state);
    }
    struct kvr_counters c = {.backend = &kvr_counters_replay, .machine = &machine};
    char why[200] = "";
    assert_int_equal(c.backend->open(&c, "is/not/there", why, sizeof why), -EINVAL);
    assert_non_null(strstr(why, strerror(ENOENT)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reads_marks),
                                       cmocka_unit_test(test_refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
