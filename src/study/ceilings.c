/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The machine's own ceilings: read bandwidth over working sets (ladder) with the plateaus found in
 * it, and one rate per core resource. Reported cache sizes are only compared with, never used
 * where a plateau was found: they are wrong or missing on many VMs.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "facts.h"

enum { MAX_POINTS = 256, MAX_PLATEAUS = 4, LADDER_MEMBERS = 24, FIRST_BYTES = 8 << 10 };

struct point {
    uint64_t bytes;
    double gb_per_s;
    char member[40];
};

static size_t ladder_members(uint64_t usable, struct kvr_member *members)
{
    static const struct {
        uint32_t segments, bytes;
    } aheads[] = {{0, 0}, {1, 0}, {0, 512}};
    size_t peaks, n = 0;
    const struct kvr_peak *const *peak = kvr_peaks(&peaks);
    uint32_t widest = 0;
    for (size_t i = 0; i < peaks; i++)
        if (peak[i]->kind == KVR_PEAK_READ && !(peak[i]->isa & ~usable) &&
            peak[i]->width_bits > widest)
            widest = peak[i]->width_bits;
    for (size_t i = 0; i < peaks; i++)
        for (size_t a = 0; a < 3 && n < LADDER_MEMBERS; a++)
            if (peak[i]->kind == KVR_PEAK_READ && !(peak[i]->isa & ~usable) &&
                peak[i]->hint == KVR_HINT_T0 && peak[i]->width_bits * 2 >= widest)
                members[n++] = (struct kvr_member){.reader = peak[i],
                                                   .ahead_segments = aheads[a].segments,
                                                   .ahead_bytes = aheads[a].bytes};
    return n;
}

/* The best of a few readers over `bytes`: each at 1.5 ms, the best three again at 4 ms. */
static int measure_point(struct kvr_session *s, struct kvr_member *members, size_t count,
                         struct kvr_score_buffers *buffers, struct point *point)
{
    struct kvr_lists lists;
    uint32_t cursors[KVR_MAX_THREADS] = {0};
    uint64_t share = point->bytes / s->threads;
    /* A small set is one segment: several short ones would measure the calls between them. */
    size_t segment = share < 65536 ? (size_t)(share / 64 * 64) : 65536;
    int rc = kvr_half_plain(s, &s->reference, point->bytes, segment, &lists);
    if (rc)
        return rc;
    struct kvr_scan scan = {.lists = &lists, .buffers = buffers, .cursors = cursors};
    size_t best[3] = {0};
    for (int pass = 0; pass < 2; pass++) {
        struct kvr_sample_request request = kvr_scan_request(&scan);
        size_t n = pass ? (count < 3 ? count : 3) : count;
        scan.reader = members[0].reader;
        kvr_sample_plan(s->sampler, &request, pass ? 4e-3 : 1.5e-3);
        if (point->bytes <= 64 << 20)
            request.warm_segments = lists.counts[0];
        for (size_t i = 0; i < n; i++) {
            struct kvr_sample sample;
            struct kvr_member *m = &members[pass ? best[i] : i];
            kvr_scan_set_member(&scan, m);
            kvr_sample_take(s->sampler, &request, &sample);
            m->gb_per_s = (double)sample.segments * (double)segment / sample.robust_ns;
            if (pass && m->gb_per_s > point->gb_per_s) {
                point->gb_per_s = m->gb_per_s;
                kvr_member_name(m, point->member, sizeof point->member);
            }
        }
        for (int b = 0; b < 3 && !pass; b++) {
            best[b] = SIZE_MAX;
            for (size_t i = 0; i < count; i++)
                if ((b < 1 || i != best[0]) && (b < 2 || i != best[1]) &&
                    (best[b] == SIZE_MAX || members[i].gb_per_s > members[best[b]].gb_per_s))
                    best[b] = i;
        }
    }
    kvr_lists_free(&lists);
    return 0;
}

static void add_point(struct kvr_session *s, const struct point *point)
{
    struct kvr_ceiling c;
    char size[24];
    kvr_ceiling_init(&c);
    kvr_size_text(point->bytes, size, sizeof size);
    snprintf(c.id, sizeof c.id, "read/ladder/%s/%ut", size, s->threads);
    snprintf(c.kind, sizeof c.kind, "bandwidth");
    snprintf(c.type, sizeof c.type, "read");
    snprintf(c.level, sizeof c.level, "%s", kvr_session_level(s, point->bytes, s->threads));
    snprintf(c.layout, sizeof c.layout, "contiguous");
    snprintf(c.pages, sizeof c.pages, "%s", kvr_pages_name(s->reference.memory.pages));
    snprintf(c.unit, sizeof c.unit, "GB/s");
    snprintf(c.method, sizeof c.method, "best reader %s of the contiguous family", point->member);
    c.threads = s->threads;
    c.working_set_bytes = point->bytes;
    c.value = point->gb_per_s;
    kvr_record_add_ceiling(s->record, &c);
}

