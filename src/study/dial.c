/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dial.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

enum { SEGMENT_BYTES = 16 << 10, LINES_PER_TWELVE = KVR_DIAL_LINES, CHAINS = 4 };
#define REACHES .97

/* One setting while it is measured. Scans point into it: it does not move. */
struct subject {
    struct kvr_dial_outcome *outcome;
    struct kvr_lists lists, fold;
    uint32_t cursor, fold_cursor;
    struct kvr_scan t, c;
    struct kvr_sample_request t_request, c_request;
    struct kvr_round *rounds;
    const void *chain[CHAINS];
    const void *small_chain;
    double witness_ratio; /* chase: time per line with four chains over with one */
};

/* One level: M is measured once per round for all its settings. */
struct level {
    char name[8];
    struct kvr_lists lists;
    uint32_t cursor;
    struct kvr_scan read;
    struct kvr_sample_request request;
    const struct kvr_family *family;
    double gb_per_s;
};

struct bench {
    struct kvr_session *session;
    struct kvr_score_buffers buffers;
    struct level levels[3];
    size_t level_count;
    struct subject *subjects;
    size_t count;
    uint32_t rounds;
    double sample_s;
    uint64_t chain_bytes; /* of the subject half that chains occupy */
};

static const struct kvr_dial *find_dial(const struct kvr_session *s, const char *resource)
{
    size_t count;
    const struct kvr_dial *const *dials = kvr_dials(&count), *best = NULL;
    for (size_t i = 0; i < count; i++)
        if (!(dials[i]->isa & ~s->machine->isa.usable) && !strcmp(dials[i]->resource, resource) &&
            (!best || dials[i]->width_bits > best->width_bits))
            best = dials[i];
    return best;
}

static const char *arithmetic(const struct kvr_session *s)
{
    return find_dial(s, "fma") ? "fma" : "fadd";
}

/* Instructions a ns of the dial's resource, from the rate ceilings of the same ISA. */
static double rate_of(const struct kvr_session *s, const struct kvr_dial *dial)
{
    bool scalar_add = !strcmp(dial->resource, "fadd"), fma = !strcmp(dial->resource, "fma");
    const char *type = scalar_add ? "valu" : dial->resource;
    const char *dtype = scalar_add                          ? "scalar"
                        : !strcmp(dial->resource, "shuffle") ? "byte"
                                                             : NULL;
    for (size_t i = 0; i < s->record->ceiling_count; i++) {
        const struct kvr_ceiling *c = &s->record->ceilings[i];
        if (strcmp(c->kind, "rate") || strcmp(c->type, type) || (dtype && strcmp(c->dtype, dtype))
            || strcmp(c->isa, dial->isa_name))
            continue;
        return c->value / (fma ? 2 * dial->width_bits / 32.0 : 1);
    }
    return NAN;
}

static struct level *level_of(struct bench *b, const char *name)
{
    for (size_t i = 0; i < b->level_count; i++)
        if (!strcmp(b->levels[i].name, name))
            return &b->levels[i];
    return NULL;
}

static int open_level(struct bench *b, const char *name)
{
    struct kvr_session *s = b->session;
    uint64_t bytes = kvr_session_level_bytes(s, name, 1);
    if (!strcmp(name, "DRAM") || bytes > s->reference.memory.bytes)
        bytes = s->reference.memory.bytes;
    if (bytes < 4 * SEGMENT_BYTES || strcmp(kvr_session_level(s, bytes, 1), name))
        return 0; /* this machine or arena has no such level: fewer settings */
    struct level *l = &b->levels[b->level_count];
    int rc = kvr_half_plain(s, &s->reference, bytes, SEGMENT_BYTES, &l->lists);
    if (rc)
        return rc;
    snprintf(l->name, sizeof l->name, "%s", name);
    l->read = (struct kvr_scan){.lists = &l->lists, .buffers = &b->buffers, .cursors = &l->cursor};
    l->family = kvr_session_family(s, &l->read, name, "contiguous", bytes);
    if (!l->family)
        return kvr_session_stopped(s) ? -EINTR : -ENOMEM;
    l->request = kvr_scan_request(&l->read);
    l->request.warm_segments = strcmp(name, "DRAM") ? l->lists.counts[0] : 0;
    kvr_scan_set_member(&l->read, &l->family->best[0]);
    kvr_sample_plan(s->sampler, &l->request, b->sample_s);
    l->gb_per_s = l->family->best[0].gb_per_s;
    b->level_count++;
    return 0;
}

