/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Run in a guest whose counters are exact: what the backend `perf` counts of loops of known length,
 * one line a count: NAME LOOPS VALUE QUALITY RUNNING. `pmu_count N` counts N events at once, cycles
 * and instructions in turn.
 */
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/counters/trust.h"

static const struct kvr_event pair[] = {
    {"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, 0, "", 1, "cycles"},
    {"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, 0, "", 1, "instructions"},
};

static void choose(struct kvr_counters *c, size_t count)
{
    for (c->count = 0; c->count < count; c->count++) {
        c->events[c->count] = pair[c->count % 2];
        if (count > 2)
            snprintf(c->events[c->count].name, sizeof c->events->name, "%s-%zu",
                     pair[c->count % 2].name, c->count);
    }
}

/* Loops of the calling thread between two marks. */
static int count_loops(struct kvr_counters *c, unsigned times)
{
    static struct kvr_mark before, after;
    c->backend->mark(c, 0, &before);
    double loops = kvr_known_loop(NULL, times);
    c->backend->mark(c, 0, &after);
    if (before.error || after.error)
        return 1;
    for (size_t i = 0; i < c->count; i++) {
        struct kvr_count_sum sum = {.value = 0};
        char why[200];
        kvr_count_add(&sum, &before.readings[i], &after.readings[i], c->widths[i]);
        struct kvr_count count = kvr_count_of(&sum, why, sizeof why);
        printf("%s %.0f %.0f %s %.4f\n", c->events[i].name, loops, count.value,
               kvr_quality_name(count.quality), count.running);
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct kvr_machine machine;
    static struct kvr_counters c = {.backend = &kvr_counters_perf, .machine = &machine};
    int errors[KVR_MAX_EVENTS] = {0};
    char why[300] = "";
    choose(&c, argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 2);
    if (c.count == 0 || c.count > KVR_MAX_EVENTS || c.backend->open(&c, NULL, why, sizeof why)) {
        fprintf(stderr, "pmu_count: %s\n", why);
        return 1;
    }
    c.backend->enroll(&c, 0, 1, 0, errors);
    for (size_t i = 0; i < c.count; i++)
        if (errors[i])
            printf("error %s %d\n", c.events[i].name, errors[i]);
    int failed = count_loops(&c, 1) || count_loops(&c, 1) || count_loops(&c, 3);
    printf("how %s\n", c.backend->how(&c));
    c.backend->dismiss(&c, 0);
    c.backend->close(&c);
    return failed;
}
