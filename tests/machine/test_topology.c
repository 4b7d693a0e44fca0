/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Machines that this one is not, from hwloc's synthetic descriptions and recorded files.
 */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/machine/machine.h"

static void load(struct kvr_machine *machine, const char *description)
{
    const char *why = "";
    use_synthetic(description);
    int rc = kvr_machine_load(machine, NULL, &why);
    use_synthetic(NULL);
    if (rc)
        fail_msg("%s: %d %s", description, rc, why);
    assert_false(machine->this_system);
    assert_int_equal(kvr_pin_self(machine, machine->cpus[0].os_index), -ENOTSUP);
}

static void two_packages(void **state)
{
    (void)state;
    struct kvr_machine machine;
    load(&machine, "pack:2 numa:1(memory=8GiB) l3:1(size=32MiB) l2:8(size=1MiB) l1d:1(size=32KiB) "
                   "core:1 pu:1");
    assert_int_equal(machine.cpu_count, 16);
    assert_int_equal(machine.core_count, 16);
    assert_int_equal(machine.cpus[0].package, 0);
    assert_int_equal(machine.cpus[15].package, 1);
    assert_int_equal(machine.node_count, 2);
    assert_int_equal(machine.cpus[7].node, 0);
    assert_int_equal(machine.cpus[8].node, 1);
    assert_int_equal(machine.cpus[7].cache, 0);
    assert_int_equal(machine.cpus[8].cache, 1);
    assert_int_equal(machine.nodes[1].cpu_count, 8);
    assert_true(machine.nodes[1].total_bytes == UINT64_C(8) << 30);
    assert_int_equal(machine.nodes[1].free_bytes, 0); /* nobody knows */
    assert_int_equal(machine.cache_count, 3);
    assert_int_equal(kvr_machine_cache_bytes(&machine, 1), 32 << 10);
    assert_int_equal(kvr_machine_cache_bytes(&machine, 2), 1 << 20);
    assert_int_equal(kvr_machine_cache_bytes(&machine, 3), 32 << 20);
    assert_int_equal(machine.caches[2].shared_by, 8);
}

static void four_threads_a_core(void **state)
{
    (void)state;
    struct kvr_machine machine;
    uint32_t cpus[8], missing;
    load(&machine, "pack:1 core:2 pu:4");
    assert_int_equal(machine.cpu_count, 8);
    assert_int_equal(machine.core_count, 2);
    assert_int_equal(machine.cpus[3].core, machine.cpus[0].core);
    assert_int_not_equal(machine.cpus[4].core, machine.cpus[0].core);
    assert_int_equal(kvr_machine_choose_cpus(&machine, NULL, 0, 3, cpus, &missing), 0);
    const uint32_t expected[] = {0, 4, 1};
    assert_memory_equal(cpus, expected, sizeof expected);
}

static void no_l3(void **state)
{
    (void)state;
    struct kvr_machine machine;
    load(&machine, "pack:1 l2:4(size=512KiB) core:1 pu:1");
    assert_int_equal(kvr_machine_cache_bytes(&machine, 3), 0);
    assert_int_equal(kvr_machine_cache_bytes(&machine, 2), 512 << 10);
    assert_int_equal(machine.cache_count, 1);
}

static void one_core(void **state)
{
    (void)state;
    struct kvr_machine machine;
    uint32_t cpu, missing;
    load(&machine, "core:1 pu:1");
    assert_int_equal(machine.cpu_count, 1);
    assert_int_equal(machine.core_count, 1);
    assert_int_equal(machine.node_count, 1);
    assert_int_equal(machine.cache_count, 0);
    assert_int_equal(kvr_machine_choose_cpus(&machine, NULL, 0, 1, &cpu, &missing), 0);
    assert_int_equal(cpu, 0);
}

static void four_nodes(void **state)
{
    (void)state;
    struct kvr_machine machine;
    load(&machine, "numa:4(memory=1GiB) core:2 pu:1");
    assert_int_equal(machine.node_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(machine.nodes[i].os_index, i);
        assert_int_equal(machine.nodes[i].cpu_count, 2);
        assert_int_equal(machine.cpus[2 * i].node, i);
    }
}

static void nodes_by_number(void **state)
{
    (void)state;
    struct kvr_machine machine;
    load(&machine, "numa:3(memory=1GiB indexes=5,0,2) core:1 pu:1");
    const uint32_t nodes[] = {0, 2, 5}, of_cpus[] = {5, 0, 2};
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(machine.nodes[i].os_index, nodes[i]);
        assert_int_equal(machine.cpus[i].node, of_cpus[i]);
    }
}

