/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Placement on nodes: what is refused and why, on hosts with one node as well.
 */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../src/machine/memory.h"
#include "../skips.h"

enum { MIB = 1 << 20 };

static int map(const struct kvr_machine *machine, enum kvr_mem_policy policy, uint32_t node,
               enum kvr_pages pages, const char **why)
{
    const struct kvr_memory_request request = {
        .bytes = 4 * MIB, .pages = pages, .policy = policy, .node = node};
    struct kvr_memory memory;
    *why = "";
    int rc = kvr_memory_map(machine, &request, &memory, why);
    if (rc == 0) {
        memset(memory.base, 1, memory.bytes);
        kvr_memory_unmap(&memory);
    }
    assert_true(rc == 0 || (*why)[0]);
    return rc;
}

static void load(struct kvr_machine *machine)
{
    const char *why = "";
    if (kvr_machine_load(machine, NULL, &why))
        fail_msg("%s", why);
}

/* This system, said to have a second node with plenty of memory. */
static void make_two_nodes(struct kvr_machine *machine)
{
    load(machine);
    machine->node_count = 2;
    machine->nodes[1] = machine->nodes[0];
    machine->nodes[1].os_index = 1000; /* no meminfo: the struct's figures count */
    machine->nodes[1].free_bytes = UINT64_C(1) << 40;
    machine->nodes[0].free_bytes = UINT64_C(1) << 40;
}

static void every_policy_works_with_own_nodes(void **state)
{
    (void)state;
    static const enum kvr_mem_policy policies[] = {KVR_MEM_LOCAL, KVR_MEM_NODE, KVR_MEM_INTERLEAVE,
                                                   KVR_MEM_FIRST_TOUCH};
    struct kvr_machine machine;
    const char *why;
    load(&machine);
    if (machine.node_count > 1)
        SKIP_BECAUSE("written for one node; several may be full or refused");
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++)
        for (enum kvr_pages pages = KVR_PAGES_4K; pages <= KVR_PAGES_THP; pages++)
            assert_int_equal(map(&machine, policies[i], machine.nodes[0].os_index, pages, &why), 0);
}

static void an_unknown_node_is_named(void **state)
{
    (void)state;
    struct kvr_machine machine;
    const char *why;
    load(&machine);
    assert_int_equal(map(&machine, KVR_MEM_NODE, 4711, KVR_PAGES_4K, &why), -ENODEV);
    assert_non_null(strstr(why, "4711"));
}

static void a_full_node_is_refused(void **state)
{
    (void)state;
    struct kvr_machine machine;
    const char *why;
    char *root = root_make();
    make_two_nodes(&machine);
    strcpy(machine.root, root);
    root_put(root, "/sys/devices/system/node/node1000/meminfo",
             "Node 1000 MemTotal: 1048576 kB\nNode 1000 MemFree: 33792 kB\n");
    assert_int_equal(map(&machine, KVR_MEM_NODE, 1000, KVR_PAGES_4K, &why), -ENOMEM);
    assert_non_null(strstr(why, "node 1000 has 1 MiB free"));
    assert_int_equal(map(&machine, KVR_MEM_INTERLEAVE, 0, KVR_PAGES_4K, &why), -ENOMEM);
    root_put(root, "/sys/devices/system/node/node1000/hugepages/hugepages-2048kB/free_hugepages",
             "1\n");
    assert_int_equal(map(&machine, KVR_MEM_NODE, 1000, KVR_PAGES_2M, &why), -ENOMEM);
    assert_non_null(strstr(why, "2 pages of 2 MiB are needed and 1 are free"));
    assert_non_null(strstr(why, "node1000/hugepages"));
    root_remove(root);
}

/* The first unit goes to the node that there is, the second to one that the kernel does not know:
 * huge pages are bound one by one, and what cannot be bound is an error. */
static void huge_pages_are_bound_one_by_one(void **state)
{
    (void)state;
    struct kvr_machine machine;
    const char *why;
    make_two_nodes(&machine);
    assert_int_equal(map(&machine, KVR_MEM_INTERLEAVE, 0, KVR_PAGES_THP, &why), -EINVAL);
    assert_non_null(strstr(why, "mbind"));
}

/* Both halves of an arena have to fit, although each of them alone would. */
static void what_is_mapped_later_counts(void **state)
{
    (void)state;
    struct kvr_machine machine;
    const char *why = "";
    char *root = root_make();
    make_two_nodes(&machine);
    strcpy(machine.root, root);
    root_put(root, "/sys/devices/system/node/node1000/meminfo",
             "Node 1000 MemTotal: 1048576 kB\nNode 1000 MemFree: 38912 kB\n");
    struct kvr_memory_request request = {
        .bytes = 4 * MIB, .policy = KVR_MEM_NODE, .node = 1000};
    assert_int_equal(kvr_memory_check(&machine, &request, &why), 0);
    request.more_bytes = 4 * MIB;
    assert_int_equal(kvr_memory_check(&machine, &request, &why), -ENOMEM);
    assert_non_null(strstr(why, "node 1000 has 6 MiB free, 8 MiB are needed there"));
    request.policy = KVR_MEM_INTERLEAVE; /* half of it there */
    assert_int_equal(kvr_memory_check(&machine, &request, &why), 0);
    root_remove(root);
}

