/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "perf.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../machine/files.h"

#define PMUS "/sys/bus/event_source/devices"
enum { MAX_THREADS = KVR_MAX_CPUS, MAX_PLACES = 64 };

struct perf_thread {
    struct kvr_perf_group *groups; /* owned */
    size_t group_count;
    bool by_pages; /* the last mark made no system call for events of the CPU */
};

struct perf_state {
    const struct kvr_perf_system *system;
    /* Of an event that is counted for the system and not for a thread: where. */
    uint32_t places[KVR_MAX_EVENTS][MAX_PLACES];
    size_t place_count[KVR_MAX_EVENTS];
    struct perf_thread threads[MAX_THREADS];
};

/* ---- open ---- */

/* The file `cpumask` of the PMU that has this number; 0: it has none. */
static int find_cpumask(const struct kvr_machine *machine, uint32_t type, char *text, size_t bytes)
{
    char path[400];
    snprintf(path, sizeof path, "%s" PMUS, machine->root);
    DIR *folder = opendir(path);
    bool found = false;
    for (struct dirent *entry; folder && !found && (entry = readdir(folder));) {
        uint64_t number;
        snprintf(path, sizeof path, PMUS "/%.60s/type", entry->d_name);
        if (entry->d_name[0] == '.' || kvr_file_u64(machine->root, path, &number) || number != type)
            continue;
        snprintf(path, sizeof path, PMUS "/%.60s/cpumask", entry->d_name);
        found = !kvr_file_text(machine->root, path, text, bytes);
    }
    if (folder)
        closedir(folder);
    return found;
}

/* "0,24" or "0-1": CPUs. */
static size_t read_places(const char *text, uint32_t places[MAX_PLACES])
{
    size_t count = 0;
    while (*text && count < MAX_PLACES) {
        char *end;
        unsigned long first = strtoul(text, &end, 10), last = first;
        if (end == text)
            break;
        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        for (unsigned long cpu = first; cpu <= last && count < MAX_PLACES; cpu++)
            places[count++] = (uint32_t)cpu;
        text = *end == ',' ? end + 1 : end;
    }
    return count;
}

static int perf_open(struct kvr_counters *c, const char *argument, char *why, size_t why_bytes)
{
    struct perf_state *state = calloc(1, sizeof *state);
    char mask[256];
    (void)argument; /* events: the caller has set them */
    if (!state) {
        snprintf(why, why_bytes, "out of memory");
        return -ENOMEM;
    }
    state->system = c->perf_system ? c->perf_system : &kvr_perf_linux;
    for (size_t i = 0; i < c->count; i++)
        if (c->events[i].type >= PERF_TYPE_MAX &&
            find_cpumask(c->machine, c->events[i].type, mask, sizeof mask))
            state->place_count[i] = read_places(mask, state->places[i]);
    c->state = state;
    return 0;
}

/* ---- a thread's groups ---- */

/* Kernel code is counted only where an event happens there; where that is not allowed, not. */
static int open_as(const struct perf_state *state, struct perf_event_attr *attribute, int pid,
                   int cpu, int leader)
{
    bool software = attribute->type == PERF_TYPE_SOFTWARE;
    attribute->exclude_hv = pid >= 0;
    attribute->exclude_kernel = pid >= 0 && !software;
    int fd = state->system->open(attribute, pid, cpu, leader);
    if (software && (fd == -EACCES || fd == -EPERM)) {
        attribute->exclude_kernel = 1;
        fd = state->system->open(attribute, pid, cpu, leader);
    }
    return fd;
}

/* A descriptor or -errno; leader -1: leads a group of its own. */
static int open_event(const struct perf_state *state, const struct kvr_event *event, int pid,
                      int cpu, int leader)
{
    struct perf_event_attr attribute = {
        .type = event->type,
        .size = sizeof attribute,
        .config = event->config,
        .read_format = PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED |
                       PERF_FORMAT_TOTAL_TIME_RUNNING,
    };
    bool core = pid >= 0 && event->type != PERF_TYPE_SOFTWARE;
    int fd = -EINVAL;
    for (const uint64_t *extra = state->system->config1;; extra++) {
        attribute.config1 = event->config1 | (core ? *extra : 0);
        fd = open_as(state, &attribute, pid, cpu, leader);
        if (fd >= 0 || !core || !*extra || fd == -EACCES || fd == -EPERM || fd == -EMFILE)
            return fd;
    }
}

static struct kvr_perf_group *add_group(struct perf_thread *thread, bool software, bool system_wide)
{
    size_t bytes = (thread->group_count + 1) * sizeof *thread->groups;
    struct kvr_perf_group *groups = realloc(thread->groups, bytes);
    if (!groups)
        return NULL;
    thread->groups = groups;
    struct kvr_perf_group *group = &groups[thread->group_count++];
    *group = (struct kvr_perf_group){.software = software, .system_wide = system_wide};
    return group;
}

static void add_member(const struct perf_state *state, struct kvr_perf_group *group, int fd,
                       uint32_t event)
{
    bool page = state->system->counter && !group->software && !group->system_wide;
    group->fds[group->count] = fd;
    group->events[group->count] = event;
    group->pages[group->count] = page ? state->system->map(fd) : NULL;
    group->count++;
}

