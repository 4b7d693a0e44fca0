/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "compare.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "times.h"

enum { MAX_PROCESSES = 4096, MAX_VERDICTS = 8 };
#define ONE_UNIT 10 /* rounds and their summary differ by less, if both are ns */

/* One process of a side. */
struct slot { const struct kvr_run_record *record; /* NULL: it left nothing */ uint32_t process; };
struct side { struct slot *slots; size_t slot_count; const char **names; size_t name_count; };

static void side_free(struct side *s)
{
    free(s->slots);
    free(s->names);
}

static int compare_numbers(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

size_t kvr_processes_of(const struct kvr_run_record *record, uint32_t *processes, size_t most)
{
    size_t count = 0;
    for (size_t i = 0; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        for (size_t k = 0; k < r->round_count; k++) {
            size_t at = 0;
            while (at < count && processes[at] != r->rounds[k].process)
                at++;
            if (at == count && count < most)
                processes[count++] = r->rounds[k].process;
        }
    }
    qsort(processes, count, sizeof *processes, compare_numbers);
    return count;
}

static int find_slots(const struct kvr_compare_side *given, bool pairs, struct side *side)
{
    uint32_t *processes = malloc(MAX_PROCESSES * sizeof *processes);
    side->slots = calloc(given->count + MAX_PROCESSES, sizeof *side->slots);
    for (size_t i = 0; processes && side->slots && i < given->count; i++) {
        const struct kvr_run_record *record = given->records[i];
        size_t n = record ? kvr_processes_of(record, processes, MAX_PROCESSES) : 0;
        if (pairs) /* an empty slot keeps the pairs in step */
            side->slots[side->slot_count++] = (struct slot){n ? record : NULL,
                                                            n ? processes[0] : 0};
        for (size_t k = 0; !pairs && k < n && side->slot_count < MAX_PROCESSES; k++)
            side->slots[side->slot_count++] = (struct slot){record, processes[k]};
    }
    bool done = processes && side->slots;
    free(processes);
    return done ? 0 : -ENOMEM;
}

static bool any_matches(const char *name, const char *const *globs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (kvr_case_matches(name, globs[i]))
            return true;
    return false;
}

bool kvr_case_wanted(const char *name, const struct kvr_compare_options *o)
{
    return (!o->only_count || any_matches(name, o->only, o->only_count)) &&
           !any_matches(name, o->ignore, o->ignore_count);
}

/* Names of what any of the records measured, in the order of their first mention. */
static int find_names(const struct kvr_compare_side *given, const struct kvr_compare_options *o,
                      struct side *side)
{
    size_t most = 0;
    for (size_t i = 0; i < given->count; i++)
        most += given->records[i] ? given->records[i]->result_count : 0;
    side->names = malloc((most + 1) * sizeof *side->names);
    if (!side->names)
        return -ENOMEM;
    for (size_t i = 0; i < given->count; i++) {
        const struct kvr_run_record *record = given->records[i];
        for (size_t k = 0; record && k < record->result_count; k++) {
            const struct kvr_result *r = &record->results[k];
            bool known = !r->measured || !kvr_case_wanted(r->name, o);
            for (size_t n = 0; n < side->name_count && !known; n++)
                known = !strcmp(side->names[n], r->name);
            if (!known)
                side->names[side->name_count++] = r->name;
        }
    }
    return 0;
}

/* Times and sentinels of one case on one side. */
struct column { double *times, *sentinels; bool whole; /* a sentinel with every time */ };

static int column_of(const struct side *side, const char *name, struct column *c)
{
    c->times = calloc(2 * side->slot_count + 1, sizeof *c->times);
    if (!c->times)
        return -ENOMEM;
    c->sentinels = c->times + side->slot_count;
    c->whole = true;
    for (size_t i = 0; i < side->slot_count; i++) {
        c->times[i] = kvr_process_time(side->slots[i].record, side->slots[i].process,
                                       name);
        c->sentinels[i] = kvr_process_sentinel(side->slots[i].record,
                                               side->slots[i].process, name);
        c->whole &= isnan(c->times[i]) || !isnan(c->sentinels[i]);
    }
    return 0;
}

static double typical_ns(const double *logs, size_t count)
{
    double *values = malloc((count + 1) * sizeof *values);
    size_t n = 0;
    for (size_t i = 0; values && i < count; i++)
        if (!isnan(logs[i]))
            values[n++] = exp(logs[i]);
    double median = kvr_process_median(values, n);
    free(values);
    return median;
}

/* "memory side, overlap": what most of the side's results say. */
static void verdict_of(const struct side *side, const char *name, char *text, size_t bytes)
{
    struct { char text[40]; size_t votes; } said[MAX_VERDICTS];
    size_t count = 0, best = 0;
    for (size_t i = 0; i < side->slot_count; i++) {
        const struct kvr_result *r = kvr_find_case(side->slots[i].record, name);
        char line[40];
        if (!r || !r->verdict.side[0])
            continue;
        if (!strcmp(r->verdict.side, "undecided"))
            snprintf(line, sizeof line, "undecided");
        else
            snprintf(line, sizeof line, "%s side, %s", r->verdict.side, r->verdict.bound);
        size_t at = 0;
        while (at < count && strcmp(said[at].text, line))
            at++;
        if (at == MAX_VERDICTS)
            continue;
        if (at == count) {
            snprintf(said[count].text, sizeof said[count].text, "%s", line);
            said[count++].votes = 0;
        }
        if (++said[at].votes > said[best].votes)
            best = at;
    }
    snprintf(text, bytes, "%s", count ? said[best].text : "");
}

double kvr_case_threshold(const char *name, const struct kvr_compare_options *o)
{
    double threshold = KVR_USUAL_THRESHOLD;
    for (size_t i = 0; i < o->threshold_count; i++)
        if (!o->thresholds[i].glob || kvr_case_matches(name, o->thresholds[i].glob))
            threshold = o->thresholds[i].threshold;
    return threshold;
}

static double general_threshold(const struct kvr_compare_options *o)
{
    double threshold = KVR_USUAL_THRESHOLD;
    for (size_t i = 0; i < o->threshold_count; i++)
        if (!o->thresholds[i].glob)
            threshold = o->thresholds[i].threshold;
    return threshold;
}

/* A pattern of --threshold that names no case changes nothing, and is said to. */
static void note_unused_thresholds(const struct kvr_compare_options *o, struct kvr_comparison *k)
{
    for (size_t i = 0; i < o->threshold_count; i++) {
        const char *glob = o->thresholds[i].glob;
        bool used = !glob;
        for (size_t j = 0; j < k->case_count && !used; j++)
            used = kvr_case_matches(k->cases[j].name, glob);
        if (!used)
            kvr_comparison_note(k, "--threshold %s=%g%% names none of these cases", glob,
                                100 * o->thresholds[i].threshold);
    }
}

struct work {
    struct side base, other;
    struct kvr_series *series; /* of the cases, owned with what they point to */
    struct kvr_series sentinel;
};

static void normalise(struct column *c, size_t count)
{
    for (size_t i = 0; i < count; i++)
        c->times[i] -= c->sentinels[i];
}

static int add_case(struct work *w, const char *base, const char *other,
                    const struct kvr_compare_options *o, struct kvr_comparison *k)
{
    struct kvr_compared_case *c = &k->cases[k->case_count];
    struct kvr_series *s = &w->series[k->case_count++];
    struct column a, b;
    int rc = column_of(&w->base, base, &a);
    s->base = a.times;
    if (!rc)
        rc = column_of(&w->other, other, &b);
    if (rc)
        return rc;
    *s = (struct kvr_series){a.times, b.times, w->base.slot_count, w->other.slot_count};
    snprintf(c->name, sizeof c->name, "%s", base);
    if (strcmp(base, other))
        snprintf(c->new_name, sizeof c->new_name, "%s", other);
    c->base_ns = typical_ns(a.times, s->base_count);
    c->new_ns = typical_ns(b.times, s->other_count);
    c->normalised = a.whole && b.whole;
    if (c->normalised) {
        normalise(&a, s->base_count);
        normalise(&b, s->other_count);
        /* That of the first case that has one; it points into that case's columns. */
        if (!w->sentinel.base)
            w->sentinel = (struct kvr_series){a.sentinels, b.sentinels, s->base_count,
                                              s->other_count};
    }
    c->threshold = kvr_case_threshold(base, o);
    verdict_of(&w->base, base, c->base_verdict, sizeof c->base_verdict);
    verdict_of(&w->other, other, c->new_verdict, sizeof c->new_verdict);
    return 0;
}

/* Why a side lacks a case: its own row says so, or there is no row. */
static void add_lone(struct kvr_lone_case *lone, size_t *count, const char *name,
                     const struct side *lacks)
{
    struct kvr_lone_case *l = &lone[(*count)++];
    snprintf(l->name, sizeof l->name, "%s", name);
    for (size_t i = 0; i < lacks->slot_count; i++) {
        const struct kvr_result *r = kvr_find_case(lacks->slots[i].record, name);
        if (r && r->unavailable_count)
            snprintf(l->why, sizeof l->why, "%.190s", r->unavailable[0].why);
    }
}

static size_t index_of(const char *const *names, size_t count, const char *name)
{
    size_t i = 0;
    while (i < count && strcmp(names[i], name))
        i++;
    return i;
}

/* partner[i]: of base name i, by name or, what is left over, by its place among the names. */
static int match(const struct work *w, bool option_sets, size_t *partner)
{
    const struct side *a = &w->base, *b = &w->other;
    size_t n = 0, m = 0, left = a->name_count + b->name_count + 1;
    const char **mine = calloc(2 * left, sizeof *mine), **theirs = mine ? mine + left : NULL;
    size_t *found = calloc(left, sizeof *found);
    int rc = mine && found ? 0 : -ENOMEM;
    for (size_t i = 0; !rc && i < a->name_count; i++) {
        partner[i] = index_of(b->names, b->name_count, a->names[i]);
        if (partner[i] == b->name_count) {
            partner[i] = SIZE_MAX;
            mine[n++] = a->names[i];
        }
    }
    for (size_t i = 0; !rc && i < b->name_count; i++)
        if (index_of(a->names, a->name_count, b->names[i]) == a->name_count)
            theirs[m++] = b->names[i];
    if (!rc)
        rc = kvr_match_names(mine, n, theirs, option_sets ? m : 0, found);
    for (size_t i = 0, k = 0; !rc && i < a->name_count; i++)
        if (partner[i] == SIZE_MAX && found[k++] != SIZE_MAX)
            partner[i] = index_of(b->names, b->name_count, theirs[found[k - 1]]);
    free(mine);
    free(found);
    return rc;
}

static int add_cases(struct work *w, const struct kvr_compare_options *o,
                     struct kvr_comparison *k)
{
    size_t a = w->base.name_count, b = w->other.name_count;
    size_t *partner = calloc(a + 1, sizeof *partner);
    bool *taken = calloc(b + 1, sizeof *taken);
    w->series = calloc(a + 1, sizeof *w->series);
    k->cases = calloc(a + 1, sizeof *k->cases);
    k->missing = calloc(a + 1, sizeof *k->missing);
    k->added = calloc(b + 1, sizeof *k->added);
    int rc = partner && taken && w->series && k->cases && k->missing && k->added ? 0 : -ENOMEM;
    if (!rc)
        rc = match(w, o->option_sets, partner);
    for (size_t i = 0; !rc && i < a; i++) {
        if (partner[i] == SIZE_MAX) {
            add_lone(k->missing, &k->missing_count, w->base.names[i], &w->other);
            continue;
        }
        taken[partner[i]] = true;
        rc = add_case(w, w->base.names[i], w->other.names[partner[i]], o, k);
    }
    for (size_t i = 0; !rc && i < b; i++)
        if (!taken[i])
            add_lone(k->added, &k->added_count, w->other.names[i], &w->base);
    free(partner);
    free(taken);
    return rc;
}

static void work_free(struct work *w, size_t cases)
{
    for (size_t i = 0; w->series && i < cases; i++) {
        free(w->series[i].base);
        free(w->series[i].other);
    }
    free(w->series);
    side_free(&w->base);
    side_free(&w->other);
}

static int prepare(const struct kvr_compare_side *given, const struct kvr_compare_options *o,
                   struct side *side)
{
    int rc = find_slots(given, o->pairs, side);
    return rc ? rc : find_names(given, o, side);
}

int kvr_compare(const struct kvr_compare_side *base, const struct kvr_compare_side *other,
                const struct kvr_compare_options *o, struct kvr_comparison *k, char *error,
                size_t error_bytes)
{
    struct work w = {0};
    *k = (struct kvr_comparison){.pairs = o->pairs, .looks = o->looks, .look = o->look};
    k->level = 1 - (o->pairs ? kvr_pocock_alpha(o->looks) : .05);
    snprintf(k->base, sizeof k->base, "%s", base->name);
    snprintf(k->other, sizeof k->other, "%s", other->name);
    int rc = prepare(base, o, &w.base);
    if (!rc)
        rc = prepare(other, o, &w.other);
    if (!rc)
        rc = add_cases(&w, o, k);
    for (size_t i = w.other.slot_count; i-- > 0;)
        k->newest = w.other.slots[i].record ? w.other.slots[i].record : k->newest;
    k->base_processes = w.base.slot_count;
    k->new_processes = w.other.slot_count;
    if (!rc && !k->case_count) {
        snprintf(error, error_bytes, "%s and %s have no case in common%s: %zu and %zu were "
                 "measured; give both the same selection", base->name, other->name,
                 o->only_count || o->ignore_count ? " that --only and --ignore leave" : "",
                 w.base.name_count, w.other.name_count);
        rc = -ENODATA;
    }
    if (!rc) {
        kvr_judge(w.series, &w.sentinel, general_threshold(o), k);
        note_unused_thresholds(o, k);
    }
    work_free(&w, k->case_count);
    if (rc)
        kvr_comparison_free(k);
    return rc;
}

int kvr_compare_check(const char *name, const struct kvr_run_record *record, char *error,
                      size_t error_bytes)
{
    for (size_t i = 0; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        double *values = malloc((r->round_count + 1) * sizeof *values), median = NAN;
        size_t n = 0;
        for (size_t k = 0; values && k < r->round_count; k++)
            if (!r->rounds[k].invalid)
                values[n++] = r->rounds[k].t_ns;
        if (n)
            median = kvr_process_median(values, n);
        free(values);
        double ratio = median / r->result.ns_per_key;
        if (n && isfinite(ratio) && (ratio > ONE_UNIT || ratio < 1. / ONE_UNIT)) {
            snprintf(error, error_bytes, "%s: %s has rounds of %.4g and a summary of %.4g ns a "
                     "key: mixed units; times are ns a key", name, r->name, median,
                     r->result.ns_per_key);
            return -EINVAL;
        }
    }
    return 0;
}
