/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A seccomp filter that asks about every system call, and a thread of this process that answers: it
 * is older than the filter and so free of it. A thread that makes a call waits in the kernel, so
 * its selector holds still while it is read; the answer is always "go on" (Linux 5.5). Between two
 * calls the filter costs nothing: SPEC_ALLOW keeps it from turning speculation off.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "usage.h"
#include "watch.h"

#ifndef SECCOMP_USER_NOTIF_FLAG_CONTINUE
#define SECCOMP_USER_NOTIF_FLAG_CONTINUE (1UL << 0)
#endif
/* Both architectures that have a place of their own for it (usage.c) are little-endian. */
enum {
    MESSAGE_BYTES = 4096,
    PROBE_SECONDS = 10,
    IP_LOW = offsetof(struct seccomp_data, instruction_pointer)
};

/* A filter cannot be taken off, so the one who answers lives as long as the process. */
static struct {
    _Atomic(struct kvr_watch *) watches; /* NULL: nobody is watched */
    size_t count;
    atomic_int listener; /* 0: not yet there, -1: there will be none */
    bool probing;
    _Alignas(16) unsigned char request[MESSAGE_BYTES];
} answerer;

static int seccomp(unsigned operation, unsigned flags, void *arguments)
{
    return (int)syscall(SYS_seccomp, operation, flags, arguments);
}

static void look(const struct seccomp_notif *request)
{
    struct kvr_watch *watches = atomic_load(&answerer.watches);
    if (request->data.nr == SYS_rt_sigreturn) /* the end of a signal that came from outside */
        return;
    for (size_t i = 0; watches && i < answerer.count; i++)
        if (atomic_load(&watches[i].tid) == (pid_t)request->pid &&
            watches[i].selector == KVR_CALLS_BLOCKED)
            kvr_watch_note(&watches[i], KVR_ENTRY_CALL, request->data.nr, 0);
}

static void *answer(void *unused)
{
    struct seccomp_notif *request = (void *)answerer.request;
    (void)unused;
    while (!atomic_load(&answerer.listener))
        nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
    int listener = atomic_load(&answerer.listener);
    while (listener > 0) {
        memset(answerer.request, 0, sizeof answerer.request); /* the kernel insists */
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, request)) {
            if (errno == EINTR || errno == ENOENT) /* the caller was killed or interrupted */
                continue;
            break;
        }
        look(request);
        struct seccomp_notif_resp reply = {.id = request->id,
                                           .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply) && errno == EINVAL &&
            answerer.probing)
            _exit(EINVAL); /* the caller would wait for ever */
    }
    return NULL;
}

static int start_answerer(void)
{
    sigset_t all, before;
    pthread_t thread;
    atomic_store(&answerer.listener, 0);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = -pthread_create(&thread, NULL, answer, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!rc)
        pthread_detach(thread);
    return rc;
}

static int install(void)
{
    struct sock_filter ask[] = {
        /* The sampler's own question, before and after a region: a wait for an answer would be a
         * switch that the region did not ask for. */
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP_LOW),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)kvr_usage_call_address(), 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP_LOW + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(kvr_usage_call_address() >> 32), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
    };
    struct sock_fprog program = {.len = sizeof ask / sizeof *ask, .filter = ask};
    int rc = start_answerer();
    if (rc)
        return rc;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        rc = -errno;
    /* No call may lie between the filter and the store: it would wait for an answer. */
    int listener =
        rc ? -1
           : seccomp(SECCOMP_SET_MODE_FILTER,
                     SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program);
    atomic_store(&answerer.listener, listener > 0 ? listener : -1);
    return listener > 0 ? 0 : rc ? rc : -errno;
}

/* In a child, because a filter stays: is a call asked about, and does it go on? */
static int probe(void)
{
    int status = 0;
    fflush(NULL);
    pid_t parent = getpid(), child = fork();
    if (child < 0)
        return -errno;
    if (!child) {
        answerer.probing = true;
        alarm(PROBE_SECONDS);
        int rc = install();
        _exit(rc ? -rc : getppid() == parent ? 0 : EINVAL);
    }
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -ETIME;
}

static int open_filter(struct kvr_watch *watches, size_t count, char *why, size_t why_bytes)
{
    struct seccomp_notif_sizes sizes;
    int rc = 0;
    if (!kvr_usage_call_address()) {
        snprintf(why, why_bytes, "not built for this architecture");
        return -ENOTSUP;
    }
    if (seccomp(SECCOMP_GET_NOTIF_SIZES, 0, &sizes))
        rc = -errno;
    else if (sizes.seccomp_notif > MESSAGE_BYTES ||
             sizes.seccomp_notif_resp > sizeof(struct seccomp_notif_resp))
        rc = -E2BIG;
    bool installed = atomic_load(&answerer.listener) > 0;
    if (!rc && !installed)
        rc = probe();
    if (!rc && !installed)
        rc = install();
    if (rc) {
        snprintf(why, why_bytes, "%s (a notifying filter needs Linux 5.5)", strerror(-rc));
        return rc;
    }
    answerer.count = count;
    atomic_store(&answerer.watches, watches);
    return 0;
}

static void close_filter(void)
{
    atomic_store(&answerer.watches, NULL);
}

static int enroll(struct kvr_watch *watch)
{
    atomic_store(&watch->tid, (pid_t)syscall(SYS_gettid));
    return 0;
}

static void dismiss(struct kvr_watch *watch)
{
    atomic_store(&watch->tid, 0);
}

const struct kvr_bypass_method kvr_bypass_seccomp = {.name = "seccomp filter",
                                                     .open = open_filter,
                                                     .close = close_filter,
                                                     .enroll = enroll,
                                                     .dismiss = dismiss};
