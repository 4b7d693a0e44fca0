/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * --counters: from its text to a backend that counts.
 */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../counters/likwid.h"
#include "../counters/trust.h"
#include "../measure/clock.h"
#include "counting.h"

enum { COST_MARKS = 200, NAME_BYTES = 48, WORDS = 400, GROUPS_LIMIT_S = 5 };

/* ---- names ---- */

/* "r1a8": an event by the number that the CPU's manual gives it. */
static bool raw_event(const char *name, struct kvr_event *event)
{
    char *end;
    if (name[0] != 'r' || strspn(name + 1, "0123456789abcdefABCDEF") != strlen(name + 1) ||
        !name[1] || strlen(name) > 17)
        return false;
    *event = (struct kvr_event){.type = KVR_EVENT_TYPE_RAW, .scale = 1, .meaning = "by number"};
    event->config = strtoull(name + 1, &end, 16);
    snprintf(event->name, sizeof event->name, "%s", name);
    return true;
}

static int unknown_event(const char *name, const struct kvr_event *known, size_t count,
                         char *error, size_t error_bytes)
{
    const char *names[WORDS];
    size_t n = 0;
    for (; n < count && n < WORDS; n++)
        names[n] = known[n].name;
    const char *nearest = kvr_nearest(name, names, n);
    if (nearest)
        snprintf(error, error_bytes, "--counters perf: no event \"%s\"; the nearest is \"%s\"; "
                 "kvroof list counters names them", name, nearest);
    else
        snprintf(error, error_bytes, "--counters perf: no event \"%s\"; kvroof list counters names "
                 "them, and rHEX is one by its number", name);
    return -EINVAL;
}

/* "cycles,r1a8": into c->events. */
static int choose_events(struct kvr_counters *c, const char *text, const struct kvr_event *known,
                         size_t count, char *error, size_t error_bytes)
{
    for (;; text += strcspn(text, ",") + 1) {
        char name[NAME_BYTES];
        size_t at = 0;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(text, ","), text);
        if (c->count == KVR_MAX_EVENTS) {
            snprintf(error, error_bytes, "--counters perf: more than %d events", KVR_MAX_EVENTS);
            return -EINVAL;
        }
        while (at < count && strcmp(known[at].name, name))
            at++;
        if (at < count)
            c->events[c->count] = known[at];
        else if (!raw_event(name, &c->events[c->count]))
            return unknown_event(name, known, count, error, error_bytes);
        bool twice = false;
        for (size_t i = 0; i < c->count; i++)
            twice |= !strcmp(c->events[i].name, name);
        c->count += !twice;
        if (!text[strcspn(text, ",")])
            return 0;
    }
}

/* ---- backends ---- */

struct choice {
    const struct kvr_counter_backend *backend;
    const char *argument; /* NULL: none */
};

/* In the order of auto; the last has to be named. */
static const struct kvr_counter_backend *const backends[] = {
    &kvr_counters_perf, &kvr_counters_likwid, &kvr_counters_replay};
enum { AUTO_BACKENDS = 2 };

static int choose_backend(const char *text, struct choice *choice, char *error,
                          size_t error_bytes)
{
    static const char *const words[] = {"auto", "off", "perf", "likwid", "replay"};
    size_t length = strcspn(text, ":");
    char word[NAME_BYTES];
    *choice = (struct choice){.argument = text[length] ? text + length + 1 : NULL};
    snprintf(word, sizeof word, "%.*s", (int)length, text);
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
        if (!strcmp(backends[i]->name, word))
            choice->backend = backends[i];
    bool plain = !choice->argument && (!strcmp(word, "auto") || !strcmp(word, "off"));
    bool missing = choice->argument && !*choice->argument;
    if ((choice->backend || plain) && !missing)
        return 0;
    const char *nearest = kvr_nearest(word, words, sizeof words / sizeof *words);
    snprintf(error, error_bytes,
             "--counters: '%.60s' is not one of auto, off, perf[:EVENT,...], likwid[:GROUP]%s%s",
             text, nearest ? "; the nearest is " : "", nearest ? nearest : "");
    return -EINVAL;
}