static void add_setting(struct kvr_dial_report *report, const struct level *level,
                        const char *resource, double balance)
{
    if (report->count == KVR_MAX_DIAL_SETTINGS)
        return;
    struct kvr_dial_outcome *o = &report->outcomes[report->count++];
    *o = (struct kvr_dial_outcome){.setting.aimed_balance = balance, .true_balance = NAN};
    snprintf(o->setting.level, sizeof o->setting.level, "%s", level->name);
    snprintf(o->setting.resource, sizeof o->setting.resource, "%s", resource);
    o->setting.bytes = (uint64_t)level->lists.counts[0] * SEGMENT_BYTES;
}

static void list_settings(struct bench *b, bool long_form, struct kvr_dial_report *report)
{
    static const double aims[] = {.1, .2, .35, .5, .8, .95, 1.1, 1.25, 2, 3, 5};
    static const double short_aims[] = {.1, .4, 2.5, 8};
    static const char *const more[] = {"load", "shuffle"};
    const struct kvr_session *s = b->session;
    const struct level *dram = level_of(b, "DRAM");
    add_setting(report, dram, arithmetic(s), .2); /* the controls come first */
    add_setting(report, dram, arithmetic(s), 5);
    for (size_t i = 0; !long_form && i < 4; i++)
        add_setting(report, dram, i % 2 && find_dial(s, "load") ? "load" : arithmetic(s),
                    short_aims[i]);
    for (size_t l = 0; long_form && l < b->level_count; l++) {
        for (size_t a = 0; a < sizeof aims / sizeof *aims; a++) {
            if (&b->levels[l] != dram || (aims[a] != .2 && aims[a] != 5))
                add_setting(report, &b->levels[l], arithmetic(s), aims[a]);
            for (size_t m = 0; m < 2; m++)
                if (find_dial(s, more[m]) && a % 2 == m)
                    add_setting(report, &b->levels[l], more[m], aims[a]);
        }
        add_setting(report, &b->levels[l], "chase", NAN);
        add_setting(report, &b->levels[l], "chase", NAN);
    }
    if (!long_form) {
        add_setting(report, dram, "chase", NAN);
        add_setting(report, dram, "chase", NAN);
    }
}

/* A kvr_slice_fn: `count` segments' worth of lines, one load after the other. */
static void chase_slice(void *argument, unsigned thread, uint32_t first, uint32_t count)
{
    const void **at = argument;
    (void)thread;
    (void)first;
    uint64_t steps = (uint64_t)count * (SEGMENT_BYTES / KVR_LINE_BYTES);
    *at = (const void *)(uintptr_t)kvr_peak_chase(*at, steps);
}

static void chase_name(const void *argument, char *text, size_t bytes)
{
    (void)argument;
    snprintf(text, bytes, "pointer chase");
}

static void chase4_slice(void *argument, unsigned thread, uint32_t first, uint32_t count)
{
    (void)thread;
    (void)first;
    uint64_t steps = (uint64_t)count * (SEGMENT_BYTES / KVR_LINE_BYTES) / CHAINS;
    kvr_peak_chase4(argument, steps);
}

