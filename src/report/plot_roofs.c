/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plot_roofs.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* One way to do a kind of work, and how many operations one unit of its ceiling is. The rows of a
 * way stand together; the one that comes out highest is its roof. */
static const struct way {
    enum kvr_work_kind work;
    const char *name, *type, *dtype, *isa; /* isa NULL: any */
    double operations;
    const char *note;
} ways[] = {
    {KVR_WORK_FLOPS, "multiply-add f32", "fma", "f32", NULL, 1, NULL},
    {KVR_WORK_LOOKUPS, "byte shuffles (K = 16)", "shuffle", "byte", "avx512", 64,
     "byte shuffles: one instruction of 64 lanes is 64 look-ups in 16 entries"},
    {KVR_WORK_LOOKUPS, "byte shuffles (K = 16)", "shuffle", "byte", "avx2", 32,
     "byte shuffles: one instruction of 32 lanes is 32 look-ups in 16 entries"},
    {KVR_WORK_LOOKUPS, "byte permutes (K = 256)", "shuffle", "two", "avx512vbmi", 32,
     "byte permutes: two instructions of 64 lanes are 64 look-ups in 256 entries"},
    {KVR_WORK_LOOKUPS, "scalar loads", "load", "scalar", NULL, 1,
     "scalar loads: one load is one look-up"},
    {KVR_WORK_LOOKUPS, "gathers", "gather", "f32", NULL, 1,
     "gathers: one element is one look-up"},
    {KVR_WORK_INTS, "integer dot", "intdot", "", "avx512vnni", 128,
     "integer dot: one instruction is 64 multiply-adds, two operations each"},
    {KVR_WORK_INTS, "integer dot", "intdot", "", "avxvnni", 64,
     "integer dot: one instruction is 32 multiply-adds, two operations each"},
    {KVR_WORK_INTS, "integer dot", "intdot", "madd", "avx512", 64,
     "integer dot: two instructions (maddubs, madd) are 64 multiply-adds, two operations each"},
    {KVR_WORK_INTS, "integer dot", "intdot", "madd", "avx2", 32,
     "integer dot: two instructions (maddubs, madd) are 32 multiply-adds, two operations each"},
};
enum { WAYS = sizeof ways / sizeof *ways };

/* "1: " and "3: " become "1, 3: ". */
static void join(struct kvr_roof *roof, const char *whose)
{
    size_t used = strlen(roof->whose), ending = strlen(": ");
    if (used > ending)
        snprintf(roof->whose + used - ending, sizeof roof->whose - used + ending, ", %s", whose);
}

static int add(struct kvr_roofs *roofs, const struct kvr_roof *roof)
{
    for (size_t i = 0; i < roofs->count; i++)
        if (!strcmp(roofs->roofs[i].what, roof->what) && !strcmp(roofs->roofs[i].how, roof->how)) {
            join(&roofs->roofs[i], roof->whose);
            return 0;
        }
    size_t at = roofs->count;
    struct kvr_roof *more = realloc(roofs->roofs, (at + 1) * sizeof *more);
    if (!more)
        return -ENOMEM;
    roofs->roofs = more;
    roofs->count++;
    for (; at && more[at - 1].value < roof->value; at--)
        more[at] = more[at - 1];
    more[at] = *roof;
    return 0;
}

/* ---- bandwidth ---- */

static bool is_bandwidth(const struct kvr_ceiling *c)
{
    return !strcmp(c->kind, "bandwidth") && !strncmp(c->type, "read", 4) && c->level[0] &&
           c->value > 0 && isfinite(c->value);
}

static bool same_roof(const struct kvr_ceiling *a, const struct kvr_ceiling *b)
{
    return is_bandwidth(b) && a->threads == b->threads && !strcmp(a->level, b->level);
}

static bool wanted(const struct kvr_sheet *s, size_t machine, uint32_t threads,
                   const struct kvr_plot_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (kvr_sheet_machine(s, cases[i].record) == machine &&
            cases[i].result->threads == threads)
            return true;
    return !count;
}

/* A family is chosen from more readers than the ladder has; a point of the ladder may lie in the
 * level before in part. There is none before L1, where a case's family holds its calls. */
static bool is_better(const struct kvr_ceiling *c, const struct kvr_ceiling *best)
{
    bool family = !strcmp(c->type, "read-family");
    if (strcmp(c->level, "L1") && family != !strcmp(best->type, "read-family"))
        return family;
    return c->value > best->value;
}

/* The best ceiling like this one in all records of its machine; NULL if an earlier one is like it,
 * so that every roof comes once. */
static const struct kvr_ceiling *best_bandwidth(const struct kvr_sheet *s, size_t record,
                                                size_t index)
{
    const struct kvr_ceiling *like = &s->records[record].ceilings[index], *best = like;
    size_t machine = kvr_sheet_machine(s, record);
    for (size_t i = machine; i < s->count; i++) {
        const struct kvr_run_record *r = &s->records[i];
        for (size_t k = 0; kvr_sheet_machine(s, i) == machine && k < r->ceiling_count; k++) {
            const struct kvr_ceiling *c = &r->ceilings[k];
            if (!same_roof(like, c))
                continue;
            if (i < record || (i == record && k < index))
                return NULL;
            best = is_better(c, best) ? c : best;
        }
    }
    return best;
}

