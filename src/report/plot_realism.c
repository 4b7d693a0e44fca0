/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * realism: LOOKAT's speed-up over FP16 from the most flattering setting to the most real one.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot_sheet.h"
#include "plotdata.h"
#include "text.h"

enum { POINT_RADIUS = 6, RUNG_PIXELS = 60, LEAST_WIDTH = 300, LEAST_RUNGS = 2 };
enum { RUNG_LINES = 4 };

/* In rungs, right of the last one: for a letter. */
#define LETTER_ROOM .4
/* Of a rung's width: how far its points may stand from its middle, and from each other. */
#define MOST_ASIDE .28
#define MOST_APART .16
/* Promises within this factor share a name. */
#define NEAR_PROMISE 1.3

struct realism {
    struct kvr_sheet sheet;
    struct kvr_groups groups;
    double *rungs; /* their ranks, ascending */
    size_t rung_count;
    struct kvr_panel panel;
};

/* ---- rungs ---- */

static double page_tokens(const struct kvr_result *r)
{
    return strncmp(r->layout, "pages:", 6) ? 0 : strtod(r->layout + 6, NULL);
}

/* From flattering to real: first what is computed, then where the codebook lies, then how the keys
 * lie (smaller pages are harder), then whether caches still hold what the last pass left. NAN: no
 * LOOKAT, or no FP16 beside it. */
static double rung_of(const struct kvr_result *r)
{
    const struct kvr_op_result *o = &r->result;
    if (strcmp(r->codec, "lookat") || !(o->speedup_vs_fp16 > 0) || !isfinite(o->speedup_vs_fp16))
        return NAN;
    double pages = page_tokens(r), cold = !strcmp(r->codebook_residency, "cold");
    double layout = pages > 0 ? 100 - log2(pages) : !strcmp(r->layout, "heads");
    return ((kvr_op_rank(r) * 2 + cold) * 128 + layout) * 2 + (r->evict_bytes > 0);
}

