/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rounds.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { MAX_ITEMS = 4 + 2 * KVR_BEST_READERS + 2 * 16 };

enum item_kind {
    ITEM_CLOCK,
    ITEM_SENTINEL,
    ITEM_REFERENCE_M,
    ITEM_REFERENCE_T,
    ITEM_REFERENCE_C,
    ITEM_M,
    ITEM_T,
    ITEM_C
};

struct item {
    enum item_kind kind;
    size_t index; /* reader or subject */
};

/* What one sample said, in ns a key. */
struct reading {
    double robust_ns, total_ns;
    struct kvr_sample sample;
    bool repeated;
    double first_ns, first_stolen;
};

/* What a round gathers before it is written to the rounds of its cases. */
struct gathered {
    double clock_ghz, sentinel_ns;
    struct reading reference_m, reference_t, reference_c, m;
    size_t m_member;
    struct reading t[16], c[16];
};

static size_t list_items(const struct kvr_stage *stage, struct item *items)
{
    size_t n = 0;
    items[n++] = (struct item){ITEM_CLOCK, 0};
    items[n++] = (struct item){ITEM_SENTINEL, 0};
    for (size_t i = 0; i < stage->reference_family->best_count; i++)
        items[n++] = (struct item){ITEM_REFERENCE_M, i};
    items[n++] = (struct item){ITEM_REFERENCE_T, 0};
    items[n++] = (struct item){ITEM_REFERENCE_C, 0};
    for (size_t i = 0; stage->subject_count && i < stage->subject_family->best_count; i++)
        items[n++] = (struct item){ITEM_M, i};
    for (size_t i = 0; i < stage->subject_count; i++) {
        items[n++] = (struct item){ITEM_T, i};
        items[n++] = (struct item){ITEM_C, i};
    }
    return n;
}

static void take_once(struct kvr_session *s, const struct kvr_scan *scan,
                      const struct kvr_sample_request *request, struct reading *reading)
{
    kvr_sample_take(s->sampler, request, &reading->sample);
    reading->robust_ns = kvr_scan_ns_per_key(scan, &reading->sample, reading->sample.robust_ns);
    reading->total_ns = kvr_scan_ns_per_key(scan, &reading->sample, reading->sample.total_ns);
}

/* One sample; once more, in place, if more than a tenth of it was stolen and repeats have not used
 * up their share of the budget, or if it is void. Of the two the less disturbed counts, both are
 * kept. Nothing is dropped for being slow. */
static void take(struct kvr_session *s, const struct kvr_scan *scan,
                 const struct kvr_sample_request *request, struct reading *reading)
{
    *reading = (struct reading){.first_ns = NAN, .first_stolen = NAN};
    take_once(s, scan, request, reading);
    bool stolen = reading->sample.stolen > .1;
    if (!reading->sample.invalid && (!stolen || s->repeats_left_s <= 0))
        return;
    struct reading second = *reading;
    take_once(s, scan, request, &second);
    s->repeats_left_s -= second.sample.total_ns * 1e-9;
    second.first_ns = reading->robust_ns;
    second.first_stolen = reading->sample.stolen;
    bool better = second.sample.stolen < reading->sample.stolen;
    if (reading->sample.invalid || (better && !second.sample.invalid)) {
        *reading = second;
    } else {
        reading->first_ns = second.robust_ns;
        reading->first_stolen = second.sample.stolen;
    }
    reading->repeated = true;
}

static void keep_least(struct reading *best, const struct reading *next, bool first)
{
    if (first || next->robust_ns < best->robust_ns)
        *best = *next;
}

static void read_member(struct kvr_session *s, struct kvr_scan *scan,
                        const struct kvr_sample_request *request, const struct kvr_member *member,
                        struct reading *reading)
{
    kvr_scan_set_member(scan, member);
    take(s, scan, request, reading);
}

