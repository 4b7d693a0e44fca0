/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counters of the CPU and of the system, behind one interface. A backend tells readings that only
 * grow; what lies between two of them, its scaling and its quality are computed here, once.
 *
 * A backend is believed only where it counted work of known size (trust.h).
 */
#ifndef KVR_COUNTERS_H
#define KVR_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../machine/machine.h"
#include "events.h"

enum { KVR_MAX_EVENTS = 64 };

/* Of a value. Zeroed memory means that nothing was measured, never 0.0. */
enum kvr_quality { KVR_ABSENT, KVR_MODELLED, KVR_SCALED, KVR_MEASURED };
const char *kvr_quality_name(enum kvr_quality quality);

/* Below this share of its time on a counter an event's value is not used. */
#define KVR_LEAST_RUNNING .5

/* One event so far. Both times are 0 where a thread does not count it (others do). */
struct kvr_reading { uint64_t value, enabled_ns, running_ns; };
struct kvr_mark {
    struct kvr_reading readings[KVR_MAX_EVENTS];
    int error; /* -errno: nothing could be read */
};

struct kvr_counter_backend;
struct kvr_perf_system;
struct kvr_likwid_library;
struct kvr_trust_work;

struct kvr_counters {
    const struct kvr_counter_backend *backend;
    const struct kvr_machine *machine; /* borrowed */
    const struct kvr_perf_system *perf_system; /* of perf; NULL: Linux */
    const struct kvr_likwid_library *likwid;   /* NULL: the one linked */
    const struct kvr_trust_work *trust_work;   /* of likwid, which is proven as it is opened */
    /* likwid has not come back from a call and never will: by a thread of its own, while no thread
     * that measures goes on. NULL, and after it: exit code 3. */
    void (*hung)(void *context, const char *why);
    void *hung_context;
    unsigned limit_s; /* for each call of likwid; 0: 20 */
    struct kvr_event events[KVR_MAX_EVENTS];
    uint32_t widths[KVR_MAX_EVENTS]; /* bits of a reading; 0 means 64 */
    char why[KVR_MAX_EVENTS][256];   /* it is not available; "": it is */
    size_t count;
    void *state;                     /* the backend's */
};

struct kvr_counter_backend {
    const char *name;
    bool by_trial; /* each event is to be tried here before it is believed (trust.h) */
    bool replayed; /* counts nothing: no trial, no cost */
    /* `argument` is what follows "name:" on the command line, NULL without one. Events are set by
     * the caller; a backend that brings its own fills them in. 0; -EINVAL: the argument is wrong;
     * -ENODEV: not to be had here; each with a sentence. */
    int (*open)(struct kvr_counters *counters, const char *argument, char *why, size_t why_bytes);
    void (*close)(struct kvr_counters *counters);
    /* By every thread of a team for itself; cpus[threads] are theirs. errors[] receives -errno of
     * each event that does not open, 0 of the others. */
    void (*enroll)(struct kvr_counters *counters, unsigned thread, unsigned threads,
                   const uint32_t *cpus, int errors[KVR_MAX_EVENTS]);
    void (*dismiss)(struct kvr_counters *counters, unsigned thread);
    /* Readings of the calling thread. Outside the stamps; may be a system call. */
    void (*mark)(struct kvr_counters *counters, unsigned thread, struct kvr_mark *mark);
    /* How it reads: "user-space reads", "read()". Known once a thread is enrolled. */
    const char *(*how)(const struct kvr_counters *counters);
    /* What an errno of enroll says: a cause and a remedy. */
    void (*explain)(const struct kvr_counters *counters, int error, char *text, size_t bytes);
};

extern const struct kvr_counter_backend kvr_counters_perf, kvr_counters_likwid, kvr_counters_none,
    kvr_counters_replay;

/* ---- between readings ---- */

struct kvr_count_sum {
    uint64_t value, enabled_ns, running_ns;
    bool backwards; /* a reading was smaller than the one before: nothing of it is used */
};

/* Adds what lies between two readings of `width` bits (0: 64). A reading that wraps is followed;
 * one that goes back is not a count. */
void kvr_count_add(struct kvr_count_sum *sum, const struct kvr_reading *before,
                   const struct kvr_reading *after, uint32_t width);

struct kvr_count {
    double value;   /* in events, scaled to the whole time; NAN if absent */
    double running; /* share of the time on a counter; NAN if it was never asked to count */
    enum kvr_quality quality;
};
/* Why an absent one is absent goes to `why` ("" otherwise). */
struct kvr_count kvr_count_of(const struct kvr_count_sum *sum, char *why, size_t why_bytes);

/* Events that everyone knows by name: cycles, instructions, branches, cache-references,
 * cache-misses, then the software events. The last is energy-pkg where this system tells it (RAPL
 * through the power PMU). *count receives how many; events[] has room for KVR_MAX_EVENTS. */
void kvr_events_generic(const struct kvr_machine *machine, struct kvr_event *events,
                        size_t *count);
bool kvr_event_is_software(const struct kvr_event *event);

#endif