static double order_of(const struct kvr_result *r)
{
    return r->tokens;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int take_rungs(struct realism *s)
{
    s->rungs = malloc(s->groups.count * sizeof *s->rungs);
    if (!s->rungs)
        return -ENOMEM;
    for (size_t i = 0; i < s->groups.count; i++)
        s->rungs[i] = s->groups.marks[i].slot;
    qsort(s->rungs, s->groups.count, sizeof *s->rungs, compare);
    for (size_t i = 0; i < s->groups.count; i++)
        if (!s->rung_count || s->rungs[i] > s->rungs[s->rung_count - 1])
            s->rungs[s->rung_count++] = s->rungs[i];
    return 0;
}

/* The place of a rung on the x axis, from 1. */
static size_t place_of(const struct realism *s, double rung)
{
    size_t place = 1;
    while (place < s->rung_count && s->rungs[place - 1] < rung)
        place++;
    return place;
}

static const struct kvr_result *case_on(const struct realism *s, size_t place)
{
    size_t i = 0;
    while (s->groups.marks[i].slot < s->rungs[place - 1] ||
           s->groups.marks[i].slot > s->rungs[place - 1])
        i++;
    return s->groups.marks[i].result;
}

/* ---- rows ---- */

static void put_rungs(const struct realism *s)
{
    for (size_t place = 1; place <= s->rung_count; place++) {
        const struct kvr_result *r = case_on(s, place);
        const char *lines[RUNG_LINES] = {r->op, r->layout, r->codebook_residency,
                                         r->evict_bytes ? "evicted" : ""};
        size_t line = 0;
        for (size_t i = 0; i < RUNG_LINES; i++)
            if (lines[i][0])
                kvr_sheet_put(&s->sheet, "rung", ++line, lines[i],
                              (struct kvr_spot){(double)place, NAN});
    }
}

/* Points of one rung stand side by side: series of kernels that are equally fast would hide each
 * other's intervals. */
static double across(const struct realism *s, const struct kvr_mark *m)
{
    double count = (double)s->groups.series.count;
    double apart = count > 1 ? fmin(MOST_APART, 2 * MOST_ASIDE / (count - 1)) : 0;
    double x = (double)place_of(s, m->slot) + apart * ((double)m->series - (count + 1) / 2);
    return kvr_six_digits(x);
}

/* One range for all panels: what they are for is to be compared. */
static void set_axes(struct realism *s)
{
    double bottom = 1, top = 1;
    for (size_t i = 0; i < s->groups.count; i++) {
        const struct kvr_result *r = s->groups.marks[i].result;
        double value[3];
        kvr_median_interval(r->result.speedup_vs_fp16, r->result.speedup_ci95, value);
        bottom = fmin(bottom, value[1]);
        top = fmax(top, fmax(value[2], kvr_bytes_saved(r))); /* a NAN is no maximum */
    }
    s->panel.linear_x = true;
    s->panel.left = .5;
    s->panel.right = (double)s->rung_count + .5 + LETTER_ROOM;
    s->panel.bottom = kvr_six_digits(bottom / 1.6);
    s->panel.top = kvr_six_digits(top * 1.6);
}

static int put_level(struct realism *s, const char *kind, const char *name, struct kvr_spot from,
                     double right, bool named)
{
    struct kvr_spot to = {right, from.y}, centre = {0, 0};
    char name_kind[32];
    kvr_sheet_row(s->sheet.out, &(struct kvr_row){.kind = kind, .name = name,
                  .panel = s->sheet.panel, .x = from.x, .y = from.y, .low = to.x, .high = to.y});
    int rc = kvr_panel_line(&s->panel, from, to);
    if (rc || !named)
        return rc;
    snprintf(name_kind, sizeof name_kind, "%s-name", kind);
    rc = kvr_place_near(&s->panel, kvr_panel_pixels(&s->panel, from.x, from.y),
                        kvr_panel_pixels(&s->panel, to.x, to.y), kvr_text_pixels(name), &centre);
    if (!rc)
        kvr_sheet_put(&s->sheet, name_kind, 0, name, kvr_panel_values(&s->panel, centre));
    return rc;
}

/* The promise of the cases in this panel on one rung, next above `above`; INFINITY: none. Panels
 * and rungs may hold kernels of several sizes. */
static double promise_on(const struct realism *s, size_t place, double above)
{
    double next = INFINITY;
    for (size_t i = 0; i < s->groups.count; i++) {
        const struct kvr_mark *m = &s->groups.marks[i];
        double saved = kvr_bytes_saved(m->result);
        if (m->panel == s->sheet.panel && place_of(s, m->slot) == place && saved > above)
            next = fmin(next, saved);
    }
    return next;
}

static bool promised(const struct realism *s, size_t place, double value)
{
    if (!place || place > s->rung_count)
        return false;
    double nearest = promise_on(s, place, value * .999);
    return nearest < value * 1.001;
}

/* The next promise above `above` whose line begins on this rung. */
static double promise_from(const struct realism *s, size_t place, double above)
{
    double v = promise_on(s, place, above);
    while (isfinite(v) && promised(s, place - 1, v))
        v = promise_on(s, place, v * 1.001);
    return v;
}

/* Lines over neighbouring rungs that promise the same; rungs that the panel lacks end them. Lines
 * too near to each other for a name each share one. */
static int put_promises(struct realism *s)
{
    int rc = 0;
    for (size_t place = 1; !rc && place <= s->rung_count; place++)
        for (double v = promise_from(s, place, 0), low = v; !rc && isfinite(v);) {
            double next = promise_from(s, place, v * 1.001);
            bool shared = next < v * NEAR_PROMISE;
            size_t last = place;
            char name[64];
            while (promised(s, last + 1, v))
                last++;
            int n = snprintf(name, sizeof name, "bytes saved: x%.3g", low);
            if (low < v)
                snprintf(name + n, sizeof name - (size_t)n, " to x%.3g", v);
            rc = put_level(s, "promise", name,
                           (struct kvr_spot){(double)place - .45, kvr_six_digits(v)},
                           (double)last + .45, !shared);
            v = next;
            low = shared ? low : next;
        }
    return rc;
}

static int put_line(struct realism *s, const struct kvr_mark *m, const struct kvr_mark *end)
{
    struct kvr_panel *a = &s->panel;
    struct kvr_spot last = {NAN, NAN};
    int rc = 0;
    for (; !rc && m < end; m++) {
        struct kvr_spot at = {across(s, m), 0};
        double value[3];
        const struct kvr_op_result *o = &m->result->result;
        kvr_median_interval(o->speedup_vs_fp16, o->speedup_ci95, value);
        at.y = value[0];
        kvr_sheet_put_point(&s->sheet, "point", m->series, m->result, at.x, value);
        rc = kvr_panel_point(a, at.x, value, POINT_RADIUS);
        if (!rc && isfinite(last.x))
            rc = kvr_panel_line(a, last, at);
        last = at;
    }
    return rc;
}

static int put_panel(struct realism *s)
{
    const struct kvr_mark *m, *end, *after;
    const struct kvr_mark *first = kvr_groups_begin_panel(&s->sheet, &s->groups, &s->panel, &after);
    int rc = 0;
    for (m = first; !rc && m < after; m = end) {
        end = kvr_groups_line_end(&s->groups, m);
        rc = put_line(s, m, end);
    }
    for (m = first; !rc && m < after; m = end) {
        end = kvr_groups_line_end(&s->groups, m);
        /* Beside its last point. */
        rc = kvr_sheet_put_letter(&s->sheet, &s->panel, m->series,
                                  kvr_panel_pixels(&s->panel, across(s, end - 1),
                                                   end[-1].result->result.speedup_vs_fp16));
    }
    if (!rc)
        rc = put_level(s, "even", "as fast as FP16", (struct kvr_spot){s->panel.left, 1},
                       s->panel.right, true);
    if (!rc)
        rc = put_promises(s);
    free(s->panel.discs);
    return rc;
}

static int put_sheet(void *context)
{
    struct realism *s = context;
    double width, height;
    int rc = take_rungs(s);
    if (rc)
        return rc;
    kvr_sheet_header(&s->sheet);
    kvr_sheet_panel_size(s->groups.panels.count, &width, &height);
    width = fmax(LEAST_WIDTH, RUNG_PIXELS * ((double)s->rung_count + LETTER_ROOM));
    kvr_sheet_put(&s->sheet, "size", s->groups.panels.count, NULL,
                  (struct kvr_spot){width, height});
    s->panel.width = width;
    s->panel.height = height;
    set_axes(s);
    put_rungs(s);
    while (!rc && s->sheet.panel < s->groups.panels.count)
        rc = put_panel(s);
    if (!rc)
        kvr_groups_put_legend(&s->sheet, &s->groups);
    return rc;
}

int kvr_plot_realism(FILE *out, const struct kvr_drawn *of)
{
    static const struct kvr_grouping how = {
        .panel = KVR_TRAIT_DIM | KVR_TRAIT_SITE | KVR_TRAIT_TOKENS | KVR_TRAIT_THREADS,
        .series = KVR_TRAIT_SHAPE, .slot = rung_of, .order = order_of, .least = LEAST_RUNGS};
    struct realism s = {.sheet = kvr_sheet_of(out, of->records, of->count)};
    int rc = kvr_groups_sheet(&s.sheet, &how, &s.groups, put_sheet, &s);
    free(s.rungs);
    return rc;
}
