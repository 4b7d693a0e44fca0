/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trust.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SHARED_LOOPS = 40, TRIES = 3 };

const struct kvr_trial *kvr_trial_of(const struct kvr_event *event)
{
    for (size_t i = 0; i < kvr_trial_count; i++) {
        const struct kvr_trial *t = &kvr_trials[i];
        if ((!t->name || !strcmp(t->name, event->name)) &&
            (!t->unit || !strcmp(t->unit, event->unit)))
            return t;
    }
    return NULL; /* not reached: the last one is for any */
}

/* Events (in their unit) that the backend counts while `times` units are done; NAN with `why`. */
static double count_work(struct kvr_counters *one, kvr_known_work *work, const void *context,
                         unsigned times, double *expected, char *why, size_t why_bytes)
{
    struct kvr_mark before, after;
    struct kvr_count_sum sum = {0};
    one->backend->mark(one, 0, &before);
    *expected = work(context, times);
    one->backend->mark(one, 0, &after);
    int error = before.error ? before.error : after.error;
    if (error) {
        snprintf(why, why_bytes, "reading it fails: %s", strerrorname_np(-error));
        return NAN;
    }
    kvr_count_add(&sum, &before.readings[0], &after.readings[0], one->widths[0]);
    return kvr_count_of(&sum, why, why_bytes).value * one->events[0].scale;
}

kvr_known_work *kvr_trial_work(const struct kvr_trial *trial, const struct kvr_trust_work *work,
                               const struct kvr_machine *machine, const struct kvr_event *event,
                               const void **context)
{
    *context = trial->work ? (const void *)machine : event;
    return trial->work ? trial->work : work ? work->flops : NULL;
}

void kvr_trial_judge(const struct kvr_trial *trial, const double counted[2],
                     const double expected[2], char *why, size_t why_bytes)
{
    why[0] = 0;
    double added = counted[1] - counted[0], ratio = added / (expected[1] - expected[0]);
    if (isnan(expected[0]) || isnan(expected[1]))
        snprintf(why, why_bytes, "not proven: there is no work of known size for it");
    else if (counted[1] <= 0)
        snprintf(why, why_bytes, "did not count");
    else if (!(ratio >= trial->least && ratio <= trial->most))
        snprintf(why, why_bytes, "did not count: %.6g where %.6g happened", added,
                 expected[1] - expected[0]);
}

/* What other work adds to the first count makes the difference too small: a switch to it is one
 * more. An event that counts nothing fails every time. */
static void try_event(struct kvr_counters *one, const struct kvr_trust_work *work, char *why,
                      size_t why_bytes)
{
    const struct kvr_trial *trial = kvr_trial_of(&one->events[0]);
    const void *context;
    kvr_known_work *run = kvr_trial_work(trial, work, one->machine, &one->events[0], &context);
    int tries = 0;
    do {
        double expected[2] = {NAN, NAN}, counted[2] = {NAN, NAN};
        for (unsigned i = 0; run && i < 2; i++) {
            counted[i] = count_work(one, run, context, i + 1, &expected[i], why, why_bytes);
            if (why[0])
                return;
        }
        kvr_trial_judge(trial, counted, expected, why, why_bytes);
    } while (why[0] && ++tries < TRIES);
}

void kvr_trust_events(struct kvr_counters *c, const struct kvr_trust_work *work)
{
    for (size_t i = 0; i < c->count; i++) {
        struct kvr_counters one = {.backend = c->backend, .machine = c->machine,
                                   .perf_system = c->perf_system,
                                   .events = {c->events[i]}, .widths = {c->widths[i]}, .count = 1};
        int errors[KVR_MAX_EVENTS] = {0};
        char *why = c->why[i];
        const size_t bytes = sizeof c->why[i];
        if (why[0] || c->backend->open(&one, NULL, why, bytes))
            continue;
        c->backend->enroll(&one, 0, 1, &(uint32_t){0}, errors);
        if (errors[0])
            c->backend->explain(&one, errors[0], why, bytes);
        else
            try_event(&one, work, why, bytes);
        c->backend->close(&one);
    }
}

size_t kvr_trust_shared(struct kvr_counters *c, double *least)
{
    struct kvr_mark before, after;
    size_t shared = 0;
    *least = 1;
    c->backend->mark(c, 0, &before);
    kvr_known_loop(NULL, SHARED_LOOPS);
    c->backend->mark(c, 0, &after);
    for (size_t i = 0; i < c->count; i++) {
        uint64_t enabled = after.readings[i].enabled_ns - before.readings[i].enabled_ns;
        uint64_t running = after.readings[i].running_ns - before.readings[i].running_ns;
        if (c->why[i][0] || !enabled)
            continue;
        double share = fmin(1, (double)running / (double)enabled);
        shared += share < .999;
        *least = fmin(*least, share);
    }
    return shared;
}