static void do_item(struct kvr_session *s, struct kvr_stage *stage, const struct item *item,
                    struct gathered *g, bool *seen)
{
    struct reading reading;
    switch (item->kind) {
    case ITEM_CLOCK:
        g->clock_ghz = kvr_clock_ghz(&s->clock, kvr_imul_chain, 3, 3);
        break;
    case ITEM_SENTINEL:
        g->sentinel_ns = stage->sentinel ? kvr_sentinel_take(s, stage->sentinel) : NAN;
        break;
    case ITEM_REFERENCE_M:
        read_member(s, &stage->reference_read, &stage->reference_read_request,
                    &stage->reference_family->best[item->index], &reading);
        keep_least(&g->reference_m, &reading, !seen[0]);
        seen[0] = true;
        break;
    case ITEM_REFERENCE_T:
        take(s, &stage->reference->t, &stage->reference->t_request, &g->reference_t);
        break;
    case ITEM_REFERENCE_C:
        take(s, &stage->reference->c, &stage->reference->c_request, &g->reference_c);
        break;
    case ITEM_M:
        read_member(s, &stage->subject_read, &stage->subject_read_request,
                    &stage->subject_family->best[item->index], &reading);
        if (!seen[1] || reading.robust_ns < g->m.robust_ns)
            g->m_member = item->index;
        keep_least(&g->m, &reading, !seen[1]);
        seen[1] = true;
        break;
    case ITEM_T:
        take(s, &stage->subjects[item->index].t, &stage->subjects[item->index].t_request,
             &g->t[item->index]);
        break;
    case ITEM_C:
        take(s, &stage->subjects[item->index].c, &stage->subjects[item->index].c_request,
             &g->c[item->index]);
        break;
    }
}

static void write_round(const struct gathered *g, const struct reading *m, const struct reading *t,
                        const struct reading *c, uint32_t tokens, struct kvr_round *round)
{
    *round = (struct kvr_round){.t_ns = t->robust_ns,
                                .m_ns = m->robust_ns,
                                .c_ns = c->robust_ns,
                                .fp16_ns = g->reference_t.robust_ns,
                                .fp16_m_ns = g->reference_m.robust_ns,
                                .fp16_c_ns = g->reference_c.robust_ns,
                                .t_total_ns = t->total_ns,
                                .m_total_ns = m->total_ns,
                                .c_total_ns = c->total_ns,
                                .sentinel_ns = g->sentinel_ns,
                                .t_first_ns = t->first_ns,
                                .t_first_stolen = t->first_stolen,
                                .stolen = t->sample.stolen,
                                .clock_ghz = g->clock_ghz,
                                .keys = t->sample.segments * tokens,
                                .faults = t->sample.faults,
                                .switches = t->sample.switches,
                                .preemptions = t->sample.preemptions,
                                .repeated = t->repeated || m->repeated || c->repeated,
                                .invalid = t->sample.invalid || m->sample.invalid ||
                                           c->sample.invalid || g->reference_t.sample.invalid};
}

static void finish_round(const struct kvr_stage *stage, const struct gathered *g, uint32_t rounds,
                         uint32_t at, struct kvr_round *out)
{
    if (!stage->subject_count) {
        write_round(g, &g->reference_m, &g->reference_t, &g->reference_c,
                    stage->reference->t.lists->tokens, &out[at]);
        return;
    }
    for (size_t i = 0; i < stage->subject_count; i++)
        write_round(g, &g->m, &g->t[i], &g->c[i], stage->subjects[i].t.lists->tokens,
                    &out[i * rounds + at]);
}

/* 512-bit clocks and turbo settle: at least 20 ms of each case's own kernel before round one. */
static void settle(struct kvr_session *s, struct kvr_stage *stage)
{
    struct kvr_sample sample;
    kvr_sample_take(s->sampler, &stage->reference->c_request, &sample);
    for (size_t i = 0; i < stage->subject_count; i++)
        kvr_sample_take(s->sampler, &stage->subjects[i].c_request, &sample);
}

int kvr_rounds_run(struct kvr_session *s, struct kvr_stage *stage, uint32_t rounds,
                   struct kvr_round *out, uint32_t *done, uint32_t *m_wins)
{
    struct item items[MAX_ITEMS];
    uint32_t order[MAX_ITEMS];
    size_t count = list_items(stage, items);
    uint64_t random = stage->seed;
    double round_s = 0;

    *done = 0;
    memset(m_wins, 0, KVR_BEST_READERS * sizeof *m_wins);
    settle(s, stage);
    for (uint32_t r = 0; r < rounds; r++) {
        double begin_s = kvr_wall_s();
        if (kvr_session_left_s(s) < round_s * 1.1)
            break;
        struct gathered g = {0};
        bool seen[2] = {false, false};
        for (size_t i = 0; i < count; i++)
            order[i] = (uint32_t)i;
        kvr_shuffle(order, (uint32_t)count, &random);
        for (size_t i = 0; i < count; i++) {
            if (kvr_session_stopped(s))
                return -EINTR;
            do_item(s, stage, &items[order[i]], &g, seen);
        }
        finish_round(stage, &g, rounds, r, out);
        m_wins[g.m_member]++;
        ++*done;
        round_s = kvr_wall_s() - begin_s;
    }
    return 0;
}
