/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "../../kernels/kernel.h"

static void expect(const struct kvr_checks *checks, const char *id, enum kvr_check_status status,
                   const char *value)
{
    const struct kvr_check *check = check_of(checks, id);
    if (check->status != status || (value && strcmp(check->value, value) != 0))
        fail_msg("%s is %s with \"%s\", not %s with \"%s\"", id,
                 kvr_check_status_name(check->status), check->value,
                 kvr_check_status_name(status), value ? value : "anything");
}

static void a_check_is_replaced_by_its_id(void **state)
{
    (void)state;
    struct kvr_checks checks = {0};
    strcpy(kvr_check_add(&checks, "a", KVR_CHECK_OK, "first %d", 1)->fix, "x");
    kvr_check_add(&checks, "b", KVR_CHECK_WARN, "second");
    kvr_check_add(&checks, "a", KVR_CHECK_INFO, "third %s", "!");
    assert_int_equal(checks.count, 2);
    assert_string_equal(checks.items[0].text, "third !");
    assert_string_equal(checks.items[0].fix, "");
    assert_int_equal(checks.items[0].status, KVR_CHECK_INFO);
    for (int i = 0; i < 100; i++) {
        char id[16];
        snprintf(id, sizeof id, "n%d", i);
        kvr_check_add(&checks, id, KVR_CHECK_OK, "%0999d", i); /* longer than the field */
    }
    assert_int_equal(checks.count, 102);
    assert_int_equal(strlen(check_of(&checks, "n99")->text), sizeof checks.items[0].text - 1);
    kvr_checks_free(&checks);
    assert_null(checks.items);
    assert_int_equal(checks.count, 0);
    assert_string_equal(kvr_check_status_name(KVR_CHECK_REFUSE), "refuse");
    assert_string_equal(kvr_check_status_name((enum kvr_check_status)42), "unknown");
}

static void every_check_of_this_host_is_complete(void **state)
{
    (void)state;
    struct kvr_machine machine;
    struct kvr_checks checks = {0};
    const char *why = "";
    assert_int_equal(kvr_machine_load(&machine, NULL, &why), 0);
    kvr_machine_checks(&machine, &checks);
    assert_true(checks.count > 20);
    for (size_t i = 0; i < checks.count; i++) {
        const struct kvr_check *check = &checks.items[i];
        for (const char *c = check->id; *c; c++)
            assert_true(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '-');
        assert_true(check->text[0] != '\0');
        assert_true(strlen(check->text) < sizeof check->text - 1); /* not cut */
        assert_true(check->value[0] || check->status == KVR_CHECK_UNKNOWN);
        if (check->status == KVR_CHECK_WARN)
            assert_true(check->fix[0] || strcmp(check->id, "clock-source") == 0 ||
                        strcmp(check->id, "invariant-tsc") == 0);
    }
    kvr_checks_free(&checks);
}