/* To the last group if it is of this kind and the kernel finds that all of it fits on counters at
 * once; else to a new one. */
static int add_event(const struct perf_state *state, struct perf_thread *thread,
                     const struct kvr_event *event, uint32_t index)
{
    bool software = kvr_event_is_software(event);
    struct kvr_perf_group *group =
        thread->group_count ? &thread->groups[thread->group_count - 1] : NULL;
    int fd = -EINVAL;
    if (group && group->software == software && !group->system_wide && group->count < KVR_MAX_GROUP)
        fd = open_event(state, event, 0, -1, group->fds[0]);
    if (fd < 0 && fd != -EACCES && fd != -EPERM && fd != -EMFILE && fd != -ENFILE) {
        group = NULL;
        fd = open_event(state, event, 0, -1, -1);
    }
    if (fd < 0)
        return fd;
    if (!group)
        group = add_group(thread, software, false);
    if (!group) {
        state->system->close(fd);
        return -ENOMEM;
    }
    add_member(state, group, fd, index);
    return 0;
}

/* Once in each place; on a failure what was opened already stays without use until dismissal. */
static int add_system_event(const struct perf_state *state, struct perf_thread *thread,
                            const struct kvr_event *event, uint32_t index)
{
    for (size_t i = 0; i < state->place_count[index]; i++) {
        int fd = open_event(state, event, -1, (int)state->places[index][i], -1);
        if (fd < 0)
            return fd;
        struct kvr_perf_group *group = add_group(thread, false, true);
        if (!group) {
            state->system->close(fd);
            return -ENOMEM;
        }
        add_member(state, group, fd, index);
    }
    return 0;
}

static void perf_dismiss(struct kvr_counters *c, unsigned thread)
{
    struct perf_state *state = c->state;
    struct perf_thread *t = &state->threads[thread];
    for (size_t g = 0; g < t->group_count; g++) {
        struct kvr_perf_group *group = &t->groups[g];
        for (size_t i = group->count; i-- > 0;) { /* the leader last */
            if (group->pages[i])
                state->system->unmap(group->pages[i]);
            state->system->close(group->fds[i]);
        }
    }
    free(t->groups);
    *t = (struct perf_thread){.groups = NULL};
}

static void perf_enroll(struct kvr_counters *c, unsigned thread, unsigned threads,
                        const uint32_t *cpus, int errors[KVR_MAX_EVENTS])
{
    struct perf_state *state = c->state;
    (void)threads, (void)cpus;
    for (uint32_t i = 0; i < c->count; i++) {
        struct perf_thread *t = &state->threads[thread];
        errors[i] = 0;
        if (c->why[i][0])
            continue;
        if (!state->place_count[i])
            errors[i] = add_event(state, t, &c->events[i], i);
        else if (!thread)
            errors[i] = add_system_event(state, t, &c->events[i], i);
    }
}

static void perf_close(struct kvr_counters *c)
{
    struct perf_state *state = c->state;
    for (unsigned t = 0; state && t < MAX_THREADS; t++)
        perf_dismiss(c, t);
    free(state);
    c->state = NULL;
}

/* ---- readings ---- */

static int read_group(const struct perf_state *state, const struct kvr_perf_group *group,
                      struct kvr_reading *readings)
{
    struct { uint64_t count, enabled_ns, running_ns, values[KVR_MAX_GROUP]; } data;
    size_t bytes = (3 + group->count) * sizeof(uint64_t);
    ssize_t n = state->system->read(group->fds[0], &data, bytes);
    if (n != (ssize_t)bytes || data.count != group->count)
        return n < 0 ? -errno : -EIO;
    for (size_t i = 0; i < group->count; i++) {
        struct kvr_reading *r = &readings[group->events[i]];
        r->value += data.values[i]; /* of an event of the system: over its places */
        r->enabled_ns += data.enabled_ns;
        r->running_ns += data.running_ns;
    }
    return 0;
}

static void perf_mark(struct kvr_counters *c, unsigned thread, struct kvr_mark *mark)
{
    struct perf_state *state = c->state;
    struct perf_thread *t = &state->threads[thread];
    *mark = (struct kvr_mark){.error = 0};
    t->by_pages = false;
    for (size_t g = 0; g < t->group_count && !mark->error; g++) {
        const struct kvr_perf_group *group = &t->groups[g];
        if (kvr_perf_read_pages(state->system, group, mark->readings))
            t->by_pages = true;
        else
            mark->error = read_group(state, group, mark->readings);
    }
}

static const char *perf_how(const struct kvr_counters *c)
{
    const struct perf_state *state = c->state;
    return state->threads[0].by_pages ? "read in user space" : "read by system calls";
}

static void perf_explain(const struct kvr_counters *c, int error, char *text, size_t bytes)
{
    kvr_perf_explain(c->machine, error, text, bytes);
}

const struct kvr_counter_backend kvr_counters_perf = {
    .name = "perf",
    .by_trial = true,
    .open = perf_open,
    .close = perf_close,
    .enroll = perf_enroll,
    .dismiss = perf_dismiss,
    .mark = perf_mark,
    .how = perf_how,
    .explain = perf_explain,
};
