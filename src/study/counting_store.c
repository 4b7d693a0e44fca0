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

/* The team's sum; `least` and `most` receive the threads' own values where there are several. */
static struct kvr_count add_threads(const struct kvr_tally *tally, size_t event, double *least,
                                    double *most, char *why, size_t why_bytes)
{
    struct kvr_count_sum sum = {0};
    *least = *most = NAN;
    for (unsigned t = 0; t < tally->threads; t++) {
        const struct kvr_count_sum *own = &tally->sums[t][event];
        struct kvr_count count = kvr_count_of(own, NULL, 0);
        sum.value += own->value;
        sum.enabled_ns += own->enabled_ns;
        sum.running_ns += own->running_ns;
        sum.backwards |= own->backwards;
        if (tally->threads > 1 && own->enabled_ns) {
            *least = fmin(*least, count.value); /* fmin and fmax leave NAN out */
            *most = fmax(*most, count.value);
        }
    }
    return kvr_count_of(&sum, why, why_bytes);
}

static void store_event(const struct kvr_counting *c, const struct kvr_tally *tally, size_t index,
                        double keys, struct kvr_result *r)
{
    const struct kvr_event *event = &c->counters.events[index];
    char why[160], unit[24];
    double least, most;
    const char *refused = c->counters.why[index][0] ? c->counters.why[index] : c->team_why[index];
    if (refused[0]) {
        not_counted(r, event->name, refused);
        return;
    }
    struct kvr_count count = add_threads(tally, index, &least, &most, why, sizeof why);
    if (count.quality == KVR_ABSENT) {
        not_counted(r, event->name, why);
        return;
    }
    snprintf(unit, sizeof unit, "%s/key", event->unit[0] ? event->unit : "events");
    double scale = event->scale;
    struct kvr_counter_record *out =
        put(r, event->name, count.value * scale / keys, count.quality, unit);
    if (!out)
        return;
    out->total = count.value * scale;
    out->running = count.running;
    out->thread_least = least * scale * tally->threads / keys;
    out->thread_most = most * scale * tally->threads / keys;
}

static enum kvr_quality quality_of(const struct kvr_counter_record *c)
{
    return !c ? KVR_ABSENT : strcmp(c->quality, "scaled") ? KVR_MEASURED : KVR_SCALED;
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
        if (strcmp(c->unit, unit) || strncmp(c->name, prefix, strlen(prefix)) ||
            !strcmp(c->quality, kvr_quality_name(KVR_MODELLED)))
            continue;
        sum = isnan(sum) ? c->value : sum + c->value;
        *quality = quality_of(c) < *quality ? quality_of(c) : *quality;
    }
    return sum;
}

/* Beside each modelled figure what was counted; a name says which. */
static void compare_with_model(struct kvr_result *r, double keys, double total_ns)
{
    enum kvr_quality quality;
    const struct kvr_traffic *t = &r->traffic;
    double modelled = t->mem_read + t->mem_write + t->mem_allocate;
    bool scan = !strcmp(r->op, "scan");
    double flops = scan ? r->cost.executed_flops / (double)r->tokens : NAN;
    double bytes = sum_of_unit(r, "dram-", "bytes/key", &quality);
    put(r, "memory-bytes-model", modelled, KVR_MODELLED, "bytes/key");
    put(r, "memory-bytes", bytes, quality, "bytes/key");
    if (isfinite(bytes)) {
        put(r, "memory-gb-per-s", bytes * keys / total_ns, quality, "GB/s");
        if (modelled > 0 && fabs(bytes / modelled - 1) > MISMATCH)
            kvr_result_flag(r, "counter-mismatch");
    }
    put(r, "flops-model", flops, KVR_MODELLED, "flops/key");
    double counted = sum_of_unit(r, "fp", "flops/key", &quality);
    put(r, "flops", counted, quality, "flops/key");
    double joules = sum_of_unit(r, "energy-", "joules/key", &quality);
    put(r, "joules-per-million-keys", joules * 1e6, quality, "joules/Mkey");
}

static void store_ipc(struct kvr_result *r)
{
    const struct kvr_counter_record *cycles = kvr_result_counter(r, "cycles");
    const struct kvr_counter_record *instructions = kvr_result_counter(r, "instructions");
    if (!cycles || !instructions || cycles->total <= 0)
        return;
    enum kvr_quality a = quality_of(cycles), b = quality_of(instructions);
    put(r, "ipc", instructions->total / cycles->total, a < b ? a : b, "instructions/cycle");
}

void kvr_counting_store(const struct kvr_counting *c, const struct kvr_tally *tally,
                        double segment_keys, const char *why, struct kvr_result *r)
{
    double keys = tally ? (double)tally->segments * segment_keys : 0;
    if (!c)
        return;
    const char *reason = why;
    if (tally && tally->error)
        reason = strerror(-tally->error);
    else if (tally && !tally->samples)
        reason = "no sample was counted";
    else if (tally)
        reason = NULL;
    if (!c->counters.count)
        reason = c->none_why;
    if (reason)
        kvr_result_unavailable(r, "counters", "%s", reason);
    for (size_t i = 0; i < c->counters.count && !reason; i++)
        store_event(c, tally, i, keys, r);
    store_ipc(r);
    compare_with_model(r, keys, tally ? tally->total_ns : NAN);
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
