/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Recorded machines below roots/: each says one unwelcome thing, and the check of it says so with
 * its effect. What other files say is not there, and is unknown then.
 */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/machine/checks.h"
#include "../../src/machine/disturbance.h"

static const char one_node[] = "numa:1(memory=64GiB) core:2 pu:1";
static const char two_nodes[] = "package:2 numa:1(memory=32GiB) core:1 pu:1";
static const char clusters[] = "package:1 numa:2(memory=32GiB) core:1 pu:1";
static const char four_cores[] = "numa:1(memory=64GiB) core:4 pu:1";

static const struct expectation {
    const char *root, *topology, *id;
    enum kvr_check_status status;
    const char *value;    /* NULL: any */
    const char *words[3]; /* of text and fix */
} expectations[] = {
    {"plain", one_node, "load", KVR_CHECK_OK, "0.02", {"little other work"}},
    {"plain", one_node, "pressure", KVR_CHECK_OK, NULL, {"0.0 % of the time for a CPU"}},
    {"plain", one_node, "steal", KVR_CHECK_OK, "0.0000", {"since boot"}},
    {"plain", one_node, "throttling", KVR_CHECK_OK, "quota 0 heat 0", {"0 periods"}},
    {"plain", one_node, "interrupts", KVR_CHECK_OK, "500", {"500 a second", "stolen"}},
    {"plain", one_node, "cpu-quota", KVR_CHECK_OK, "none", {"no control group"}},
    {"plain", one_node, "memory-limit", KVR_CHECK_OK, "none", {"no control group"}},
    {"plain", one_node, "governor", KVR_CHECK_OK, "performance", {"not lowered"}},
    {"plain", one_node, "turbo", KVR_CHECK_OK, "off", {"does not rise"}},
    {"plain", one_node, "swap", KVR_CHECK_OK, "0", {"nothing is swapped out"}},
    {"plain", one_node, "ksm", KVR_CHECK_OK, "0", {"not merged"}},
    {"plain", one_node, "numa-balancing", KVR_CHECK_OK, "0", {"stay"}},
    {"plain", one_node, "offline-cpus", KVR_CHECK_OK, "0", {"online"}},
    {"plain", one_node, "thp", KVR_CHECK_OK, "madvise", {"on request"}},
    {"plain", one_node, "clock-source", KVR_CHECK_OK, "tsc", {"trusts"}},
    {"plain", one_node, "perf-event-paranoid", KVR_CHECK_OK, "1", {"may be counted"}},
    {"plain", one_node, "container", KVR_CHECK_OK, "none", {"no mark"}},
    {"plain", one_node, "seccomp", KVR_CHECK_OK, "none", {"not filtered"}},
    {"plain", one_node, "mems", KVR_CHECK_OK, "0", {"every node"}},
    {"plain", one_node, "hybrid-cores", KVR_CHECK_OK, "one kind", {"no sign"}},
    {"plain", one_node, "likwid", KVR_CHECK_INFO, "msr none, daemon none", {"modprobe msr"}},

    {"cgroup-v1", one_node, "cpu-quota", KVR_CHECK_WARN, "1.50",
     {"1.50 CPUs", "stopped", "cpu.cfs_quota_us"}},
    {"cgroup-v1", one_node, "memory-limit", KVR_CHECK_INFO, "2147483648", {"2048 MiB", "killed"}},
    {"cgroup-v1", one_node, "free-memory", KVR_CHECK_WARN, "2147483648", {"too little"}},
    {"cgroup-v1", one_node, "container", KVR_CHECK_INFO, "docker", {"cpu-quota"}},
    {"cgroup-v1", one_node, "throttling", KVR_CHECK_INFO, "quota 37 heat 0",
     {"37 periods", "912 ms", "cpu.max"}},
    {"cgroup-v1", one_node, "steal", KVR_CHECK_UNKNOWN, "", {"/proc/stat"}},
    {"cgroup-v1", one_node, "pressure", KVR_CHECK_UNKNOWN, "", {"psi=1"}},

    {"cgroup-v2", one_node, "cpu-quota", KVR_CHECK_WARN, "0.50", {"0.50 CPUs", "cpu.max"}},
    {"cgroup-v2", one_node, "memory-limit", KVR_CHECK_INFO, "8589934592", {"8192 MiB"}},
    {"cgroup-v2", one_node, "free-memory", KVR_CHECK_WARN, "2147483648", {"too little"}},
    {"cgroup-v2", one_node, "container", KVR_CHECK_INFO, "kubepods", {"system calls"}},
    {"cgroup-v2", one_node, "throttling", KVR_CHECK_INFO, "quota 412 heat 0", {"20600 ms"}},
    {"cgroup-v2", one_node, "seccomp", KVR_CHECK_INFO, "filter", {"refuses", "perf_event_open"}},
    {"cgroup-v2", two_nodes, "mems", KVR_CHECK_INFO, "0", {"1 of 2 nodes", "cpuset.mems"}},

    {"powersave", one_node, "governor", KVR_CHECK_WARN, "powersave",
     {"follows the load", "cpupower"}},
    {"powersave", one_node, "turbo", KVR_CHECK_INFO, "on", {"may rise", "every round"}},
    {"no-turbo", one_node, "turbo", KVR_CHECK_OK, "off", {"does not rise"}},
    {"no-turbo", one_node, "governor", KVR_CHECK_WARN, "mixed", {"follows the load"}},
    {"boost", one_node, "turbo", KVR_CHECK_INFO, "on", {"may rise"}},
    {"ksm", one_node, "turbo", KVR_CHECK_INFO, "not told", {"neither"}},
    {"ksm", one_node, "ksm", KVR_CHECK_WARN, "1", {"merge", "echo 0"}},
    {"numa-balancing", two_nodes, "numa-balancing", KVR_CHECK_WARN, "1",
     {"faults", "inside samples", "numa_balancing"}},
    {"numa-balancing", one_node, "numa-balancing", KVR_CHECK_OK, "1", {"stay"}},
    {"offline-cpu", one_node, "offline-cpus", KVR_CHECK_INFO, "1", {"offline", "bandwidth"}},

    {"pressure", one_node, "pressure", KVR_CHECK_WARN, "cpu 0.623 memory 0.042 io 0.005",
     {"62.3 % of the time for a CPU", "4.2 % for memory", "--threads"}},
    {"pressure", one_node, "load", KVR_CHECK_WARN, "9.81", {"bandwidth", "wait until"}},
    {"stolen", one_node, "steal", KVR_CHECK_INFO, "0.2500", {"25.00 %", "dedicated host"}},
    {"stolen", one_node, "interrupts", KVR_CHECK_INFO, "900000", {"/proc/irq"}},
    {"stolen", one_node, "throttling", KVR_CHECK_INFO, "quota 0 heat 12", {"12 times", "cooling"}},
    {"swap", one_node, "swap", KVR_CHECK_INFO, "1073741824", {"1024 MiB", "void"}},

    {"hybrid", four_cores, "hybrid-cores", KVR_CHECK_WARN, "2 of 4 differ from CPU 0",
     {"several kinds", "-c"}},
    {"big-little", four_cores, "hybrid-cores", KVR_CHECK_WARN, "2 of 4 differ from CPU 0",
     {"clocks"}},
    {"plain", two_nodes, "sub-numa-clusters", KVR_CHECK_OK, "1", {"no package"}},
    {"plain", clusters, "sub-numa-clusters", KVR_CHECK_INFO, "2", {"a part of the package's"}},
    {"plain", one_node, "numa-distances", KVR_CHECK_OK, "none", {"one node"}},
    {"plain", two_nodes, "numa-distances", KVR_CHECK_UNKNOWN, "", {"no distances"}},
};

