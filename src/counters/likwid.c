/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "likwid.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../machine/files.h"

enum { LIMIT_S = 20, GROUP_BYTES = 256 };

static const char default_group[] = "MEM";

/* likwid's names in this program's words; of several that begin a name the last. */
static const struct { const char *theirs, *ours, *unit; double scale; } words[] = {
    {"INSTR_RETIRED_ANY", "instructions", "", 1},
    {"INSTRUCTIONS_RETIRED", "instructions", "", 1},
    {"RETIRED_INSTRUCTIONS", "instructions", "", 1},
    {"CPU_CLK_UNHALTED_CORE", "cycles", "", 1},
    {"CPU_CLOCKS_UNHALTED", "cycles", "", 1},
    {"FP_ARITH_INST_RETIRED_SCALAR_SINGLE", "fp32-scalar", "flops", 1},
    {"FP_ARITH_INST_RETIRED_128B_PACKED_SINGLE", "fp32-128", "flops", 4},
    {"FP_ARITH_INST_RETIRED_256B_PACKED_SINGLE", "fp32-256", "flops", 8},
    {"FP_ARITH_INST_RETIRED_512B_PACKED_SINGLE", "fp32-512", "flops", 16},
    {"CAS_COUNT_RD", "dram-reads", "bytes", 64}, /* of a channel: a line */
    {"CAS_COUNT_WR", "dram-writes", "bytes", 64},
    {"PWR_", NULL, "joules", 1e-6}, /* of a part or of more than a package: by likwid's name */
    {"PWR_PKG_ENERGY", "energy-pkg", "joules", 1e-6},
};

void kvr_likwid_event(const char *theirs, struct kvr_event *event)
{
    *event = (struct kvr_event){.scale = 1, .meaning = "as likwid counts it"};
    snprintf(event->name, sizeof event->name, "%s", theirs);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strncmp(theirs, words[i].theirs, strlen(words[i].theirs)))
            continue;
        event->scale = words[i].scale;
        snprintf(event->unit, sizeof event->unit, "%s", words[i].unit);
        snprintf(event->name, sizeof event->name, "%s", words[i].ours ? words[i].ours : theirs);
    }
}

struct likwid_state {
    const struct kvr_likwid_library *library;
    struct kvr_likwid_watch *watch;
    char group_name[GROUP_BYTES];
    int group;
    bool started;
    pthread_mutex_t mutex; /* the library is not known to be made for several threads */
    int cpus[KVR_MAX_CPUS];
    uint64_t marks[KVR_MAX_CPUS];
};

/* A probe takes a second and what it finds does not change: once for a group and a process. */
static struct {
    bool done;
    int rc;
    char group[GROUP_BYTES], why[200];
    struct kvr_likwid_report report;
} last_probe;

static int probe_once(const struct kvr_counters *c, const struct kvr_likwid_library *library,
                      const char *group)
{
    if (last_probe.done && !strcmp(last_probe.group, group))
        return last_probe.rc;
    last_probe.done = true;
    snprintf(last_probe.group, sizeof last_probe.group, "%s", group);
    last_probe.rc = kvr_likwid_probe(library, c->machine, c->trust_work, group, LIMIT_S,
                                     &last_probe.report, last_probe.why, sizeof last_probe.why);
    return last_probe.rc;
}

/* Two units of one kind, or two events that it has no words for, would get one name: the first
 * keeps it. */
static void add_event(struct kvr_counters *c, const char *theirs, const char *why)
{
    struct kvr_event *e = &c->events[c->count];
    bool taken = false;
    kvr_likwid_event(theirs, e);
    for (size_t k = 0; k < c->count; k++)
        taken |= !strcmp(c->events[k].name, e->name);
    size_t length = strlen(e->name);
    if (taken)
        snprintf(e->name + length, sizeof e->name - length, "-%zu", c->count);
    snprintf(c->why[c->count], sizeof c->why[c->count], "%s", why);
    c->count++;
}

