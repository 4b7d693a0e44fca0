/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disturbance.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "internal.h"

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

enum { PATH_BYTES = 4352 };

static const char *const pressure_names[KVR_PRESSURES] = {"cpu", "memory", "io"};

/* Shares of a run's time from which on they are said to be a disturbance. */
static const double much_steal = .02, much_pressure[KVR_PRESSURES] = {.10, .01, .10};
/* Per CPU and second: a timer at 1000 Hz alone is below, and each takes a few microseconds. */
static const double many_interrupts = 10000;

/* A number like "12.34", whatever the locale. */
static bool parse_decimal(const char *text, double *value)
{
    unsigned long whole, hundredths;
    if (sscanf(text, "%lu.%2lu", &whole, &hundredths) != 2)
        return false;
    *value = (double)whole + (double)hundredths / 100;
    return true;
}

static void read_stat(const char *root, struct kvr_disturbance *now)
{
    char *line = NULL;
    size_t capacity = 0;
    uint64_t t[8];
    FILE *file = kvr_file_open(root, "/proc/stat");
    if (!file)
        return;
    while (getline(&line, &capacity, file) > 0) {
        if (sscanf(line, "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                   " %" SCNu64 " %" SCNu64 " %" SCNu64, &t[0], &t[1], &t[2], &t[3], &t[4], &t[5],
                   &t[6], &t[7]) == 8) {
            now->has_stat = true;
            now->steal_ticks = t[7];
            for (int i = 0; i < 8; i++)
                now->all_ticks += t[i];
        }
        sscanf(line, "intr %" SCNu64, &now->interrupts);
    }
    free(line);
    fclose(file);
}

/* The line "some avg10=0.00 avg60=0.00 avg300=0.00 total=0". */
static void read_pressure(const char *root, struct kvr_disturbance *now)
{
    int found = 0;
    for (int p = 0; p < KVR_PRESSURES; p++) {
        char path[40], text[256];
        snprintf(path, sizeof path, "/proc/pressure/%s", pressure_names[p]);
        if (kvr_file_text(root, path, text, sizeof text))
            continue;
        const char *average = strstr(text, "avg10="), *total = strstr(text, "total=");
        if (strncmp(text, "some ", 5) || !average || !total)
            continue;
        if (parse_decimal(average + 6, &now->pressure_avg10[p]) &&
            sscanf(total, "total=%" SCNu64, &now->pressure_us[p]) == 1)
            found++;
    }
    now->has_pressure = found == KVR_PRESSURES;
}

/* The time's key is in units of 1 / per_us microseconds. */
static void add_throttled(struct kvr_disturbance *now, const char *root, const char *folder,
                          const char *time_key, uint64_t per_us)
{
    char path[PATH_BYTES];
    uint64_t periods, time;
    snprintf(path, sizeof path, "%s/cpu.stat", folder);
    if (kvr_file_key(root, path, "nr_throttled", &periods) ||
        kvr_file_key(root, path, time_key, &time))
        return;
    now->has_quota = true;
    now->throttled += periods;
    now->throttled_us += time / per_us;
}

static void look_v2(void *now, const char *root, const char *folder)
{
    add_throttled(now, root, folder, "throttled_usec", 1);
}

static void look_v1(void *now, const char *root, const char *folder)
{
    add_throttled(now, root, folder, "throttled_time", 1000);
}

static void read_thermal(const struct kvr_machine *machine, struct kvr_disturbance *now)
{
    for (size_t i = 0; i < machine->cpu_count; i++) {
        char path[112];
        uint64_t events;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%" PRIu32
                 "/thermal_throttle/core_throttle_count", machine->cpus[i].os_index);
        if (kvr_file_u64(machine->root, path, &events))
            continue;
        now->has_thermal = true;
        now->thermal += events;
    }
}

void kvr_disturbance_read(const struct kvr_machine *machine, struct kvr_disturbance *now)
{
    static const struct kvr_group_visit groups = {look_v2, look_v1, NULL};
    char text[64];
    *now = (struct kvr_disturbance){0};
    kvr_file_text(machine->root, "/proc/uptime", text, sizeof text);
    parse_decimal(text, &now->uptime_s);
    read_stat(machine->root, now);
    read_pressure(machine->root, now);
    kvr_groups_visit(machine->root, &groups, now);
    read_thermal(machine, now);
}

/* ---- what they say ---- */

/* Some kernels let the stolen time of a guest run backwards. */
static double gain(uint64_t before, uint64_t after)
{
    return after > before ? (double)(after - before) : 0;
}

struct kvr_disturbed kvr_disturbed_between(const struct kvr_disturbance *b,
                                           const struct kvr_disturbance *a, double seconds)
{
    struct kvr_disturbed d = {NAN, NAN, NAN, NAN};
    if (!(seconds > 0))
        return d;
    if (b->has_stat && a->has_stat && a->all_ticks > b->all_ticks)
        d.steal = gain(b->steal_ticks, a->steal_ticks) / gain(b->all_ticks, a->all_ticks);
    if (b->has_stat && a->has_stat)
        d.interrupts_per_s = gain(b->interrupts, a->interrupts) / seconds;
    const uint64_t *waited = b->pressure_us, *waited_now = a->pressure_us;
    if (b->has_pressure && a->has_pressure)
        d.pressure = gain(waited[KVR_PRESSURE_CPU], waited_now[KVR_PRESSURE_CPU]) / 1e6 / seconds;
    if (b->has_quota && a->has_quota)
        d.throttled_ms = gain(b->throttled_us, a->throttled_us) / 1e3;
    return d;
}