static void root_path(const char *name, char *path, size_t bytes)
{
    snprintf(path, bytes, "%s/%s", ROOTS, name);
    if (access(path, R_OK))
        fail_msg("no recorded root %s", path);
}

static void load(const char *name, const char *topology, struct kvr_machine *machine)
{
    char path[256];
    const char *why = "";
    root_path(name, path, sizeof path);
    use_synthetic(topology);
    if (kvr_machine_load(machine, path, &why))
        fail_msg("%s: %s", name, why);
    use_synthetic(NULL);
}

static void judge(const struct expectation *e, const struct kvr_checks *checks)
{
    const struct kvr_check *c = check_of(checks, e->id);
    bool said = true;
    for (size_t i = 0; i < 3 && e->words[i]; i++)
        said &= strstr(c->text, e->words[i]) || strstr(c->fix, e->words[i]);
    if (c->status != e->status || (e->value && strcmp(c->value, e->value)) || !said)
        fail_msg("%s: %s is %s \"%s\": %s (%s)", e->root, e->id, kvr_check_status_name(c->status),
                 c->value, c->text, c->fix);
}

static void each_root_says_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++) {
        struct kvr_machine machine;
        struct kvr_checks checks = {0};
        load(expectations[i].root, expectations[i].topology, &machine);
        kvr_machine_checks(&machine, &checks);
        judge(&expectations[i], &checks);
        for (size_t j = 0; j < checks.count; j++) /* no sentence is cut */
            assert_true(strlen(checks.items[j].text) < sizeof checks.items[j].text - 1 &&
                        strlen(checks.items[j].fix) < sizeof checks.items[j].fix - 1);
        kvr_checks_free(&checks);
    }
}

