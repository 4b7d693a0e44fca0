/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "witness.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../measure/stats.h"
#include "arena.h"

enum { LONGER = 16, ROUNDS = 6, PIECES = 8, PIECE_BYTES = 512 };
enum { LEAST_OTHER_BYTES = 64 << 20 };
#define SAMPLE_S 8e-3
#define FELL .9      /* by a tenth */
#define UNHARMED .97 /* no lower than this */

bool kvr_witness_concurrency_stands(double t_ratio, double m_ratio, double c_ratio)
{
    return t_ratio <= FELL && m_ratio >= UNHARMED && c_ratio >= UNHARMED;
}

bool kvr_witness_other_stands(double t_over_e_ratio)
{
    return t_over_e_ratio <= FELL;
}

/* A case once more, as it is or changed. Scans point into it: it does not move. */
struct trial {
    struct kvr_lists lists, fold;
    struct kvr_score_buffers buffers;
    uint32_t cursors[KVR_MAX_THREADS], fold_cursors[KVR_MAX_THREADS];
    struct kvr_scan t, c, m;
    struct kvr_sample_request t_request, c_request, m_request;
    const struct kvr_family *family;
};

static void trial_close(struct trial *x)
{
    if (!x)
        return;
    kvr_lists_free(&x->lists);
    kvr_lists_free(&x->fold);
    kvr_score_buffers_free(&x->buffers);
    free(x);
}

static void plan(struct kvr_session *s, struct trial *x, const char *level)
{
    x->t_request = kvr_scan_request(&x->t);
    x->c_request = kvr_scan_request(&x->c);
    x->m_request = kvr_scan_request(&x->m);
    if (strcmp(level, "DRAM"))
        x->t_request.warm_segments = x->m_request.warm_segments = x->lists.counts[0];
    x->c_request.warm_segments = 2 * x->fold.counts[0];
    kvr_sample_plan(s->sampler, &x->t_request, SAMPLE_S);
    kvr_sample_plan(s->sampler, &x->c_request, SAMPLE_S);
    kvr_sample_plan(s->sampler, &x->m_request, SAMPLE_S);
}

/* -ERANGE: the working set has no room for such a list. */
static int trial_open(struct kvr_session *s, const struct kvr_subject *subject,
                      const struct kvr_lists_request *lists, const char *level, const char *layout,
                      struct trial **made)
{
    struct trial *x = calloc(1, sizeof *x);
    const struct kvr_segments *fold = &subject->fold.segments[0];
    int rc = x ? kvr_lists_build(lists, &x->lists) : -ENOMEM;
    *made = x;
    if (!rc)
        rc = kvr_score_buffers_new(s->threads, (lists->part_tokens + 63) / 64 * 64, &x->buffers);
    if (!rc)
        rc = kvr_lists_fold(lists->base, lists->format, lists->shape, &x->lists,
                            fold->fold_bytes ? fold->fold_bytes : subject->fold.segment_bytes,
                            s->threads, &x->fold);
    if (rc)
        return rc;
    x->t = subject->t;
    x->t.lists = &x->lists;
    x->t.buffers = &x->buffers;
    x->t.cursors = x->cursors;
    x->c = x->t;
    x->c.lists = &x->fold;
    x->c.cursors = x->fold_cursors;
    x->m = (struct kvr_scan){.lists = &x->lists, .buffers = &x->buffers, .cursors = x->cursors};
    x->family = kvr_session_family(s, &x->m, level, layout, lists->bytes);
    if (!x->family)
        return kvr_session_stopped(s) ? -EINTR : -ENOMEM;
    kvr_scan_set_member(&x->m, &x->family->best[0]);
    plan(s, x, level);
    return 0;
}

static double take(struct kvr_session *s, const struct kvr_scan *scan,
                   const struct kvr_sample_request *request)
{
    struct kvr_sample sample;
    kvr_sample_take(s->sampler, request, &sample);
    return kvr_scan_ns_per_key(scan, &sample, sample.robust_ns);
}

static struct kvr_phase_times trial_take(struct kvr_session *s, struct trial *x)
{
    struct kvr_phase_times times = {.m_ns = INFINITY};
    times.t_ns = take(s, &x->t, &x->t_request);
    times.c_ns = take(s, &x->c, &x->c_request);
    for (size_t i = 0; i < x->family->best_count; i++) {
        kvr_scan_set_member(&x->m, &x->family->best[i]);
        times.m_ns = fmin(times.m_ns, take(s, &x->m, &x->m_request));
    }
    return times;
}

static double over_e(struct kvr_phase_times x)
{
    return x.t_ns / fmax(x.m_ns, x.c_ns);
}

/* New over old, each a ratio within a round. */
struct comparison {
    struct kvr_estimate t, m, c, t_over_e;
};