/* The command reserves what lacks, beside what others use. */
static void the_pool_is_told_how_to_grow(void **state)
{
    (void)state;
    struct kvr_machine machine;
    const char *why = "", *pool = "/sys/kernel/mm/hugepages/hugepages-1048576kB/";
    const struct kvr_memory_request request = {
        .bytes = 4 * MIB, .more_bytes = 4 * MIB, .pages = KVR_PAGES_1G};
    char *root = root_make(), path[128];
    load(&machine);
    machine.node_count = 0;
    strcpy(machine.root, root);
    assert_int_equal(kvr_memory_check(&machine, &request, &why), -ENOMEM);
    assert_non_null(strstr(why, "no pool of 1 GiB pages; boot it with hugepagesz=1G hugepages=2"));
    snprintf(path, sizeof path, "%sfree_hugepages", pool);
    root_put(root, path, "1\n");
    snprintf(path, sizeof path, "%snr_hugepages", pool);
    root_put(root, path, "4\n");
    assert_int_equal(kvr_memory_check(&machine, &request, &why), -ENOMEM);
    assert_non_null(strstr(why, "2 pages of 1 GiB are needed and 1 are free"));
    assert_non_null(strstr(why, "echo 5 > /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_huge"));
    root_remove(root);
}

/* Of the node asked for, of the smallest node of the CPUs, or of all in equal parts. */
static void usable_memory_is_where_the_policy_puts_it(void **state)
{
    (void)state;
    static struct kvr_machine machine;
    const uint32_t second[] = {1};
    use_synthetic("numa:2(memory=8GiB) core:1 pu:1");
    load(&machine);
    use_synthetic(NULL);
    machine.this_system = true;
    machine.mem_available_bytes = UINT64_C(12) << 30;
    machine.cgroup_free_bytes = 0;
    machine.nodes[0].free_bytes = UINT64_C(2) << 30;
    machine.nodes[1].free_bytes = UINT64_C(5) << 30;
#define USABLE_GIB(policy, node, cpus, count) \
    (kvr_memory_usable_bytes(&machine, policy, node, cpus, count) >> 30)
    assert_int_equal(USABLE_GIB(KVR_MEM_LOCAL, 0, NULL, 0), 2);
    assert_int_equal(USABLE_GIB(KVR_MEM_LOCAL, 0, second, 1), 5);
    assert_int_equal(USABLE_GIB(KVR_MEM_NODE, 1, NULL, 0), 5);
    assert_int_equal(USABLE_GIB(KVR_MEM_INTERLEAVE, 0, NULL, 0), 4);
    machine.cgroup_free_bytes = UINT64_C(3) << 30; /* the tightest one counts */
    assert_int_equal(USABLE_GIB(KVR_MEM_NODE, 1, NULL, 0), 3);
}

static void a_foreign_machine_has_no_memory_here(void **state)
{
    (void)state;
    struct kvr_machine machine;
    const char *why;
    use_synthetic("numa:4(memory=1GiB) core:2 pu:1");
    load(&machine);
    use_synthetic(NULL);
    assert_int_equal(map(&machine, KVR_MEM_NODE, 2, KVR_PAGES_4K, &why), -ENOTSUP);
    assert_int_equal(map(&machine, KVR_MEM_INTERLEAVE, 0, KVR_PAGES_4K, &why), -ENOTSUP);
    assert_int_equal(map(&machine, KVR_MEM_LOCAL, 0, KVR_PAGES_4K, &why), 0);
}

/* The kernel's default is local, so a refused mbind matters only to what is placed elsewhere. */
static void a_container_that_refuses_mbind(void **state)
{
    (void)state;
    static struct kvr_machine machine;
    const char *why;
    make_two_nodes(&machine);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!forbid_call(SYS_mbind))
            _exit(CHILD_BLOCKED);
        if (map(&machine, KVR_MEM_LOCAL, 0, KVR_PAGES_THP, &why) != 0)
            _exit(1);
        if (map(&machine, KVR_MEM_NODE, machine.nodes[0].os_index, KVR_PAGES_4K, &why) != -EPERM)
            _exit(2);
        _exit(strstr(why, "seccomp") ? 0 : 3);
    }
    if (!child_is_content(child))
        SKIP_BECAUSE("seccomp is not available here");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_policy_works_with_own_nodes),
        cmocka_unit_test(an_unknown_node_is_named),
        cmocka_unit_test(a_full_node_is_refused),
        cmocka_unit_test(huge_pages_are_bound_one_by_one),
        cmocka_unit_test(what_is_mapped_later_counts),
        cmocka_unit_test(the_pool_is_told_how_to_grow),
        cmocka_unit_test(usable_memory_is_where_the_policy_puts_it),
        cmocka_unit_test(a_foreign_machine_has_no_memory_here),
        cmocka_unit_test(a_container_that_refuses_mbind),
    };
    return exit_code(cmocka_run_group_tests(tests, NULL, NULL));
}
