/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * likwid in a child of its own: whatever happens to it, this process goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "likwid.h"
#include "trust.h"

enum { GRACE_S = 2 };

struct question {
    const struct kvr_likwid_library *library;
    const struct kvr_machine *machine;
    const struct kvr_trust_work *work;
    const char *group; /* NULL: which are there */
    unsigned limit_s;
};

struct answer {
    char refused[320]; /* which step; "": none */
    union {
        struct kvr_likwid_report report;
        struct { size_t count; char names[KVR_LIKWID_GROUPS][KVR_LIKWID_GROUP_BYTES]; } groups;
    };
};

static int start_group(const struct kvr_likwid_library *lib, const char *name, int cpu,
                       struct answer *a)
{
    int group = -1;
    if (lib->init(1, &cpu))
        snprintf(a->refused, sizeof a->refused, "likwid finds no access to counters");
    else if ((group = lib->add_group(name)) < 0)
        snprintf(a->refused, sizeof a->refused, "likwid has no group %.200s for this CPU", name);
    else if (lib->set_up(group) < 0 || lib->start() < 0)
        snprintf(a->refused, sizeof a->refused, "likwid cannot start group %.200s", name);
    return a->refused[0] ? -1 : group;
}

static void read_all(const struct kvr_likwid_library *lib, int group, int cpu,
                     const struct kvr_likwid_report *r, double results[KVR_MAX_EVENTS])
{
    lib->read_cpu(cpu);
    for (uint32_t i = 0; i < r->count; i++)
        results[i] = lib->result(group, (int)i, 0);
}

/* Work of an event's kind, once and twice, judges it and the others of that kind. Energy comes in
 * its unit, all else as numbers of events. */
static void try_kind(const struct question *q, int group, int cpu, const struct kvr_event *events,
                     uint32_t first, bool judged[KVR_MAX_EVENTS], struct kvr_likwid_report *r)
{
    const struct kvr_trial *trial = kvr_trial_of(&events[first]);
    const void *context;
    kvr_known_work *run = kvr_trial_work(trial, q->work, q->machine, &events[first], &context);
    double results[3][KVR_MAX_EVENTS], expected[2] = {NAN, NAN};
    read_all(q->library, group, cpu, r, results[0]);
    for (unsigned times = 1; times < 3; times++) {
        if (run)
            expected[times - 1] = run(context, times);
        read_all(q->library, group, cpu, r, results[times]);
    }
    for (uint32_t i = first; i < r->count; i++) {
        bool same = trial->work ? kvr_trial_of(&events[i]) == trial : i == first;
        double scale = strcmp(events[i].unit, "joules") ? events[i].scale : 1;
        if (!same || judged[i])
            continue;
        const double counted[2] = {scale * (results[1][i] - results[0][i]),
                                   scale * (results[2][i] - results[1][i])};
        kvr_trial_judge(trial, counted, expected, r->why[i], sizeof r->why[i]);
        judged[i] = true;
    }
}

static void try_events(const struct question *q, int group, int cpu, struct kvr_likwid_report *r)
{
    struct kvr_event events[KVR_MAX_EVENTS];
    bool judged[KVR_MAX_EVENTS] = {false};
    int count = q->library->event_count(group);
    r->count = count < 0 ? 0 : count > KVR_MAX_EVENTS ? KVR_MAX_EVENTS : (uint32_t)count;
    for (uint32_t i = 0; i < r->count; i++) {
        const char *name = q->library->event_name(group, (int)i);
        snprintf(r->names[i], sizeof r->names[i], "%s", name ? name : "unnamed");
        kvr_likwid_event(r->names[i], &events[i]);
    }
    for (uint32_t i = 0; i < r->count; i++)
        if (!judged[i])
            try_kind(q, group, cpu, events, i, judged, r);
}