int kvr_roofs_bandwidth(const struct kvr_sheet *s, const struct kvr_plot_case *cases, size_t count,
                        struct kvr_roofs *roofs)
{
    char figure[40];
    int rc = 0;
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; !rc && k < s->records[i].ceiling_count; k++) {
            const struct kvr_ceiling *c = &s->records[i].ceilings[k];
            size_t machine = kvr_sheet_machine(s, i);
            if (!is_bandwidth(c) || !wanted(s, machine, c->threads, cases, count) ||
                !(c = best_bandwidth(s, i, k)))
                continue;
            struct kvr_roof roof = {.value = c->value, .threads = c->threads};
            kvr_sheet_machine_prefix(s, machine, roof.whose, sizeof roof.whose);
            kvr_figure_text(c->value, 3, figure, sizeof figure);
            snprintf(roof.what, sizeof roof.what, "%s, %ut: %s GB/s", c->level, c->threads,
                     figure);
            rc = add(roofs, &roof);
        }
    return rc;
}

/* ---- rates ---- */

static bool is_rate_of(const struct kvr_ceiling *c, const struct way *w)
{
    return !strcmp(c->kind, "rate") && !strcmp(c->type, w->type) && !strcmp(c->dtype, w->dtype) &&
           (!w->isa || !strcmp(c->isa, w->isa)) && c->value > 0 && isfinite(c->value);
}

struct best_rate {
    const struct kvr_ceiling *ceiling;
    const struct way *way;
    double value;
};

/* The highest rate of the way that begins at `first`, of one machine and number of threads. */
static struct best_rate best_rate(const struct kvr_sheet *s, size_t machine, size_t first,
                                  uint32_t threads)
{
    struct best_rate best = {NULL, NULL, 0};
    for (size_t i = machine; i < s->count; i++) {
        const struct kvr_run_record *r = &s->records[i];
        for (size_t k = 0; kvr_sheet_machine(s, i) == machine && k < r->ceiling_count; k++)
            for (const struct way *w = &ways[first];
                 w < ways + WAYS && !strcmp(w->name, ways[first].name); w++) {
                const struct kvr_ceiling *c = &r->ceilings[k];
                double value = c->value * w->operations;
                if (is_rate_of(c, w) && c->threads == threads && value > best.value)
                    best = (struct best_rate){c, w, value};
            }
    }
    return best;
}

/* The next higher number of threads among the rates of a machine; 0 after the last. */
static uint32_t next_threads(const struct kvr_sheet *s, size_t machine, uint32_t above)
{
    uint32_t next = 0;
    for (size_t i = machine; i < s->count; i++) {
        const struct kvr_run_record *r = &s->records[i];
        for (size_t k = 0; kvr_sheet_machine(s, i) == machine && k < r->ceiling_count; k++) {
            uint32_t threads = r->ceilings[k].threads;
            if (!strcmp(r->ceilings[k].kind, "rate") && threads > above &&
                (!next || threads < next))
                next = threads;
        }
    }
    return next;
}

static int add_rate(const struct kvr_sheet *s, size_t machine, const struct best_rate *best,
                    struct kvr_roofs *roofs)
{
    static const char *const units[] = {"GFLOP/s", "G/s", "Gop/s"};
    const struct kvr_ceiling *c = best->ceiling;
    char figure[40];
    struct kvr_roof roof = {.value = best->value, .threads = c->threads};
    kvr_sheet_machine_prefix(s, machine, roof.whose, sizeof roof.whose);
    kvr_figure_text(best->value, 3, figure, sizeof figure);
    /* A long name finds no room between the diagonals; the note says which instructions. */
    snprintf(roof.what, sizeof roof.what, "%s%s%s, %ut: %s %s", best->way->name,
             best->way->note ? "" : ", ", best->way->note ? "" : c->isa, c->threads, figure,
             units[best->way->work]);
    if (best->way->note) {
        kvr_figure_text(c->value, 3, figure, sizeof figure);
        int n = snprintf(roof.how, sizeof roof.how, "%s: %s, %s %s", best->way->note, c->id,
                         figure, c->unit);
        if (best->way->operations > 1 && n > 0 && (size_t)n < sizeof roof.how)
            snprintf(roof.how + n, sizeof roof.how - (size_t)n, " x %g", best->way->operations);
    }
    return add(roofs, &roof);
}

int kvr_roofs_rate(const struct kvr_sheet *s, enum kvr_work_kind work, struct kvr_roofs *roofs)
{
    int rc = 0;
    for (size_t i = 0; i < s->count; i++)
        for (size_t w = 0; !rc && kvr_sheet_machine(s, i) == i && w < WAYS; w++) {
            if (ways[w].work != work || (w && !strcmp(ways[w].name, ways[w - 1].name)))
                continue;
            /* Every number of threads that a ceiling of the machine has: mostly 1. */
            uint32_t threads = 0;
            while (!rc && (threads = next_threads(s, i, threads))) {
                struct best_rate best = best_rate(s, i, w, threads);
                if (best.ceiling)
                    rc = add_rate(s, i, &best, roofs);
            }
        }
    return rc;
}
