/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One sample: a function over a cyclic list of segments, stamped every few segments. Between the
 * first and the last stamp a thread makes no system call. The sampler knows neither kernels nor
 * plans: what the function does with segment numbers is the caller's business.
 */
#ifndef KVR_SAMPLER_H
#define KVR_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bypass.h"
#include "clock.h"
#include "team.h"

enum { KVR_MAX_THREADS = 1024, KVR_MAX_SLICES = 4096 }; /* threads: one for each CPU known */

/* Works on segments first, first + 1, ... (count of them, cyclic) of this thread's list. */
typedef void kvr_slice_fn(void *argument, unsigned thread, uint32_t first, uint32_t count);

struct kvr_sample_request {
    kvr_slice_fn *run;
    void *argument;
    const uint32_t *list_counts; /* [threads]: segments in each thread's list */
    uint32_t *cursors;           /* [threads]: where to start; moved on past the sample */
    uint32_t warm_segments;      /* worked on before the first stamp (cached levels); 0: none */
    uint32_t slice_segments, slices;
    /* Called by every thread before each slice, outside the stamps (eviction); NULL: nothing, and
     * the next slice's first stamp is the last one's second. */
    void (*between)(void *context, unsigned thread);
    void *between_context;
    /* Says what `run` runs with this argument; NULL: it has no name. Only called to report. */
    void (*name)(const void *argument, char *text, size_t bytes);
};

struct kvr_sample {
    /* First stamp of any thread to the last of any; with `between` the slowest thread's slices. */
    double total_ns;
    double robust_ns;  /* slowest thread's median slice x slices */
    double stolen;     /* 1 - robust / total, at least 0 */
    uint64_t segments; /* all threads */
    uint32_t faults, switches, preemptions, migrations;
    bool invalid; /* a fault or a migration lay inside: no time of it may be used */
};

/* What looks at samples from outside: by every thread before the first stamp and after the last, no
 * call of it lies between. With `between` it is so with each slice, so that what is done between
 * the slices is not looked at; start is called once more before the first, to have touched all that
 * it touches. */
struct kvr_sample_probe {
    void (*start)(void *context, unsigned thread), (*stop)(void *context, unsigned thread);
    void (*taken)(void *context, const struct kvr_sample *sample); /* thread 0, at the end */
    void *context;
};

struct kvr_sampler;

/* Owns the stamp buffers of a team (pre-touched). NULL on out of memory. The team and the clock
 * are borrowed. */
struct kvr_sampler *kvr_sampler_new(struct kvr_team *team, const struct kvr_clock *clock);
void kvr_sampler_free(struct kvr_sampler *sampler);
unsigned kvr_sampler_threads(const struct kvr_sampler *sampler);

/* From now on every sample but those of kvr_sample_plan is proven (bypass.h), whose threads are
 * enrolled already; NULL: none is. Borrowed. */
void kvr_sampler_prove(struct kvr_sampler *sampler, struct kvr_bypass *bypass);

/* From now on every sample but those of kvr_sample_plan is looked at; NULL: none is. Borrowed. */
void kvr_sampler_probe(struct kvr_sampler *sampler, const struct kvr_sample_probe *probe);

/* Takes one sample. */
void kvr_sample_take(struct kvr_sampler *sampler, const struct kvr_sample_request *request,
                     struct kvr_sample *sample);

/* Sets slice_segments and slices so that a sample lasts at least sample_s in slices of about a
 * tenth of that (at most 5 ms, at least one segment), by trying growing counts. With `between` a
 * slice is a pass over thread 0's list, and a sample is at least 3 and at most 15 of them: what
 * lies between the passes takes longer than they do. */
void kvr_sample_plan(struct kvr_sampler *sampler, struct kvr_sample_request *request,
                     double sample_s);

#endif
