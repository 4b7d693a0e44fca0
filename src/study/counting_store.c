/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From sums over samples to what a result says: values a key, and what follows from several.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "counting.h"

/* Counted over modelled: above a tenth apart one of the two is wrong. */
#define MISMATCH .1
/* Of the read roof: memory has nothing left to give; it has much. */
#define FULL .9
#define SLACK .6

static struct kvr_counter_record *put(struct kvr_result *r, const char *name, double value,
                                      enum kvr_quality quality, const char *unit)
{
    struct kvr_counter_record *c =
        isfinite(value) && quality != KVR_ABSENT ? kvr_result_add_counter(r, name) : NULL;
    if (!c)
        return NULL;
    c->value = value;
    snprintf(c->quality, sizeof c->quality, "%s", kvr_quality_name(quality));
    snprintf(c->unit, sizeof c->unit, "%s", unit);
    return c;
}

static void not_counted(struct kvr_result *r, const char *event, const char *why)
{
    char what[sizeof r->unavailable->what];
    snprintf(what, sizeof what, "counter %.38s", event);
    kvr_result_unavailable(r, what, "%s", why);
}

/* ---- one event ---- */

struct counted {
    double per_key, total, running; /* running: the least of the parts' */
    enum kvr_quality quality;
};
enum { TEAM = -1 };

static double keys_of(const struct kvr_counted_part *part)
{
    return (double)part->tally->segments * part->segment_keys;
}

/* A thread's sum in one part, or that of its TEAM. */
static struct kvr_count_sum sum_of(const struct kvr_tally *tally, int thread, size_t event)
{
    struct kvr_count_sum sum = {0};
    for (unsigned t = 0; t < tally->threads; t++) {
        const struct kvr_count_sum *own = &tally->sums[t][event];
        if (thread != TEAM && t != (unsigned)thread)
            continue;
        sum.value += own->value;
        sum.enabled_ns += own->enabled_ns;
        sum.running_ns += own->running_ns;
        sum.backwards |= own->backwards;
    }
    return sum;
}

/* Over all parts: absent if it is so in one. A thread's value is for a key of its own: threads of a
 * team have equally many. */
static struct counted count_event(const struct kvr_counted_part *parts, size_t n, int thread,
                                  size_t event, char *why, size_t why_bytes)
{
    struct counted all = {.running = 1, .quality = KVR_MEASURED};
    for (size_t p = 0; p < n && all.quality != KVR_ABSENT; p++) {
        struct kvr_count_sum sum = sum_of(parts[p].tally, thread, event);
        struct kvr_count count = kvr_count_of(&sum, why, why_bytes);
        double share = thread == TEAM ? 1 : parts[p].tally->threads;
        all.per_key += count.value * share / keys_of(&parts[p]);
        all.total += count.value;
        all.running = fmin(all.running, count.running);
        all.quality = count.quality < all.quality ? count.quality : all.quality;
    }
    return all;
}

static void put_thread(struct kvr_counter_record *c, uint32_t thread, double value, double running,
                       enum kvr_quality quality)
{
    struct kvr_counter_thread *t = c ? kvr_counter_add_thread(c, thread) : NULL;
    if (!t)
        return;
    t->value = value;
    t->running = running;
    snprintf(t->quality, sizeof t->quality, "%s", kvr_quality_name(quality));
    c->thread_least = fmin(c->thread_least, value); /* fmin and fmax leave NAN out */
    c->thread_most = fmax(c->thread_most, value);
}

/* What memories move and packages draw is the system's: one thread reads it for all. */
static bool is_of_system(const struct kvr_event *event)
{
    return !strcmp(event->unit, "bytes") || !strcmp(event->unit, "joules");
}