static void check_steal(const struct kvr_disturbance *b, const struct kvr_disturbance *a,
                        bool whole, struct kvr_checks *checks)
{
    if (!a->has_stat || !b->has_stat || a->all_ticks <= b->all_ticks) {
        kvr_check_add(checks, "steal", KVR_CHECK_UNKNOWN,
                      "what the hypervisor took cannot be read in /proc/stat");
        return;
    }
    double share = gain(b->steal_ticks, a->steal_ticks) / gain(b->all_ticks, a->all_ticks);
    bool much = share > much_steal;
    struct kvr_check *check = kvr_check_add(
        checks, "steal", !much ? KVR_CHECK_OK : whole ? KVR_CHECK_INFO : KVR_CHECK_WARN,
        "%.2f %% of the CPUs' time %s went to other guests%s", 100 * share,
        whole ? "since boot" : "during the run", much ?
        ": samples lost it, see stolen of each round" :
        "; what the hypervisor does not tell shows in stolen of each round");
    SET(check->value, "%.4f", share);
    if (much)
        SET(check->fix, "a dedicated host, or a quieter time");
}

static void check_pressure(const struct kvr_disturbance *b, const struct kvr_disturbance *a,
                           bool whole, struct kvr_checks *checks)
{
    double share[KVR_PRESSURES], elapsed_s = a->uptime_s - b->uptime_s;
    bool much = false;
    if (!a->has_pressure || (!whole && (!b->has_pressure || elapsed_s <= 0))) {
        struct kvr_check *none = kvr_check_add(checks, "pressure", KVR_CHECK_UNKNOWN,
                                               "no pressure stall information can be read: "
                                               "waiting for CPUs and memory is not told");
        SET(none->fix, "boot with psi=1");
        return;
    }
    for (int p = 0; p < KVR_PRESSURES; p++) {
        share[p] = whole ? a->pressure_avg10[p] / 100
                         : gain(b->pressure_us[p], a->pressure_us[p]) / 1e6 / elapsed_s;
        much |= share[p] > much_pressure[p];
    }
    struct kvr_check *check = kvr_check_add(
        checks, "pressure", much ? KVR_CHECK_WARN : KVR_CHECK_OK,
        "%s some task waited %.1f %% of the time for a CPU, %.1f %% for memory, %.1f %% for "
        "input or output%s", whole ? "in the last 10 s" : "during the run", 100 * share[0],
        100 * share[1], 100 * share[2], much ?
        ": other work takes time, cache and bandwidth from what is measured" : "");
    SET(check->value, "cpu %.3f memory %.3f io %.3f", share[0], share[1], share[2]);
    if (much)
        SET(check->fix, "stop the other work, wait until it ends, or leave it CPUs by fewer "
            "--threads");
}

static void check_throttling(const struct kvr_disturbance *b, const struct kvr_disturbance *a,
                             bool whole, struct kvr_checks *checks)
{
    double periods = gain(b->throttled, a->throttled), heat = gain(b->thermal, a->thermal);
    double ms = gain(b->throttled_us, a->throttled_us) / 1e3;
    struct kvr_check *check;
    if (!a->has_quota && !a->has_thermal) {
        kvr_check_add(checks, "throttling", KVR_CHECK_UNKNOWN,
                      "neither a control group nor the CPU tells whether threads or the clock "
                      "were held back");
        return;
    }
    bool any = periods > 0 || heat > 0;
    check = kvr_check_add(
        checks, "throttling", !any ? KVR_CHECK_OK : whole ? KVR_CHECK_INFO : KVR_CHECK_WARN,
        "%s a CPU quota stopped threads in %.0f periods, for %.0f ms%s; heat lowered the clock "
        "%.0f times%s%s", whole ? "so far" : "during the run", periods, ms,
        a->has_quota ? "" : " (not told)", heat, a->has_thermal ? "" : " (not told)",
        any && !whole ? ": samples lost it" : "");
    SET(check->value, "quota %.0f heat %.0f", periods, heat);
    if (any)
        SET(check->fix, "%s", periods > 0 ?
            "raise cpu.max (v1: cpu.cfs_quota_us), or use fewer --threads" :
            "better cooling, or a lower fixed clock");
}

static void check_interrupts(const struct kvr_disturbance *b, const struct kvr_disturbance *a,
                             size_t cpu_count, bool whole, struct kvr_checks *checks)
{
    double elapsed_s = a->uptime_s - b->uptime_s;
    if (!a->has_stat || !b->has_stat || elapsed_s <= 0 || !a->interrupts || !cpu_count) {
        kvr_check_add(checks, "interrupts", KVR_CHECK_UNKNOWN,
                      "interrupts, or the time since boot, cannot be read");
        return;
    }
    double rate = gain(b->interrupts, a->interrupts) / elapsed_s;
    bool many = rate > many_interrupts * (double)cpu_count;
    struct kvr_check *check = kvr_check_add(
        checks, "interrupts", many ? KVR_CHECK_INFO : KVR_CHECK_OK,
        "%.0f a second over all CPUs %s; those inside a sample cannot be refused, and the time "
        "they take is counted as stolen", rate, whole ? "since boot" : "during the run");
    SET(check->value, "%.0f", rate);
    if (many)
        SET(check->fix, "keep devices' interrupts off the measured CPUs (/proc/irq), choose them "
            "with -c");
}

void kvr_disturbance_checks(const struct kvr_disturbance *before,
                            const struct kvr_disturbance *after, size_t cpu_count,
                            struct kvr_checks *checks)
{
    static const struct kvr_disturbance boot = {.has_stat = true, .has_pressure = true};
    const struct kvr_disturbance *from = before ? before : &boot;
    check_steal(from, after, !before, checks);
    check_pressure(from, after, !before, checks);
    check_throttling(from, after, !before, checks);
    check_interrupts(from, after, cpu_count, !before, checks);
}
