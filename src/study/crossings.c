/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crossings.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crossings_series.h"

/* A series and what is looked for in it. */
struct sweep {
    const struct kvr_crossing_kind *kind;
    const struct kvr_axis *axis;
    const struct kvr_point *points;
    size_t count;
};

/* ---- words ---- */

__attribute__((format(printf, 2, 3)))
static void say(struct kvr_crossing *c, const char *format, ...)
{
    size_t used = strlen(c->why);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->why + used, sizeof c->why - used, format, arguments);
    va_end(arguments);
}

/* "512 tokens", "1 thread": a value of the axis. */
static void say_place(struct kvr_crossing *c, const struct kvr_axis *axis, double x)
{
    bool one = x == 1 && !strcmp(axis->after, " threads");
    say(c, "%s%.0f%s", axis->before, x, one ? " thread" : axis->after);
}

/* What makes the ratio at a point doubtful; NULL: nothing. `leaking` does not touch times. */
static const char *doubt(const struct kvr_crossing_kind *kind, const struct kvr_result *r)
{
    for (size_t i = 0; i < KVR_MAX_FLAGS && r->flags[i][0]; i++)
        if (strcmp(r->flags[i], "leaking"))
            return r->flags[i];
    if (!kind->of_verdict)
        return NULL;
    if (r->verdict.control_failed)
        return "control failed";
    return strcmp(r->verdict.side, "undecided") ? NULL : "side undecided";
}

/* Flags the crossing by the first doubtful one of the points first to last. */
static void mark_doubt(const struct sweep *s, size_t first, size_t last, struct kvr_crossing *c)
{
    for (size_t i = first; i <= last && !c->flagged; i++) {
        const char *why = doubt(s->kind, s->points[i].of);
        c->flagged = why != NULL;
        if (why) {
            say(c, "; %s at ", why);
            say_place(c, s->axis, s->points[i].x);
        }
    }
}

/* Says at which of the points first to last the median leaves open on which side of 1 it is. */
static void say_open(const struct sweep *s, size_t first, size_t last, struct kvr_crossing *c)
{
    for (size_t i = first; i <= last; i++) {
        const struct kvr_estimate *e = &s->points[i].ratio;
        if (e->interval && e->low <= 1 && e->high >= 1)
            say(c, "; its interval at %s%.0f contains 1", s->axis->before, s->points[i].x);
    }
}

/* ---- where ---- */

/* Where the line between two points passes 0, coming from above; the nearer end if it does not. */
static double zero_of(double xa, double xb, double ya, double yb)
{
    if (ya <= 0)
        return xa;
    if (yb >= 0)
        return xb;
    return xa * pow(xb / xa, ya / (ya - yb));
}

/* Between two neighbours: where the medians pass 1, and where the ends of their intervals do. */
struct passage {
    double at, earliest, latest;
    bool interval;
};

static struct passage passage_of(const struct kvr_point *a, const struct kvr_point *b)
{
    double way = a->ratio.median > b->ratio.median ? 1 : -1; /* falls or rises */
    double low = zero_of(a->x, b->x, way * log(a->ratio.low), way * log(b->ratio.low));
    double high = zero_of(a->x, b->x, way * log(a->ratio.high), way * log(b->ratio.high));
    return (struct passage){
        .at = zero_of(a->x, b->x, way * log(a->ratio.median), way * log(b->ratio.median)),
        .earliest = fmin(low, high),
        .latest = fmax(low, high),
        .interval = a->ratio.interval && b->ratio.interval,
    };
}

/* The ratio is 1 at the point itself. */
static bool meets(const struct sweep *s, size_t i)
{
    return s->points[i].ratio.median == 1;
}

/* It passes 1 between the point and the next one. */
static bool passes(const struct sweep *s, size_t i)
{
    return i + 1 < s->count && !meets(s, i) && !meets(s, i + 1) &&
           (s->points[i].ratio.median > 1) != (s->points[i + 1].ratio.median > 1);
}

static void set_interval(const struct passage *left, const struct passage *right,
                         struct kvr_crossing *c)
{
    if (left->interval && right->interval) {
        c->ci95[0] = left->earliest;
        c->ci95[1] = right->latest;
    } else {
        say(c, "; no interval: too few rounds");
    }
}

