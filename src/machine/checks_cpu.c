/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Facts about processors: features, topology, quota, clocks.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/kernel.h"
#include "files.h"
#include "internal.h"

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

enum { LIST_MAX = 8192 };

/* Names of `bits`, separated by spaces. */
static void bits_text(uint64_t bits, char *text, size_t bytes)
{
    size_t length = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < kvr_isa_bit_count() && length < bytes; i++)
        if (bits >> i & 1)
            length += (size_t)snprintf(text + length, bytes - length, "%s%s", length ? " " : "",
                                       kvr_isa_bit_name(UINT64_C(1) << i));
}

static void check_name(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    const struct kvr_isa_info *isa = &machine->isa;
    bool tells = isa->name[strcspn(isa->name, "0123456789")];
    struct kvr_check *check = kvr_check_add(
        checks, "cpu-name", tells ? KVR_CHECK_OK : KVR_CHECK_INFO,
        "%s family %" PRIu32 " model %" PRIu32 " stepping %" PRIu32 "; %s", isa->vendor[0] ?
        isa->vendor : "unknown vendor", isa->family, isa->model, isa->stepping,
        tells ? "in a guest the name may be made up, so kernels are chosen by feature bits"
              : "the name holds no model number, so it was made up or shortened: kernels are "
                "chosen by feature bits, and no data sheet is to be looked up by it");
    SET(check->value, "%s", isa->name[0] ? isa->name : "not told");
}

/* The kernel's own names for the bits, in the order of enum kvr_isa. */
static const char *const kernel_flags[] = {
    "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx512vbmi", "avx512_bf16", "avx512_fp16",
    "avx_vnni", "amx_bf16", "amx_int8", "asimd",
};

static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; (at = strstr(at, word)); at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

/* What the kernel lists against what the CPU itself says. */
static void check_features(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    char flags[8192], list[100];
    uint64_t told = machine->isa.usable | machine->isa.hidden, listed = 0;
    if (kvr_file_field(machine->root, "/proc/cpuinfo", "flags", flags, sizeof flags) &&
        kvr_file_field(machine->root, "/proc/cpuinfo", "Features", flags, sizeof flags)) {
        kvr_check_add(checks, "cpu-features", KVR_CHECK_UNKNOWN,
                      "no list of features can be read in /proc/cpuinfo to compare with the CPU's "
                      "own, which count");
        return;
    }
    for (unsigned i = 0; i < sizeof kernel_flags / sizeof *kernel_flags; i++)
        if (has_word(flags, kernel_flags[i]))
            listed |= UINT64_C(1) << i;
    bits_text(listed ^ told, list, sizeof list);
    struct kvr_check *check = kvr_check_add(
        checks, "cpu-features", listed == told ? KVR_CHECK_OK : KVR_CHECK_INFO, "%s%s",
        listed == told ? "the kernel lists the features that the CPU reports"
                       : "the kernel's list and the CPU's report differ, by an emulator or a "
                         "kernel option; the CPU's report and XCR0 decide. They differ in: ", list);
    SET(check->value, "%s", listed == told ? "agree" : "differ");
}

static void check_isa(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    const struct kvr_isa_info *isa = &machine->isa;
    struct kvr_check *check;
    char hidden[120];
    bits_text(isa->hidden, hidden, sizeof hidden);
    if (isa->hidden) {
        check = kvr_check_add(checks, "isa", KVR_CHECK_WARN,
                              "the CPU reports %s, but the operating system withholds it: kernels "
                              "that need it are not measured", hidden);
        SET(check->fix, "a kernel and hypervisor that enable these registers in XCR0 (AMX: "
            "Linux 5.16 or later)");
    } else {
        check = kvr_check_add(checks, "isa", KVR_CHECK_OK,
                              "all features that the CPU reports may be used");
    }
    bits_text(isa->usable, check->value, sizeof check->value);
    if (!isa->usable)
        SET(check->value, "none");
}

static void check_amx(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    const uint64_t amx = KVR_ISA_AMX_BF16 | KVR_ISA_AMX_INT8, states = 0x60000;
    const struct kvr_isa_info *isa = &machine->isa;
    struct kvr_check *check;
    if (isa->usable & amx) {
        check = kvr_check_add(checks, "amx-permission", KVR_CHECK_OK,
                              "the kernel lets this process use tile registers");
        SET(check->value, "granted");
    } else if (!(isa->hidden & amx)) {
        check = kvr_check_add(checks, "amx-permission", KVR_CHECK_OK,
                              "the CPU reports no AMX: no permission is needed");
        SET(check->value, "none");
    } else {
        bool saved = (isa->xcr0 & states) == states;
        check = kvr_check_add(checks, "amx-permission", KVR_CHECK_WARN,
                              saved ? "arch_prctl refuses the tile registers that XCR0 has: AMX "
                              "kernels are not measured" : "XCR0 lacks the tile registers of AMX, "
                              "which the CPU reports: AMX kernels are not measured");
        SET(check->value, saved ? "refused" : "not in XCR0");
        SET(check->fix, saved ? "Linux 5.16 or later, and a seccomp filter that allows arch_prctl"
                              : "a hypervisor that passes tile state on");
    }
}

