/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a filter of system calls cannot do, preloaded: $REFUSE_PATH cannot be opened
 * ($REFUSE_ERROR, a number, says why), with $REFUSE_THREADS no thread can be started, and from the
 * $REFUSE_COUNTERS-th on no counter of a thread can be opened: there are no descriptors left.
 */
#undef _FILE_OFFSET_BITS /* it would give the 64-bit functions' names to the others */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool refused(const char *path)
{
    const char *wanted = getenv("REFUSE_PATH"), *error = getenv("REFUSE_ERROR");
    if (!wanted || strcmp(wanted, path))
        return false;
    errno = error ? atoi(error) : EACCES;
    return true;
}

#define NEXT(type, name) type *next = (type *)dlsym(RTLD_NEXT, name)

typedef FILE *fopen_fn(const char *, const char *);
typedef int open_fn(const char *, int, ...);
typedef int openat_fn(int, const char *, int, ...);

#define FOPEN(name) \
    FILE *name(const char *path, const char *mode) \
    { \
        NEXT(fopen_fn, #name); \
        return refused(path) ? NULL : next(path, mode); \
    }

#define MODE(flags, mode) \
    unsigned mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list list; \
        va_start(list, flags); \
        mode = va_arg(list, unsigned); \
        va_end(list); \
    }

#define OPEN(name) \
    int name(const char *path, int flags, ...) \
    { \
        NEXT(open_fn, #name); \
        MODE(flags, mode) \
        return refused(path) ? -1 : next(path, flags, mode); \
    }

#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) \
    { \
        NEXT(openat_fn, #name); \
        MODE(flags, mode) \
        return refused(path) ? -1 : next(folder, path, flags, mode); \
    }

FOPEN(fopen)
FOPEN(fopen64)
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

long syscall(long number, ...)
{
    typedef long syscall_fn(long, ...);
    static atomic_int opened;
    const char *first = getenv("REFUSE_COUNTERS");
    long a[6];
    NEXT(syscall_fn, "syscall");
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_perf_event_open && first && ++opened >= atoi(first)) {
        errno = EMFILE;
        return -1;
    }
    return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument)
{
    typedef int create_fn(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    NEXT(create_fn, "pthread_create");
    return getenv("REFUSE_THREADS") ? EAGAIN : next(thread, attributes, start, argument);
}
