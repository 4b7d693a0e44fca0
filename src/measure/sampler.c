/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sampler.h"

#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

struct thread_record {
    uint64_t *stamps; /* [2 * KVR_MAX_SLICES]: begin and end of each slice */
    struct kvr_region_usage usage;
};

struct kvr_sampler {
    struct kvr_team *team;
    const struct kvr_clock *clock;
    unsigned threads;
    struct thread_record *records;
    double *slices;            /* scratch for the median */
    struct kvr_bypass *bypass; /* NULL: nothing is to be proven */
    const struct kvr_sample_probe *probe; /* NULL: nobody looks */
};

struct sample_job {
    struct kvr_sampler *sampler;
    const struct kvr_sample_request *request;
    struct kvr_bypass *bypass;
    const struct kvr_sample_probe *probe;
};

struct kvr_sampler *kvr_sampler_new(struct kvr_team *team, const struct kvr_clock *clock)
{
    unsigned threads = kvr_team_threads(team);
    struct kvr_sampler *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->team = team;
    s->clock = clock;
    s->threads = threads;
    s->records = calloc(threads, sizeof *s->records);
    s->slices = calloc(KVR_MAX_SLICES, sizeof *s->slices);
    bool ok = s->records && s->slices;
    for (unsigned t = 0; ok && t < threads; t++) {
        s->records[t].stamps = malloc(2 * KVR_MAX_SLICES * sizeof(uint64_t));
        ok = s->records[t].stamps != NULL;
        if (ok) /* a first touch between two stamps would be a page fault */
            memset(s->records[t].stamps, 1, 2 * KVR_MAX_SLICES * sizeof(uint64_t));
    }
    if (!ok) {
        kvr_sampler_free(s);
        return NULL;
    }
    return s;
}

void kvr_sampler_free(struct kvr_sampler *s)
{
    if (!s)
        return;
    for (unsigned t = 0; s->records && t < s->threads; t++)
        free(s->records[t].stamps);
    free(s->records);
    free(s->slices);
    free(s);
}

unsigned kvr_sampler_threads(const struct kvr_sampler *sampler)
{
    return sampler->threads;
}

void kvr_sampler_prove(struct kvr_sampler *sampler, struct kvr_bypass *bypass)
{
    sampler->bypass = bypass;
}

void kvr_sampler_probe(struct kvr_sampler *sampler, const struct kvr_sample_probe *probe)
{
    sampler->probe = probe;
}

static uint32_t wrap(uint64_t position, uint32_t count)
{
    return (uint32_t)(position < count ? position : position % count);
}

/* Between the stamps: nothing but what the request asks for. The next segment is returned. */
static uint32_t stamp_slices(const struct sample_job *job, unsigned thread)
{
    const struct kvr_sample_request *r = job->request;
    const struct kvr_clock *clock = job->sampler->clock;
    const struct kvr_sample_probe *probe = job->probe;
    uint32_t count = r->list_counts[thread], at = r->cursors[thread];
    uint64_t *stamps = job->sampler->records[thread].stamps, stamp = clock->now(clock->state);
    for (uint32_t i = 0; i < r->slices; i++) {
        if (r->between) {
            r->between(r->between_context, thread);
            kvr_team_barrier(job->sampler->team);
            if (probe) /* no barrier behind it: waiting would be looked at in so short a slice */
                probe->start(probe->context, thread);
            stamp = clock->now(clock->state);
        }
        stamps[2 * i] = stamp;
        r->run(r->argument, thread, at, r->slice_segments);
        stamp = clock->now(clock->state);
        stamps[2 * i + 1] = stamp;
        if (probe && r->between)
            probe->stop(probe->context, thread);
        at = wrap((uint64_t)at + r->slice_segments, count);
    }
    return at;
}