/* Of likwid, a group by name; where it does not say which it has, its refusal comes later. */
static int choose_group(const char *group, char *error, size_t error_bytes)
{
    char groups[KVR_LIKWID_GROUPS][KVR_LIKWID_GROUP_BYTES];
    const char *names[KVR_LIKWID_GROUPS];
    size_t n = kvr_likwid && !strchr(group, ':')
                   ? kvr_likwid_groups(kvr_likwid, GROUPS_LIMIT_S, groups)
                   : 0;
    for (size_t i = 0; i < n; i++) {
        names[i] = groups[i];
        if (!strcmp(groups[i], group))
            return 0;
    }
    if (!n)
        return 0;
    const char *nearest = kvr_nearest(group, names, n);
    snprintf(error, error_bytes, "--counters likwid: no group \"%.60s\" for this CPU%s%s%s; "
             "likwid-perfctr -a names them", group, nearest ? "; the nearest is \"" : "",
             nearest ? nearest : "", nearest ? "\"" : "");
    return -EINVAL;
}

/* What `perf` counts when nobody names an event: no more of a core than it has counters for. */
static void default_events(struct kvr_counters *c, const struct kvr_event *known, size_t count)
{
    static const char *const first[] = {"cycles", "instructions", "fp32-", "fp-", "dram-",
                                        "energy-"};
    for (size_t k = 0; k < sizeof first / sizeof *first; k++)
        for (size_t i = 0; i < count && c->count < KVR_MAX_EVENTS; i++)
            if (!strncmp(known[i].name, first[k], strlen(first[k])))
                c->events[c->count++] = known[i];
}

static size_t usable_events(const struct kvr_counters *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++)
        n += !c->why[i][0];
    return n;
}

/* ns of one start and one stop, least of many. */
static double start_stop_ns(struct kvr_counters *c)
{
    struct kvr_mark mark;
    double least_s = INFINITY;
    for (int i = 0; i < COST_MARKS; i++) {
        double begin_s = kvr_wall_s();
        c->backend->mark(c, 0, &mark);
        c->backend->mark(c, 0, &mark);
        least_s = fmin(least_s, kvr_wall_s() - begin_s);
    }
    return least_s * 1e9;
}

/* With all that is left open at once. */
static void describe(struct kvr_counting *counting, struct kvr_checks *checks, size_t *shared)
{
    struct kvr_counters *c = &counting->counters;
    char names[300] = "", cost[80] = "";
    double least = 1;
    for (size_t i = 0, at = 0; i < c->count && at < sizeof names; i++)
        if (!c->why[i][0])
            at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", at ? ", " : "",
                                   c->events[i].name);
    *shared = 0;
    if (!c->backend->replayed) {
        int errors[KVR_MAX_EVENTS] = {0};
        uint32_t cpu = (uint32_t)sched_getcpu();
        c->backend->enroll(c, 0, 1, &cpu, errors);
        *shared = kvr_trust_shared(c, &least);
        snprintf(cost, sizeof cost, "; start and stop take %.2g us", start_stop_ns(c) / 1e3);
    }
    struct kvr_check *check = kvr_check_add(
        checks, "counters-backend", c->backend->replayed ? KVR_CHECK_WARN : KVR_CHECK_OK,
        "%s, %s: %s%s", c->backend->name, c->backend->how(c), names, cost);
    snprintf(check->value, sizeof check->value, "%s", c->backend->name);
    if (*shared) {
        check->status = KVR_CHECK_WARN;
        snprintf(check->fix, sizeof check->fix, "%zu events share counters, one counts %.0f %% of "
                 "the time: name fewer with --counters perf:EVENT,...", *shared, 100 * least);
    }
    if (!c->backend->replayed)
        c->backend->dismiss(c, 0);
}

/* Opens it and tries its events: 0 if one of them counts. The sentence in `why` says why not. */
static int open_backend(struct kvr_counters *c, const struct choice *choice, char *why,
                        size_t why_bytes)
{
    c->backend = choice->backend;
    int rc = c->backend->open(c, choice->argument, why, why_bytes);
    if (rc) {
        c->backend = &kvr_counters_none;
        return rc;
    }
    if (c->backend->by_trial)
        kvr_trust_events(c, &kvr_counting_work);
    if (usable_events(c))
        return 0;
    snprintf(why, why_bytes, "%s: %s", c->count ? c->events[0].name : "no event",
             c->count ? c->why[0] : "is known here");
    c->backend->close(c);
    c->backend = &kvr_counters_none;
    return -ENODEV;
}

