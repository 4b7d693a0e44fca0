/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Is a counter to be believed? Each event alone counts work of known size, once and twice; what the
 * second adds must be what the work adds. An event that opens and stays at zero is common: it has
 * not been counted, and is not zero.
 */
#ifndef KVR_COUNTERS_TRUST_H
#define KVR_COUNTERS_TRUST_H

#include "counters.h"

/* Work of `times` units; returns how many events of the kind it is, NAN: it cannot be done here. */
typedef double kvr_known_work(const void *context, unsigned times);

/* What only the caller can do; run NULL: not. */
struct kvr_trust_work {
    /* Unit "flops": multiply-adds, each two; `context` is the event. */
    kvr_known_work *flops;
};

/* Fills why[] of each event of `counters` that does not open or does not count; the backend is
 * open. By the calling thread, which is no member of a team. */
void kvr_trust_events(struct kvr_counters *counters, const struct kvr_trust_work *work);

/* All events that are left, by an enrolled thread 0: how many of them share their counters with
 * others; *least receives the smallest share of its time that one is counted. */
size_t kvr_trust_shared(struct kvr_counters *counters, double *least);

/* Inside the backends. */
struct kvr_trial {
    const char *name, *unit; /* of the events it is for; name NULL: any */
    kvr_known_work *work;    /* `context` is the machine; NULL: only the caller has some */
    double least, most;      /* counted over expected */
};
extern const struct kvr_trial kvr_trials[];
extern const size_t kvr_trial_count;
/* The first that is for this event; the last is for any. */
const struct kvr_trial *kvr_trial_of(const struct kvr_event *event);
/* Its work and what that is called with; NULL: there is none. */
kvr_known_work *kvr_trial_work(const struct kvr_trial *trial, const struct kvr_trust_work *work,
                               const struct kvr_machine *machine, const struct kvr_event *event,
                               const void **context);
/* What was counted of work once and twice against what happened: "", or why it is not believed. */
void kvr_trial_judge(const struct kvr_trial *trial, const double counted[2],
                     const double expected[2], char *why, size_t why_bytes);
/* A loop of two instructions, one of them a branch; NAN where nobody knows what a compiler makes
 * of it. Returns its branches. */
double kvr_known_loop(const void *context, unsigned times);

#endif