static void sample_thread(void *argument, unsigned thread)
{
    const struct sample_job *job = argument;
    const struct kvr_sample_request *r = job->request;
    struct kvr_usage before, after;

    int cpu = sched_getcpu();
    if (job->bypass)
        kvr_bypass_enter(job->bypass, thread);
    if (r->warm_segments)
        r->run(r->argument, thread, r->cursors[thread], r->warm_segments);
    if (job->probe) {
        kvr_team_barrier(job->sampler->team); /* so that waiting for the others is not looked at */
        job->probe->start(job->probe->context, thread);
    }
    kvr_bypass_arm(job->bypass, thread, &before);
    kvr_team_barrier(job->sampler->team);
    uint32_t at = stamp_slices(job, thread);
    kvr_bypass_disarm(job->bypass, thread, &after);
    if (job->probe && !r->between)
        job->probe->stop(job->probe->context, thread);
    if (job->bypass)
        kvr_bypass_leave(job->bypass, thread);
    r->cursors[thread] = at;
    job->sampler->records[thread].usage =
        (struct kvr_region_usage){.faults = (uint32_t)(after.faults - before.faults),
                                  .switches = (uint32_t)(after.switches - before.switches),
                                  .preemptions = (uint32_t)(after.preemptions - before.preemptions),
                                  .migrations = sched_getcpu() != cpu};
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_slice_ticks(struct kvr_sampler *s, const uint64_t *stamps, uint32_t slices)
{
    for (uint32_t i = 0; i < slices; i++)
        s->slices[i] = (double)(stamps[2 * i + 1] - stamps[2 * i]);
    qsort(s->slices, slices, sizeof *s->slices, compare_doubles);
    return slices % 2 ? s->slices[slices / 2]
                      : (s->slices[slices / 2 - 1] + s->slices[slices / 2]) / 2;
}

static double sum_ticks(const uint64_t *stamps, uint32_t slices)
{
    double sum = 0;
    for (uint32_t i = 0; i < slices; i++)
        sum += (double)(stamps[2 * i + 1] - stamps[2 * i]);
    return sum;
}

static void report(const struct sample_job *job, const struct kvr_sample *sample)
{
    const struct kvr_sample_request *request = job->request;
    char code[96] = "";
    if (request->name)
        request->name(request->argument, code, sizeof code);
    for (unsigned t = 0; t < job->sampler->threads; t++)
        kvr_bypass_region(job->bypass, t, &job->sampler->records[t].usage, code);
    kvr_bypass_sample(job->bypass, sample->total_ns, sample->stolen);
}

static void take(struct kvr_sampler *s, const struct kvr_sample_request *request,
                 struct kvr_bypass *bypass, const struct kvr_sample_probe *probe,
                 struct kvr_sample *sample)
{
    struct sample_job job = {s, request, bypass, probe};
    kvr_team_run(s->team, sample_thread, &job);

    uint64_t first = UINT64_MAX, last = 0;
    double robust_ticks = 0, slices_ticks = 0;
    memset(sample, 0, sizeof *sample);
    for (unsigned t = 0; t < s->threads; t++) {
        const struct thread_record *r = &s->records[t];
        if (r->stamps[0] < first)
            first = r->stamps[0];
        if (r->stamps[2 * request->slices - 1] > last)
            last = r->stamps[2 * request->slices - 1];
        double ticks = median_slice_ticks(s, r->stamps, request->slices) * request->slices;
        robust_ticks = fmax(robust_ticks, ticks);
        slices_ticks = fmax(slices_ticks, sum_ticks(r->stamps, request->slices));
        sample->faults += r->usage.faults;
        sample->switches += r->usage.switches;
        sample->preemptions += r->usage.preemptions;
        sample->migrations += r->usage.migrations;
        sample->segments += (uint64_t)request->slices * request->slice_segments;
    }
    double total_ticks = request->between ? slices_ticks : (double)(last - first);
    sample->total_ns = total_ticks / s->clock->ticks_per_ns;
    sample->robust_ns = robust_ticks / s->clock->ticks_per_ns;
    sample->stolen = sample->total_ns > 0 ? fmax(0, 1 - sample->robust_ns / sample->total_ns) : 0;
    sample->invalid = sample->faults || sample->migrations;
    if (bypass)
        report(&job, sample);
    if (probe)
        probe->taken(probe->context, sample);
}

void kvr_sample_take(struct kvr_sampler *s, const struct kvr_sample_request *request,
                     struct kvr_sample *sample)
{
    take(s, request, s->bypass, s->probe, sample);
}

static void plan_passes(struct kvr_sampler *s, struct kvr_sample_request *request, double sample_s)
{
    enum { LEAST = 3, MOST = 15 };
    struct kvr_sample sample;
    request->slice_segments = request->list_counts[0];
    request->slices = LEAST;
    take(s, request, NULL, NULL, &sample);
    double slices = ceil(sample_s * 1e9 / fmax(sample.robust_ns / LEAST, 1));
    request->slices = (uint32_t)fmin(fmax(slices, LEAST), MOST);
}

void kvr_sample_plan(struct kvr_sampler *s, struct kvr_sample_request *request, double sample_s)
{
    if (request->between) {
        plan_passes(s, request, sample_s);
        return;
    }
    double slice_ns = fmin(sample_s / 10, 5e-3) * 1e9;
    struct kvr_sample sample;
    uint32_t warm = request->warm_segments;
    request->slice_segments = 1;
    request->slices = 3; /* the median of three: one preemption must not end the search early */
    for (;;) {
        take(s, request, NULL, NULL, &sample); /* first touches of code and lists */
        request->warm_segments = 0;
        double took = sample.robust_ns / 3;
        if (took >= slice_ns / 4 || request->slice_segments >= UINT32_MAX / 16) {
            double segments = request->slice_segments * slice_ns / fmax(took, 1);
            request->slice_segments = (uint32_t)fmin(fmax(segments, 1), 1e9);
            break;
        }
        double factor = slice_ns / fmax(took, slice_ns / 64);
        request->slice_segments = (uint32_t)(request->slice_segments * fmax(2, fmin(16, factor)));
    }
    /* Above one segment a slice lasts about slice_ns; a single long segment lasts what it lasts. */
    take(s, request, NULL, NULL, &sample);
    double one_ns = fmax(sample.robust_ns / 3, 1);
    double slices = ceil(sample_s * 1e9 / one_ns * 1.05);
    request->slices = (uint32_t)fmin(fmax(slices, 3), KVR_MAX_SLICES);
    request->warm_segments = warm;
}