/* Every chain has a part of the subject half to itself. */
static int open_chase(struct bench *b, struct subject *x)
{
    enum { MOST_LINES = 1 << 22, SMALL_LINES = 64, LEAST_LINES = 1024 };
    struct kvr_session *s = b->session;
    unsigned char *base = s->subject.memory.base + b->chain_bytes;
    uint64_t room = (s->subject.memory.bytes - b->chain_bytes) / KVR_LINE_BYTES;
    uint64_t lines = x->outcome->setting.bytes / KVR_LINE_BYTES, seed = lines;
    lines = lines > MOST_LINES ? MOST_LINES : lines;
    if (lines + SMALL_LINES > room / 2) /* leave as much for the chains still to come */
        lines = room / 2 < SMALL_LINES ? 0 : room / 2 - SMALL_LINES;
    if (lines < LEAST_LINES)
        return -ENOSPC;
    uint32_t *order = malloc(lines * sizeof *order);
    if (!order)
        return -ENOMEM;
    /* Four cycles of a quarter each: one of them alone is the chase, all four the witness. */
    for (int c = 0; c < CHAINS; c++) {
        unsigned char *part = base + (size_t)c * (lines / CHAINS) * KVR_LINE_BYTES;
        kvr_chain_link(part, (uint32_t)(lines / CHAINS), order, &seed);
        x->chain[c] = part;
    }
    x->small_chain = base + lines * KVR_LINE_BYTES;
    kvr_chain_link(base + lines * KVR_LINE_BYTES, SMALL_LINES, order, &seed);
    free(order);
    b->chain_bytes += (lines + SMALL_LINES) * KVR_LINE_BYTES;
    s->subject.filled = (struct kvr_material){0};
    x->t_request.run = x->c_request.run = chase_slice;
    x->t_request.name = x->c_request.name = chase_name;
    x->t_request.argument = &x->chain[0];
    x->c_request.argument = &x->small_chain;
    return 0;
}

static uint32_t twelves_for(const struct level *l, double rate, double balance)
{
    double memory_ns = LINES_PER_TWELVE * KVR_LINE_BYTES / l->gb_per_s;
    double n = balance * memory_ns * rate / KVR_DIAL_TWELVE;
    return n < 1 ? 1 : (uint32_t)(n + .5);
}

/* What sixteen lines must cost the core: the dialled instructions over their rate, but no less than
 * the loads that read the lines, and with the dialled ones added where those are loads too. */
static double core_ns_of(const struct kvr_session *s, const struct kvr_dial *dial,
                         uint32_t twelves, double rate)
{
    const struct kvr_dial *load = find_dial(s, "load");
    double dialled = twelves * KVR_DIAL_TWELVE / rate;
    double own = load ? LINES_PER_TWELVE * (8.0 * KVR_LINE_BYTES / dial->width_bits)
                            / rate_of(s, load)
                      : 0;
    return !strcmp(dial->resource, "load") ? dialled + own : fmax(dialled, own);
}