/* The median of a point and the two beside it: a single point that something else on the machine
 * spoilt is levelled, a step stays where it is. */
static double smooth(const struct point *points, size_t count, size_t i)
{
    if (i == 0 || i + 1 == count)
        return points[i].gb_per_s;
    double a = points[i - 1].gb_per_s, b = points[i].gb_per_s, c = points[i + 1].gb_per_s;
    return fmax(fmin(a, b), fmin(fmax(a, b), c));
}

/* Where the bandwidth falls by more than a fifth within an octave, the plateau ends at the last
 * size that still has nine tenths of it; neighbouring falls are one. */
static size_t find_plateaus(const struct point *points, size_t count, size_t per_octave,
                            uint64_t *ends)
{
    size_t n = 0;
    bool falling = false;
    for (size_t i = 0; i + per_octave < count; i++) {
        double here = smooth(points, count, i);
        bool falls = smooth(points, count, i + per_octave) < .8 * here;
        if (falls && !falling && n < MAX_PLATEAUS) {
            size_t last = i;
            while (last + 1 < count && smooth(points, count, last + 1) >= .9 * here)
                last++;
            ends[n++] = points[last].bytes;
        }
        falling = falls;
    }
    return n;
}

uint64_t kvr_cache_size_used(uint64_t reported, uint64_t measured)
{
    bool agree = measured && reported && measured <= 2 * reported && reported <= 2 * measured;
    return agree || !measured ? reported : measured;
}

uint64_t kvr_measured_plateau(const struct kvr_run_record *record, uint32_t level)
{
    char id[24];
    bool reported = false;
    for (size_t i = 0; i < record->machine.cache_count; i++) {
        const struct kvr_cache_level *cache = &record->machine.caches[i];
        if (cache->level == level && cache->measured_plateau_bytes)
            return cache->measured_plateau_bytes;
        reported |= cache->level == level;
    }
    snprintf(id, sizeof id, "cache-l%u", level);
    for (size_t i = 0; i < record->checks.count && !reported; i++) /* its only place */
        if (!strcmp(record->checks.items[i].id, id))
            return strtoull(record->checks.items[i].value, NULL, 10);
    return 0;
}

static uint64_t settle_size(struct kvr_session *s, uint32_t level, uint64_t measured)
{
    uint64_t reported = kvr_machine_cache_bytes(s->machine, level);
    char id[40], got[24], told[24];
    snprintf(id, sizeof id, "cache-l%u", level);
    for (size_t i = 0; i < s->record->machine.cache_count; i++)
        if (s->record->machine.caches[i].level == level)
            s->record->machine.caches[i].measured_plateau_bytes = measured;
    kvr_size_text(measured, got, sizeof got);
    kvr_size_text(reported, told, sizeof told);
    struct kvr_check *c;
    if (!measured && !reported) {
        kvr_check_add(&s->record->checks, id, KVR_CHECK_INFO,
                      "no L%u cache is reported and no plateau of it was found", level);
        return 0;
    }
    bool agree = measured && reported && measured <= 2 * reported && reported <= 2 * measured;
    if (!measured)
        c = kvr_check_add(&s->record->checks, id, KVR_CHECK_INFO,
                          "L%u: reported %s, no plateau found in the ladder", level, told);
    else if (!reported)
        c = kvr_check_add(&s->record->checks, id, KVR_CHECK_INFO,
                          "L%u: none reported, the plateau ends at %s; measured sizes are used",
                          level, got);
    else
        c = kvr_check_add(&s->record->checks, id, agree ? KVR_CHECK_OK : KVR_CHECK_WARN,
                          "L%u: reported %s, the plateau ends at %s; %s", level, told, got,
                          agree ? "they agree" : "the measured size is used");
    snprintf(c->value, sizeof c->value, "%llu",
             (unsigned long long)(measured ? measured : reported));
    return kvr_cache_size_used(reported, measured);
}

void kvr_session_set_caches(struct kvr_session *s, const uint64_t plateaus[4])
{
    uint64_t *sizes[] = {&s->l1_bytes, &s->l2_bytes, &s->l3_bytes};
    for (uint32_t l = 1; l <= 3; l++)
        *sizes[l - 1] = settle_size(s, l, plateaus[l]);
    if (!s->l1_bytes)
        s->l1_bytes = 32 << 10;
    if (s->l2_bytes < s->l1_bytes)
        s->l2_bytes = s->l1_bytes;
}

static void assign_levels(struct kvr_session *s, const uint64_t *ends, size_t count)
{
    uint64_t measured[4] = {0};
    for (size_t i = 0; i < count; i++) {
        uint32_t level = 0;
        double nearest = 4; /* octaves: farther than that, it is another cache */
        for (uint32_t l = 1; l <= 3; l++) {
            uint64_t reported = kvr_machine_cache_bytes(s->machine, l);
            double octaves = reported ? fabs(log2((double)ends[i] / (double)reported)) : 99;
            if (octaves < nearest && !measured[l]) {
                nearest = octaves;
                level = l;
            }
        }
        for (uint32_t l = 1; l <= 3 && !level; l++)
            if (!measured[l] && !kvr_machine_cache_bytes(s->machine, l) &&
                (l == 1 || measured[l - 1] < ends[i]))
                level = l;
        if (level)
            measured[level] = ends[i];
    }
    kvr_session_set_caches(s, measured);
}

