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

struct answer {
    char refused[80]; /* which step; "": none */
    struct kvr_likwid_report report;
};

static int start_group(const struct kvr_likwid_library *lib, const char *name, int cpu,
                       struct answer *a)
{
    int group = -1;
    if (lib->init(1, &cpu))
        snprintf(a->refused, sizeof a->refused, "likwid finds no access to counters");
    else if ((group = lib->add_group(name)) < 0)
        snprintf(a->refused, sizeof a->refused, "likwid has no group %.30s for this CPU", name);
    else if (lib->set_up(group) < 0 || lib->start() < 0)
        snprintf(a->refused, sizeof a->refused, "likwid cannot start group %.30s", name);
    return a->refused[0] ? -1 : group;
}

/* The known loop once and twice, as trust.c does: what the second adds. */
static void try_events(const struct kvr_likwid_library *lib, int group, int cpu,
                       struct kvr_likwid_report *r)
{
    double results[3][KVR_MAX_EVENTS], branches = NAN;
    int count = lib->event_count(group);
    r->count = count < 0 ? 0 : count > KVR_MAX_EVENTS ? KVR_MAX_EVENTS : (uint32_t)count;
    for (unsigned times = 0; times < 3; times++) {
        if (times)
            branches = kvr_known_loop(NULL, times);
        lib->read_cpu(cpu);
        for (uint32_t i = 0; i < r->count; i++)
            results[times][i] = lib->result(group, (int)i, 0);
    }
    for (uint32_t i = 0; i < r->count; i++) {
        double once = results[1][i] - results[0][i], twice = results[2][i] - results[1][i];
        snprintf(r->names[i], sizeof r->names[i], "%s", lib->event_name(group, (int)i));
        r->counts[i] = twice > 0;
        if (strstr(r->names[i], "INSTR_RETIRED") && !isnan(branches))
            r->counts[i] = fabs((twice - once) / branches - 1) < .01;
    }
}

static void child(const struct kvr_likwid_library *lib, const char *name, unsigned limit_s, int out)
{
    struct answer a = {.refused = ""};
    int null = open("/dev/null", O_RDWR), cpu = sched_getcpu();
    setpgid(0, 0); /* what it forks ends with it */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    signal(SIGALRM, SIG_DFL);
    alarm(limit_s);
    int group = start_group(lib, name, cpu, &a);
    if (group >= 0)
        try_events(lib, group, cpu, &a.report);
    ssize_t n = write(out, &a, sizeof a);
    lib->finish();
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

int kvr_likwid_probe(const struct kvr_likwid_library *lib, const char *name, unsigned limit_s,
                     struct kvr_likwid_report *report, char *why, size_t why_bytes)
{
    struct answer a = {.refused = ""};
    int ends[2], status = 0;
    bool in_time = true;
    if (pipe2(ends, O_CLOEXEC)) {
        snprintf(why, why_bytes, "no pipe to try likwid: %s", strerror(errno));
        return -ENODEV;
    }
    fflush(NULL); /* or its helpers write what is buffered here once more */
    pid_t pid = fork();
    if (!pid)
        child(lib, name, limit_s, ends[1]);
    close(ends[1]);
    size_t got = pid > 0 ? hear(ends[0], limit_s, &a, sizeof a, &in_time) : 0;
    close(ends[0]);
    if (pid > 0) {
        if (!in_time)
            kill(-pid, SIGKILL);
        waitpid(pid, &status, 0); /* its alarm ends it, if nothing else does */
        kill(-pid, SIGKILL);      /* what it has left behind */
    }
    if (got == sizeof a && !a.refused[0]) {
        *report = a.report;
        return 0;
    }
    if (got == sizeof a)
        snprintf(why, why_bytes, "%s", a.refused);
    else if (pid < 0)
        snprintf(why, why_bytes, "no process to try likwid: %s", strerror(errno));
    else if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGALRM || WTERMSIG(status) == SIGKILL))
        snprintf(why, why_bytes, "likwid did not answer within %u s", limit_s);
    else if (WIFSIGNALED(status))
        snprintf(why, why_bytes, "likwid died of signal %d", WTERMSIG(status));
    else
        snprintf(why, why_bytes, "likwid ended the process that tried it");
    return -ENODEV;
}