/* hwloc reads the recorded /sys too: CPUs without a cache directory, as some guests have them. */
static void no_cache_directory_is_normal(void **state)
{
    (void)state;
    struct kvr_machine machine;
    struct kvr_checks checks = {0};
    const char *why = "";
    char path[256];
    root_path("no-caches", path, sizeof path);
    setenv("HWLOC_FSROOT", path, 1);
    setenv("HWLOC_COMPONENTS", "linux,stop", 1);
    int rc = kvr_machine_load(&machine, path, &why);
    unsetenv("HWLOC_FSROOT");
    unsetenv("HWLOC_COMPONENTS");
    if (rc)
        fail_msg("no-caches: %s", why);
    kvr_machine_checks(&machine, &checks);
    assert_int_equal(machine.cpu_count, 2);
    assert_int_equal(machine.cache_count, 0);
    judge(&(struct expectation){"no-caches", NULL, "reported-caches", KVR_CHECK_INFO, "none",
                                {"no cache is reported", "plateaus"}}, &checks);
    judge(&(struct expectation){"no-caches", NULL, "node-memory", KVR_CHECK_INFO, "7408189440",
                                {"not believed"}}, &checks);
    kvr_checks_free(&checks);
}

static const struct kvr_disturbance quiet = {
    .uptime_s = 1000, .has_stat = true, .has_pressure = true, .has_quota = true,
    .has_thermal = true, .steal_ticks = 100, .all_ticks = 100000, .interrupts = 1000000,
    .pressure_us = {5000000, 1000, 2000}, .throttled = 7, .throttled_us = 900, .thermal = 3};

/* What was there before a run is not the run's. */
static void a_run_reports_its_own_share(void **state)
{
    (void)state;
    struct kvr_checks checks = {0};
    struct kvr_disturbance after = quiet;
    after.uptime_s += 10;
    after.all_ticks += 2000;
    after.interrupts += 5000;
    kvr_disturbance_checks(&quiet, &after, 2, &checks);
    assert_int_equal(checks.count, 4);
    for (size_t i = 0; i < checks.count; i++)
        assert_int_equal(checks.items[i].status, KVR_CHECK_OK);
    assert_string_equal(check_of(&checks, "interrupts")->value, "500");
    after.steal_ticks += 500;
    after.pressure_us[KVR_PRESSURE_CPU] += 2000000;
    after.throttled += 4;
    after.throttled_us += 120000;
    after.interrupts += 10 * 30000;
    kvr_disturbance_checks(&quiet, &after, 2, &checks);
    static const struct expectation disturbed[] = {
        {"run", NULL, "steal", KVR_CHECK_WARN, "0.2500", {"during the run", "stolen"}},
        {"run", NULL, "pressure", KVR_CHECK_WARN, "cpu 0.200 memory 0.000 io 0.000", {"20.0 %"}},
        {"run", NULL, "throttling", KVR_CHECK_WARN, "quota 4 heat 0", {"120 ms", "lost it"}},
        {"run", NULL, "interrupts", KVR_CHECK_INFO, "30500", {"during the run"}},
    };
    for (size_t i = 0; i < sizeof disturbed / sizeof *disturbed; i++)
        judge(&disturbed[i], &checks);
    kvr_checks_free(&checks);
    /* The same as figures, as of a round. */
    struct kvr_disturbed d = kvr_disturbed_between(&quiet, &after, 10);
    assert_true(d.steal == .25 && d.pressure == .2 && d.throttled_ms == 120 &&
                d.interrupts_per_s == 30500);
}

