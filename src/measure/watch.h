/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside the proof of bypass (bypass.h): one watched thread, and a method to catch its calls.
 */
#ifndef KVR_WATCH_H
#define KVR_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bypass.h"
#include "perf_events.h"

/* The values that Linux gives a selector byte. */
enum { KVR_CALLS_ALLOWED = 0, KVR_CALLS_BLOCKED = 1 };

/* Lines of its own: the selector is written at every region. */
struct kvr_watch {
    _Alignas(64) volatile unsigned char selector;
    _Atomic pid_t tid; /* 0: nobody */
    /* The first entry of the region; written by a handler, read when the region is over. */
    atomic_bool entered;
    enum kvr_entry_kind kind;
    long number;       /* of a system call */
    uintptr_t address; /* of a vDSO function */
    struct kvr_perf_events events;
    struct kvr_perf_counts before, counted;
};

struct kvr_bypass_method {
    const char *name;
    /* Once: can calls be caught here? Starts what catches them. 0 or -errno with a sentence. */
    int (*open)(struct kvr_watch *watches, size_t count, char *why, size_t why_bytes);
    void (*close)(void);
    /* By the thread to be watched itself, before its first region and after its last. */
    int (*enroll)(struct kvr_watch *watch);
    void (*dismiss)(struct kvr_watch *watch);
};

/* Async-signal-safe: keeps the first entry of the region and ends the watch over the thread, so
 * that what it asked for is done and the run can finish. */
void kvr_watch_note(struct kvr_watch *watch, enum kvr_entry_kind kind, long number,
                    uintptr_t address);

/* The calling thread's watch; NULL: it is not watched. Async-signal-safe. */
struct kvr_watch *kvr_watch_own(void);

#endif
