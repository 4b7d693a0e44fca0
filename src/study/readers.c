/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * M, the memory alone: choosing the best members of the read family for one kind of list. A plain
 * loop is 20 to 40 % below the roof on some machines, so all combinations of width, streams, hint
 * and look-ahead are tried; by halving, because most are plainly slower.
 *
 * The lists are the cases' own, and so are the calls: M calls its reader once for every segment, as
 * T calls its kernel, in caches too. A reader that passes over one fold in a single call shows what
 * the cache can deliver, not what anything reads that is called for a few KiB of keys, and T would
 * look worse beside it than any kernel can be. Such folds are the machine's ceilings (the ladder,
 * and the family of L1 that `roofs` measures), whose class is that of what a call reads: no case's.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

enum { MAX_MEMBERS = 256, SECOND_ROUND = 12, FIRST_MS = 2, SECOND_MS = 5 };

static const uint32_t ahead_bytes[] = {256, 512, 1024, 2048};
static const uint32_t ahead_segments[] = {1, 2, 4, 8};

void kvr_scan_set_member(struct kvr_scan *scan, const struct kvr_member *member)
{
    scan->kernel = NULL;
    scan->reader = member->reader;
    scan->ahead_segments = member->ahead_segments;
    scan->ahead_bytes = member->ahead_bytes;
}

void kvr_member_name(const struct kvr_member *m, char *name, size_t bytes)
{
    if (m->ahead_segments)
        snprintf(name, bytes, "%s+%useg", m->reader->name, m->ahead_segments);
    else if (m->ahead_bytes)
        snprintf(name, bytes, "%s+%uB", m->reader->name, m->ahead_bytes);
    else
        snprintf(name, bytes, "%s", m->reader->name);
}

static bool is_fold(const struct kvr_lists *lists)
{
    return lists->segments[0].fold_bytes != 0;
}

/* In a fold there is no look-ahead. */
static size_t all_members(uint64_t usable, bool folded, struct kvr_member *members)
{
    size_t peaks, n = 0;
    const struct kvr_peak *const *peak = kvr_peaks(&peaks);
    for (size_t i = 0; i < peaks; i++) {
        if (peak[i]->kind != KVR_PEAK_READ || (peak[i]->isa & ~usable))
            continue;
        if (peak[i]->hint == KVR_HINT_T0 && n < MAX_MEMBERS)
            members[n++] = (struct kvr_member){.reader = peak[i]};
        for (size_t a = 0; a < 4 && !folded && n + 2 <= MAX_MEMBERS; a++) {
            members[n++] =
                (struct kvr_member){.reader = peak[i], .ahead_segments = ahead_segments[a]};
            if (peak[i]->hint == KVR_HINT_T1) /* for codebooks, which are prefetched as a whole */
                continue;
            members[n++] = (struct kvr_member){.reader = peak[i], .ahead_bytes = ahead_bytes[a]};
        }
    }
    return n;
}

static int faster(const void *a, const void *b)
{
    double x = ((const struct kvr_member *)a)->gb_per_s,
           y = ((const struct kvr_member *)b)->gb_per_s;
    return (x < y) - (x > y);
}

static void time_members(struct kvr_session *s, struct kvr_scan *scan, struct kvr_member *members,
                         size_t count, struct kvr_sample_request request, double sample_s)
{
    kvr_scan_set_member(scan, &members[0]);
    kvr_sample_plan(s->sampler, &request, sample_s);
    for (size_t i = 0; i < count && !kvr_session_stopped(s); i++) {
        struct kvr_sample sample;
        kvr_scan_set_member(scan, &members[i]);
        kvr_sample_take(s->sampler, &request, &sample);
        double bytes = (double)sample.segments * kvr_lists_mean_bytes(scan->lists);
        members[i].gb_per_s = bytes / sample.robust_ns;
    }
    qsort(members, count, sizeof *members, faster);
}

/* The first round for evicted passes, each of which takes an eviction: over segments of the same
 * size in the whole arena half instead. 0 or -errno. */
static int time_on_arena(struct kvr_session *s, const struct kvr_scan *like, const char *layout,
                         struct kvr_member *members, size_t count)
{
    uint32_t cursors[KVR_MAX_THREADS] = {0};
    struct kvr_scan scan = *like;
    struct kvr_lists lists;
    uint64_t random = s->options->seed;
    int rc = kvr_lists_plain(s->reference.memory.base, s->reference.memory.bytes,
                             like->lists->segment_bytes, s->threads, &lists);
    if (rc)
        return rc;
    for (unsigned t = 0; t < s->threads && strcmp(layout, "contiguous"); t++)
        kvr_shuffle(lists.orders[t], lists.counts[t], &random);
    scan.lists = &lists;
    scan.cursors = cursors;
    scan.between.run = NULL;
    time_members(s, &scan, members, count, kvr_scan_request(&scan), FIRST_MS * 1e-3);
    kvr_lists_free(&lists);
    return 0;
}

uint64_t kvr_segment_class(uint64_t segment_bytes)
{
    uint64_t class = KVR_LINE_BYTES;
    while (class < segment_bytes)
        class *= 2;
    return class;
}

