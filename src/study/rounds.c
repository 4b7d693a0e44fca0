/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rounds.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "../machine/disturbance.h"
#include "op.h"

enum { MOST_SUBJECTS = 17, /* the cases of a cohort and the reference */
       PHASE_ITEMS = KVR_PHASES * (2 + KVR_BEST_READERS),
       MAX_ITEMS = 4 + 2 * KVR_BEST_READERS + MOST_SUBJECTS * (2 + PHASE_ITEMS) };

enum item_kind {
    ITEM_CLOCK,
    ITEM_SENTINEL,
    ITEM_REFERENCE_M,
    ITEM_REFERENCE_T,
    ITEM_REFERENCE_C,
    ITEM_M,
    ITEM_T,
    ITEM_C,
    ITEM_PHASE_T,
    ITEM_PHASE_M,
    ITEM_PHASE_C
};

struct item {
    enum item_kind kind;
    size_t index; /* reader or subject */
    enum kvr_phase phase;
    size_t member; /* reader of the phase's M */
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
    struct kvr_disturbed disturbed;
    struct reading reference_m, reference_t, reference_c, m;
    size_t m_member;
    struct reading t[16], c[16];
    /* Of ops with several phases; the last row is the reference's. */
    struct reading phase_t[MOST_SUBJECTS][KVR_PHASES], phase_m[MOST_SUBJECTS][KVR_PHASES],
        phase_c[MOST_SUBJECTS][KVR_PHASES];
};

enum { REFERENCE_ROW = MOST_SUBJECTS - 1 };

/* Subject `row` of the stage; REFERENCE_ROW is FP16. */
static struct kvr_subject *subject_of(struct kvr_stage *stage, size_t row)
{
    return row == REFERENCE_ROW ? stage->reference : &stage->subjects[row];
}

/* Of the reference beside other cases only what B needs. */
static size_t list_phases(const struct kvr_op *op, size_t row, bool m_and_c_only,
                          struct item *items)
{
    size_t n = 0;
    for (enum kvr_phase p = 0; p < KVR_PHASES; p++) {
        const struct kvr_phase_run *phase = &op->phases[p];
        if (!phase->present)
            continue;
        if (!m_and_c_only)
            items[n++] = (struct item){ITEM_PHASE_T, row, p, 0};
        items[n++] = (struct item){ITEM_PHASE_C, row, p, 0};
        for (size_t m = 0; m < kvr_phase_m_count(phase); m++)
            items[n++] = (struct item){ITEM_PHASE_M, row, p, m};
    }
    return n;
}

static size_t list_items(const struct kvr_stage *stage, struct item *items)
{
    size_t n = 0;
    const struct kvr_op *reference_op = stage->reference->op;
    bool scans = false;
    items[n++] = (struct item){.kind = ITEM_CLOCK};
    items[n++] = (struct item){.kind = ITEM_SENTINEL};
    for (size_t i = 0; !reference_op && i < stage->reference_family->best_count; i++)
        items[n++] = (struct item){.kind = ITEM_REFERENCE_M, .index = i};
    items[n++] = (struct item){.kind = ITEM_REFERENCE_T};
    if (reference_op)
        n += list_phases(reference_op, REFERENCE_ROW, stage->subject_count > 0, items + n);
    else
        items[n++] = (struct item){.kind = ITEM_REFERENCE_C};
    for (size_t i = 0; i < stage->subject_count; i++)
        scans |= !stage->subjects[i].op;
    for (size_t i = 0; scans && i < stage->subject_family->best_count; i++)
        items[n++] = (struct item){.kind = ITEM_M, .index = i};
    for (size_t i = 0; i < stage->subject_count; i++) {
        const struct kvr_op *op = stage->subjects[i].op;
        if (!op || op->has_whole)
            items[n++] = (struct item){.kind = ITEM_T, .index = i};
        if (op)
            n += list_phases(op, i, false, items + n);
        else
            items[n++] = (struct item){.kind = ITEM_C, .index = i};
    }
    return n;
}

static void take_once(struct kvr_session *s, double keys_per_segment,
                      const struct kvr_sample_request *request, struct reading *reading)
{
    kvr_sample_take(s->sampler, request, &reading->sample);
    double keys = (double)reading->sample.segments * keys_per_segment;
    reading->robust_ns = reading->sample.robust_ns / keys;
    reading->total_ns = reading->sample.total_ns / keys;
}

/* One sample; once more, in place, if it is void, or if more than a tenth of it was stolen while
 * repeats have not used up their share of the budget and the cases still to come do not need the
 * time. Of the two the less disturbed counts, both are kept. Nothing is dropped for being slow. */
