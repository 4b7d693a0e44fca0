/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roofs_reuse.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../report/writers.h"

static const char reused_mark[] = "; re-used, measured ";

static bool is_ladder(const struct kvr_ceiling *c)
{
    return !strcmp(c->kind, "bandwidth") && !strcmp(c->type, "read") && c->threads == 1 &&
           c->working_set_bytes;
}

static const char *cpu_name(const struct kvr_machine *machine)
{
    return machine->isa.name[0] ? machine->isa.name : "a CPU without a name";
}

/* The same pages, and a ladder that reaches about as far as the arena. */
static int check_fit(const struct kvr_plan *plan, const struct kvr_run_record *stored,
                     const char *path, char *error, size_t error_bytes)
{
    const char *pages = kvr_pages_name(plan->cases[0].pages);
    uint64_t largest = 0, arena = kvr_session_arena_bytes(plan);
    char have[24], need[24];
    for (size_t i = 0; i < stored->ceiling_count; i++) {
        const struct kvr_ceiling *c = &stored->ceilings[i];
        if (!is_ladder(c))
            continue;
        if (c->pages[0] && strcmp(c->pages, pages)) {
            snprintf(error, error_bytes,
                     "--roofs: %.200s was measured with --pages %s, this run has %s; give --pages "
                     "%s, or measure again without --roofs",
                     path, c->pages, pages, c->pages);
            return -EINVAL;
        }
        largest = c->working_set_bytes > largest ? c->working_set_bytes : largest;
    }
    if (largest >= arena / 2)
        return 0;
    kvr_size_text(largest, have, sizeof have);
    kvr_size_text(arena, need, sizeof need);
    snprintf(error, error_bytes,
             "--roofs: the ladder of %.200s ends at %s, this run reads up to %s: where its caches "
             "end is not known; use a result of kvroof roofs, or measure again without --roofs",
             path, have, need);
    return -EINVAL;
}

int kvr_roofs_load(const char *path, const struct kvr_machine *machine, const struct kvr_plan *plan,
                   struct kvr_run_record *stored, char *error, size_t error_bytes)
{
    char why[400] = "";
    size_t ladder = 0, rates = 0;
    kvr_run_record_init(stored);
    if (kvr_read_result(path, stored, why, sizeof why)) {
        snprintf(error, error_bytes, "--roofs: %.400s", why);
        return -EINVAL;
    }
    for (size_t i = 0; i < stored->ceiling_count; i++) {
        ladder += is_ladder(&stored->ceilings[i]);
        rates += !strcmp(stored->ceilings[i].kind, "rate");
    }
    if (!ladder || !rates || (!stored->complete && !stored->result_count)) {
        snprintf(error, error_bytes,
                 "--roofs: %.200s holds %s; kvroof roofs -o json:FILE writes what is needed", path,
                 ladder && rates ? "the ceilings of an interrupted run only"
                 : ladder        ? "no rates of core resources"
                                 : "no ladder of read bandwidth");
        return -EINVAL;
    }
    if (strcmp(stored->machine.fingerprint, machine->fingerprint)) {
        snprintf(error, error_bytes,
                 "--roofs: %.160s is of another machine: %.60s, fingerprint %s; this one is %.60s, "
                 "fingerprint %s (CPU, caches, NUMA, hypervisor, kernel and THP mode count); "
                 "measure again without --roofs",
                 path, cpu_name(&stored->machine), stored->machine.fingerprint, cpu_name(machine),
                 machine->fingerprint);
        return -ENODEV;
    }
    return check_fit(plan, stored, path, error, error_bytes);
}

/* ---- ceilings and families into the session ---- */

static int copy_ceiling(struct kvr_session *s, const struct kvr_ceiling *from, const char *started)
{
    struct kvr_ceiling c = *from;
    size_t room = sizeof c.method - sizeof reused_mark - strlen(started);
    if (!strstr(from->method, reused_mark))
        snprintf(c.method, sizeof c.method, "%.*s%s%s", (int)room, from->method, reused_mark,
                 started);
    c.family = NULL;
    if (from->family_count) {
        c.family = calloc(from->family_count, sizeof *c.family);
        if (!c.family)
            return -ENOMEM;
        memcpy(c.family, from->family, from->family_count * sizeof *c.family);
    }
    if (kvr_record_add_ceiling(s->record, &c))
        return 0;
    free(c.family);
    return -ENOMEM;
}

/* "read512x2+2seg", "read256x1nta+512B", "read512x1": a member that this build and host has. */
static bool find_member(const struct kvr_session *s, const char *name, struct kvr_member *member)
{
    char again[64];
    size_t peaks, length = strcspn(name, "+");
    const struct kvr_peak *const *peak = kvr_peaks(&peaks);
    unsigned long ahead = name[length] ? strtoul(name + length + 1, NULL, 10) : 0;
    bool segments = strstr(name + length, "seg") != NULL;
    for (size_t i = 0; i < peaks; i++) {
        if (peak[i]->kind != KVR_PEAK_READ || (peak[i]->isa & ~s->machine->isa.usable) ||
            strlen(peak[i]->name) != length || strncmp(peak[i]->name, name, length))
            continue;
        *member = (struct kvr_member){.reader = peak[i],
                                      .ahead_segments = segments ? (uint32_t)ahead : 0,
                                      .ahead_bytes = segments ? 0 : (uint32_t)ahead};
        kvr_member_name(member, again, sizeof again);
        if (!strcmp(again, name))
            return true;
    }
    return false;
}