static void store_event(const struct kvr_counting *c, const struct kvr_counted_part *parts,
                        size_t n, size_t index, struct kvr_result *r)
{
    const struct kvr_event *event = &c->counters.events[index];
    char why[160], unit[24];
    const char *refused = c->counters.why[index][0] ? c->counters.why[index] : c->team_why[index];
    if (refused[0]) {
        not_counted(r, event->name, refused);
        return;
    }
    struct counted team = count_event(parts, n, TEAM, index, why, sizeof why);
    if (team.quality == KVR_ABSENT) {
        not_counted(r, event->name, why);
        return;
    }
    snprintf(unit, sizeof unit, "%s/key", event->unit[0] ? event->unit : "events");
    struct kvr_counter_record *out =
        put(r, event->name, team.per_key * event->scale, team.quality, unit);
    if (!out)
        return;
    out->total = team.total * event->scale;
    out->running = team.running;
    unsigned threads = is_of_system(event) ? 1 : parts[0].tally->threads;
    for (unsigned t = 0; threads > 1 && t < threads; t++) {
        struct counted own = count_event(parts, n, (int)t, index, NULL, 0);
        if (own.quality != KVR_ABSENT)
            put_thread(out, t, own.per_key * event->scale, own.running, own.quality);
    }
}

/* ---- what follows from several ---- */

static enum kvr_quality quality_of(const char *name)
{
    return strcmp(name, "scaled") ? KVR_MEASURED : KVR_SCALED;
}

static enum kvr_quality lesser(enum kvr_quality a, enum kvr_quality b)
{
    return a < b ? a : b;
}

static bool is_of_kind(const struct kvr_counter_record *c, const char *prefix, const char *unit)
{
    return !strcmp(c->unit, unit) && !strncmp(c->name, prefix, strlen(prefix)) &&
           strcmp(c->quality, kvr_quality_name(KVR_MODELLED));
}

/* Sum over the events of one kind, such as the channels of a memory; their least quality. NAN:
 * there is none. */
static double sum_of_unit(const struct kvr_result *r, const char *prefix, const char *unit,
                          enum kvr_quality *quality)
{
    double sum = NAN;
    *quality = KVR_MEASURED;
    for (size_t i = 0; i < r->counter_count; i++) {
        const struct kvr_counter_record *c = &r->counters[i];
        if (!is_of_kind(c, prefix, unit))
            continue;
        sum = isnan(sum) ? c->value : sum + c->value;
        *quality = lesser(*quality, quality_of(c->quality));
    }
    return sum;
}

static const struct kvr_counter_thread *find_thread(const struct kvr_counter_record *c,
                                                    uint32_t thread)
{
    for (size_t i = 0; i < c->thread_count; i++)
        if (c->threads[i].thread == thread)
            return &c->threads[i];
    return NULL;
}

/* Operations of all widths, of each thread that counted every one of them. */
static void store_flops(struct kvr_result *r, unsigned threads)
{
    enum kvr_quality quality;
    double counted = sum_of_unit(r, "fp", "flops/key", &quality);
    struct kvr_counter_record *out = put(r, "flops", counted, quality, "flops/key");
    for (uint32_t t = 0; out && threads > 1 && t < threads; t++) {
        double sum = 0, running = 1;
        enum kvr_quality least = KVR_MEASURED;
        for (size_t i = 0; i < r->counter_count; i++) {
            if (!is_of_kind(&r->counters[i], "fp", "flops/key"))
                continue;
            const struct kvr_counter_thread *own = find_thread(&r->counters[i], t);
            sum += own ? own->value : NAN;
            running = own ? fmin(running, own->running) : NAN;
            least = own ? lesser(least, quality_of(own->quality)) : KVR_ABSENT;
        }
        if (isfinite(sum) && least != KVR_ABSENT)
            put_thread(out, t, sum, running, least);
    }
}

/* Beside each modelled figure what was counted; a name says which. Of passes that are timed one by
 * one the model knows the operations of the scan alone. */