static int compare(struct kvr_session *s, struct trial *base, struct trial *other,
                   struct comparison *out)
{
    double t[ROUNDS], m[ROUNDS], c[ROUNDS], e[ROUNDS];
    for (int r = 0; r < ROUNDS; r++) {
        struct kvr_phase_times old = trial_take(s, base), new = trial_take(s, other);
        t[r] = new.t_ns / old.t_ns;
        m[r] = new.m_ns / old.m_ns;
        c[r] = new.c_ns / old.c_ns;
        e[r] = over_e(new) / over_e(old);
        if (kvr_session_stopped(s))
            return -EINTR;
    }
    out->t = kvr_median(t, ROUNDS);
    out->m = kvr_median(m, ROUNDS);
    out->c = kvr_median(c, ROUNDS);
    out->t_over_e = kvr_median(e, ROUNDS);
    return 0;
}

void kvr_witness_add(struct kvr_subject *subject, const char *id, const struct kvr_estimate *ratio,
                     bool stands)
{
    if (subject->witness_count == KVR_MAX_WAITING)
        return;
    struct kvr_witness_value *w = &subject->witnesses[subject->witness_count++];
    *w = (struct kvr_witness_value){
        .ratio = ratio->median, .low = NAN, .high = NAN, .stands = stands};
    snprintf(w->id, sizeof w->id, "%s", id);
    if (ratio->interval) {
        w->low = ratio->low;
        w->high = ratio->high;
    }
}

/* Only the memory's own time fell: then it, and not waiting, is what the intervention explains. */
static void note_m_cause(struct kvr_subject *subject, const char *id,
                         const struct comparison *x, bool stands)
{
    if (!stands && x->m.median <= FELL && !subject->m_cause[0])
        snprintf(subject->m_cause, sizeof subject->m_cause, "%s", id);
}

static void set_tuning(struct trial *x, const struct kvr_tuning_choice *choice)
{
    struct kvr_scan *scans[] = {&x->t, &x->c};
    for (size_t i = 0; i < 2; i++) {
        scans[i]->ahead_segments = choice->ahead_segments;
        scans[i]->ahead_bytes = choice->ahead_bytes;
        scans[i]->streams = choice->streams;
    }
}

/* The tuning with which T is least; *least receives T. */
static const struct kvr_tuning_choice *best_tuning(struct kvr_session *s, struct trial *x,
                                                   double *least)
{
    const struct kvr_tuning_choice *best = NULL;
    *least = INFINITY;
    for (size_t i = 0; i < kvr_tuning_choice_count && !kvr_session_stopped(s); i++) {
        set_tuning(x, &kvr_tuning_choices[i]);
        double ns = take(s, &x->t, &x->t_request);
        if (ns < *least) {
            *least = ns;
            best = &kvr_tuning_choices[i];
        }
    }
    return best ? best : &kvr_tuning_choices[0];
}

/* Keys of a piece when heads are read in turns: an eighth of a head in whole blocks (of as many
 * keys as leave no residual), but not below half a kilobyte. 0: the head is too short. */
static uint32_t piece_tokens(const struct kvr_lists_request *lists)
{
    uint32_t block = kvr_whole_keys(lists->format, lists->shape);
    size_t block_bytes = lists->format->segment_bytes(lists->shape, block);
    uint32_t blocks = lists->shape->tokens / block / PIECES;
    uint32_t least = (uint32_t)((PIECE_BYTES + block_bytes - 1) / block_bytes);
    blocks = blocks < least ? least : blocks;
    bool fits = lists->part_tokens == lists->shape->tokens &&
                lists->shape->tokens % (blocks * block) == 0 &&
                2 * blocks * block <= lists->shape->tokens;
    return fits ? blocks * block : 0;
}

/* Two and four heads in turns, or the heads as they are, each with its best tuning: the fastest of
 * them against the case. */
static int concurrency(struct kvr_session *s, struct kvr_subject *subject,
                       const struct kvr_witness_request *r, struct trial *base)
{
    struct trial *best = NULL;
    struct comparison x;
    double best_ns = INFINITY;
    uint32_t piece = piece_tokens(&r->lists);
    int rc = 0;
    for (uint32_t turns = 1; turns <= (piece ? 4u : 1u) && !rc; turns *= 2) {
        struct kvr_lists_request lists = r->lists;
        struct trial *x_turns = NULL;
        char layout[16];
        double ns = INFINITY;
        lists.interleave = turns;
        lists.part_tokens = turns > 1 ? piece : lists.part_tokens;
        snprintf(layout, sizeof layout, turns > 1 ? "%.10s-x%u" : "%.10s", r->layout, turns);
        rc = trial_open(s, subject, &lists, r->level, layout, &x_turns);
        if (!rc)
            set_tuning(x_turns, best_tuning(s, x_turns, &ns));
        if (!rc && kvr_session_stopped(s))
            rc = -EINTR;
        struct trial *loser = x_turns;
        if (!rc && ns < best_ns) {
            loser = best;
            best = x_turns;
            best_ns = ns;
        }
        trial_close(loser);
    }
    if (rc == -ERANGE && best)
        rc = 0;
    if (!rc)
        rc = compare(s, base, best, &x);
    if (!rc)
        kvr_witness_add(subject, "concurrency", &x.t,
                        kvr_witness_concurrency_stands(x.t.median, x.m.median, x.c.median));
    trial_close(best);
    return rc;
}