static void take(struct kvr_session *s, double keys_per_segment,
                 const struct kvr_sample_request *request, struct reading *reading)
{
    *reading = (struct reading){.first_ns = NAN, .first_stolen = NAN};
    take_once(s, keys_per_segment, request, reading);
    bool stolen = reading->sample.stolen > .1;
    bool may_repeat = s->repeats_left_s > 0 && kvr_session_left_s(s) > s->reserved_s;
    if (!reading->sample.invalid && (!stolen || !may_repeat))
        return;
    struct reading second = *reading;
    take_once(s, keys_per_segment, request, &second);
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
    take(s, kvr_lists_segment_keys(scan->lists), request, reading);
}

/* T, or a phase of a T that is their sum. Readings between passes would enter the kernel where
 * --prove forbids it. */
static void take_counted(struct kvr_session *s, double keys_per_segment,
                         const struct kvr_sample_request *request, struct kvr_tally *tally,
                         struct reading *reading)
{
    if (!request->between || !s->bypass)
        kvr_counting_begin(s->counting, s->sampler, tally);
    take(s, keys_per_segment, request, reading);
    kvr_counting_end(s->counting, s->sampler);
}

static void take_whole(struct kvr_session *s, struct kvr_subject *x, struct reading *reading)
{
    if (x->op)
        take_counted(s, x->op->whole_keys, &x->op->whole, &x->tallies[0], reading);
    else
        take_counted(s, kvr_lists_segment_keys(x->t.lists), &x->t_request, &x->tallies[0],
                     reading);
}

static void do_phase(struct kvr_session *s, struct kvr_stage *stage, const struct item *item,
                     struct gathered *g)
{
    struct kvr_op *op = subject_of(stage, item->index)->op;
    struct kvr_phase_run *phase = &op->phases[item->phase];
    struct reading reading, *m = &g->phase_m[item->index][item->phase];
    switch (item->kind) {
    case ITEM_PHASE_T:
        if (op->has_whole)
            take(s, phase->t_keys, &phase->t, &g->phase_t[item->index][item->phase]);
        else
            take_counted(s, phase->t_keys, &phase->t,
                         &subject_of(stage, item->index)->tallies[item->phase],
                         &g->phase_t[item->index][item->phase]);
        break;
    case ITEM_PHASE_C:
        take(s, phase->c_keys, &phase->c, &g->phase_c[item->index][item->phase]);
        break;
    default:
        kvr_op_m_begin(op, item->phase);
        if (phase->writer_count) {
            phase->m.argument = &phase->writers[item->member];
            take(s, phase->t_keys, &phase->m, &reading);
        } else {
            read_member(s, &phase->read, &phase->m, &phase->family->best[item->member], &reading);
        }
        kvr_op_m_end(op, item->phase);
        keep_least(m, &reading, !(m->robust_ns > 0));
    }
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
        if (!stage->subject_count && (!seen[0] || reading.robust_ns < g->reference_m.robust_ns))
            g->m_member = item->index;
        keep_least(&g->reference_m, &reading, !seen[0]);
        seen[0] = true;
        break;
    case ITEM_REFERENCE_T:
        take_whole(s, stage->reference, &g->reference_t);
        break;
    case ITEM_REFERENCE_C:
        take(s, kvr_lists_segment_keys(stage->reference->c.lists), &stage->reference->c_request,
             &g->reference_c);
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
        take_whole(s, &stage->subjects[item->index], &g->t[item->index]);
        break;
    case ITEM_C:
        take(s, kvr_lists_segment_keys(stage->subjects[item->index].c.lists),
             &stage->subjects[item->index].c_request, &g->c[item->index]);
        break;
    default:
        do_phase(s, stage, item, g);
    }
}

/* What the phases add up to: m and c their sums, e the sum of the larger of the two in each. */
struct sums {
    struct reading m, c;
    double e_ns, e_total_ns;
    struct kvr_phase_times phases[KVR_PHASES];
};

static void add_reading(struct reading *sum, const struct reading *x)
{
    sum->robust_ns += x->robust_ns;
    sum->total_ns += x->total_ns;
    sum->repeated |= x->repeated;
    sum->sample.invalid |= x->sample.invalid;
}

/* Serial passes, each over all of its memory, as one sample. A pass that was not repeated counts in
 * the first try as it was. */
static struct reading add_passes(const struct kvr_op *op, const struct reading *passes)
{
    struct reading sum = {.first_ns = 0, .first_stolen = NAN};
    double stolen_ns = 0, first_stolen_ns = 0;
    for (int p = 0; p < KVR_PHASES; p++) {
        const struct reading *x = &passes[p];
        if (!op->phases[p].present)
            continue;
        bool tried = !isnan(x->first_ns);
        add_reading(&sum, x);
        sum.first_ns += tried ? x->first_ns : x->robust_ns;
        first_stolen_ns += tried ? x->first_ns * x->first_stolen : x->robust_ns * x->sample.stolen;
        stolen_ns += x->sample.stolen * x->total_ns;
        sum.sample.faults += x->sample.faults;
        sum.sample.switches += x->sample.switches;
        sum.sample.preemptions += x->sample.preemptions;
        sum.sample.segments = x->sample.segments; /* of the scan, the later one */
    }
    sum.sample.stolen = stolen_ns / sum.total_ns;
    sum.first_stolen = sum.repeated ? first_stolen_ns / sum.first_ns : NAN;
    sum.first_ns = sum.repeated ? sum.first_ns : NAN;
    return sum;
}

