/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "counting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void kvr_tally_free(struct kvr_tally *tally)
{
    free(tally->sums);
    *tally = (struct kvr_tally){.sums = NULL};
}

/* ---- a team ---- */

static void enroll_thread(void *argument, unsigned thread)
{
    struct kvr_counting *c = argument;
    const struct kvr_counter_backend *backend = c->counters.backend;
    backend->enroll(&c->counters, thread, c->threads, c->cpus, c->errors[thread]);
}

static void dismiss_thread(void *argument, unsigned thread)
{
    struct kvr_counting *c = argument;
    c->counters.backend->dismiss(&c->counters, thread);
}

/* The first thread that does not get an event speaks for the team. */
static void find_refusals(struct kvr_counting *c)
{
    memset(c->team_why, 0, sizeof c->team_why);
    for (unsigned t = 0; t < c->threads; t++)
        for (size_t i = 0; i < c->counters.count; i++) {
            char why[224];
            if (!c->errors[t][i] || c->team_why[i][0])
                continue;
            c->counters.backend->explain(&c->counters, c->errors[t][i], why, sizeof why);
            snprintf(c->team_why[i], sizeof c->team_why[i], "thread %u of %u: %s", t, c->threads,
                     why);
        }
}

void kvr_counting_on_hang(struct kvr_counting *c, void (*hung)(void *context, const char *why),
                          void *context)
{
    if (!c)
        return;
    c->counters.hung_context = context;
    c->counters.hung = hung;
}

void kvr_counting_enroll(struct kvr_counting *c, struct kvr_team *team, const uint32_t *cpus)
{
    kvr_counting_dismiss(c);
    if (!c || !c->counters.count)
        return;
    c->team = team;
    c->cpus = cpus;
    c->threads = kvr_team_threads(team);
    memset(c->errors, 0, c->threads * sizeof *c->errors);
    kvr_team_run(team, enroll_thread, c);
    find_refusals(c);
}

void kvr_counting_dismiss(struct kvr_counting *c)
{
    if (!c || !c->team)
        return;
    kvr_team_run(c->team, dismiss_thread, c);
    c->team = NULL;
}

/* ---- a sample ---- */

static void start(void *context, unsigned thread)
{
    struct kvr_counting *c = context;
    c->counters.backend->mark(&c->counters, thread, &c->before[thread]);
}

static void stop(void *context, unsigned thread)
{
    struct kvr_counting *c = context;
    const struct kvr_mark *before = &c->before[thread], *after = &c->after[thread];
    c->counters.backend->mark(&c->counters, thread, &c->after[thread]);
    int error = before->error ? before->error : after->error;
    if (error)
        c->tally->error = error;
    for (size_t i = 0; i < c->counters.count && !error; i++)
        kvr_count_add(&c->tally->sums[thread][i], &before->readings[i], &after->readings[i],
                      c->counters.widths[i]);
}

static void taken(void *context, const struct kvr_sample *sample)
{
    struct kvr_counting *c = context;
    c->tally->segments += sample->segments;
    c->tally->total_ns += sample->total_ns;
    c->tally->samples++;
}

void kvr_counting_begin(struct kvr_counting *c, struct kvr_sampler *sampler,
                        struct kvr_tally *tally)
{
    if (!c || !c->team)
        return;
    if (!tally->sums) {
        tally->sums = calloc(c->threads, sizeof *tally->sums);
        tally->threads = c->threads;
    }
    if (!tally->sums || tally->threads != c->threads)
        return;
    if (!tally->samples)
        memset(tally->sums, 0, c->threads * sizeof *tally->sums);
    memset(c->before, 0, c->threads * sizeof *c->before);
    memset(c->after, 0, c->threads * sizeof *c->after);
    c->tally = tally;
    c->probe = (struct kvr_sample_probe){.start = start, .stop = stop, .taken = taken,
                                         .context = c};
    kvr_sampler_probe(sampler, &c->probe);
}

void kvr_counting_end(struct kvr_counting *c, struct kvr_sampler *sampler)
{
    if (c)
        kvr_sampler_probe(sampler, NULL);
}

void kvr_counting_close(struct kvr_counting *c)
{
    if (!c)
        return;
    kvr_counting_dismiss(c);
    c->counters.backend->close(&c->counters);
    free(c->errors);
    free(c->before);
    free(c->after);
    free(c);
}