static void say_more(size_t more, struct kvr_crossing *c)
{
    if (more)
        say(c, "; %zu more crossing%s above", more, more == 1 ? "" : "s");
}

static void passed(const struct sweep *s, size_t i, size_t more, struct kvr_crossing *c)
{
    const struct kvr_point *p = &s->points[i];
    struct passage passage = passage_of(p, p + 1);
    c->at = passage.at;
    say(c, "%s %s from %.3g to %.3g between %s%.0f and %.0f%s", s->kind->ratio,
        p->ratio.median > 1 ? "falls" : "rises", p->ratio.median, p[1].ratio.median,
        s->axis->before, p->x, p[1].x, s->axis->after);
    say_more(more, c);
    set_interval(&passage, &passage, c);
    say_open(s, i, i + 1, c);
    mark_doubt(s, i, i + 1, c);
}

/* On both sides the interval reaches into the neighbouring bracket, where there is one. */
static void met(const struct sweep *s, size_t i, size_t more, struct kvr_crossing *c)
{
    size_t before = i ? i - 1 : i, after = i + 1 < s->count ? i + 1 : i;
    struct passage left = passage_of(&s->points[before], &s->points[i]);
    struct passage right = passage_of(&s->points[i], &s->points[after]);
    c->at = s->points[i].x;
    say(c, "%s is 1 at ", s->kind->ratio);
    say_place(c, s->axis, c->at);
    say_more(more, c);
    set_interval(&left, &right, c);
    mark_doubt(s, before, after, c);
}

static void not_reached(const struct sweep *s, struct kvr_crossing *c)
{
    const struct kvr_point *p = s->points;
    size_t last = s->count - 1, nearest = 0;
    for (size_t i = 1; i <= last; i++)
        if (fabs(log(p[i].ratio.median)) < fabs(log(p[nearest].ratio.median)))
            nearest = i;
    say(c, "%s stays %s 1 from %s%.0f to %.0f%s (%.3g to %.3g", s->kind->ratio,
        p->ratio.median > 1 ? "above" : "below", s->axis->before, p->x, p[last].x, s->axis->after,
        p->ratio.median, p[last].ratio.median);
    if (nearest && nearest < last)
        say(c, ", %.3g at %.0f", p[nearest].ratio.median, p[nearest].x);
    say(c, ")");
    say_open(s, nearest, nearest, c);
    mark_doubt(s, 0, last, c);
}

static void conclude(const struct sweep *s, struct kvr_crossing *c)
{
    size_t first = s->count, more = 0;
    kvr_crossing_init(c);
    snprintf(c->what, sizeof c->what, "%s", s->kind->what);
    snprintf(c->axis, sizeof c->axis, "%s", s->axis->name);
    kvr_series_name(s->axis, s->points, s->count, c->series, sizeof c->series);
    for (size_t i = 0; i < s->count; i++) {
        if (!meets(s, i) && !passes(s, i))
            continue;
        more += first < s->count;
        first = first < s->count ? first : i;
    }
    c->reached = first < s->count;
    if (!c->reached)
        not_reached(s, c);
    else if (meets(s, first))
        met(s, first, more, c);
    else
        passed(s, first, more, c);
}

/* The series of one kind over one axis. */
static int find(struct kvr_run_record *record, const struct kvr_crossing_kind *kind,
                const struct kvr_axis *axis, struct kvr_point *points)
{
    for (size_t i = 0; i < record->result_count; i++) {
        struct sweep s = {.kind = kind, .axis = axis, .points = points};
        struct kvr_crossing c;
        if (kvr_series_counts(&record->results[i], axis))
            s.count = kvr_series_collect(record, i, axis, kind, points);
        if (s.count < 2)
            continue;
        conclude(&s, &c);
        if (!kvr_record_add_crossing(record, &c))
            return -ENOMEM;
    }
    return 0;
}

int kvr_crossings_find(struct kvr_run_record *record)
{
    struct kvr_point *points = calloc(record->result_count + 1, sizeof *points);
    int rc = points ? 0 : -ENOMEM;
    free(record->crossings);
    record->crossings = NULL;
    record->crossing_count = 0;
    for (size_t k = 0; k < KVR_CROSSING_KINDS; k++)
        for (size_t a = 0; a < KVR_AXES && !rc; a++)
            rc = find(record, &kvr_crossing_kinds[k], &kvr_axes[a], points);
    free(points);
    return rc;
}