/* A troubled machine: every file says something unwelcome. */
static void put_trouble(const char *root)
{
    root_put(root, "/proc/meminfo", "MemTotal: 2097152 kB\nMemAvailable: 1048576 kB\n"
             "SwapTotal: 1048576 kB\nSwapFree: 524288 kB\n");
    root_put(root, "/proc/loadavg", "7.50 3.00 1.00 9/99 4711\n");
    root_put(root, "/proc/self/comm", "qemu-aarch64\n");
    root_put(root, "/proc/self/cgroup", "0::/kubepods/pod1\n");
    root_put(root, "/sys/fs/cgroup/kubepods/cpu.max", "150000 100000\n");
    root_put(root, "/sys/fs/cgroup/kubepods/memory.max", "1073741824\n");
    root_put(root, "/proc/sys/kernel/perf_event_paranoid", "3\n");
    root_put(root, "/proc/sys/kernel/numa_balancing", "1\n");
    root_put(root, "/sys/kernel/mm/ksm/run", "1\n");
    root_put(root, "/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
    root_put(root, "/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
    root_put(root, "/sys/devices/system/cpu/smt/control", "on\n");
    root_put(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
    root_put(root, "/sys/devices/system/cpu/cpufreq/boost", "1\n");
    root_put(root, "/sys/devices/system/cpu/online", "0-7\n");
    root_put(root, "/sys/devices/system/cpu/present", "0-9\n");
}

static void trouble_is_reported(void **state)
{
    (void)state;
    struct kvr_machine machine;
    struct kvr_checks checks = {0};
    const char *why = "";
    char *root = root_make();
    put_trouble(root);
    use_synthetic("numa:2(memory=1GiB) l3:1(size=508MiB) core:2 pu:2");
    assert_int_equal(kvr_machine_load(&machine, root, &why), 0);
    use_synthetic(NULL);
    machine.isa.usable = KVR_ISA_AVX2 | KVR_ISA_FMA;
    machine.isa.hidden = KVR_ISA_AMX_INT8;
    kvr_machine_checks(&machine, &checks);
    root_remove(root);
    expect(&checks, "topology", KVR_CHECK_WARN, "foreign");
    expect(&checks, "container", KVR_CHECK_INFO, "kubepods");
    expect(&checks, "emulation", KVR_CHECK_WARN, "qemu-aarch64");
    expect(&checks, "load", KVR_CHECK_WARN, "7.50");
    expect(&checks, "perf-event-paranoid", KVR_CHECK_INFO, "3");
    expect(&checks, "isa", KVR_CHECK_WARN, "avx2 fma");
    assert_non_null(strstr(check_of(&checks, "isa")->text, "amxint8"));
    expect(&checks, "cpu-quota", KVR_CHECK_WARN, "1.50");
    expect(&checks, "memory-limit", KVR_CHECK_INFO, "1073741824");
    expect(&checks, "cpuset", KVR_CHECK_UNKNOWN, NULL); /* foreign CPUs against own files */
    expect(&checks, "offline-cpus", KVR_CHECK_INFO, "2");
    expect(&checks, "smt", KVR_CHECK_INFO, "on");
    expect(&checks, "governor", KVR_CHECK_WARN, "powersave");
    expect(&checks, "turbo", KVR_CHECK_INFO, "on");
    expect(&checks, "clock-source", KVR_CHECK_WARN, "hpet");
    expect(&checks, "reported-caches", KVR_CHECK_INFO, NULL);
    assert_non_null(strstr(check_of(&checks, "reported-caches")->text, "implausible"));
    expect(&checks, "free-memory", KVR_CHECK_WARN, "1073741824");
    expect(&checks, "thp", KVR_CHECK_WARN, "never");
    expect(&checks, "numa-balancing", KVR_CHECK_WARN, "1");
    expect(&checks, "ksm", KVR_CHECK_WARN, "1");
    expect(&checks, "swap", KVR_CHECK_INFO, "536870912");
    kvr_checks_free(&checks);
}

static void nothing_known_is_said_to_be_unknown(void **state)
{
    (void)state;
    struct kvr_machine machine;
    struct kvr_checks checks = {0};
    const char *why = "";
    char *root = root_make();
    use_synthetic("core:1 pu:1");
    assert_int_equal(kvr_machine_load(&machine, root, &why), 0);
    use_synthetic(NULL);
    kvr_machine_checks(&machine, &checks);
    root_remove(root);
    expect(&checks, "load", KVR_CHECK_UNKNOWN, "");
    expect(&checks, "free-memory", KVR_CHECK_UNKNOWN, "");
    expect(&checks, "swap", KVR_CHECK_UNKNOWN, "");
    expect(&checks, "node-memory", KVR_CHECK_UNKNOWN, "");
    expect(&checks, "offline-cpus", KVR_CHECK_UNKNOWN, "");
    expect(&checks, "clock-source", KVR_CHECK_UNKNOWN, "unknown");
    expect(&checks, "reported-caches", KVR_CHECK_INFO, "none");
    expect(&checks, "thp", KVR_CHECK_INFO, "none");
    expect(&checks, "ksm", KVR_CHECK_OK, "none");
    expect(&checks, "cpu-quota", KVR_CHECK_OK, "none");
    expect(&checks, "container", KVR_CHECK_OK, "none");
    expect(&checks, "governor", KVR_CHECK_INFO, "none");
    kvr_checks_free(&checks);
}

static void nodes_that_are_too_small_are_not_believed(void **state)
{
    (void)state;
    struct kvr_machine machine = {.node_count = 1, .cpu_count = 2, .core_count = 2,
                                  .this_system = true, .mem_total_bytes = UINT64_C(24) << 30};
    struct kvr_checks checks = {0};
    machine.nodes[0] = (struct kvr_node){.total_bytes = UINT64_C(4) << 30, .cpu_count = 2};
    kvr_machine_checks(&machine, &checks);
    expect(&checks, "node-memory", KVR_CHECK_INFO, "4294967296");
    machine.system_node_count = 6; /* the rest is on nodes that a cpuset leaves out */
    kvr_machine_checks(&machine, &checks);
    expect(&checks, "node-memory", KVR_CHECK_OK, "4294967296");
    kvr_checks_free(&checks);
    /* A large cache that many CPUs share is a real one. */
    machine.mem_total_bytes = UINT64_C(512) << 30;
    machine.caches[0] = (struct kvr_cache_level){
        .level = 3, .size_bytes = UINT64_C(504) << 20, .shared_by = 256};
    machine.cache_count = 1;
    kvr_machine_checks(&machine, &checks);
    expect(&checks, "reported-caches", KVR_CHECK_OK, "L3 516096 KiB for 256");
    kvr_checks_free(&checks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_check_is_replaced_by_its_id),
        cmocka_unit_test(every_check_of_this_host_is_complete),
        cmocka_unit_test(trouble_is_reported),
        cmocka_unit_test(nothing_known_is_said_to_be_unknown),
        cmocka_unit_test(nodes_that_are_too_small_are_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