static void check_hypervisor(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    const struct kvr_isa_info *isa = &machine->isa;
    struct kvr_check *check;
    if (!isa->hypervisor) {
        check = kvr_check_add(checks, "hypervisor", KVR_CHECK_OK, "CPUID shows no hypervisor");
        SET(check->value, "none");
        return;
    }
    check = kvr_check_add(checks, "hypervisor", KVR_CHECK_INFO,
                          "a guest: other guests share caches and memory bandwidth and take time, "
                          "and reported caches and topology may be made up");
    SET(check->value, "%s", isa->hypervisor_name[0] ? isa->hypervisor_name : "unnamed");
    SET(check->fix, "a dedicated host or bare metal");
}

static void check_quota(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    struct kvr_check *check;
    double quota = machine->cgroup_cpus;
    if (quota == 0 && machine->cgroup_error) {
        kvr_check_add(checks, "cpu-quota", KVR_CHECK_UNKNOWN,
                      "a limit of a control group cannot be read (%s): threads may be stopped for "
                      "parts of each period", kvr_errno_name(-machine->cgroup_error));
        return;
    }
    if (quota == 0) {
        check = kvr_check_add(checks, "cpu-quota", KVR_CHECK_OK, "no control group limits time");
        SET(check->value, "none");
        return;
    }
    bool binds = quota < (double)machine->cpu_count;
    check = kvr_check_add(checks, "cpu-quota", binds ? KVR_CHECK_WARN : KVR_CHECK_INFO,
                          "a control group grants %.2f CPUs of time for %zu allowed ones: more "
                          "threads than that are stopped for parts of each period", quota,
                          machine->cpu_count);
    SET(check->value, "%.2f", quota);
    if (binds)
        SET(check->fix, "raise cpu.max (v1: cpu.cfs_quota_us) or use fewer --threads");
}

/* CPUs of a list file ("0-3,8"), which may be empty; -1 if it cannot be read. */
static int read_list(const struct kvr_machine *machine, const char *path, uint32_t *cpus)
{
    char text[1024];
    if (kvr_file_text(machine->root, path, text, sizeof text))
        return -1;
    if (text[0] == '\0')
        return 0;
    int count = kvr_cpu_list_parse(text, cpus, LIST_MAX);
    return count < 0 ? -1 : count;
}

static void check_online(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    uint32_t *online = calloc(2 * LIST_MAX, sizeof *online), *present;
    if (!online)
        return;
    present = online + LIST_MAX;
    int online_count = read_list(machine, "/sys/devices/system/cpu/online", online);
    int present_count = read_list(machine, "/sys/devices/system/cpu/present", present);
    struct kvr_check *check;
    if (online_count < 0 || !machine->this_system) {
        kvr_check_add(checks, "cpuset", KVR_CHECK_UNKNOWN,
                      machine->this_system ? "the list of CPUs that are online cannot be read"
                                           : "the topology is not this system's");
    } else {
        bool fewer = machine->cpu_count < (size_t)online_count;
        check = kvr_check_add(checks, "cpuset", fewer ? KVR_CHECK_INFO : KVR_CHECK_OK,
                              "%zu of %d online CPUs are allowed%s", machine->cpu_count,
                              online_count, fewer ? ": --threads max means these, and others may "
                              "run beside them on the same caches" : "");
        SET(check->value, "%zu", machine->cpu_count);
    }
    if (online_count >= 0 && present_count >= 0) {
        int offline = present_count - online_count;
        check = kvr_check_add(checks, "offline-cpus", offline > 0 ? KVR_CHECK_INFO : KVR_CHECK_OK,
                              offline > 0 ? "some CPUs are present but offline: the rest has "
                              "more cache, clock and bandwidth each" : "every CPU is online");
        SET(check->value, "%d", offline > 0 ? offline : 0);
    } else {
        kvr_check_add(checks, "offline-cpus", KVR_CHECK_UNKNOWN,
                      "the lists of present and online CPUs cannot be read");
    }
    free(online);
}

