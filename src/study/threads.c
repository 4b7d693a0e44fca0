/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "threads.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../measure/team.h"

double kvr_family_gb_per_s(const struct kvr_run_record *record, const char *level,
                           const char *layout, uint64_t segment_bytes, unsigned threads)
{
    uint64_t class = kvr_segment_class(segment_bytes);
    for (size_t i = 0; i < record->ceiling_count; i++) {
        const struct kvr_ceiling *c = &record->ceilings[i];
        if (!strcmp(c->type, "read-family") && c->threads == threads && c->segment_bytes == class &&
            !strcmp(c->level, level) && !strcmp(c->layout, layout))
            return c->value;
    }
    return NAN;
}

/* A materialised copy; elsewhere the bytes are 0 or not known. */
static bool writes(const struct kvr_result *r)
{
    return r->cost.written_bytes > 0;
}

/* The same codes in the same list, read by another number of threads. */
static bool same_list(const struct kvr_result *a, const struct kvr_result *b)
{
    bool alike = b->measured && !strcmp(a->op, b->op) && !strcmp(a->level, b->level) &&
                 !strcmp(a->layout, b->layout) && !strcmp(a->pages, b->pages) &&
                 !strcmp(a->mem, b->mem) && a->head_dim == b->head_dim && a->tokens == b->tokens &&
                 a->cost.stream_bytes == b->cost.stream_bytes;
    /* What else M reads or writes with the keys. */
    return alike && a->working_set_bytes == b->working_set_bytes &&
           a->evict_bytes == b->evict_bytes && a->batch == b->batch &&
           a->group_queries == b->group_queries && !strcmp(a->codebook, b->codebook) &&
           !strcmp(a->codebook_residency, b->codebook_residency) &&
           !strcmp(a->value_format, b->value_format) &&
           writes(a) == writes(b);
}

/* One pass over the keys and nothing else, as the read family does it. */
static bool is_one_read(const struct kvr_result *r)
{
    return !strcmp(r->op, "scan") && !writes(r) && r->evict_bytes == 0;
}

/* GB/s at which `threads` threads read a result's list: by M of a case in this record, which is
 * paired with what it is compared with, else by the read family. NAN: unknown. */
static double read_gb_per_s(const struct kvr_run_record *record, const struct kvr_result *like,
                            unsigned threads)
{
    for (size_t i = 0; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        if (r->threads == threads && same_list(like, r) && r->result.m_ns_per_key > 0)
            return r->cost.stream_bytes / r->tokens / r->result.m_ns_per_key;
    }
    return is_one_read(like) ? kvr_family_gb_per_s(record, like->level, like->layout,
                                                   (uint64_t)like->cost.stream_bytes, threads)
                             : NAN;
}

const char *kvr_memory_cause(const struct kvr_run_record *record, const struct kvr_result *r)
{
    double one = read_gb_per_s(record, r, 1);
    double all = r->cost.stream_bytes / r->tokens / r->result.m_ns_per_key;
    if (r->threads == 1 || isnan(one) || isnan(all))
        return NULL;
    return all < KVR_NODE_SHARE * r->threads * one ? "node" : "core";
}

static double latency_ns(const struct kvr_run_record *record)
{
    for (size_t i = 0; i < record->ceiling_count; i++)
        if (!strcmp(record->ceilings[i].type, "latency") &&
            !strcmp(record->ceilings[i].level, "DRAM"))
            return record->ceilings[i].value;
    return NAN;
}

static unsigned most_threads(const struct kvr_run_record *record, const struct kvr_result *like)
{
    unsigned most = 1;
    for (size_t i = 0; i < record->result_count; i++)
        if (same_list(like, &record->results[i]) && record->results[i].threads > most)
            most = record->results[i].threads;
    for (size_t i = 0; most == 1 && i < record->ceiling_count; i++)
        if (!strcmp(record->ceilings[i].type, "read-family") && record->ceilings[i].threads > most)
            most = record->ceilings[i].threads;
    return most;
}

/* t* from the case's core time on one thread: t* x bytes/C = the node's bandwidth. The node's is
 * known only where the threads at hand fill it. */
static void node_roof(const struct kvr_run_record *record, struct kvr_result *r)
{
    static const char what[] = "threads_to_node_roof";
    unsigned most = most_threads(record, r);
    double one = read_gb_per_s(record, r, 1), all = read_gb_per_s(record, r, most);
    if (most == 1 || isnan(all) || isnan(one)) {
        kvr_result_unavailable(r, what, "no case over such a list ran on several threads: add "
                                        "-t 1,max");
        return;
    }
    double demand_gb_per_s = r->cost.stream_bytes / r->tokens / r->result.c_ns_per_key;
    if (all < KVR_NODE_SHARE * most * one)
        r->threads_to_node_roof = fmax(1, all / demand_gb_per_s);
    else
        kvr_result_unavailable(r, what,
                               "not reached with the cores granted: %u threads read %.1f GB/s, "
                               "%.2f times one thread's, so the node's own limit is not known",
                               most, all, all / one);
}

