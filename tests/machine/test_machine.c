/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Facts from recorded files, and the fingerprint.
 */
#include "support.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/machine/files.h"
#include "../../src/machine/internal.h"
#include "../skips.h"

#define GIB (UINT64_C(1) << 30)

static void put_usual_files(const char *root)
{
    root_put(root, "/proc/meminfo",
             "MemTotal:        8388608 kB\nMemFree:  1 kB\nMemAvailable:    4194304 kB\n");
    root_put(root, "/proc/sys/kernel/osrelease", "6.1.0-13-amd64\n");
    root_put(root, "/proc/sys/kernel/hostname", "recorded\n");
    root_put(root, "/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    root_put(root, "/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
    root_put(root, "/sys/devices/system/cpu/smt/control", "forceoff\n");
    root_put(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
}

static void load(struct kvr_machine *machine, const char *root)
{
    const char *why = "";
    use_synthetic("pack:1 core:2 pu:1");
    int rc = kvr_machine_load(machine, root, &why);
    use_synthetic(NULL);
    if (rc)
        fail_msg("load: %d %s", rc, why);
}

static void files_are_read_below_the_root(void **state)
{
    (void)state;
    struct kvr_machine machine;
    char *root = root_make();
    put_usual_files(root);
    root_put(root, "/sys/devices/system/node/node0/meminfo",
             "\nNode 0 MemTotal:  6291456 kB\nNode 0 MemFree:  1048576 kB\n"
             "Node 0 Active(file):  524288 kB\nNode 0 Inactive(file):  524288 kB\n");
    load(&machine, root);
    assert_string_equal(machine.root, root);
    assert_int_equal(machine.mem_total_bytes, 8 * GIB);
    assert_int_equal(machine.mem_available_bytes, 4 * GIB);
    assert_int_equal(machine.nodes[0].total_bytes, 6 * GIB);
    /* of 2 GiB a 32nd of the node twice: neither free nor reclaimable */
    assert_int_equal(machine.nodes[0].free_bytes, 2 * GIB - 12 * GIB / 32);
    assert_string_equal(machine.kernel, "6.1.0-13-amd64");
    assert_string_equal(machine.hostname, "recorded");
    assert_string_equal(machine.thp, "madvise");
    assert_string_equal(machine.clocksource, "hpet");
    assert_string_equal(machine.smt, "forceoff");
    assert_string_equal(machine.governor, "powersave");
    root_put(root, "/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance\n");
    load(&machine, root);
    assert_string_equal(machine.governor, "mixed");
    root_remove(root);
}

static void missing_files_are_normal(void **state)
{
    (void)state;
    struct kvr_machine machine;
    char *root = root_make();
    load(&machine, root);
    assert_int_equal(machine.mem_total_bytes, 0);
    assert_int_equal(machine.mem_available_bytes, 0);
    assert_string_equal(machine.kernel, "");
    assert_string_equal(machine.thp, "");
    assert_string_equal(machine.governor, "");
    assert_string_equal(machine.clocksource, "");
    assert_int_equal(kvr_machine_usable_bytes(&machine), 0);
    assert_int_equal(strlen(machine.fingerprint), 16);
    root_remove(root);
}

static void garbage_is_not_believed(void **state)
{
    (void)state;
    static const char *const meminfo[] = {
        "MemTotal: lots kB\nMemAvailable: -5 kB\n",
        "MemTotal: 12 MB\nMemAvailable:\n",
        "MemTotal: 99999999999999999999999 kB\nMemAvailable: 18446744073709551615 kB\n",
        "MemTotal 12 kB\nXMemAvailable: 12 kB\n",
        "\001\002\003",
        "",
    };
    struct kvr_machine machine;
    char *root = root_make();
    root_put(root, "/sys/kernel/mm/transparent_hugepage/enabled", "[sometimes] never");
    root_put(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
             "a-governor-with-a-name-that-no-kernel-would-give-to-one\n");
    for (size_t i = 0; i < sizeof meminfo / sizeof *meminfo; i++) {
        root_put(root, "/proc/meminfo", meminfo[i]);
        load(&machine, root);
        assert_int_equal(machine.mem_total_bytes, 0);
        assert_int_equal(machine.mem_available_bytes, 0);
        assert_string_equal(machine.thp, "");
        assert_int_equal(strlen(machine.governor), sizeof machine.governor - 1); /* cut, ended */
    }
    root_put(root, "/sys/kernel/mm/transparent_hugepage/enabled", "always [madv");
    load(&machine, root);
    assert_string_equal(machine.thp, "");
    root_remove(root);
}

static void huge_numbers_are_kept(void **state)
{
    (void)state;
    struct kvr_machine machine;
    char *root = root_make();
    root_put(root, "/proc/meminfo", "MemTotal: 70368744177664 kB\n"); /* 64 PiB */
    load(&machine, root);
    assert_true(machine.mem_total_bytes == UINT64_C(1) << 56);
    root_remove(root);
}

static void a_root_too_long_is_refused(void **state)
{
    (void)state;
    struct kvr_machine machine;
    const char *why = NULL;
    char root[400];
    memset(root, 'r', sizeof root - 1);
    root[sizeof root - 1] = '\0';
    assert_int_equal(kvr_machine_load(&machine, root, &why), -ENAMETOOLONG);
    assert_non_null(why);
}

/* The least of what is available, on the nodes, and within the control group. */
static void usable_memory_is_the_least(void **state)
{
    (void)state;
    struct kvr_machine machine = {.mem_total_bytes = 16 * GIB, .mem_available_bytes = 12 * GIB,
                                  .node_count = 2};
    machine.nodes[0] = (struct kvr_node){.total_bytes = 8 * GIB, .free_bytes = 5 * GIB};
    machine.nodes[1] = (struct kvr_node){.total_bytes = 8 * GIB, .free_bytes = 4 * GIB};
    assert_int_equal(kvr_machine_usable_bytes(&machine), 9 * GIB);
    machine.mem_available_bytes = 3 * GIB;
    assert_int_equal(kvr_machine_usable_bytes(&machine), 3 * GIB);
    machine.cgroup_free_bytes = 2 * GIB;
    assert_int_equal(kvr_machine_usable_bytes(&machine), 2 * GIB);
    machine.cgroup_free_bytes = 0;
    /* Nodes that hold less than half of MemTotal are not believed. */
    machine.mem_available_bytes = 15 * GIB;
    machine.nodes[0].total_bytes = machine.nodes[1].total_bytes = 3 * GIB;
    assert_int_equal(kvr_machine_usable_bytes(&machine), 15 * GIB);
    /* But where the rest of the memory is on nodes that a cpuset leaves out. */
    machine.this_system = true;
    machine.system_node_count = 2;
    assert_int_equal(kvr_machine_usable_bytes(&machine), 15 * GIB);
    machine.system_node_count = 5;
    assert_int_equal(kvr_machine_usable_bytes(&machine), 9 * GIB);
}

static void the_fingerprint_follows_the_machine(void **state)
{
    (void)state;
    struct kvr_machine first, second;
    char *root = root_make();
    put_usual_files(root);
    load(&first, root);
    root_put(root, "/proc/meminfo", "MemTotal: 8388000 kB\nMemAvailable: 5 kB\n");
    root_put(root, "/proc/sys/kernel/hostname", "renamed\n");
    root_put(root, "/proc/sys/kernel/osrelease", "6.1.99-other\n");
    load(&second, root); /* a reboot with another patch level */
    assert_string_equal(first.fingerprint, second.fingerprint);
    root_put(root, "/proc/sys/kernel/osrelease", "6.2.0\n");
    load(&second, root);
    assert_string_not_equal(first.fingerprint, second.fingerprint);
    root_put(root, "/proc/sys/kernel/osrelease", "6.1.0-13-amd64\n");
    root_put(root, "/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
    load(&second, root);
    assert_string_not_equal(first.fingerprint, second.fingerprint);
    root_remove(root);
}

static void the_fingerprint_ignores_affinity(void **state)
{
    (void)state;
    struct kvr_machine all, one;
    const char *why = "";
    cpu_set_t before;
    assert_int_equal(kvr_machine_load(&all, NULL, &why), 0);
    if (sched_getaffinity(0, sizeof before, &before))
        SKIP_BECAUSE("more CPUs than cpu_set_t holds");
    assert_int_equal(kvr_pin_self(&all, all.cpus[0].os_index), 0);
    assert_int_equal(kvr_machine_load(&one, NULL, &why), 0);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(one.cpu_count, 1);
    assert_string_equal(all.fingerprint, one.fingerprint);
}

/* Test vectors of the algorithm's authors. */
static void the_hash_is_fnv_1a(void **state)
{
    (void)state;
    assert_true(kvr_fnv1a(KVR_FNV_START, "", 0) == UINT64_C(0xcbf29ce484222325));
    assert_true(kvr_fnv1a(KVR_FNV_START, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(kvr_fnv1a(KVR_FNV_START, "foobar", 6) == UINT64_C(0x85944171f73967e8));
}

static void this_host_can_be_described(void **state)
{
    (void)state;
    struct kvr_machine machine;
    const char *why = "";
    assert_int_equal(kvr_machine_load(&machine, NULL, &why), 0);
    assert_true(machine.cpu_count >= 1 && machine.core_count >= 1);
    assert_true(machine.core_count <= machine.cpu_count);
    assert_true(machine.node_count >= 1);
    assert_true(kvr_machine_usable_bytes(&machine) > 0);
    assert_true(machine.kernel[0] != '\0');
    for (size_t i = 1; i < machine.cpu_count; i++)
        assert_true(machine.cpus[i - 1].os_index < machine.cpus[i].os_index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read_below_the_root),
        cmocka_unit_test(missing_files_are_normal),
        cmocka_unit_test(garbage_is_not_believed),
        cmocka_unit_test(huge_numbers_are_kept),
        cmocka_unit_test(a_root_too_long_is_refused),
        cmocka_unit_test(usable_memory_is_the_least),
        cmocka_unit_test(the_fingerprint_follows_the_machine),
        cmocka_unit_test(the_fingerprint_ignores_affinity),
        cmocka_unit_test(the_hash_is_fnv_1a),
        cmocka_unit_test(this_host_can_be_described),
    };
    return exit_code(cmocka_run_group_tests(tests, NULL, NULL));
}