static void what_is_not_told_is_unknown(void **state)
{
    (void)state;
    struct kvr_checks checks = {0};
    struct kvr_disturbance nothing = {0}, backwards = quiet;
    kvr_disturbance_checks(&nothing, &nothing, 2, &checks);
    for (size_t i = 0; i < checks.count; i++)
        assert_int_equal(checks.items[i].status, KVR_CHECK_UNKNOWN);
    backwards.uptime_s += 1;
    backwards.all_ticks += 100;
    backwards.steal_ticks -= 50; /* some kernels do */
    kvr_disturbance_checks(&quiet, &backwards, 2, &checks);
    assert_string_equal(check_of(&checks, "steal")->value, "0.0000");
    kvr_checks_free(&checks);
    struct kvr_disturbed d = kvr_disturbed_between(&nothing, &nothing, 1);
    assert_true(isnan(d.steal) && isnan(d.pressure) && isnan(d.throttled_ms) &&
                isnan(d.interrupts_per_s));
    assert_true(kvr_disturbed_between(&quiet, &backwards, 1).steal == 0);
}

/* A file that is there but refused must not pass for absent. A folder in a file's place
 * cannot be read, whoever asks. */
static void a_refused_file_is_unknown(void **state)
{
    (void)state;
    static const struct {
        const char *path, *id;
    } files[] = {
        {"/proc/self/cgroup/x", "cpu-quota"},
        {"/proc/self/cgroup/x", "memory-limit"},
        {"/proc/self/cgroup/x", "container"},
        {"/proc/sys/kernel/perf_event_paranoid/x", "perf-event-paranoid"},
        {"/proc/sys/kernel/numa_balancing/x", "numa-balancing"},
        {"/proc/self/comm/x", "emulation"},
        {"/sys/kernel/mm/ksm/run/x", "ksm"},
        {"/sys/kernel/mm/transparent_hugepage/enabled/x", "thp"},
        {"/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor/x", "governor"},
        {"/sys/devices/system/cpu/intel_pstate/no_turbo/x", "turbo"},
        {"/sys/devices/cpu_atom/cpus/x", "hybrid-cores"},
        {"/proc/meminfo/x", "swap"},
        {"/proc/stat/x", "steal"},
        {"/proc/self/status/x", "seccomp"},
        {"/proc/loadavg/x", "load"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct kvr_machine machine;
        struct kvr_checks checks = {0};
        const char *why = "";
        char *root = root_make();
        root_put(root, files[i].path, "");
        use_synthetic(one_node);
        assert_int_equal(kvr_machine_load(&machine, root, &why), 0);
        use_synthetic(NULL);
        kvr_machine_checks(&machine, &checks);
        root_remove(root);
        if (check_of(&checks, files[i].id)->status != KVR_CHECK_UNKNOWN)
            fail_msg("%s passes for absent: %s", files[i].path,
                     check_of(&checks, files[i].id)->text);
        kvr_checks_free(&checks);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_root_says_what_is_wrong),
        cmocka_unit_test(no_cache_directory_is_normal),
        cmocka_unit_test(a_run_reports_its_own_share),
        cmocka_unit_test(what_is_not_told_is_unknown),
        cmocka_unit_test(a_refused_file_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
