/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which events there are here, and work of known size for those of floating point.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/peak.h"
#include "counting.h"
#include "event_set.h"

enum { RATE_ITERATIONS = 100000, SCRATCH_BYTES = 4096 };

static bool has(const struct kvr_event *events, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(events[i].name, name))
            return true;
    return false;
}

int kvr_counting_known(const struct kvr_machine *machine, struct kvr_event **events,
                       size_t *count, char *error, size_t error_bytes)
{
    struct kvr_event_set set = {.count = 0};
    struct kvr_event generic[KVR_MAX_EVENTS];
    size_t generic_count;
    int rc = kvr_events_load(machine, &set, error, error_bytes);
    *events = NULL;
    *count = 0;
    if (rc && rc != -ENOENT)
        return rc;
    error[0] = 0;
    kvr_events_generic(machine, generic, &generic_count);
    *events = calloc(set.count + generic_count, sizeof **events);
    if (*events) {
        if (set.count)
            memcpy(*events, set.events, set.count * sizeof **events);
        *count = set.count;
        for (size_t i = 0; i < generic_count; i++)
            if (!has(*events, *count, generic[i].name))
                (*events)[(*count)++] = generic[i];
    }
    kvr_event_set_free(&set);
    return *events ? 0 : -ENOMEM;
}

/* Bits of the vectors that an event counts, by its name: "fp32-256"; 0: of any. UINT32_MAX: of
 * those there is no loop. */
static uint32_t width_of(const char *name)
{
    if (!strcmp(name, "fp32-scalar"))
        return 32;
    if (!strncmp(name, "fp32-", 5))
        return (uint32_t)strtoul(name + 5, NULL, 10);
    return strncmp(name, "fp-", 3) ? UINT32_MAX : 0;
}

/* Multiply-adds of float in the loop that the roofs are measured with. */
static double multiply_adds(const void *context, unsigned times)
{
    const struct kvr_event *event = context;
    const struct kvr_peak *best = NULL;
    struct kvr_isa_info isa;
    size_t count;
    uint32_t width = width_of(event->name);
    const struct kvr_peak *const *peaks = kvr_peaks(&count);
    void *scratch = aligned_alloc(64, SCRATCH_BYTES);
    kvr_isa_detect(&isa);
    for (size_t i = 0; i < count; i++)
        if (!strcmp(peaks[i]->name, "fma.f32") && !(peaks[i]->isa & ~isa.usable) &&
            (!width || peaks[i]->width_bits == width) &&
            (!best || peaks[i]->width_bits > best->width_bits))
            best = peaks[i];
    if (best && scratch) {
        memset(scratch, 0, SCRATCH_BYTES);
        best->rate((uint64_t)RATE_ITERATIONS * times, scratch);
    }
    double flops = best && scratch ? (double)RATE_ITERATIONS * times * best->flops : NAN;
    free(scratch);
    return flops;
}

const struct kvr_trust_work kvr_counting_work = {.flops = multiply_adds};

int kvr_counting_list(const struct kvr_machine *machine,
                      void (*row)(const struct kvr_event *event, const char *why, void *context),
                      void *context, char *error, size_t error_bytes)
{
    struct kvr_counters *one = calloc(1, sizeof *one);
    struct kvr_event *known = NULL;
    size_t count = 0;
    int rc = one ? kvr_counting_known(machine, &known, &count, error, error_bytes) : -ENOMEM;
    for (size_t i = 0; !rc && i < count; i++) {
        *one = (struct kvr_counters){.backend = &kvr_counters_perf, .machine = machine,
                                     .events = {known[i]}, .count = 1};
        kvr_trust_events(one, &kvr_counting_work);
        row(&known[i], one->why[0], context);
    }
    free(known);
    free(one);
    return rc;
}