static void an_implausible_cache_stays_as_reported(void **state)
{
    (void)state;
    struct kvr_machine machine;
    load(&machine, "l3:2(size=508MiB) core:1 pu:1");
    assert_int_equal(kvr_machine_cache_bytes(&machine, 3), UINT64_C(508) << 20);
    assert_int_equal(machine.caches[0].shared_by, 1);
    assert_int_equal(machine.cache_count, 1); /* equal caches are one entry */
}

static void too_many_cpus_are_refused(void **state)
{
    (void)state;
    struct kvr_machine machine;
    const char *why = NULL;
    use_synthetic("pack:2 core:513 pu:1");
    assert_int_equal(kvr_machine_load(&machine, NULL, &why), -E2BIG);
    assert_non_null(strstr(why, "1024"));
    use_synthetic("pack:2 core:512 pu:1");
    assert_int_equal(kvr_machine_load(&machine, NULL, &why), 0);
    assert_int_equal(machine.cpu_count, KVR_MAX_CPUS);
    use_synthetic("numa:65 core:1 pu:1");
    assert_int_equal(kvr_machine_load(&machine, NULL, &why), -E2BIG);
    use_synthetic(NULL);
}

static void an_unreadable_description_is_refused(void **state)
{
    (void)state;
    struct kvr_machine machine;
    const char *why = NULL;
    setenv("HWLOC_XMLFILE", "/no/such/file.xml", 1);
    assert_int_not_equal(kvr_machine_load(&machine, NULL, &why), 0);
    assert_true(why && why[0]);
    unsetenv("HWLOC_XMLFILE");
    use_synthetic("gibberish");
    assert_int_not_equal(kvr_machine_load(&machine, NULL, &why), 0);
    use_synthetic(NULL);
}

/* Linux files of two sockets with distances and without any cache, as in some guests. */
static void linux_files_without_caches(void **state)
{
    (void)state;
    struct kvr_machine machine;
    const char *why = "";
    char *root = root_make(), path[128], text[64];
    for (unsigned i = 0; i < 2; i++) {
        static const char *const masks[] = {"1\n", "2\n"};
        static const struct { const char *name; int package; } files[] = {
            {"core_cpus", 0}, {"thread_siblings", 0}, {"package_cpus", 1}, {"core_siblings", 1}};
        for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
            snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/topology/%s", i,
                     files[f].name);
            root_put(root, path, masks[i]);
        }
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/topology/core_id", i);
        root_put(root, path, "0\n");
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/topology/physical_package_id",
                 i);
        snprintf(text, sizeof text, "%u\n", i);
        root_put(root, path, text);
        snprintf(path, sizeof path, "/sys/devices/system/node/node%u/cpumap", i);
        root_put(root, path, masks[i]);
        snprintf(path, sizeof path, "/sys/devices/system/node/node%u/distance", i);
        root_put(root, path, i ? "21 10\n" : "10 21\n");
        snprintf(path, sizeof path, "/sys/devices/system/node/node%u/meminfo", i);
        snprintf(text, sizeof text, "Node %u MemTotal: 1024 kB\nNode %u MemFree: 512 kB\n", i, i);
        root_put(root, path, text);
    }
    root_put(root, "/sys/devices/system/cpu/online", "0-1\n");
    root_put(root, "/sys/devices/system/node/online", "0-1\n");
    root_put(root, "/proc/cpuinfo", "processor\t: 0\n\nprocessor\t: 1\n");
    setenv("HWLOC_FSROOT", root, 1);
    int rc = kvr_machine_load(&machine, root, &why);
    unsetenv("HWLOC_FSROOT");
    root_remove(root);
    if (rc)
        fail_msg("%d %s", rc, why);
    assert_false(machine.this_system);
    assert_int_equal(machine.cpu_count, 2);
    assert_int_equal(machine.cache_count, 0);
    assert_int_equal(machine.node_count, 2);
    assert_int_equal(machine.cpus[1].package, 1);
    assert_int_equal(machine.nodes[0].distances[0], 10);
    assert_int_equal(machine.nodes[0].distances[1], 21);
    assert_int_equal(machine.nodes[1].free_bytes, (512 - 1024 / 32) << 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_packages),
        cmocka_unit_test(four_threads_a_core),
        cmocka_unit_test(no_l3),
        cmocka_unit_test(one_core),
        cmocka_unit_test(four_nodes),
        cmocka_unit_test(nodes_by_number),
        cmocka_unit_test(an_implausible_cache_stays_as_reported),
        cmocka_unit_test(too_many_cpus_are_refused),
        cmocka_unit_test(an_unreadable_description_is_refused),
        cmocka_unit_test(linux_files_without_caches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