int kvr_session_ladder(struct kvr_session *s)
{
    struct kvr_member members[LADDER_MEMBERS];
    struct point points[MAX_POINTS] = {0};
    struct kvr_score_buffers buffers;
    uint64_t ends[MAX_PLATEAUS];
    size_t count = ladder_members(s->machine->isa.usable, members), n = 0;
    int rc = kvr_score_buffers_new(s->threads, 64, &buffers);
    double step = exp2(1.0 / s->plan->ladder_points_per_octave);
    for (double w = FIRST_BYTES; !rc && w <= (double)s->reference.memory.bytes && n < MAX_POINTS;
         w *= step) {
        points[n].bytes = (uint64_t)(w / 1024 + .5) * 1024;
        rc = kvr_session_stopped(s) ? -EINTR
                                    : measure_point(s, members, count, &buffers, &points[n++]);
    }
    kvr_score_buffers_free(&buffers);
    if (rc)
        return rc;
    if (s->threads == 1)
        assign_levels(s, ends, find_plateaus(points, n, s->plan->ladder_points_per_octave, ends));
    for (size_t i = 0; i < n; i++)
        add_point(s, &points[i]);
    return 0;
}

int kvr_session_read(struct kvr_session *s, uint64_t bytes, double *gb_per_s)
{
    struct kvr_member members[LADDER_MEMBERS];
    struct kvr_score_buffers buffers;
    struct point point = {.bytes = bytes};
    size_t count = ladder_members(s->machine->isa.usable, members);
    int rc = kvr_score_buffers_new(s->threads, 64, &buffers);
    if (!rc)
        rc = measure_point(s, members, count, &buffers, &point);
    kvr_score_buffers_free(&buffers);
    *gb_per_s = point.gb_per_s;
    return rc;
}

static double rate_ops_per_ns(struct kvr_session *s, const struct kvr_peak *peak, void *scratch)
{
    uint64_t iterations = 1000;
    double best = 0;
    for (int i = 0; i < 8;) {
        uint64_t begin = s->clock.now(s->clock.state);
        peak->rate(iterations, scratch);
        double ns = (double)(s->clock.now(s->clock.state) - begin) / s->clock.ticks_per_ns;
        if (ns < 2e5) { /* slices of a fifth of a millisecond, the best of eight */
            iterations *= ns < 2e4 ? 8 : 2;
            continue;
        }
        best = fmax(best, (double)iterations * peak->operations / ns);
        i++;
    }
    return best;
}

static int rates(struct kvr_session *s)
{
    size_t peaks;
    const struct kvr_peak *const *peak = kvr_peaks(&peaks);
    void *scratch = aligned_alloc(4096, 4096);
    if (!scratch)
        return -ENOMEM;
    memset(scratch, 0, 4096);
    for (size_t i = 0; i < peaks && !kvr_session_stopped(s); i++) {
        const struct kvr_peak *p = peak[i];
        struct kvr_ceiling c;
        if (p->kind != KVR_PEAK_RATE || (p->isa & ~s->machine->isa.usable))
            continue;
        double ops_per_ns = rate_ops_per_ns(s, p, scratch);
        double ghz = kvr_clock_ghz(&s->clock, kvr_imul_chain, 3, 3);
        bool flops = p->flops > 0;
        kvr_ceiling_init(&c);
        snprintf(c.id, sizeof c.id, "%s/%s", p->name, p->isa_name);
        snprintf(c.kind, sizeof c.kind, "rate");
        snprintf(c.type, sizeof c.type, "%s", p->resource);
        const char *dot = strchr(p->name, '.');
        snprintf(c.dtype, sizeof c.dtype, "%.7s", dot ? dot + 1 : "");
        snprintf(c.isa, sizeof c.isa, "%s", p->isa_name);
        c.threads = 1;
        c.value = ops_per_ns * (flops ? (double)p->flops / p->operations : 1);
        snprintf(c.unit, sizeof c.unit, flops ? "GFLOP/s" : "Gop/s");
        snprintf(c.method, sizeof c.method,
                 "best of 8 slices; %.2f instructions a cycle at %.2f GHz", ops_per_ns / ghz, ghz);
        kvr_record_add_ceiling(s->record, &c);
    }
    free(scratch);
    return 0;
}

void kvr_session_clock(struct kvr_session *s)
{
    s->record->clock_ghz = kvr_clock_check(&s->clock, &s->record->checks);
}

int kvr_session_ceilings(struct kvr_session *s)
{
    int rc = kvr_session_team(s, 1);
    if (rc)
        return rc;
    kvr_session_clock(s);
    rc = kvr_session_ladder(s);
    return rc ? rc : rates(s);
}
