/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "../../src/machine/machine.h"
#include "../skips.h"

static void lists_are_read_in_order(void **state)
{
    (void)state;
    uint32_t cpus[8];
    assert_int_equal(kvr_cpu_list_parse("0-3,8", cpus, 8), 5);
    const uint32_t expected[] = {0, 1, 2, 3, 8};
    assert_memory_equal(cpus, expected, sizeof expected);
    assert_int_equal(kvr_cpu_list_parse("5,2,5", cpus, 8), 3); /* duplicates are kept */
    assert_int_equal(cpus[0], 5);
    assert_int_equal(cpus[1], 2);
    assert_int_equal(cpus[2], 5);
    assert_int_equal(kvr_cpu_list_parse("7-7", cpus, 8), 1);
    assert_int_equal(cpus[0], 7);
}

static void bad_lists_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", ",", "1,", ",1", "1,,2", "a", "1-", "-1", "1-2-3",
                                      "3-1", " 1", "1 ", "1;2", "0x1", "+1", "1.5",
                                      "4294967296", "99999999999999999999", "0-4294967296"};
    uint32_t cpus[8];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (kvr_cpu_list_parse(bad[i], cpus, 8) != -EINVAL)
            fail_msg("\"%s\" was not refused", bad[i]);
}

static void lists_stay_within_their_room(void **state)
{
    (void)state;
    uint32_t cpus[5] = {0, 0, 0, 0, 77};
    assert_int_equal(kvr_cpu_list_parse("0-3", cpus, 4), 4);
    assert_int_equal(kvr_cpu_list_parse("0-4", cpus, 4), -ERANGE);
    assert_int_equal(kvr_cpu_list_parse("0,1,2,3,4", cpus, 4), -ERANGE);
    assert_int_equal(kvr_cpu_list_parse("0-2147483647", cpus, 4), -ERANGE);
    assert_int_equal(kvr_cpu_list_parse("1", cpus, 0), -ERANGE);
    assert_int_equal(cpus[4], 77);
}

/* Four CPUs, two cores; siblings are 0, 4 and 1, 5, as Linux often numbers them. */
static void make_siblings(struct kvr_machine *machine)
{
    static const uint32_t os_index[] = {0, 1, 4, 5};
    memset(machine, 0, sizeof *machine);
    for (size_t i = 0; i < 4; i++)
        machine->cpus[i] = (struct kvr_cpu){.os_index = os_index[i], .core = (uint32_t)i % 2};
    machine->cpu_count = 4;
    machine->core_count = 2;
}

static void one_per_core_comes_first(void **state)
{
    (void)state;
    struct kvr_machine machine;
    uint32_t cpus[4], missing = 0;
    make_siblings(&machine);
    const uint32_t wanted[] = {4, 0, 5, 1}, expected[] = {4, 5, 0, 1};
    assert_int_equal(kvr_machine_choose_cpus(&machine, wanted, 4, 4, cpus, &missing), 0);
    assert_memory_equal(cpus, expected, sizeof expected);
    const uint32_t all[] = {0, 1, 4, 5};
    assert_int_equal(kvr_machine_choose_cpus(&machine, NULL, 0, 4, cpus, &missing), 0);
    assert_memory_equal(cpus, all, sizeof all);
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    struct kvr_machine machine;
    uint32_t cpus[8], missing = 0;
    make_siblings(&machine);
    const uint32_t wanted[] = {0, 3, 9}, twice[] = {1, 1};
    assert_int_equal(kvr_machine_choose_cpus(&machine, wanted, 3, 1, cpus, &missing), -ENODEV);
    assert_int_equal(missing, 3);
    assert_int_equal(kvr_machine_choose_cpus(&machine, NULL, 0, 5, cpus, &missing), -ERANGE);
    assert_int_equal(kvr_machine_choose_cpus(&machine, twice, 2, 2, cpus, &missing), -ERANGE);
    assert_int_equal(kvr_machine_choose_cpus(&machine, twice, 2, 1, cpus, &missing), 0);
    assert_int_equal(cpus[0], 1);
}

static void pins_to_one_cpu(void **state)
{
    (void)state;
    struct kvr_machine machine;
    const char *why = "";
    cpu_set_t before, now;
    assert_int_equal(kvr_machine_load(&machine, NULL, &why), 0);
    if (sched_getaffinity(0, sizeof before, &before))
        SKIP_BECAUSE("more CPUs than cpu_set_t holds");
    uint32_t cpu = machine.cpus[machine.cpu_count - 1].os_index;
    assert_int_equal(kvr_pin_self(&machine, cpu), 0);
    assert_int_equal(sched_getaffinity(0, sizeof now, &now), 0);
    assert_int_equal(CPU_COUNT(&now), 1);
    assert_true(CPU_ISSET(cpu, &now));
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(kvr_pin_self(&machine, 1000000), -EINVAL); /* no such CPU */
    machine.this_system = false;
    assert_int_equal(kvr_pin_self(&machine, cpu), -ENOTSUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_read_in_order),  cmocka_unit_test(bad_lists_are_refused),
        cmocka_unit_test(lists_stay_within_their_room),
        cmocka_unit_test(one_per_core_comes_first), cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(pins_to_one_cpu),
    };
    return exit_code(cmocka_run_group_tests(tests, NULL, NULL));
}