static void check_smt(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    bool siblings = machine->core_count < machine->cpu_count;
    struct kvr_check *check;
    if (siblings)
        check = kvr_check_add(checks, "smt", KVR_CHECK_INFO,
                              "%zu CPUs are threads of %zu cores: one per core is used first, and "
                              "rates of siblings do not add up", machine->cpu_count,
                              machine->core_count);
    else
        check = kvr_check_add(checks, "smt", KVR_CHECK_OK, "%zu CPUs on %zu cores%s",
                              machine->cpu_count, machine->core_count, machine->isa.hypervisor ?
                              ", as the guest is told; siblings may be hidden" : "");
    SET(check->value, "%s", machine->smt[0] ? machine->smt : siblings ? "on" : "not reported");
}

static void check_governor(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    struct kvr_check *check;
    char path[96];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%" PRIu32 "/cpufreq/scaling_governor",
             machine->cpu_count ? machine->cpus[0].os_index : 0);
    if (machine->governor[0] == '\0') {
        if (kvr_check_refused(machine, checks, "governor", path))
            return;
        check = kvr_check_add(checks, "governor", KVR_CHECK_INFO,
                              "no frequency scaling is visible: firmware or hypervisor chooses "
                              "the clock, which is measured in every round");
        SET(check->value, "none");
        return;
    }
    bool fixed = strcmp(machine->governor, "performance") == 0;
    check = kvr_check_add(checks, "governor", fixed ? KVR_CHECK_OK : KVR_CHECK_WARN,
                          fixed ? "the clock is not lowered when idle"
                                : "the clock follows the load: the first samples may be slower");
    SET(check->value, "%s", machine->governor);
    if (!fixed)
        SET(check->fix, "as root: cpupower frequency-set -g performance");
}

static void check_turbo(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    uint64_t flag;
    bool on;
    struct kvr_check *check;
    static const char *const pstate = "/sys/devices/system/cpu/intel_pstate/no_turbo",
                            *const boost = "/sys/devices/system/cpu/cpufreq/boost";
    if (kvr_check_refused(machine, checks, "turbo", pstate) ||
        kvr_check_refused(machine, checks, "turbo", boost))
        return;
    if (kvr_file_u64(machine->root, pstate, &flag) == 0)
        on = flag == 0;
    else if (kvr_file_u64(machine->root, boost, &flag) == 0)
        on = flag != 0;
    else {
        check = kvr_check_add(checks, "turbo", KVR_CHECK_INFO,
                              "neither intel_pstate nor cpufreq tells whether the clock may rise "
                              "above nominal; it is measured in every round");
        SET(check->value, "not told");
        return;
    }
    check = kvr_check_add(
        checks, "turbo", on ? KVR_CHECK_INFO : KVR_CHECK_OK,
        on ? "the clock may rise above nominal by load and temperature; it is measured in every "
             "round" : "the clock does not rise above nominal");
    SET(check->value, "%s", on ? "on" : "off");
}

static void check_clocksource(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    struct kvr_check *check;
    const char *name = machine->clocksource;
    bool x86 = machine->isa.vendor[0] != '\0';
    bool trusted = strcmp(name, "tsc") == 0 || strcmp(name, "kvm-clock") == 0 ||
                   strcmp(name, "arch_sys_counter") == 0 || strncmp(name, "hyperv", 6) == 0;
    if (name[0] == '\0')
        check = kvr_check_add(checks, "clock-source", KVR_CHECK_UNKNOWN,
                              "the kernel's clock source cannot be read");
    else if (!trusted)
        check = kvr_check_add(checks, "clock-source", KVR_CHECK_WARN,
                              "the kernel does not use the CPU's counter, which may drift or stop; "
                              "times are taken from that counter");
    else
        check = kvr_check_add(checks, "clock-source", KVR_CHECK_OK,
                              "the kernel trusts the counter that times are taken from");
    SET(check->value, "%s", name[0] ? name : "unknown");
    if (x86 && !machine->isa.invariant_tsc) {
        check = kvr_check_add(checks, "invariant-tsc", KVR_CHECK_WARN,
                              "CPUID does not promise a counter of constant rate: where it "
                              "follows the clock, times between rounds cannot be compared");
        SET(check->value, "no");
    } else if (x86) {
        check = kvr_check_add(checks, "invariant-tsc", KVR_CHECK_OK,
                              "the counter's rate does not follow the clock");
        SET(check->value, "yes");
    }
}

void kvr_checks_cpu(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    check_name(machine, checks);
    check_features(machine, checks);
    check_isa(machine, checks);
    check_amx(machine, checks);
    check_hypervisor(machine, checks);
    check_quota(machine, checks);
    check_online(machine, checks);
    check_smt(machine, checks);
    check_governor(machine, checks);
    check_turbo(machine, checks);
    check_clocksource(machine, checks);
}
