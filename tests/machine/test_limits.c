/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Control groups, versions 1 and 2, below recorded roots.
 */
#include "support.h"

#include <string.h>

#include "../../src/machine/internal.h"

enum { MIB = 1 << 20 };

struct file { const char *path, *text; };

/* The limits below a root that holds these files. */
static void load(const struct file *files, size_t count, double *cpus, uint64_t *bytes)
{
    static struct kvr_machine machine;
    char *root = root_make();
    for (size_t i = 0; i < count; i++)
        root_put(root, files[i].path, files[i].text);
    memset(&machine, 0, sizeof machine);
    strcpy(machine.root, root);
    kvr_limits_load(&machine);
    root_remove(root);
    *cpus = machine.cgroup_cpus;
    *bytes = machine.cgroup_memory_bytes;
}

#define CHECK_LIMITS(expected_cpus, expected_bytes, ...)                                           \
    do {                                                                                           \
        const struct file files[] = {__VA_ARGS__};                                                 \
        double cpus;                                                                               \
        uint64_t bytes;                                                                            \
        load(files, sizeof files / sizeof *files, &cpus, &bytes);                                  \
        assert_int_equal((int)(cpus * 1000 + .5), (int)((expected_cpus) * 1000 + .5));             \
        assert_int_equal(bytes, (uint64_t)(expected_bytes));                                       \
    } while (0)

static void version_2_takes_the_tightest_ancestor(void **state)
{
    (void)state;
    CHECK_LIMITS(1.5, 256 * MIB,
                 {"/proc/self/cgroup", "0::/a/b/c\n"},
                 {"/sys/fs/cgroup/a/cpu.max", "150000 100000\n"},
                 {"/sys/fs/cgroup/a/memory.max", "1073741824\n"},
                 {"/sys/fs/cgroup/a/b/cpu.max", "max 100000\n"},
                 {"/sys/fs/cgroup/a/b/memory.max", "268435456\n"},
                 {"/sys/fs/cgroup/a/b/c/cpu.max", "400000 100000\n"},
                 {"/sys/fs/cgroup/a/b/c/memory.max", "max\n"});
}

static void version_2_reads_the_mount_itself(void **state)
{
    (void)state;
    /* A container's own group is the root that it sees, whatever its path is called. */
    CHECK_LIMITS(.5, 512 * MIB,
                 {"/proc/self/cgroup", "0::/system.slice/docker-0123.scope\n"},
                 {"/sys/fs/cgroup/cpu.max", "50000 100000\n"},
                 {"/sys/fs/cgroup/memory.max", "536870912\n"});
    CHECK_LIMITS(.5, 0,
                 {"/proc/self/cgroup", "0::/../../other\n"},
                 {"/sys/fs/cgroup/cpu.max", "50000 100000\n"});
}

static void version_1_has_a_tree_per_controller(void **state)
{
    (void)state;
    CHECK_LIMITS(2, 64 * MIB,
                 {"/proc/self/cgroup", "4:memory:/job/1\n3:cpuset:/x\n1:cpu,cpuacct:/job\n"},
                 {"/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "200000\n"},
                 {"/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n"},
                 {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n"},
                 {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"},
                 {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"},
                 {"/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "67108864\n"},
                 {"/sys/fs/cgroup/memory/job/1/memory.limit_in_bytes", "134217728\n"},
                 /* another controller's path and name must not be taken for cpu's */
                 {"/sys/fs/cgroup/cpuset/x/cpu.cfs_quota_us", "1000\n"},
                 {"/sys/fs/cgroup/cpuset/x/cpu.cfs_period_us", "100000\n"});
}

static void both_versions_side_by_side(void **state)
{
    (void)state;
    CHECK_LIMITS(.25, 32 * MIB,
                 {"/proc/self/cgroup", "2:cpu:/\n0::/u\n"},
                 {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "25000\n"},
                 {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"},
                 {"/sys/fs/cgroup/unified/u/cpu.max", "100000 100000\n"},
                 {"/sys/fs/cgroup/unified/u/memory.max", "33554432\n"});
}

static void no_limit_is_no_limit(void **state)
{
    (void)state;
    CHECK_LIMITS(0, 0, {"/unrelated", ""});
    CHECK_LIMITS(0, 0, {"/proc/self/cgroup", "0::/a\n"});
    CHECK_LIMITS(0, 0,
                 {"/proc/self/cgroup", "0::/\n"},
                 {"/sys/fs/cgroup/cpu.max", "max 100000\n"},
                 {"/sys/fs/cgroup/memory.max", "max\n"});
}

static void garbage_is_no_limit(void **state)
{
    (void)state;
    CHECK_LIMITS(0, 0,
                 {"/proc/self/cgroup", "garbage\n::\n0\n:\n0::relative\n0::/a\n"},
                 {"/sys/fs/cgroup/a/cpu.max", "100000\n"},
                 {"/sys/fs/cgroup/a/memory.max", "12 apples\n"});
    CHECK_LIMITS(0, 0,
                 {"/proc/self/cgroup", "0::/a\n"},
                 {"/sys/fs/cgroup/a/cpu.max", "100000 0\n"},
                 {"/sys/fs/cgroup/a/memory.max", "99999999999999999999999\n"});
    CHECK_LIMITS(0, 0,
                 {"/proc/self/cgroup", "0::/a\n"},
                 {"/sys/fs/cgroup/a/cpu.max", "\n"},
                 {"/sys/fs/cgroup/a/memory.max", ""});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_2_takes_the_tightest_ancestor),
        cmocka_unit_test(version_2_reads_the_mount_itself),
        cmocka_unit_test(version_1_has_a_tree_per_controller),
        cmocka_unit_test(both_versions_side_by_side),
        cmocka_unit_test(no_limit_is_no_limit),
        cmocka_unit_test(garbage_is_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
