/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which cases are a series, and the ratios of its points.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alike.h"
#include "crossings_series.h"

enum { MAX_ROUNDS = 4096 };

#define AXIS(field) #field, offsetof(struct kvr_result, field)
const struct kvr_axis kvr_axes[KVR_AXES] = {
    {AXIS(tokens), "", " tokens", "n", "", KVR_PLACE_EQUAL},
    {AXIS(subspaces), "m ", "", "m", "", KVR_PLACE_EQUAL},
    {AXIS(head_dim), "d ", "", "d", "", KVR_PLACE_EQUAL},
    {AXIS(threads), "", " threads", "", "t", KVR_PLACE_EQUAL},
    {AXIS(threads), "", " threads", "", "t", KVR_PLACE_PER_THREAD},
    {AXIS(batch), "batch ", "", "b", "", KVR_PLACE_EQUAL},
    {AXIS(group_queries), "", " queries a KV head", "q", "", KVR_PLACE_EQUAL},
};
#undef AXIS

/* ---- the ratios ---- */

static struct kvr_estimate stored(double median, const double ci95[2])
{
    bool interval = ci95[0] > 0 && isfinite(ci95[1]);
    return (struct kvr_estimate){.median = median,
                                 .low = interval ? ci95[0] : median,
                                 .high = interval ? ci95[1] : median,
                                 .interval = interval};
}

static bool take_balance(const struct kvr_result *r, struct kvr_estimate *ratio)
{
    *ratio = stored(r->verdict.balance, r->verdict.balance_ci95);
    return r->verdict.side[0] && !kvr_result_flagged(r, "ceiling-bug");
}

static bool take_phases(const struct kvr_result *r, struct kvr_estimate *ratio)
{
    double values[MAX_ROUNDS];
    size_t n = 0;
    for (size_t i = 0; i < r->round_count && n < MAX_ROUNDS; i++) {
        const struct kvr_phase_times *of = r->rounds[i].phases;
        if (!r->rounds[i].invalid && of[KVR_PHASE_PREPARE].t_ns > 0 && of[KVR_PHASE_SCAN].t_ns > 0)
            values[n++] = of[KVR_PHASE_PREPARE].t_ns / of[KVR_PHASE_SCAN].t_ns;
    }
    if (n) {
        *ratio = kvr_median(values, n);
    } else { /* a file may hold the medians alone */
        const double none[2] = {NAN, NAN};
        const struct kvr_phase_record *of = r->verdict.phases;
        *ratio = stored(of[KVR_PHASE_PREPARE].t_ns / of[KVR_PHASE_SCAN].t_ns, none);
    }
    return true;
}

static bool take_speedup(const struct kvr_result *r, struct kvr_estimate *ratio)
{
    *ratio = stored(r->result.speedup_vs_fp16, r->result.speedup_ci95);
    return strcmp(r->codec, "fp16") != 0;
}

const struct kvr_crossing_kind kvr_crossing_kinds[KVR_CROSSING_KINDS] = {
    {"balance-1", "B", take_balance, true},
    {"prepare-equals-scan", "prepare/scan", take_phases, false},
    {"faster-than-fp16", "the speed-up", take_speedup, false},
};

/* ---- series ---- */

static uint32_t value_of(const struct kvr_result *r, const struct kvr_axis *axis)
{
    uint32_t value;
    memcpy(&value, (const char *)r + axis->offset, sizeof value);
    return value;
}

static bool same_place(const struct kvr_result *a, const struct kvr_result *b, enum kvr_place place)
{
    if (place == KVR_PLACE_EQUAL)
        return kvr_same_place(a, b);
    return strcmp(a->result.basis, "equal-tokens") && strcmp(b->result.basis, "equal-tokens") &&
           (!strcmp(a->level, "L1") || !strcmp(a->level, "L2")) &&
           a->working_set_bytes / a->threads == b->working_set_bytes / b->threads;
}

/* Equal in everything but the axis. */
static bool same_series(const struct kvr_result *a, const struct kvr_result *b,
                        const struct kvr_axis *axis)
{
    for (size_t i = 0; i < KVR_AXES; i++)
        if (kvr_axes[i].offset != axis->offset &&
            value_of(a, &kvr_axes[i]) != value_of(b, &kvr_axes[i]))
            return false;
    unsigned but = KVR_BUT_SHAPE | KVR_BUT_TOKENS | KVR_BUT_THREADS | KVR_BUT_SHARING;
    return kvr_alike(a, b, but | KVR_BUT_PLACE) && same_place(a, b, axis->place);
}

/* The time of a wrong result is no time. */
bool kvr_series_counts(const struct kvr_result *r, const struct kvr_axis *axis)
{
    return r->measured && r->threads && value_of(r, axis) && !kvr_result_flagged(r, "mismatch");
}

static int by_value(const void *a, const void *b)
{
    const struct kvr_point *p = a, *q = b;
    if (p->x != q->x)
        return p->x < q->x ? -1 : 1;
    return (p->of > q->of) - (p->of < q->of);
}

size_t kvr_series_collect(const struct kvr_run_record *record, size_t first,
                          const struct kvr_axis *axis, const struct kvr_crossing_kind *kind,
                          struct kvr_point *points)
{
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        struct kvr_point p = {.of = r};
        if (!kvr_series_counts(r, axis) || !same_series(&record->results[first], r, axis))
            continue;
        if (i < first)
            return 0;
        p.x = value_of(r, axis);
        if (kind->take(r, &p.ratio) && isfinite(p.ratio.median) && p.ratio.median > 0)
            points[n++] = p;
    }
    qsort(points, n, sizeof *points, by_value);
    for (size_t i = 0; i < n; i++)
        if (!kept || points[kept - 1].x < points[i].x)
            points[kept++] = points[i];
    return kept;
}

/* The digits between `before` and `after`, and nothing else. */
static bool is_part(const char *part, size_t bytes, const char *before, const char *after)
{
    size_t head = strlen(before), tail = strlen(after);
    if (bytes <= head + tail || strncmp(part, before, head) ||
        strncmp(part + bytes - tail, after, tail))
        return false;
    return strspn(part + head, "0123456789") >= bytes - tail - head;
}

/* A value that the names leave out because it is the default is put behind them. */
void kvr_series_name(const struct kvr_axis *axis, const struct kvr_point *p, size_t n, char *name,
                     size_t bytes)
{
    const struct kvr_result *last = p[n - 1].of;
    bool found = false, varies = p->of->working_set_bytes != last->working_set_bytes;
    size_t used = strcspn(last->name, "/");
    const char *part = last->name + used;
    snprintf(name, bytes, "%.*s", (int)used, last->name);
    while (*part) {
        size_t length = strcspn(++part, "/");
        used = strlen(name);
        if (!found && is_part(part, length, axis->name_before, axis->name_after)) {
            found = true;
            snprintf(name + used, bytes - used, "/%s*%s", axis->name_before, axis->name_after);
        } else if (varies && *part == 'W') {
            snprintf(name + used, bytes - used, "/W*");
        } else {
            snprintf(name + used, bytes - used, "/%.*s", (int)length, part);
        }
        part += length;
    }
    used = strlen(name);
    if (!found)
        snprintf(name + used, bytes - used, "/%s*%s", axis->name_before, axis->name_after);
}
