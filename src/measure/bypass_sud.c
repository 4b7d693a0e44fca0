/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Syscall User Dispatch: from Linux 5.11 the kernel reads a byte of the calling thread at each of
 * its system calls and, as it says, does the call or raises SIGSYS. The byte is a plain store.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "watch.h"

#if defined __x86_64__

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF 0
#define PR_SYS_DISPATCH_ON 1
#endif
enum { USER_DISPATCH_CODE = 2 /* SYS_USER_DISPATCH */, CALL_BYTES = 2 /* syscall, int 0x80 */ };

static struct sigaction old_sigsys;

static void on_sigsys(int number, siginfo_t *info, void *context)
{
    struct kvr_watch *watch = kvr_watch_own();
    ucontext_t *at = context;
    if (info->si_code != USER_DISPATCH_CODE || !watch) {
        sigaction(number, &old_sigsys, NULL); /* not ours; the call is not repeated */
        return;
    }
    kvr_watch_note(watch, KVR_ENTRY_CALL, info->si_syscall, 0);
    at->uc_mcontext.gregs[REG_RIP] -= CALL_BYTES; /* again, and allowed now */
}

/* The kernel's own view of an action names the code that a handler returns to: libc's, which makes
 * one system call. A signal from outside, such as an interrupt, must be able to return. */
struct kernel_action {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
};

static const unsigned char restorer_code[] = {0x48, 0xc7, 0xc0, SYS_rt_sigreturn, 0, 0,
                                              0,    0x0f, 0x05};

static int dispatch_on(volatile unsigned char *selector)
{
    struct kernel_action action = {0};
    unsigned long at = 0, bytes = 0;
    syscall(SYS_rt_sigaction, SIGSYS, NULL, &action, sizeof action.mask);
    if (action.restorer && !memcmp(action.restorer, restorer_code, sizeof restorer_code)) {
        at = (unsigned long)action.restorer;
        bytes = sizeof restorer_code + 1; /* the address that counts is the one after the call */
    }
    int rc = prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, at, bytes, selector);
    return rc ? -errno : 0;
}

static void dispatch_off(void)
{
    prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0);
}

static int open_dispatch(struct kvr_watch *watches, size_t count, char *why, size_t why_bytes)
{
    struct sigaction action = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};
    (void)count;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGSYS, &action, &old_sigsys)) {
        snprintf(why, why_bytes, "%s", strerror(errno));
        return -errno;
    }
    int rc = dispatch_on(&watches[0].selector);
    if (rc) {
        snprintf(why, why_bytes, "%s",
                 rc == -EINVAL ? "this kernel has none (Linux 5.11)" : strerror(-rc));
        sigaction(SIGSYS, &old_sigsys, NULL);
        return rc;
    }
    dispatch_off();
    return 0;
}

static void close_dispatch(void)
{
    sigaction(SIGSYS, &old_sigsys, NULL);
}

static int enroll(struct kvr_watch *watch)
{
    return dispatch_on(&watch->selector);
}

static void dismiss(struct kvr_watch *watch)
{
    (void)watch;
    dispatch_off();
}

#else

static int open_dispatch(struct kvr_watch *watches, size_t count, char *why, size_t why_bytes)
{
    (void)watches;
    (void)count;
    snprintf(why, why_bytes, "of x86-64 only");
    return -ENOTSUP;
}

static void close_dispatch(void)
{
}

static int enroll(struct kvr_watch *watch)
{
    (void)watch;
    return -ENOTSUP;
}

static void dismiss(struct kvr_watch *watch)
{
    (void)watch;
}

#endif

const struct kvr_bypass_method kvr_bypass_dispatch = {.name = "syscall user dispatch",
                                                      .open = open_dispatch,
                                                      .close = close_dispatch,
                                                      .enroll = enroll,
                                                      .dismiss = dismiss};
