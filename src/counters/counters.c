/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "counters.h"

#include <math.h>
#include <stdio.h>

const char *kvr_quality_name(enum kvr_quality quality)
{
    static const char *const names[] = {"absent", "modelled", "scaled", "measured"};
    return names[quality];
}

/* The way from one reading to the next; false: it went back. A counter of few bits wraps, but in
 * one sample never by more than half its range. */
static bool advance(uint64_t before, uint64_t after, uint32_t width, uint64_t *by)
{
    uint64_t mask = width && width < 64 ? (UINT64_C(1) << width) - 1 : UINT64_MAX;
    *by = (after - before) & mask;
    return after >= before || (mask != UINT64_MAX && before <= mask && *by <= mask / 2);
}

void kvr_count_add(struct kvr_count_sum *sum, const struct kvr_reading *before,
                   const struct kvr_reading *after, uint32_t width)
{
    uint64_t value, enabled_ns, running_ns;
    if (!advance(before->value, after->value, width, &value) ||
        !advance(before->enabled_ns, after->enabled_ns, 64, &enabled_ns) ||
        !advance(before->running_ns, after->running_ns, 64, &running_ns)) {
        sum->backwards = true;
        return;
    }
    sum->value += value;
    sum->enabled_ns += enabled_ns;
    sum->running_ns += running_ns;
}

struct kvr_count kvr_count_of(const struct kvr_count_sum *sum, char *why, size_t why_bytes)
{
    struct kvr_count count = {.value = NAN, .running = NAN};
    if (why_bytes)
        why[0] = 0;
    if (sum->backwards) {
        snprintf(why, why_bytes, "a reading was smaller than the one before it");
        return count;
    }
    if (!sum->enabled_ns) {
        snprintf(why, why_bytes, "it was not counted");
        return count;
    }
    /* Both times are taken one after the other: running may lead by a few ns. */
    count.running = fmin(1, (double)sum->running_ns / (double)sum->enabled_ns);
    if (count.running < KVR_LEAST_RUNNING) {
        snprintf(why, why_bytes, "on a counter for %.0f %% of the time only: ask for fewer events",
                 100 * count.running);
        return count;
    }
    count.value = (double)sum->value / count.running;
    /* Up to a thousandth is the time between reading one clock and the other. */
    count.quality = count.running < .999 ? KVR_SCALED : KVR_MEASURED;
    return count;
}

/* ---- none ---- */

static int none_open(struct kvr_counters *counters, const char *argument, char *why, size_t bytes)
{
    (void)argument;
    (void)why;
    (void)bytes;
    counters->count = 0;
    return 0;
}

static void none_close(struct kvr_counters *counters)
{
    (void)counters;
}

static void none_enroll(struct kvr_counters *counters, unsigned thread, unsigned threads,
                        const uint32_t *cpus, int errors[KVR_MAX_EVENTS])
{
    (void)counters, (void)thread, (void)threads, (void)cpus, (void)errors;
}

static void none_dismiss(struct kvr_counters *counters, unsigned thread)
{
    (void)counters, (void)thread;
}

static void none_mark(struct kvr_counters *counters, unsigned thread, struct kvr_mark *mark)
{
    (void)counters, (void)thread;
    *mark = (struct kvr_mark){.error = 0};
}

static const char *none_how(const struct kvr_counters *counters)
{
    (void)counters;
    return "nothing is read";
}

static void none_explain(const struct kvr_counters *counters, int error, char *text, size_t bytes)
{
    (void)counters, (void)error;
    snprintf(text, bytes, "nothing is counted");
}

const struct kvr_counter_backend kvr_counters_none = {
    .name = "none",
    .open = none_open,
    .close = none_close,
    .enroll = none_enroll,
    .dismiss = none_dismiss,
    .mark = none_mark,
    .how = none_how,
    .explain = none_explain,
};
