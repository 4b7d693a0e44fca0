/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Limits of control groups. A limit of any ancestor binds, so the walk goes from the own group to
 * the root and takes the tightest. In a container the path of /proc/self/cgroup may not exist below
 * the mount: then its ancestors are tried, which ends at what the container sees as its root.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "internal.h"

enum { PATH_BYTES = 4096 };

/* A v1 limit is a multiple of the page size near 2^63 when there is none. */
static const uint64_t no_limit_bytes = UINT64_C(1) << 60;

/* Looks at one folder and tightens the machine's limits by what it says. */
typedef void look_fn(struct kvr_machine *machine, const char *folder);

static void tighten_cpus(struct kvr_machine *machine, uint64_t quota, uint64_t period)
{
    if (quota == 0 || period == 0)
        return;
    double cpus = (double)quota / (double)period;
    if (machine->cgroup_cpus == 0 || cpus < machine->cgroup_cpus)
        machine->cgroup_cpus = cpus;
}

static void tighten_memory(struct kvr_machine *machine, uint64_t bytes)
{
    if (bytes == 0 || bytes >= no_limit_bytes)
        return;
    if (machine->cgroup_memory_bytes == 0 || bytes < machine->cgroup_memory_bytes)
        machine->cgroup_memory_bytes = bytes;
}

static bool read_number(const struct kvr_machine *machine, const char *folder, const char *name,
                        uint64_t *value)
{
    char path[PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return kvr_file_u64(machine->root, path, value) == 0;
}

/* cpu.max holds "QUOTA PERIOD" or "max PERIOD"; memory.max a number or "max". */
static void look_v2(struct kvr_machine *machine, const char *folder)
{
    char path[PATH_BYTES + 32], text[64];
    uint64_t quota, period, bytes;
    snprintf(path, sizeof path, "%s/cpu.max", folder);
    if (kvr_file_text(machine->root, path, text, sizeof text) == 0) {
        char *gap = strchr(text, ' ');
        if (gap) {
            *gap = '\0';
            if (kvr_parse_u64(text, &quota) == 0 && kvr_parse_u64(gap + 1, &period) == 0)
                tighten_cpus(machine, quota, period);
        }
    }
    if (read_number(machine, folder, "memory.max", &bytes))
        tighten_memory(machine, bytes);
}

/* A quota of -1 means none; it does not parse as an unsigned number. */
static void look_v1_cpu(struct kvr_machine *machine, const char *folder)
{
    uint64_t quota, period;
    if (read_number(machine, folder, "cpu.cfs_quota_us", &quota) &&
        read_number(machine, folder, "cpu.cfs_period_us", &period))
        tighten_cpus(machine, quota, period);
}

static void look_v1_memory(struct kvr_machine *machine, const char *folder)
{
    uint64_t bytes;
    if (read_number(machine, folder, "memory.limit_in_bytes", &bytes))
        tighten_memory(machine, bytes);
}

/* Looks at mount + path and at every folder above it, the mount itself included. */
static void walk_up(struct kvr_machine *machine, const char *mount, const char *path,
                    look_fn *look)
{
    char folder[PATH_BYTES];
    size_t mount_length = strlen(mount);
    if (!kvr_file_exists(machine->root, mount))
        return;
    if (path[0] != '/' || strstr(path, "/..")) /* outside the cgroup namespace */
        path = "/";
    int length = snprintf(folder, sizeof folder, "%s%s", mount, path);
    if (length >= (int)sizeof folder)
        return;
    for (;;) {
        while (length > (int)mount_length && folder[length - 1] == '/')
            folder[--length] = '\0';
        look(machine, folder);
        if (length <= (int)mount_length)
            return;
        while (length > (int)mount_length && folder[length - 1] != '/')
            folder[--length] = '\0';
    }
}

/* Whether the comma list `controllers` names `controller`. */
static bool names_controller(const char *controllers, const char *controller)
{
    size_t length = strlen(controller);
    for (const char *c = controllers; *c;) {
        size_t word = strcspn(c, ",");
        if (word == length && memcmp(c, controller, length) == 0)
            return true;
        c += word + (c[word] == ',');
    }
    return false;
}

static void look_at_line(struct kvr_machine *machine, const char *controllers, const char *path)
{
    static const char *const cpu_mounts[] = {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct",
                                             "/sys/fs/cgroup/cpuacct,cpu"};
    if (controllers[0] == '\0') { /* v2: alone, or beside v1 in "unified" */
        walk_up(machine, "/sys/fs/cgroup/unified", path, look_v2);
        walk_up(machine, "/sys/fs/cgroup", path, look_v2);
        return;
    }
    if (names_controller(controllers, "cpu"))
        for (size_t i = 0; i < sizeof cpu_mounts / sizeof *cpu_mounts; i++)
            walk_up(machine, cpu_mounts[i], path, look_v1_cpu);
    if (names_controller(controllers, "memory"))
        walk_up(machine, "/sys/fs/cgroup/memory", path, look_v1_memory);
}

void kvr_limits_load(struct kvr_machine *machine)
{
    char *line = NULL;
    size_t capacity = 0;
    machine->cgroup_cpus = 0;
    machine->cgroup_memory_bytes = 0;
    FILE *file = kvr_file_open(machine->root, "/proc/self/cgroup");
    if (!file)
        return;
    while (getline(&line, &capacity, file) > 0) { /* "4:memory:/some/group" */
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        look_at_line(machine, controllers + 1, path);
    }
    free(line);
    fclose(file);
}