static struct sums add_up(const struct kvr_op *op, const struct gathered *g, size_t row)
{
    struct sums sum = {.e_ns = 0};
    for (int p = 0; p < KVR_PHASES; p++) {
        const struct reading *t = &g->phase_t[row][p], *m = &g->phase_m[row][p];
        const struct reading *c = &g->phase_c[row][p];
        if (!op->phases[p].present)
            continue;
        add_reading(&sum.m, m);
        add_reading(&sum.c, c);
        sum.e_ns += fmax(m->robust_ns, c->robust_ns);
        sum.e_total_ns += fmax(m->total_ns, c->total_ns);
        sum.phases[p] = (struct kvr_phase_times){t->robust_ns, m->robust_ns, c->robust_ns};
    }
    return sum;
}

static void write_round(const struct gathered *g, const struct reading *m, const struct reading *t,
                        const struct reading *c, double segment_keys, struct kvr_round *round)
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
                                .keys = (uint64_t)((double)t->sample.segments * segment_keys + .5),
                                .faults = t->sample.faults,
                                .switches = t->sample.switches,
                                .preemptions = t->sample.preemptions,
                                .migrations = t->sample.migrations,
                                .steal = g->disturbed.steal,
                                .pressure = g->disturbed.pressure,
                                .throttled_ms = g->disturbed.throttled_ms,
                                .interrupts_per_s = g->disturbed.interrupts_per_s,
                                .repeated = t->repeated || m->repeated || c->repeated,
                                .invalid = t->sample.invalid || m->sample.invalid ||
                                           c->sample.invalid || g->reference_t.sample.invalid};
}

/* A round of an op: what write_round takes from single readings comes from the phases' sums. */
static void write_op_round(const struct gathered *g, const struct kvr_op *op, size_t row,
                           const struct reading *whole, struct kvr_round *round)
{
    struct sums sum = add_up(op, g, row);
    struct reading t = op->has_whole ? *whole : add_passes(op, g->phase_t[row]);
    write_round(g, &sum.m, &t, &sum.c, op->whole_keys, round);
    round->e_ns = sum.e_ns;
    round->e_total_ns = sum.e_total_ns;
    memcpy(round->phases, sum.phases, sizeof round->phases);
}

static void finish_round(struct kvr_stage *stage, struct gathered *g, uint32_t rounds, uint32_t at,
                         struct kvr_round *out)
{
    struct kvr_subject *reference = stage->reference;
    if (reference->op) {
        struct sums sum = add_up(reference->op, g, REFERENCE_ROW);
        g->reference_m = sum.m;
        g->reference_c = sum.c;
    }
    if (!stage->subject_count && reference->op)
        write_op_round(g, reference->op, REFERENCE_ROW, &g->reference_t, &out[at]);
    else if (!stage->subject_count)
        write_round(g, &g->reference_m, &g->reference_t, &g->reference_c,
                    kvr_lists_segment_keys(reference->t.lists), &out[at]);
    for (size_t i = 0; i < stage->subject_count; i++) {
        struct kvr_subject *x = &stage->subjects[i];
        if (x->op)
            write_op_round(g, x->op, i, &g->t[i], &out[i * rounds + at]);
        else
            write_round(g, &g->m, &g->t[i], &g->c[i], kvr_lists_segment_keys(x->t.lists),
                        &out[i * rounds + at]);
    }
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
    struct gathered g;
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
        struct kvr_disturbance before = {0}, after = {0};
        memset(&g, 0, sizeof g);
        if (s->machine)
            kvr_disturbance_read(s->machine, &before);
        bool seen[2] = {false, false};
        for (size_t i = 0; i < count; i++)
            order[i] = (uint32_t)i;
        kvr_shuffle(order, (uint32_t)count, &random);
        for (size_t i = 0; i < count; i++) {
            if (kvr_session_stopped(s))
                return -EINTR;
            do_item(s, stage, &items[order[i]], &g, seen);
        }
        if (s->machine)
            kvr_disturbance_read(s->machine, &after);
        g.disturbed = kvr_disturbed_between(&before, &after, kvr_wall_s() - begin_s);
        finish_round(stage, &g, rounds, r, out);
        m_wins[g.m_member]++;
        ++*done;
        round_s = kvr_wall_s() - begin_s;
    }
    return 0;
}