static void add_ceiling(struct kvr_session *s, const struct kvr_family *family,
                        const struct kvr_member *members, size_t count, uint64_t working_set_bytes,
                        bool folded)
{
    struct kvr_ceiling c;
    char size[24], segment[24];
    kvr_ceiling_init(&c);
    kvr_size_text(working_set_bytes, size, sizeof size);
    kvr_size_text(family->segment_class, segment, sizeof segment);
    snprintf(c.id, sizeof c.id, "read/%s/%s/%s/seg%s/%ut", family->level, size, family->layout,
             segment, family->threads);
    snprintf(c.kind, sizeof c.kind, "bandwidth");
    snprintf(c.type, sizeof c.type, "read-family");
    snprintf(c.level, sizeof c.level, "%s", family->level);
    snprintf(c.layout, sizeof c.layout, "%s", family->layout);
    snprintf(c.isa, sizeof c.isa, "%s", members[0].reader->isa_name);
    snprintf(c.pages, sizeof c.pages, "%s", kvr_pages_name(s->reference.memory.pages));
    c.threads = family->threads;
    c.working_set_bytes = working_set_bytes;
    c.segment_bytes = family->segment_class;
    c.value = members[0].gb_per_s;
    snprintf(c.unit, sizeof c.unit, "GB/s");
    snprintf(c.method, sizeof c.method, "best of %zu readers: all at %d ms, best %d at %d ms%s",
             count, FIRST_MS, count < SECOND_ROUND ? (int)count : SECOND_ROUND, SECOND_MS,
             folded ? "; many passes a call" : "");
    c.family = calloc(count, sizeof *c.family);
    for (size_t i = 0; c.family && i < count; i++) {
        kvr_member_name(&members[i], c.family[i].name, sizeof c.family[i].name);
        c.family[i].value = members[i].gb_per_s;
        c.family_count = count;
    }
    kvr_record_add_ceiling(s->record, &c);
}

/* All members, best first: each at 2 ms (for evicted passes over the arena in this layout), the
 * better ones again at 5 ms. NULL: out of memory. */
static struct kvr_member *rank_members(struct kvr_session *s, struct kvr_scan *scan,
                                       struct kvr_sample_request request, const char *evicted,
                                       size_t *count, size_t *second)
{
    struct kvr_member *members = calloc(MAX_MEMBERS, sizeof *members);
    if (!members)
        return NULL;
    *count = all_members(s->machine->isa.usable, is_fold(scan->lists), members);
    *second = *count < SECOND_ROUND ? *count : SECOND_ROUND;
    if (evicted && time_on_arena(s, scan, evicted, members, *count)) {
        free(members);
        return NULL;
    }
    if (!evicted)
        time_members(s, scan, members, *count, request, FIRST_MS * 1e-3);
    time_members(s, scan, members, *second, request, SECOND_MS * 1e-3);
    return members;
}

int kvr_session_best_reader(struct kvr_session *s, struct kvr_scan *scan, struct kvr_member *best)
{
    size_t count, second;
    struct kvr_member *members = rank_members(s, scan, kvr_scan_request(scan), NULL, &count,
                                              &second);
    if (!members)
        return -ENOMEM;
    *best = members[0];
    free(members);
    return kvr_session_stopped(s) ? -EINTR : 0;
}

const struct kvr_family *kvr_session_family(struct kvr_session *s, struct kvr_scan *scan,
                                            const char *level, const char *layout,
                                            uint64_t working_set_bytes)
{
    uint64_t class = kvr_segment_class(scan->lists->segment_bytes);
    bool evicted = scan->between.run != NULL;
    for (size_t i = 0; i < s->family_count; i++) {
        const struct kvr_family *f = &s->families[i];
        if (f->threads == s->threads && f->segment_class == class && f->evicted == evicted &&
            !strcmp(f->level, level) && !strcmp(f->layout, layout))
            return f;
    }
    if (s->family_count == KVR_MAX_FAMILIES)
        s->family_count = 0; /* a cache, not a record: forget and choose again */
    size_t count, second;
    struct kvr_sample_request request = kvr_scan_request(scan);
    if (strcmp(level, "DRAM")) /* one pass so that the level holds it */
        request.warm_segments = scan->lists->counts[0];
    struct kvr_member *members =
        rank_members(s, scan, request, evicted ? layout : NULL, &count, &second);
    if (members && kvr_session_stopped(s)) { /* some have no figure: no family, and no ceiling */
        free(members);
        members = NULL;
    }
    if (!members)
        return NULL;
    struct kvr_family *f = &s->families[s->family_count++];
    *f = (struct kvr_family){.threads = s->threads, .segment_class = class, .evicted = evicted};
    snprintf(f->level, sizeof f->level, "%s", level);
    snprintf(f->layout, sizeof f->layout, "%s", layout);
    f->best_count = second < KVR_BEST_READERS ? second : KVR_BEST_READERS;
    memcpy(f->best, members, f->best_count * sizeof *members);
    if (!evicted) /* a pass over a small set that starts cold is no ceiling of the level */
        add_ceiling(s, f, members, count, working_set_bytes, is_fold(scan->lists));
    free(members);
    return f;
}
