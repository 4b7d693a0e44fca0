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

static void tighten_cpus(struct kvr_machine *machine, uint64_t quota, uint64_t period)
{
    if (quota == 0 || period == 0)
        return;
    double cpus = (double)quota / (double)period;
    if (machine->cgroup_cpus == 0 || cpus < machine->cgroup_cpus)
        machine->cgroup_cpus = cpus;
}

/* A limit that is there but cannot be read may bind; "max" and -1 are no numbers and do not. */
static void note_error(struct kvr_machine *machine, int rc)
{
    if (rc && rc != -ENOENT && rc != -ENOTDIR && rc != -EINVAL)
        machine->cgroup_error = rc;
}

static bool read_number(struct kvr_machine *machine, const char *folder, const char *name,
                        uint64_t *value)
{
    char path[PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int rc = kvr_file_u64(machine->root, path, value);
    note_error(machine, rc);
    return rc == 0;
}

/* What a group uses without the file pages that it can drop; 0 where it does not tell. */
static uint64_t memory_in_use(struct kvr_machine *machine, const char *folder, const char *name,
                              const char *file_pages)
{
    char path[PATH_BYTES + 32];
    uint64_t used, inactive;
    if (!read_number(machine, folder, name, &used))
        return 0;
    snprintf(path, sizeof path, "%s/memory.stat", folder);
    if (kvr_file_key(machine->root, path, file_pages, &inactive))
        inactive = 0;
    return used > inactive ? used - inactive : 0;
}

static void tighten_memory(struct kvr_machine *machine, uint64_t bytes, uint64_t used)
{
    if (bytes == 0 || bytes >= no_limit_bytes)
        return;
    uint64_t left = bytes > used ? bytes - used : 1; /* 0 would mean that there is no limit */
    if (machine->cgroup_memory_bytes == 0 || left < machine->cgroup_free_bytes)
        machine->cgroup_free_bytes = left;
    if (machine->cgroup_memory_bytes == 0 || bytes < machine->cgroup_memory_bytes)
        machine->cgroup_memory_bytes = bytes;
}

/* cpu.max holds "QUOTA PERIOD" or "max PERIOD"; memory.max a number or "max". */
static void look_v2(void *machine, const char *root, const char *folder)
{
    char path[PATH_BYTES + 32], text[64];
    uint64_t quota, period, bytes;
    snprintf(path, sizeof path, "%s/cpu.max", folder);
    int rc = kvr_file_text(root, path, text, sizeof text);
    note_error(machine, rc);
    if (rc == 0) {
        char *gap = strchr(text, ' ');
        if (gap) {
            *gap = '\0';
            if (kvr_parse_u64(text, &quota) == 0 && kvr_parse_u64(gap + 1, &period) == 0)
                tighten_cpus(machine, quota, period);
        }
    }
    if (read_number(machine, folder, "memory.max", &bytes))
        tighten_memory(machine, bytes,
                       memory_in_use(machine, folder, "memory.current", "inactive_file"));
}

/* A quota of -1 means none; it does not parse as an unsigned number. */
static void look_v1_cpu(void *machine, const char *root, const char *folder)
{
    (void)root;
    uint64_t quota, period;
    if (read_number(machine, folder, "cpu.cfs_quota_us", &quota) &&
        read_number(machine, folder, "cpu.cfs_period_us", &period))
        tighten_cpus(machine, quota, period);
}

static void look_v1_memory(void *machine, const char *root, const char *folder)
{
    (void)root;
    uint64_t bytes;
    if (read_number(machine, folder, "memory.limit_in_bytes", &bytes))
        tighten_memory(machine, bytes, memory_in_use(machine, folder, "memory.usage_in_bytes",
                                                     "total_inactive_file"));
}

/* Looks at mount + path and at every folder above it, the mount itself included. */
static void walk_up(const char *root, const char *mount, const char *path, kvr_group_look *look,
                    void *context)
{
    char folder[PATH_BYTES];
    size_t mount_length = strlen(mount);
    if (!look || !kvr_file_exists(root, mount))
        return;
    if (path[0] != '/' || strstr(path, "/..")) /* outside the cgroup namespace */
        path = "/";
    int length = snprintf(folder, sizeof folder, "%s%s", mount, path);
    if (length >= (int)sizeof folder)
        return;
    for (;;) {
        while (length > (int)mount_length && folder[length - 1] == '/')
            folder[--length] = '\0';
        look(context, root, folder);
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

static void look_at_line(const char *root, const char *controllers, const char *path,
                         const struct kvr_group_visit *visit, void *context)
{
    static const char *const cpu_mounts[] = {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct",
                                             "/sys/fs/cgroup/cpuacct,cpu"};
    if (controllers[0] == '\0') { /* v2: alone, or beside v1 in "unified" */
        walk_up(root, "/sys/fs/cgroup/unified", path, visit->v2, context);
        walk_up(root, "/sys/fs/cgroup", path, visit->v2, context);
        return;
    }
    if (names_controller(controllers, "cpu"))
        for (size_t i = 0; i < sizeof cpu_mounts / sizeof *cpu_mounts; i++)
            walk_up(root, cpu_mounts[i], path, visit->v1_cpu, context);
    if (names_controller(controllers, "memory"))
        walk_up(root, "/sys/fs/cgroup/memory", path, visit->v1_memory, context);
}

void kvr_groups_visit(const char *root, const struct kvr_group_visit *visit, void *context)
{
    char *line = NULL;
    size_t capacity = 0;
    FILE *file = kvr_file_open(root, "/proc/self/cgroup");
    if (!file)
        return;
    while (getline(&line, &capacity, file) > 0) { /* "4:memory:/some/group" */
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        look_at_line(root, controllers + 1, path, visit, context);
    }
    free(line);
    fclose(file);
}

void kvr_limits_load(struct kvr_machine *machine)
{
    static const struct kvr_group_visit limits = {look_v2, look_v1_cpu, look_v1_memory};
    machine->cgroup_cpus = 0;
    machine->cgroup_memory_bytes = machine->cgroup_free_bytes = 0;
    machine->cgroup_error = kvr_file_refused(machine->root, "/proc/self/cgroup");
    kvr_groups_visit(machine->root, &limits, machine);
}