static void child(const struct question *q, int out)
{
    struct answer a = {.refused = ""};
    int null = open("/dev/null", O_RDWR), cpu = sched_getcpu(), group = -1;
    setpgid(0, 0); /* what it forks ends with it */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    signal(SIGALRM, SIG_DFL);
    alarm(q->limit_s);
    while (!q->group && a.groups.count < KVR_LIKWID_GROUPS &&
           q->library->group_name((int)a.groups.count, a.groups.names[a.groups.count],
                                  KVR_LIKWID_GROUP_BYTES) >= 0)
        a.groups.count++;
    if (q->group)
        group = start_group(q->library, q->group, cpu, &a);
    if (group >= 0)
        try_events(q, group, cpu, &a.report);
    ssize_t n = write(out, &a, sizeof a);
    if (q->group)
        q->library->finish();
    _exit(n == (ssize_t)sizeof a ? 0 : 1);
}

/* All of the answer, or what came of it until the child ended or its time was over. */
static size_t hear(int fd, unsigned limit_s, void *data, size_t bytes, bool *in_time)
{
    struct pollfd poll_of = {.fd = fd, .events = POLLIN};
    size_t got = 0;
    while (got < bytes) {
        *in_time = poll(&poll_of, 1, (int)(limit_s + GRACE_S) * 1000) > 0;
        if (!*in_time)
            break;
        ssize_t n = read(fd, (char *)data + got, bytes - got);
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    return got;
}

/* Asks it in a child. 0, or -ENODEV with a sentence. */
static int ask(const struct question *q, struct answer *a, char *why, size_t why_bytes)
{
    int ends[2], status = 0;
    bool in_time = true;
    a->refused[0] = 0;
    if (pipe2(ends, O_CLOEXEC)) {
        snprintf(why, why_bytes, "no pipe to try likwid: %s", strerror(errno));
        return -ENODEV;
    }
    fflush(NULL); /* or its helpers write what is buffered here once more */
    pid_t pid = fork();
    if (!pid)
        child(q, ends[1]);
    close(ends[1]);
    size_t got = pid > 0 ? hear(ends[0], q->limit_s, a, sizeof *a, &in_time) : 0;
    close(ends[0]);
    if (pid > 0) {
        if (!in_time)
            kill(-pid, SIGKILL);
        waitpid(pid, &status, 0); /* its alarm ends it, if nothing else does */
        kill(-pid, SIGKILL);      /* what it has left behind */
    }
    if (got == sizeof *a && !a->refused[0])
        return 0;
    if (got == sizeof *a)
        snprintf(why, why_bytes, "%s", a->refused);
    else if (pid < 0)
        snprintf(why, why_bytes, "no process to try likwid: %s", strerror(errno));
    else if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGALRM || WTERMSIG(status) == SIGKILL))
        snprintf(why, why_bytes, "likwid did not answer within %u s", q->limit_s);
    else if (WIFSIGNALED(status))
        snprintf(why, why_bytes, "likwid died of signal %d", WTERMSIG(status));
    else
        snprintf(why, why_bytes, "likwid ended the process that tried it");
    return -ENODEV;
}

int kvr_likwid_probe(const struct kvr_likwid_library *library, const struct kvr_machine *machine,
                     const struct kvr_trust_work *work, const char *group, unsigned limit_s,
                     struct kvr_likwid_report *report, char *why, size_t why_bytes)
{
    const struct question q = {library, machine, work, group, limit_s};
    struct answer a;
    int rc = ask(&q, &a, why, why_bytes);
    if (!rc)
        *report = a.report;
    return rc;
}

size_t kvr_likwid_groups(const struct kvr_likwid_library *library, unsigned limit_s,
                         char groups[KVR_LIKWID_GROUPS][KVR_LIKWID_GROUP_BYTES])
{
    const struct question q = {.library = library, .limit_s = limit_s};
    struct answer a;
    char why[80];
    if (ask(&q, &a, why, sizeof why))
        return 0;
    memcpy(groups, a.groups.names, sizeof a.groups.names);
    return a.groups.count;
}