void kvr_threads_conclude(struct kvr_run_record *record)
{
    double latency = latency_ns(record);
    for (size_t i = 0; i < record->result_count; i++) {
        struct kvr_result *r = &record->results[i];
        if (!r->measured || strcmp(r->level, "DRAM") || !(r->result.gb_per_s > 0))
            continue;
        if (!isnan(latency))
            r->lines_in_flight = r->result.gb_per_s * latency / KVR_LINE_BYTES;
        if (r->threads == 1 && !strcmp(r->verdict.side, "core"))
            node_roof(record, r);
    }
}

/* ---- do two CPUs share a core? ---- */

struct pair_job {
    const struct kvr_peak *peak;
    const struct kvr_clock *clock;
    struct kvr_team *team;
    uint64_t iterations;
    unsigned active; /* threads 0 .. active-1 work */
    unsigned char *scratch;
    double ns[KVR_MAX_THREADS];
};

enum { SCRATCH_BYTES = 4096, TRIES = 5 };

static void pair_thread(void *argument, unsigned thread)
{
    struct pair_job *job = argument;
    kvr_team_barrier(job->team);
    if (thread >= job->active)
        return;
    uint64_t begin = job->clock->now(job->clock->state);
    job->peak->rate(job->iterations, job->scratch + (size_t)thread * SCRATCH_BYTES);
    job->ns[thread] =
        (double)(job->clock->now(job->clock->state) - begin) / job->clock->ticks_per_ns;
}

/* The slowest thread's time, least of a few tries. */
static double pair_ns(struct pair_job *job, unsigned active)
{
    double least = INFINITY;
    job->active = active;
    for (int i = 0; i < TRIES; i++) {
        double slowest = 0;
        kvr_team_run(job->team, pair_thread, job);
        for (unsigned t = 0; t < active; t++)
            slowest = fmax(slowest, job->ns[t]);
        least = fmin(least, slowest);
    }
    return least;
}

static const struct kvr_peak *widest_fma(const struct kvr_session *s)
{
    size_t count;
    const struct kvr_peak *const *peaks = kvr_peaks(&count), *best = NULL;
    for (size_t i = 0; i < count; i++)
        if (peaks[i]->kind == KVR_PEAK_RATE && !(peaks[i]->isa & ~s->machine->isa.usable) &&
            !strncmp(peaks[i]->name, "fma", 3) &&
            (!best || peaks[i]->width_bits > best->width_bits))
            best = peaks[i];
    return best;
}

int kvr_threads_pair(struct kvr_session *s, unsigned threads, unsigned *shared_from)
{
    *shared_from = 0;
    if (threads < 2)
        return 0;
    int rc = kvr_session_team(s, threads);
    struct pair_job *job = rc ? NULL : calloc(1, sizeof *job);
    unsigned char *scratch = rc ? NULL : aligned_alloc(SCRATCH_BYTES, SCRATCH_BYTES * threads);
    if (!rc && job && scratch) {
        memset(scratch, 0, SCRATCH_BYTES * threads);
        *job = (struct pair_job){.peak = widest_fma(s), .clock = &s->clock, .team = s->team,
                                 .iterations = 1000, .scratch = scratch};
        double ns = fmax(pair_ns(job, 1), 1);
        job->iterations = (uint64_t)(1000 * fmax(1, 1e6 / ns)); /* about a millisecond */
        double alone = pair_ns(job, 1), pair = pair_ns(job, 2), all = pair_ns(job, threads);
        double two = 2 * alone / pair, total = threads * alone / all;
        bool shared = two < KVR_CORE_PAIR || total < KVR_CORE_PAIR / 2 * threads;
        *shared_from = two < KVR_CORE_PAIR ? 2 : shared ? threads : 0;
        struct kvr_check *c = kvr_check_add(
            &s->record->checks, "fma-pair", shared ? KVR_CHECK_WARN : KVR_CHECK_OK,
            "multiply-adds of CPUs %u and %u together are %.2f times one's, of all %u %.2f "
            "times%s",
            s->cpus[0], s->cpus[1], two, threads, total,
            shared ? ": they share cores, whatever the topology says; figures over threads are "
                      "figures over siblings"
                    : "");
        snprintf(c->value, sizeof c->value, "%.3f", two);
        if (shared)
            snprintf(c->fix, sizeof c->fix, "choose one CPU a core with -c");
    } else if (!rc) {
        rc = -ENOMEM;
    }
    free(job);
    free(scratch);
    return rc;
}
