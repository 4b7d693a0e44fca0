/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Placement on nodes: what is refused and why, on hosts with one node as well.
 */
#include "support.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/machine/memory.h"

enum { MIB = 1 << 20, BLOCKED = 77 };

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
    if (machine.node_count > 1) {
        puts("skipped: written for one node; several may be full or refused");
        skip();
    }
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

static void interleaving_huge_pages_is_refused(void **state)
{
    (void)state;
    struct kvr_machine machine;
    const char *why;
    make_two_nodes(&machine);
    assert_int_equal(map(&machine, KVR_MEM_INTERLEAVE, 0, KVR_PAGES_THP, &why), -ENOTSUP);
    assert_non_null(strstr(why, "--pages 4k"));
    assert_int_equal(map(&machine, KVR_MEM_INTERLEAVE, 0, KVR_PAGES_2M, &why), -ENOTSUP);
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

/* From now on mbind fails with EPERM, as in a container. false: this kernel does not allow it. */
static bool forbid_mbind(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mbind, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* The kernel's default is local, so a refused mbind matters only to what is placed elsewhere. */
static void a_container_that_refuses_mbind(void **state)
{
    (void)state;
    static struct kvr_machine machine;
    const char *why;
    int status = 0;
    make_two_nodes(&machine);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!forbid_mbind())
            _exit(BLOCKED);
        if (map(&machine, KVR_MEM_LOCAL, 0, KVR_PAGES_THP, &why) != 0)
            _exit(1);
        if (map(&machine, KVR_MEM_NODE, machine.nodes[0].os_index, KVR_PAGES_4K, &why) != -EPERM)
            _exit(2);
        _exit(strstr(why, "seccomp") ? 0 : 3);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == BLOCKED) {
        puts("skipped: seccomp is not available here");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_policy_works_with_own_nodes),
        cmocka_unit_test(an_unknown_node_is_named),
        cmocka_unit_test(a_full_node_is_refused),
        cmocka_unit_test(interleaving_huge_pages_is_refused),
        cmocka_unit_test(a_foreign_machine_has_no_memory_here),
        cmocka_unit_test(a_container_that_refuses_mbind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