/* The first that counts; none has a reason for each. */
static void open_auto(struct kvr_counting *counting, struct kvr_checks *checks)
{
    struct kvr_counters *c = &counting->counters;
    size_t at = 0, shared;
    for (size_t i = 0; i < AUTO_BACKENDS; i++) {
        char why[400] = "";
        const struct choice choice = {.backend = backends[i]};
        if (!open_backend(c, &choice, why, sizeof why)) {
            describe(counting, checks, &shared);
            return;
        }
        if (at < sizeof counting->none_why)
            at += (size_t)snprintf(counting->none_why + at, sizeof counting->none_why - at,
                                   "%s%s: %s", at ? "; " : "", backends[i]->name, why);
        memset(c->why, 0, sizeof c->why);
        c->count = 0;
    }
    struct kvr_check *check = kvr_check_add(checks, "counters-backend", KVR_CHECK_INFO,
                                            "none: no counter figures; %s", counting->none_why);
    snprintf(check->value, sizeof check->value, "none");
}

/* Asked for by name: all of its events if they were named, else one at least. */
static int open_asked(struct kvr_counting *counting, const struct choice *choice, bool strict,
                      struct kvr_checks *checks, char *error, size_t error_bytes)
{
    char why[400] = "";
    size_t shared, missing = 0;
    struct kvr_counters *c = &counting->counters;
    const char *name = choice->backend->name;
    int rc = open_backend(c, choice, why, sizeof why);
    if (rc) {
        bool named = choice->argument && choice->backend->replayed;
        snprintf(error, error_bytes, "--counters %s: %s%s%s", name, named ? choice->argument : "",
                 named ? " " : "", why);
        return rc;
    }
    while (missing < c->count && !c->why[missing][0])
        missing++;
    if (choice->argument && missing < c->count && c->backend->by_trial) {
        snprintf(error, error_bytes, "--counters %s: %s is unavailable: %s", name,
                 c->events[missing].name, c->why[missing]);
        return -ENODEV;
    }
    describe(counting, checks, &shared);
    if (!shared || !strict)
        return 0;
    snprintf(error, error_bytes, "--strict: %zu of %zu events share their counters with others; "
             "name fewer with --counters perf:EVENT,...", shared, c->count);
    return -ENODEV;
}

int kvr_counting_open(struct kvr_counting **result, const struct kvr_options *options,
                      const struct kvr_machine *machine, bool probe, struct kvr_checks *checks,
                      char *error, size_t error_bytes)
{
    const char *text = options->counters ? options->counters : "auto";
    struct kvr_event *known = NULL;
    struct choice choice;
    size_t count = 0;
    *result = NULL;
    int rc = choose_backend(text, &choice, error, error_bytes);
    if (rc || !strcmp(text, "off"))
        return rc;
    struct kvr_counting *c = calloc(1, sizeof *c);
    rc = c ? kvr_counting_known(machine, &known, &count, error, error_bytes) : -ENOMEM;
    if (rc)
        goto out;
    c->counters.backend = &kvr_counters_none;
    c->counters.machine = machine;
    c->counters.trust_work = &kvr_counting_work;
    c->errors = calloc(KVR_MAX_THREADS, sizeof *c->errors);
    c->before = calloc(KVR_MAX_THREADS, sizeof *c->before);
    c->after = calloc(KVR_MAX_THREADS, sizeof *c->after);
    rc = c->errors && c->before && c->after ? 0 : -ENOMEM;
    bool asked = choice.backend != NULL;
    if (!rc && choice.backend == &kvr_counters_perf && choice.argument)
        rc = choose_events(&c->counters, choice.argument, known, count, error, error_bytes);
    else if (!rc && choice.backend == &kvr_counters_likwid && choice.argument)
        rc = choose_group(choice.argument, error, error_bytes);
    else if (!rc)
        default_events(&c->counters, known, count);
    if (!rc && probe && asked)
        rc = open_asked(c, &choice, options->strict, checks, error, error_bytes);
    else if (!rc && probe)
        open_auto(c, checks);
out:
    free(known);
    if (rc == -ENOMEM && !error[0])
        snprintf(error, error_bytes, "counters: out of memory");
    if (!rc && probe)
        *result = c;
    else
        kvr_counting_close(c);
    return rc;
}
