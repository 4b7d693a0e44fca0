/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Facts about what this program runs in: counters, containers, emulators, load, its own build.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "files.h"
#include "internal.h"
#include "perf_refusal.h"

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

#if defined(__has_feature)
#define KVR_HAS_FEATURE(name) __has_feature(name)
#else
#define KVR_HAS_FEATURE(name) 0
#endif

/* Cycles of a short loop in user space; -errno when no counter opens. A counter that opens and
 * stays at 0 does not count. */
static int64_t count_cycles(void)
{
    struct perf_event_attr attribute = {
        .type = PERF_TYPE_HARDWARE,
        .size = sizeof attribute,
        .config = PERF_COUNT_HW_CPU_CYCLES,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
    uint64_t cycles = 0;
    long fd = syscall(SYS_perf_event_open, &attribute, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd < 0)
        return -errno;
    for (volatile unsigned i = 0; i < 100000; i++)
        ;
    if (read((int)fd, &cycles, sizeof cycles) != (ssize_t)sizeof cycles)
        cycles = 0;
    close((int)fd);
    return (int64_t)cycles;
}

static void check_counters(struct kvr_checks *checks)
{
    int64_t cycles = count_cycles();
    int error = cycles < 0 ? (int)-cycles : 0;
    const struct kvr_perf_refusal *refusal = kvr_perf_refusal(error);
    struct kvr_check *check;
    if (cycles > 0)
        check = kvr_check_add(checks, "counters", KVR_CHECK_OK, "the cycle counter counts");
    else if (cycles == 0)
        check = kvr_check_add(checks, "counters", KVR_CHECK_INFO,
                              "the cycle counter opens but does not count: no counter figures");
    else if (refusal)
        check = kvr_check_add(checks, "counters", refusal->status, "%s; no counter figures",
                              refusal->what);
    else
        check = kvr_check_add(checks, "counters", KVR_CHECK_INFO,
                              "perf_event_open fails (%s); no counter figures",
                              kvr_errno_name(error));
    if (refusal)
        SET(check->fix, "%s", refusal->fix);
    if (error)
        SET(check->value, "%s", kvr_errno_name(error));
    else
        SET(check->value, cycles ? "cycles" : "stuck");
}

static void check_paranoid(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    char level[32];
    struct kvr_check *check;
    if (kvr_check_refused(machine, checks, "perf-event-paranoid",
                          "/proc/sys/kernel/perf_event_paranoid"))
        return;
    if (kvr_file_text(machine->root, "/proc/sys/kernel/perf_event_paranoid", level,
                      sizeof level)) {
        check = kvr_check_add(checks, "perf-event-paranoid", KVR_CHECK_INFO,
                              "this kernel has no perf events: no counter figures");
        SET(check->value, "none");
        return;
    }
    bool closed = atoi(level) > 2; /* a level that some distributions add; 2 allows own code */
    check = kvr_check_add(checks, "perf-event-paranoid", closed ? KVR_CHECK_INFO : KVR_CHECK_OK,
                          closed ? "closed to ordinary users" : "own code may be counted");
    SET(check->value, "%s", level);
    if (closed)
        SET(check->fix, "as root: sysctl kernel.perf_event_paranoid=2");
}

/* likwid itself is not called: its set-up takes a second and forks. It reads counters through the
 * msr devices, or asks a daemon that may. */
static void check_likwid(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    static const char *const daemons[] = {"/usr/sbin/likwid-accessD",
                                          "/usr/local/sbin/likwid-accessD"};
    static const char *const device = "/dev/cpu/0/msr";
    bool readable = kvr_file_readable(machine->root, device), daemon = false;
    bool exists = kvr_file_exists(machine->root, device);
    for (size_t i = 0; i < sizeof daemons / sizeof *daemons; i++)
        daemon |= kvr_file_exists(machine->root, daemons[i]);
    bool open = readable || (exists && daemon);
    struct kvr_check *check = kvr_check_add(
        checks, "likwid", open ? KVR_CHECK_OK : KVR_CHECK_INFO, "%s", open ?
        "likwid could reach the counters' registers, if the CPU has counters" : exists ?
        "the msr devices may not be read and no access daemon is installed: no likwid figures" :
        "there are no msr devices: no likwid figures; times do not need them");
    SET(check->value, "msr %s, daemon %s", readable ? "readable" : exists ? "refused" : "none",
        daemon ? "installed" : "none");
    if (!open)
        SET(check->fix, exists ? "install likwid's access daemon, or run as root"
                               : "as root: modprobe msr; guests and Arm have none");
}

static void check_seccomp(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    char mode[16];
    if (kvr_file_field(machine->root, "/proc/self/status", "Seccomp", mode, sizeof mode)) {
        kvr_check_add(checks, "seccomp", KVR_CHECK_UNKNOWN,
                      "/proc/self/status does not tell whether system calls are filtered");
        return;
    }
    bool filtered = strcmp(mode, "0") != 0;
    struct kvr_check *check = kvr_check_add(
        checks, "seccomp", filtered ? KVR_CHECK_INFO : KVR_CHECK_OK, "%s", filtered ?
        "a filter decides on this process's system calls: what it refuses has a check of its own" :
        "system calls are not filtered");
    SET(check->value, "%s", !filtered ? "none" : strcmp(mode, "1") == 0 ? "strict" : "filter");
    if (filtered)
        SET(check->fix, "a seccomp profile that allows perf_event_open, mbind and move_pages");
}

static const char *container_kind(const struct kvr_machine *machine, char *text, size_t bytes)
{
    static const char *const marks[] = {"kubepods", "docker", "containerd", "libpod", "lxc"};
    if (kvr_file_exists(machine->root, "/.dockerenv"))
        return "docker";
    if (kvr_file_exists(machine->root, "/run/.containerenv"))
        return "podman";
    if (kvr_file_text(machine->root, "/proc/self/cgroup", text, bytes) == 0)
        for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
            if (strstr(text, marks[i]))
                return marks[i];
    return NULL;
}

static void check_container(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    char text[4096];
    const char *kind = container_kind(machine, text, sizeof text);
    if (!kind && kvr_check_refused(machine, checks, "container", "/proc/self/cgroup"))
        return;
    struct kvr_check *check = kvr_check_add(
        checks, "container", kind ? KVR_CHECK_INFO : KVR_CHECK_OK,
        kind ? "system calls may be filtered, and time, memory and CPUs limited (see cpu-quota, "
               "memory-limit, cpuset)" : "no mark of a container");
    SET(check->value, "%s", kind ? kind : "none");
}

/* User-mode QEMU: the kernel knows the process by the emulator's name. A TCG guest, and user mode
 * on x86, say so in CPUID. Valgrind preloads its own library. */
static void check_emulation(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    char comm[32];
    const char *preload = getenv("LD_PRELOAD"), *kind = NULL;
    kvr_file_text(machine->root, "/proc/self/comm", comm, sizeof comm);
    if (strncmp(comm, "qemu-", 5) == 0)
        kind = comm;
    else if (strncmp(machine->isa.hypervisor_name, "TCG", 3) == 0)
        kind = "qemu-tcg";
    else if (preload && strstr(preload, "vgpreload"))
        kind = "valgrind";
    if (!kind && kvr_check_refused(machine, checks, "emulation", "/proc/self/comm"))
        return;
    struct kvr_check *check = kvr_check_add(
        checks, "emulation", kind ? KVR_CHECK_WARN : KVR_CHECK_OK,
        kind ? "instructions are emulated: results are right, times mean nothing"
             : "no sign of an emulator");
    SET(check->value, "%s", kind ? kind : "none");
    if (kind)
        SET(check->fix, "run it on the CPU itself");
}

static const char *sanitizer(void)
{
#if defined(__SANITIZE_ADDRESS__) || KVR_HAS_FEATURE(address_sanitizer)
    return "address sanitizer";
#elif defined(__SANITIZE_THREAD__) || KVR_HAS_FEATURE(thread_sanitizer)
    return "thread sanitizer";
#elif KVR_HAS_FEATURE(memory_sanitizer)
    return "memory sanitizer";
#else
    return NULL;
#endif
}

static void check_build(struct kvr_checks *checks)
{
#ifdef __OPTIMIZE__
    const bool optimised = true;
#else
    const bool optimised = false;
#endif
    const char *checker = sanitizer();
    bool fit = optimised && !checker;
    struct kvr_check *check = kvr_check_add(
        checks, "build", fit ? KVR_CHECK_OK : KVR_CHECK_WARN,
        fit ? "an optimised build" : "this build is for finding errors: its times mean nothing");
    SET(check->value, "%s", checker ? checker : optimised ? "optimised" : "not optimised");
    if (!fit)
        SET(check->fix, "meson setup build --buildtype=release");
}

static void check_load(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    char text[128];
    unsigned whole, hundredths; /* strtod would depend on the locale */
    kvr_file_text(machine->root, "/proc/loadavg", text, sizeof text);
    struct kvr_check *check;
    if (sscanf(text, "%5u.%2u", &whole, &hundredths) != 2) {
        kvr_check_add(checks, "load", KVR_CHECK_UNKNOWN, "/proc/loadavg cannot be read");
        return;
    }
    bool busy = whole * 100 + hundredths > 50 * machine->cpu_count;
    check = kvr_check_add(checks, "load", busy ? KVR_CHECK_WARN : KVR_CHECK_OK,
                          busy ? "other work ran here in the last minute: it takes time, cache "
                          "and bandwidth" : "little other work in the last minute");
    SET(check->value, "%u.%02u", whole, hundredths);
    if (busy)
        SET(check->fix, "wait until it ends");
}

static void check_topology(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    struct kvr_check *check;
    if (machine->this_system) {
        check = kvr_check_add(checks, "topology", KVR_CHECK_OK, "threads can be pinned");
        SET(check->value, "this system");
        return;
    }
    check = kvr_check_add(checks, "topology", KVR_CHECK_WARN,
                          "the topology was given by a file or a description: no thread is pinned, "
                          "no memory placed");
    SET(check->value, "foreign");
    SET(check->fix, "unset HWLOC_XMLFILE, HWLOC_SYNTHETIC and HWLOC_FSROOT");
}

void kvr_checks_system(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    check_counters(checks);
    check_paranoid(machine, checks);
    check_likwid(machine, checks);
    check_seccomp(machine, checks);
    check_container(machine, checks);
    check_emulation(machine, checks);
    check_build(checks);
    check_load(machine, checks);
    check_topology(machine, checks);
}