static int open_subject(struct bench *b, struct subject *x, struct kvr_dial_outcome *outcome)
{
    struct kvr_session *s = b->session;
    struct level *l = level_of(b, outcome->setting.level);
    x->outcome = outcome;
    x->rounds = calloc(b->rounds, sizeof *x->rounds);
    int rc = x->rounds ? kvr_lists_plain(s->reference.memory.base, SEGMENT_BYTES, SEGMENT_BYTES, 1,
                                         &x->fold)
                       : -ENOMEM;
    /* C: a segment as long as T's, so that calls cost the same share, from half of L1. */
    if (!rc && s->l1_bytes / 2 < SEGMENT_BYTES)
        x->fold.segments[0].fold_bytes = s->l1_bytes / 2 / 1024 * 1024;
    if (rc)
        return rc;
    x->t = (struct kvr_scan){.lists = &l->lists, .buffers = &b->buffers, .cursors = &x->cursor};
    x->c = x->t;
    x->c.lists = &x->fold;
    x->c.cursors = &x->fold_cursor;
    outcome->latency = !strcmp(outcome->setting.resource, "chase");
    if (!outcome->latency) {
        const struct kvr_dial *dial = find_dial(s, outcome->setting.resource);
        double rate = rate_of(s, dial);
        if (isnan(rate))
            return -ENODEV;
        x->t.dial = x->c.dial = dial;
        outcome->twelves = twelves_for(l, rate, outcome->setting.aimed_balance);
        x->t.twelves = x->c.twelves = outcome->twelves;
        x->t.ahead_segments = x->c.ahead_segments = l->family->best[0].ahead_segments;
        x->t.ahead_bytes = x->c.ahead_bytes = l->family->best[0].ahead_bytes;
        double core_ns = core_ns_of(s, dial, outcome->twelves, rate);
        outcome->true_balance = core_ns * l->gb_per_s / (LINES_PER_TWELVE * KVR_LINE_BYTES);
        outcome->truth = outcome->true_balance < 1 / KVR_NEAR ? KVR_SIDE_MEMORY
                         : outcome->true_balance > KVR_NEAR   ? KVR_SIDE_CORE
                                                              : KVR_SIDE_EVEN;
    }
    x->t_request = kvr_scan_request(&x->t);
    x->c_request = kvr_scan_request(&x->c);
    if (outcome->latency && (rc = open_chase(b, x)))
        return rc;
    x->t_request.warm_segments = strcmp(l->name, "DRAM") ? l->lists.counts[0] : 0;
    x->c_request.warm_segments = x->fold.counts[0];
    kvr_sample_plan(s->sampler, &x->t_request, b->sample_s);
    kvr_sample_plan(s->sampler, &x->c_request, b->sample_s);
    return 0;
}

static double per_line(const struct kvr_sample *sample, double ns, size_t segment_bytes)
{
    return ns / ((double)sample->segments * (double)segment_bytes / KVR_LINE_BYTES);
}

/* M of this round: the least of the level's best readers, robust and total. */
static void read_level(struct bench *b, struct level *l, double *robust, double *total)
{
    *robust = *total = INFINITY;
    for (size_t i = 0; i < l->family->best_count; i++) {
        struct kvr_sample sample;
        kvr_scan_set_member(&l->read, &l->family->best[i]);
        kvr_sample_take(b->session->sampler, &l->request, &sample);
        if (per_line(&sample, sample.robust_ns, SEGMENT_BYTES) < *robust) {
            *robust = per_line(&sample, sample.robust_ns, SEGMENT_BYTES);
            *total = per_line(&sample, sample.total_ns, SEGMENT_BYTES);
        }
    }
}

static void take_subject(struct bench *b, struct subject *x, struct kvr_round *round)
{
    struct kvr_sampler *sampler = b->session->sampler;
    struct kvr_sample sample;
    /* A chase steps through SEGMENT_BYTES per "segment" whatever the list says. */
    size_t c_bytes = x->outcome->latency ? SEGMENT_BYTES : x->fold.segment_bytes;
    kvr_sample_take(sampler, &x->t_request, &sample);
    round->t_ns = per_line(&sample, sample.robust_ns, SEGMENT_BYTES);
    round->t_total_ns = per_line(&sample, sample.total_ns, SEGMENT_BYTES);
    round->invalid = sample.invalid;
    kvr_sample_take(sampler, &x->c_request, &sample);
    round->c_ns = per_line(&sample, sample.robust_ns, c_bytes);
    round->c_total_ns = per_line(&sample, sample.total_ns, c_bytes);
    round->invalid |= sample.invalid;
}

static int measure(struct bench *b)
{
    uint32_t order[KVR_MAX_DIAL_SETTINGS];
    uint64_t random = b->session->options->seed;
    for (uint32_t r = 0; r < b->rounds; r++) {
        double robust[3], total[3];
        for (size_t l = 0; l < b->level_count; l++)
            read_level(b, &b->levels[l], &robust[l], &total[l]);
        for (size_t i = 0; i < b->count; i++)
            order[i] = (uint32_t)i;
        kvr_shuffle(order, (uint32_t)b->count, &random);
        for (size_t i = 0; i < b->count; i++) {
            struct subject *x = &b->subjects[order[i]];
            size_t l = (size_t)(level_of(b, x->outcome->setting.level) - b->levels);
            if (kvr_session_stopped(b->session))
                return -EINTR;
            x->rounds[r].m_ns = robust[l];
            x->rounds[r].m_total_ns = total[l];
            take_subject(b, x, &x->rounds[r]);
        }
    }
    return 0;
}