static int by_value(const void *a, const void *b)
{
    double x = ((const struct kvr_member *)a)->gb_per_s;
    double y = ((const struct kvr_member *)b)->gb_per_s;
    return (x < y) - (x > y);
}

/* The members that were chosen stand first. Where another program has sorted them, those that are
 * not above the ceiling: the ones above were measured more briefly and then found slower. */
static void take_family(struct kvr_session *s, const struct kvr_ceiling *c)
{
    struct kvr_member *members = calloc(c->family_count, sizeof *members);
    bool in_order = c->family_count && c->family[0].value == c->value;
    size_t n = 0;
    if (!members || s->family_count == KVR_MAX_FAMILIES) {
        free(members);
        return; /* it is chosen anew */
    }
    for (size_t i = 0; i < c->family_count && !(in_order && n == KVR_BEST_READERS); i++)
        if (c->family[i].value <= c->value && find_member(s, c->family[i].name, &members[n]))
            members[n++].gb_per_s = c->family[i].value;
    if (!in_order)
        qsort(members, n, sizeof *members, by_value);
    if (n) {
        struct kvr_family *f = &s->families[s->family_count++];
        *f = (struct kvr_family){.threads = c->threads,
                                 .segment_class = c->segment_bytes,
                                 .best_count = n < KVR_BEST_READERS ? n : KVR_BEST_READERS};
        memcpy(f->level, c->level, sizeof f->level);
        memcpy(f->layout, c->layout, sizeof f->layout);
        memcpy(f->best, members, f->best_count * sizeof *members);
    }
    free(members);
}

/* ---- is it still so? ---- */

/* The stored ladder's point of a level to measure again: from DRAM the largest that the arena
 * holds, from L1 the one nearest to half of it. */
static const struct kvr_ceiling *probe(const struct kvr_session *s,
                                       const struct kvr_run_record *stored, const char *level)
{
    const struct kvr_ceiling *best = NULL;
    double wish = !strcmp(level, "L1") ? (double)s->l1_bytes / 2 : INFINITY, distance = INFINITY;
    for (size_t i = 0; i < stored->ceiling_count; i++) {
        const struct kvr_ceiling *c = &stored->ceilings[i];
        double d = isinf(wish) ? 1 / (double)(c->working_set_bytes + 1)
                               : fabs(log2((double)(c->working_set_bytes + 1) / wish));
        if (is_ladder(c) && c->working_set_bytes <= s->reference.memory.bytes &&
            !strcmp(kvr_session_level(s, c->working_set_bytes, 1), level) && d < distance) {
            best = c;
            distance = d;
        }
    }
    return best;
}

static int check_again(struct kvr_session *s, const struct kvr_run_record *stored, const char *path)
{
    static const char *const levels[] = {"L1", "DRAM"};
    char now[120] = "";
    bool differs = false;
    for (size_t l = 0; l < 2; l++) {
        const struct kvr_ceiling *c = probe(s, stored, levels[l]);
        double gb_per_s;
        size_t length = strlen(now);
        if (!c)
            continue;
        int rc =
            kvr_session_stopped(s) ? -EINTR : kvr_session_read(s, c->working_set_bytes, &gb_per_s);
        if (rc)
            return rc;
        differs |= fabs(gb_per_s / c->value - 1) > .1;
        snprintf(now + length, sizeof now - length, "%s%s read %.4g GB/s then, %.4g now",
                 length ? "; " : "", levels[l], c->value, gb_per_s);
    }
    const char *slash = strrchr(path, '/');
    struct kvr_check *check =
        kvr_check_add(&s->record->checks, "roofs-reused", differs ? KVR_CHECK_WARN : KVR_CHECK_OK,
                      "ceilings of %.60s, measured %s: %s%s", slash ? slash + 1 : path,
                      stored->started, now[0] ? now : "none of them could be measured again",
                      differs ? ": more than 10 % apart" : "");
    snprintf(check->value, sizeof check->value, "%.120s %s", path, stored->started);
    if (differs)
        snprintf(check->fix, sizeof check->fix,
                 "measure again without --roofs: the machine or its load has changed since");
    return 0;
}

int kvr_roofs_reuse(struct kvr_session *s, const struct kvr_run_record *stored, const char *path)
{
    uint64_t plateaus[4] = {0};
    int rc = kvr_session_team(s, 1);
    if (rc)
        return rc;
    kvr_session_clock(s);
    for (uint32_t level = 1; level <= 3; level++)
        plateaus[level] = kvr_measured_plateau(stored, level);
    kvr_session_set_caches(s, plateaus);
    for (size_t i = 0; i < stored->ceiling_count && !rc; i++) {
        const struct kvr_ceiling *c = &stored->ceilings[i];
        if (!strcmp(c->type, "peak")) /* this run's own firmware or option says it */
            continue;
        rc = copy_ceiling(s, c, stored->started);
        if (!rc && !strcmp(c->type, "read-family") && c->threads)
            take_family(s, c);
    }
    return rc ? rc : check_again(s, stored, path);
}
