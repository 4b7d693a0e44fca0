/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "src/measure/interrupts.h"

static int count(const char *text, const uint32_t *cpus, size_t cpu_count, uint64_t *sum)
{
    char path[] = "interrupts.XXXXXX";
    struct kvr_interrupts x;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    fputs(text, file);
    fclose(file);
    int rc = kvr_interrupts_open(&x, path);
    unlink(path);
    assert_int_equal(rc, 0);
    rc = kvr_interrupts_read(&x, cpus, cpu_count, sum);
    if (!rc) { /* the same again: it starts from the front */
        uint64_t again = 0;
        assert_int_equal(kvr_interrupts_read(&x, cpus, cpu_count, &again), 0);
        assert_int_equal(again, *sum);
    }
    kvr_interrupts_close(&x);
    return rc;
}

/* CPU 1 is offline; ERR and MIS belong to no CPU; a description may begin with digits. */
static const char text[] = "            CPU0       CPU2       CPU3       \n"
                           "  9:          1         20        300   IO-APIC   9-fasteoi   acpi\n"
                           "NMI:          0          4          0   Non-maskable interrupts\n"
                           "LOC:       1000       2000       3000   Local timer interrupts\n"
                           "ERR:          7\n"
                           "MIS:          8\n";

static void test_columns_of_the_cpus_asked_for(void **state)
{
    (void)state;
    uint64_t sum = 0;
    const uint32_t one[] = {2}, two[] = {3, 0}, all[] = {0, 2, 3};
    assert_int_equal(count(text, one, 1, &sum), 0);
    assert_int_equal(sum, 2024);
    assert_int_equal(count(text, two, 2, &sum), 0);
    assert_int_equal(sum, 3300 + 1001);
    assert_int_equal(count(text, all, 3, &sum), 0);
    assert_int_equal(sum, 1001 + 2024 + 3300);
}

static void test_a_cpu_that_it_does_not_have(void **state)
{
    (void)state;
    uint64_t sum = 0;
    const uint32_t offline[] = {1}, many[] = {0, 9};
    assert_int_equal(count(text, offline, 1, &sum), -ENODEV);
    assert_int_equal(count(text, many, 2, &sum), -ENODEV);
    assert_int_equal(count("", many, 2, &sum), -EINVAL);
}

static void test_no_file(void **state)
{
    (void)state;
    struct kvr_interrupts x;
    assert_int_equal(kvr_interrupts_open(&x, "no-such-file"), -ENOENT);
}

/* Longer than the first buffer: a machine of many CPUs. */
static void test_a_long_file(void **state)
{
    (void)state;
    enum { CPUS = 300, LINES = 40, BYTES = CPUS * LINES * 14 };
    char *long_text = malloc(BYTES);
    size_t at = 0;
    assert_non_null(long_text);
    for (int c = 0; c < CPUS; c++)
        at += (size_t)snprintf(long_text + at, BYTES - at, " CPU%d", c);
    for (int l = 1; l < LINES; l++) {
        at += (size_t)snprintf(long_text + at, BYTES - at, "\n%d:", l);
        for (int c = 0; c < CPUS; c++)
            at += (size_t)snprintf(long_text + at, BYTES - at, " %10d", c == 299 ? l : 7);
    }
    snprintf(long_text + at, BYTES - at, "\n");
    uint64_t sum = 0;
    const uint32_t last[] = {299};
    assert_int_equal(count(long_text, last, 1, &sum), 0);
    assert_int_equal(sum, (LINES - 1) * LINES / 2);
    free(long_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_of_the_cpus_asked_for),
        cmocka_unit_test(test_a_cpu_that_it_does_not_have),
        cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_a_long_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