/* Concurrency, the witness of waiting: four independent chains instead of one. */
static void witness(struct bench *b, struct subject *x)
{
    struct kvr_sample one, four;
    struct kvr_sample_request request = x->t_request;
    kvr_sample_take(b->session->sampler, &request, &one);
    request.run = chase4_slice;
    kvr_sample_take(b->session->sampler, &request, &four);
    x->witness_ratio = four.robust_ns / one.robust_ns;
}

static void judge(struct bench *b, struct subject *x, struct kvr_dial_report *report)
{
    struct kvr_dial_outcome *o = x->outcome;
    struct kvr_witness_value waiting = {.id = "concurrency",
                                        .ratio = x->witness_ratio,
                                        .stands = o->latency && x->witness_ratio <= .9};
    struct kvr_verdict_input input = {.rounds = x->rounds,
                                      .round_count = b->rounds,
                                      .core_limit_ns = NAN,
                                      .witnesses = &waiting,
                                      .witness_count = o->latency ? 1 : 0};
    if (!o->latency) {
        const struct kvr_dial *dial = find_dial(b->session, o->setting.resource);
        input.resource = o->setting.resource;
        input.core_limit_ns =
            o->twelves * KVR_DIAL_TWELVE / rate_of(b->session, dial) / LINES_PER_TWELVE;
    }
    kvr_verdict_decide(&input, &o->verdict);
    o->reaches_bound = o->verdict.t_over_e.median >= REACHES;
    kvr_dial_judge(o);
    report->right += o->says == KVR_DIAL_RIGHT;
    report->wrong += o->says == KVR_DIAL_WRONG;
    report->undecided += o->says == KVR_DIAL_UNDECIDED;
    report->not_counted += o->says == KVR_DIAL_NOT_COUNTED;
}

static void close_bench(struct bench *b)
{
    for (size_t i = 0; b->subjects && i < b->count; i++) {
        kvr_lists_free(&b->subjects[i].fold);
        free(b->subjects[i].rounds);
    }
    for (size_t i = 0; i < b->level_count; i++)
        kvr_lists_free(&b->levels[i].lists);
    kvr_score_buffers_free(&b->buffers);
    free(b->subjects);
}

int kvr_dial_test(struct kvr_session *s, bool long_form, double sample_s, uint32_t rounds,
                  struct kvr_dial_report *report)
{
    struct bench b = {.session = s, .rounds = rounds, .sample_s = sample_s};
    *report = (struct kvr_dial_report){0};
    char why[240];
    int rc = kvr_session_team(s, 1);
    if (!rc)
        rc = kvr_half_share(s, &s->subject, 0, s->subject.memory.bytes, why, sizeof why);
    if (!rc)
        rc = kvr_score_buffers_new(1, 1024, &b.buffers);
    if (!rc)
        rc = open_level(&b, "DRAM");
    if (!rc && !b.level_count)
        rc = -ENODEV;
    if (!rc && long_form && !(rc = open_level(&b, "L2")))
        rc = open_level(&b, "L3");
    if (rc)
        goto out;
    list_settings(&b, long_form, report);
    b.subjects = calloc(report->count, sizeof *b.subjects);
    b.count = report->count;
    if (!b.subjects)
        rc = -ENOMEM;
    for (size_t i = 0; i < b.count && !rc; i++)
        rc = open_subject(&b, &b.subjects[i], &report->outcomes[i]);
    if (!rc)
        rc = measure(&b);
    for (size_t i = 0; i < b.count && !rc; i++) {
        if (report->outcomes[i].latency)
            witness(&b, &b.subjects[i]);
        judge(&b, &b.subjects[i], report);
    }
out:
    close_bench(&b);
    return rc;
}
