/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "call_names.h"

#include <stdio.h>
#include <sys/syscall.h>

/* Libc has no list of names; these are the calls that code between two stamps may come to make:
 * memory, time, threads, output. Only what every architecture has. */
#define CALL(name) {SYS_##name, #name}
static const struct { long number; const char *name; } calls[] = {
    CALL(brk), CALL(mmap), CALL(munmap), CALL(mprotect), CALL(madvise), CALL(mremap),
    CALL(mbind), CALL(move_pages), CALL(futex), CALL(sched_yield), CALL(sched_setaffinity),
    CALL(sched_getaffinity), CALL(getcpu), CALL(nanosleep), CALL(clock_nanosleep),
    CALL(clock_gettime), CALL(clock_getres), CALL(gettimeofday), CALL(getpid), CALL(getppid),
    CALL(gettid), CALL(getuid), CALL(getrusage), CALL(prctl), CALL(read), CALL(write), CALL(writev),
    CALL(pread64), CALL(pwrite64), CALL(openat), CALL(close), CALL(ioctl), CALL(fstat), CALL(lseek),
    CALL(rt_sigprocmask), CALL(rt_sigaction), CALL(rt_sigreturn), CALL(tgkill), CALL(kill),
    CALL(clone), CALL(execve), CALL(exit), CALL(exit_group), CALL(perf_event_open),
    CALL(getrandom), CALL(membarrier),
};

void kvr_call_name(long number, char *name, size_t bytes)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i].number == number) {
            snprintf(name, bytes, "%s", calls[i].name);
            return;
        }
    snprintf(name, bytes, "system call %ld", number);
}