static int short_stream(struct kvr_session *s, struct kvr_subject *subject,
                        const struct kvr_witness_request *r, struct trial *base)
{
    struct kvr_shape shape = *r->lists.shape;
    struct kvr_lists_request lists = r->lists;
    struct trial *longer = NULL;
    struct comparison x;
    if (kvr_residual_keys(lists.format, &shape, shape.tokens))
        return -ERANGE; /* what lies there has one in each of its heads */
    shape.tokens *= LONGER;
    lists.shape = &shape;
    lists.part_tokens *= LONGER;
    lists.heads = 0;
    int rc = trial_open(s, subject, &lists, r->level, r->layout, &longer);
    if (!rc)
        rc = compare(s, base, longer, &x);
    if (!rc) {
        bool stands = kvr_witness_other_stands(x.t_over_e.median);
        kvr_witness_add(subject, "short-stream", &x.t_over_e, stands);
        note_m_cause(subject, "short-stream", &x, stands);
    }
    trial_close(longer);
    return rc;
}

/* The same keys in huge pages, as many of them as --max-mem leaves room for. */
static int translation(struct kvr_session *s, struct kvr_subject *subject,
                       const struct kvr_witness_request *r, struct trial *base)
{
    const struct kvr_memory *like = &s->reference.memory;
    struct kvr_memory_request request = {.pages = KVR_PAGES_THP, .bytes = r->lists.bytes,
                                         .policy = like->policy, .node = like->node};
    struct kvr_lists_request lists = r->lists;
    struct kvr_memory memory = {0};
    struct trial *huge = NULL;
    struct comparison x;
    const char *why;
    uint64_t taken = s->reference.memory.bytes + s->subject.memory.bytes;
    uint64_t room = s->plan->max_mem_bytes > taken ? s->plan->max_mem_bytes - taken : 0;
    if (r->pages != KVR_PAGES_4K)
        return -ERANGE; /* there is nothing larger to compare with */
    request.bytes = request.bytes < room ? request.bytes : room;
    if (request.bytes < LEAST_OTHER_BYTES || kvr_memory_map(s->machine, &request, &memory, &why))
        return -ERANGE;
    int rc = kvr_memory_share(s, &memory, 0, request.bytes, &why) < 0 ? -ERANGE : 0;
    memcpy(memory.base, r->lists.base, request.bytes);
    if (!rc && kvr_memory_huge_bytes(s->machine, &memory) < (int64_t)(memory.bytes / 10 * 9))
        rc = -ERANGE;
    lists.base = memory.base;
    lists.bytes = request.bytes;
    lists.heads = 0;
    if (!rc)
        rc = trial_open(s, subject, &lists, r->level, "huge", &huge);
    if (!rc)
        rc = compare(s, base, huge, &x);
    if (!rc) {
        bool stands = kvr_witness_other_stands(x.t_over_e.median);
        kvr_witness_add(subject, "translation", &x.t_over_e, stands);
        note_m_cause(subject, "translation", &x, stands);
    }
    trial_close(huge);
    kvr_memory_unmap(&memory);
    return rc;
}

int kvr_witness_look(struct kvr_session *s, struct kvr_subject *subject,
                     const struct kvr_witness_request *r)
{
    static int (*const witnesses[])(struct kvr_session *, struct kvr_subject *,
                                    const struct kvr_witness_request *,
                                    struct trial *) = {concurrency, translation, short_stream};
    struct trial *base = NULL;
    int rc = trial_open(s, subject, &r->lists, r->level, r->layout, &base);
    bool found = false;
    for (size_t i = 0; i < 3 && !rc && (!found || r->all); i++) {
        rc = witnesses[i](s, subject, r, base);
        rc = rc == -ERANGE ? 0 : rc; /* not to be had here */
        for (size_t w = 0; w < subject->witness_count; w++)
            found |= subject->witnesses[w].stands;
    }
    trial_close(base);
    return rc == -ERANGE ? 0 : rc;
}