static void compare_with_model(struct kvr_result *r, double ns_per_key, unsigned threads,
                               bool one_pass)
{
    enum kvr_quality quality;
    const struct kvr_traffic *t = &r->traffic;
    double modelled = t->mem_read + t->mem_write + t->mem_allocate;
    bool scan = !strcmp(r->op, "scan") && one_pass;
    double flops = scan ? r->cost.executed_flops / (double)r->tokens : NAN;
    double bytes = sum_of_unit(r, "dram-", "bytes/key", &quality);
    put(r, "memory-bytes-model", modelled, KVR_MODELLED, "bytes/key");
    put(r, "memory-bytes", bytes, quality, "bytes/key");
    if (isfinite(bytes)) {
        put(r, "memory-gb-per-s", bytes / ns_per_key, quality, "GB/s");
        if (modelled > 0 && fabs(bytes / modelled - 1) > MISMATCH)
            kvr_result_flag(r, "counter-mismatch");
    }
    put(r, "flops-model", flops, KVR_MODELLED, "flops/key");
    store_flops(r, threads);
    double joules = sum_of_unit(r, "energy-", "joules/key", &quality);
    put(r, "joules-per-million-keys", joules * 1e6, quality, "joules/Mkey");
}

static void store_ipc(struct kvr_result *r)
{
    const struct kvr_counter_record *cycles = kvr_result_counter(r, "cycles");
    const struct kvr_counter_record *instructions = kvr_result_counter(r, "instructions");
    if (!cycles || !instructions || !(cycles->value > 0))
        return;
    struct kvr_counter_record *out =
        put(r, "ipc", instructions->value / cycles->value,
            lesser(quality_of(cycles->quality), quality_of(instructions->quality)),
            "instructions/cycle");
    cycles = kvr_result_counter(r, "cycles"); /* the list has grown */
    instructions = kvr_result_counter(r, "instructions");
    for (size_t i = 0; i < cycles->thread_count; i++) {
        const struct kvr_counter_thread *a = &cycles->threads[i];
        const struct kvr_counter_thread *b = find_thread(instructions, a->thread);
        if (b && a->value > 0)
            put_thread(out, a->thread, b->value / a->value, fmin(a->running, b->running),
                       lesser(quality_of(a->quality), quality_of(b->quality)));
    }
}

/* Why nothing of T was counted; NULL: it was. */
static const char *why_not(const struct kvr_counted_part *parts, size_t n)
{
    for (size_t p = 0; p < n; p++) {
        if (parts[p].tally->error)
            return strerror(-parts[p].tally->error);
        if (!parts[p].tally->samples)
            return "no sample was counted";
    }
    return NULL;
}

void kvr_counting_store(const struct kvr_counting *c, const struct kvr_counted_part *parts,
                        size_t n, const char *why, struct kvr_result *r)
{
    if (!c)
        return;
    const char *reason = n ? why_not(parts, n) : why;
    size_t events = reason ? 0 : c->counters.count;
    double ns_per_key = n ? 0 : NAN;
    if (reason && c->counters.count)
        kvr_result_unavailable(r, "counters", "%s", reason);
    for (size_t i = 0; i < events; i++)
        store_event(c, parts, n, i, r);
    for (size_t p = 0; p < n && events; p++)
        ns_per_key += parts[p].tally->total_ns / keys_of(&parts[p]);
    store_ipc(r);
    compare_with_model(r, ns_per_key, events ? parts[0].tally->threads : 0, n == 1);
}

void kvr_counting_witness(struct kvr_result *r)
{
    const struct kvr_counter_record *bandwidth = kvr_result_counter(r, "memory-gb-per-s");
    double roof = r->result.gb_per_s * 100 / r->result.percent_of_read_roof;
    struct kvr_verdict_record *v = &r->verdict;
    if (!bandwidth || !(roof > 0) || !isfinite(roof) || strcmp(r->level, "DRAM") || !v->side[0] ||
        v->witness_count == KVR_MAX_WITNESSES)
        return;
    struct kvr_witness_record *w = &v->witnesses[v->witness_count++];
    *w = (struct kvr_witness_record){.id = "counter-bandwidth", .value = bandwidth->value / roof,
                                     .ci95 = {NAN, NAN}};
    const char *says = w->value >= FULL ? "full" : w->value <= SLACK ? "slack" : "between";
    snprintf(w->says, sizeof w->says, "%s", says);
}
