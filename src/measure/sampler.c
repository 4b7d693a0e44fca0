/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sampler.h"

#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct thread_record {
    uint64_t *stamps; /* [2 * KVR_MAX_SLICES]: begin and end of each slice */
    uint32_t faults, switches, preemptions, migrations;
};

struct kvr_sampler {
    struct kvr_team *team;
    const struct kvr_clock *clock;
    unsigned threads;
    struct thread_record *records;
    double *slices; /* scratch for the median */
};

struct sample_job {
    struct kvr_sampler *sampler;
    const struct kvr_sample_request *request;
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

static uint32_t wrap(uint64_t position, uint32_t count)
{
    return (uint32_t)(position < count ? position : position % count);
}

static void sample_thread(void *argument, unsigned thread)
{
    const struct sample_job *job = argument;
    const struct kvr_sample_request *r = job->request;
    const struct kvr_clock *clock = job->sampler->clock;
    struct thread_record *record = &job->sampler->records[thread];
    uint32_t count = r->list_counts[thread], at = r->cursors[thread];
    struct rusage before, after;

    if (r->warm_segments)
        r->run(r->argument, thread, at, r->warm_segments);
    int cpu = sched_getcpu();
    getrusage(RUSAGE_THREAD, &before);
    kvr_team_barrier(job->sampler->team);
    uint64_t *stamps = record->stamps, stamp = clock->now(clock->state);
    for (uint32_t i = 0; i < r->slices; i++) {
        if (r->between) {
            r->between(r->between_context, thread);
            kvr_team_barrier(job->sampler->team);
            stamp = clock->now(clock->state);
        }
        stamps[2 * i] = stamp;
        r->run(r->argument, thread, at, r->slice_segments);
        stamp = clock->now(clock->state);
        stamps[2 * i + 1] = stamp;
        at = wrap((uint64_t)at + r->slice_segments, count);
    }
    getrusage(RUSAGE_THREAD, &after);
    r->cursors[thread] = at;
    record->faults =
        (uint32_t)(after.ru_minflt + after.ru_majflt - before.ru_minflt - before.ru_majflt);
    record->switches = (uint32_t)(after.ru_nvcsw - before.ru_nvcsw);
    record->preemptions = (uint32_t)(after.ru_nivcsw - before.ru_nivcsw);
    record->migrations = sched_getcpu() != cpu;
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

void kvr_sample_take(struct kvr_sampler *s, const struct kvr_sample_request *request,
                     struct kvr_sample *sample)
{
    struct sample_job job = {s, request};
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
        sample->faults += r->faults;
        sample->switches += r->switches;
        sample->preemptions += r->preemptions;
        sample->migrations += r->migrations;
        sample->segments += (uint64_t)request->slices * request->slice_segments;
    }
    double total_ticks = request->between ? slices_ticks : (double)(last - first);
    sample->total_ns = total_ticks / s->clock->ticks_per_ns;
    sample->robust_ns = robust_ticks / s->clock->ticks_per_ns;
    sample->stolen = sample->total_ns > 0 ? fmax(0, 1 - sample->robust_ns / sample->total_ns) : 0;
    sample->invalid = sample->faults || sample->migrations;
}

static void plan_passes(struct kvr_sampler *s, struct kvr_sample_request *request, double sample_s)
{
    enum { LEAST = 3, MOST = 15 };
    struct kvr_sample sample;
    request->slice_segments = request->list_counts[0];
    request->slices = LEAST;
    kvr_sample_take(s, request, &sample);
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
        kvr_sample_take(s, request, &sample);
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
    kvr_sample_take(s, request, &sample);
    double one_ns = fmax(sample.robust_ns / 3, 1);
    double slices = ceil(sample_s * 1e9 / one_ns * 1.05);
    request->slices = (uint32_t)fmin(fmax(slices, 3), KVR_MAX_SLICES);
    request->warm_segments = warm;
}