static int likwid_open(struct kvr_counters *c, const char *argument, char *why, size_t why_bytes)
{
    const struct kvr_likwid_library *library = c->likwid ? c->likwid : kvr_likwid;
    const char *group = argument ? argument : default_group, *missing = NULL;
    c->count = 0;
    if (!library)
        missing = "this program was built without likwid";
    else if (!kvr_file_exists(c->machine->root, "/dev/cpu/0/msr"))
        missing = "there are no msr devices; what helps: modprobe msr as root, on bare metal";
    if (missing || probe_once(c, library, group)) {
        snprintf(why, why_bytes, "%s", missing ? missing : last_probe.why);
        return -ENODEV;
    }
    struct likwid_state *s = calloc(1, sizeof *s);
    if (!s || !(s->watch = kvr_likwid_watch_start(c))) {
        snprintf(why, why_bytes, "out of memory, or of threads");
        free(s);
        return -ENOMEM;
    }
    s->library = library;
    snprintf(s->group_name, sizeof s->group_name, "%s", group);
    pthread_mutex_init(&s->mutex, NULL);
    for (uint32_t i = 0; i < last_probe.report.count; i++)
        add_event(c, last_probe.report.names[i], last_probe.report.why[i]);
    c->state = s;
    return 0;
}

static void likwid_dismiss(struct kvr_counters *c, unsigned thread)
{
    struct likwid_state *s = c->state;
    if (thread || !s->started)
        return;
    kvr_likwid_call(s->watch, true);
    s->library->finish();
    kvr_likwid_called(s->watch);
    s->started = false;
}

static void likwid_close(struct kvr_counters *c)
{
    struct likwid_state *s = c->state;
    if (!s)
        return;
    likwid_dismiss(c, 0);
    kvr_likwid_watch_end(s->watch);
    pthread_mutex_destroy(&s->mutex);
    free(s);
    c->state = NULL;
}

/* Thread 0 starts likwid for all CPUs of the team. */
static void likwid_enroll(struct kvr_counters *c, unsigned thread, unsigned threads,
                          const uint32_t *cpus, int errors[KVR_MAX_EVENTS])
{
    struct likwid_state *s = c->state;
    if (thread)
        return;
    for (unsigned t = 0; t < threads; t++) {
        s->cpus[t] = (int)cpus[t];
        s->marks[t] = 0;
    }
    kvr_likwid_call(s->watch, true);
    s->started = !s->library->init((int)threads, s->cpus);
    s->group = s->started ? s->library->add_group(s->group_name) : -1;
    bool good = s->group >= 0 && s->library->set_up(s->group) >= 0 && s->library->start() >= 0;
    kvr_likwid_called(s->watch);
    for (size_t i = 0; i < c->count && !good; i++)
        errors[i] = -EACCES;
}

static void likwid_mark(struct kvr_counters *c, unsigned thread, struct kvr_mark *mark)
{
    struct likwid_state *s = c->state;
    *mark = (struct kvr_mark){.error = 0};
    pthread_mutex_lock(&s->mutex);
    kvr_likwid_call(s->watch, false);
    mark->error = s->library->read_cpu(s->cpus[thread]) < 0 ? -EIO : 0;
    s->marks[thread]++; /* likwid does not share counters: any time that grows will do */
    for (size_t i = 0; i < c->count && !mark->error; i++) {
        double units = s->library->result(s->group, (int)i, (int)thread);
        mark->readings[i] = (struct kvr_reading){.enabled_ns = s->marks[thread],
                                                 .running_ns = s->marks[thread]};
        /* Of a thread that does not count it there is nothing; energy comes in joules. */
        bool joules = !strcmp(c->events[i].unit, "joules");
        mark->readings[i].value = units > 0 ? (uint64_t)(joules ? units * 1e6 : units) : 0;
    }
    kvr_likwid_called(s->watch);
    pthread_mutex_unlock(&s->mutex);
}

static const char *likwid_how(const struct kvr_counters *c)
{
    (void)c;
    return "read through the library";
}

static void likwid_explain(const struct kvr_counters *c, int error, char *text, size_t bytes)
{
    (void)c, (void)error;
    snprintf(text, bytes, "likwid counted alone, but not for this team of threads");
}

const struct kvr_counter_backend kvr_counters_likwid = {
    .name = "likwid",
    .open = likwid_open,
    .close = likwid_close,
    .enroll = likwid_enroll,
    .dismiss = likwid_dismiss,
    .mark = likwid_mark,
    .how = likwid_how,
    .explain = likwid_explain,
};
