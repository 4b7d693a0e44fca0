/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shift: time a key over context length, its parts, and what bounds each.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot_sheet.h"
#include "plotdata.h"
#include "text.h"

enum { POINT_RADIUS = 6, PART_RADIUS = 4, LEAST_LENGTHS = 2, TICK_PIXELS = 34 };
/* Where more lines than this stand in a panel, names along the parts would only hide them. */
enum { MOST_NAMED = 8 };

/* A preparation below this share of the time at every length, or a scan that leaves less of it to
 * others, is not drawn: it tells nothing, or draws a line twice. Nor is a point below its share. */
#define LEAST_SHARE .05
#define LEAST_POINT .01

static const char *const bounds[] = {"memory", "core", "balanced", "overlap", "latency",
                                     "undecided"};
enum { BOUNDS = sizeof bounds / sizeof *bounds };

/* What is split: the tables of a query pay over a length, the scan does not. */
static const enum kvr_phase parts[] = {KVR_PHASE_PREPARE, KVR_PHASE_SCAN};
enum { PARTS = sizeof parts / sizeof *parts };

struct shift {
    struct kvr_sheet sheet;
    struct kvr_groups groups;
    bool met[BOUNDS];
    struct kvr_panel panel;
};

/* ---- times ---- */

static double tokens_of(const struct kvr_result *r)
{
    return r->tokens;
}

/* ns a key; NAN: the op has no such part, or nobody measured it. */
static double part_ns(const struct kvr_result *r, enum kvr_phase part)
{
    double t = r->verdict.phases[part].t_ns, share = r->result.prepare_share;
    if (!strcmp(r->op, "scan"))
        return NAN;
    if (r->verdict.phases[part].bound[0] && t > 0)
        return t;
    /* Without a verdict the share is known, and for a step the rest is its scan. */
    if (share > 0 && share < 1 && part == KVR_PHASE_PREPARE)
        return share * r->result.ns_per_key;
    if (share > 0 && share < 1 && part == KVR_PHASE_SCAN && !strcmp(r->op, "step"))
        return (1 - share) * r->result.ns_per_key;
    return NAN;
}

/* From 1. What nothing was said about is undecided. */
static size_t bound_number(const char *bound)
{
    for (size_t i = 0; i < BOUNDS; i++)
        if (!strcmp(bounds[i], bound))
            return i + 1;
    return BOUNDS;
}

static bool tells(const struct kvr_mark *m, const struct kvr_mark *end, enum kvr_phase part)
{
    for (; m < end; m++) {
        double share = part_ns(m->result, part) / m->result->result.ns_per_key;
        if (part == KVR_PHASE_SCAN ? share < 1 - LEAST_SHARE : share > LEAST_SHARE)
            return true;
    }
    return false;
}

static bool part_drawn(const struct kvr_mark *m, enum kvr_phase part)
{
    return part_ns(m->result, part) >= LEAST_POINT * m->result->result.ns_per_key;
}

/* ---- rows ---- */

/* One range for all panels: what they are for is to be compared. */
static void set_axes(struct shift *s)
{
    const struct kvr_groups *g = &s->groups;
    double least = INFINITY, most = 0, bottom = INFINITY, top = 0, value[3];
    const struct kvr_mark *end;
    for (const struct kvr_mark *m = g->marks; m < g->marks + g->count; m = end) {
        end = kvr_groups_line_end(g, m);
        for (const struct kvr_mark *n = m; n < end; n++) {
            const struct kvr_op_result *o = &n->result->result;
            kvr_median_interval(o->ns_per_key, o->ci95, value);
            least = fmin(least, n->slot);
            most = fmax(most, n->slot);
            bottom = fmin(bottom, value[1]);
            top = fmax(top, value[2]);
            for (size_t k = 0; k < PARTS; k++)
                if (tells(m, end, parts[k]) && part_drawn(n, parts[k]))
                    bottom = fmin(bottom, part_ns(n->result, parts[k]));
        }
    }
    s->panel.left = kvr_six_digits(least / 1.5);
    s->panel.right = kvr_six_digits(most * fmax(1.5, pow(most / least, .12)));
    s->panel.bottom = kvr_six_digits(bottom / 1.7);
    s->panel.top = kvr_six_digits(top * 1.7);
}

/* A tick at every length, but where its text would touch the last one's. */
static void put_ticks(const struct shift *s)
{
    double last = -TICK_PIXELS;
    char text[24];
    for (uint32_t above = 0, next;; above = next) {
        next = UINT32_MAX;
        for (size_t i = 0; i < s->groups.count; i++) {
            uint32_t n = s->groups.marks[i].result->tokens;
            next = n > above && n < next ? n : next;
        }
        if (next == UINT32_MAX)
            return;
        double at = kvr_panel_pixels(&s->panel, next, s->panel.bottom).x;
        if (at - last < TICK_PIXELS)
            continue;
        last = at;
        kvr_bytes_text(next, text, sizeof text);
        if (next % 1024)
            snprintf(text, sizeof text, "%u", next);
        kvr_sheet_put(&s->sheet, "tick", 0, text, (struct kvr_spot){next, NAN});
    }
}

static void put_mark(struct shift *s, const char *kind, const struct kvr_mark *m,
                     const char *bound, const double value[3])
{
    size_t number = bound_number(bound);
    s->met[number - 1] = true;
    kvr_sheet_put_point(&s->sheet, kind, number, m->result, m->slot, value);
}

static int put_total(struct shift *s, const struct kvr_mark *m, const struct kvr_mark *end)
{
    struct kvr_spot last = {NAN, NAN};
    int rc = 0;
    for (const struct kvr_mark *n = m; !rc && n < end; n++) {
        struct kvr_spot at = {n->slot, n->result->result.ns_per_key};
        kvr_sheet_put(&s->sheet, "total", n->series, n->result->name, at);
        rc = kvr_panel_occupy(&s->panel, at.x, at.y, POINT_RADIUS);
        if (!rc && isfinite(last.x))
            rc = kvr_panel_line(&s->panel, last, at);
        last = at;
    }
    for (; m < end; m++) {
        const struct kvr_op_result *o = &m->result->result;
        double value[3];
        kvr_median_interval(o->ns_per_key, o->ci95, value);
        put_mark(s, "point", m, m->result->verdict.bound, value);
    }
    return rc;
}

static int put_part(struct shift *s, const struct kvr_mark *m, const struct kvr_mark *end,
                    enum kvr_phase part)
{
    struct kvr_spot last = {NAN, NAN};
    int rc = 0;
    for (const struct kvr_mark *n = m; !rc && n < end; n++) {
        struct kvr_spot at = {n->slot, part_ns(n->result, part)};
        if (!part_drawn(n, part))
            continue;
        kvr_sheet_put(&s->sheet, kvr_phase_names[part], n->series, n->result->name, at);
        rc = kvr_panel_occupy(&s->panel, at.x, at.y, PART_RADIUS);
        if (!rc && isfinite(last.x))
            rc = kvr_panel_line(&s->panel, last, at);
        last = at;
    }
    for (; m < end; m++) {
        const double value[3] = {part_ns(m->result, part), NAN, NAN};
        if (part_drawn(m, part))
            put_mark(s, "part", m, m->result->verdict.phases[part].bound, value);
    }
    return rc;
}

/* "B prepare" along the longest piece of its line. */
static int put_part_name(struct shift *s, const struct kvr_mark *m, const struct kvr_mark *end,
                         enum kvr_phase part)
{
    const struct kvr_panel *a = &s->panel;
    struct kvr_spot from = {0, 0}, to = {0, 0}, last = {NAN, NAN};
    char letter[24], name[64];
    double longest = 0;
    for (const struct kvr_mark *n = m; n < end; n++) {
        if (!part_drawn(n, part))
            continue;
        struct kvr_spot at = kvr_panel_pixels(a, n->slot, part_ns(n->result, part));
        double length = hypot(at.x - last.x, at.y - last.y);
        if (length > longest) {
            longest = length;
            from = last;
            to = at;
        }
        last = at;
    }
    if (!(longest > 0))
        return 0;
    kvr_names_letter(m->series, letter, sizeof letter);
    snprintf(name, sizeof name, "%s %s", letter, kvr_phase_names[part]);
    return kvr_sheet_put_along(&s->sheet, &s->panel, "part-name", m->series, name, from, to);
}

/* Lines, then letters, then the names of parts: each keeps clear of what stands already. */
static int put_lines(struct shift *s, const struct kvr_mark *first, const struct kvr_mark *after)
{
    const struct kvr_mark *m, *end;
    size_t lines = 0;
    int rc = 0;
    for (m = first; !rc && m < after; m = end) {
        end = kvr_groups_line_end(&s->groups, m);
        for (size_t k = 0; !rc && k < PARTS; k++)
            rc = tells(m, end, parts[k]) ? put_part(s, m, end, parts[k]) : 0;
        if (!rc)
            rc = put_total(s, m, end);
    }
    for (m = first; !rc && m < after; m = end, lines++) {
        end = kvr_groups_line_end(&s->groups, m);
        /* Beside its last point. */
        rc = kvr_sheet_put_letter(&s->sheet, &s->panel, m->series,
                                  kvr_panel_pixels(&s->panel, end[-1].slot,
                                                   end[-1].result->result.ns_per_key));
    }
    for (m = first; !rc && m < after; m = end) {
        end = kvr_groups_line_end(&s->groups, m);
        for (size_t k = 0; !rc && lines <= MOST_NAMED && k < PARTS; k++)
            rc = tells(m, end, parts[k]) ? put_part_name(s, m, end, parts[k]) : 0;
    }
    return rc;
}

static int put_panel(struct shift *s)
{
    const struct kvr_mark *after, *first = kvr_groups_begin_panel(&s->sheet, &s->groups, &s->panel,
                                                                  &after);
    int rc = put_lines(s, first, after);
    free(s->panel.discs);
    return rc;
}

static int put_sheet(void *context)
{
    struct shift *s = context;
    int rc = 0;
    const struct kvr_spot none = {NAN, NAN};
    kvr_sheet_header(&s->sheet);
    kvr_sheet_panel_size(s->groups.panels.count, &s->panel.width, &s->panel.height);
    kvr_sheet_put(&s->sheet, "size", s->groups.panels.count, NULL,
        (struct kvr_spot){s->panel.width, s->panel.height});
    set_axes(s);
    put_ticks(s);
    while (!rc && s->sheet.panel < s->groups.panels.count)
        rc = put_panel(s);
    s->sheet.panel = 0;
    for (size_t i = 0; !rc && i < BOUNDS; i++)
        if (s->met[i])
            kvr_sheet_put(&s->sheet, "bound", i + 1, bounds[i], none);
    if (!rc)
        kvr_groups_put_legend(&s->sheet, &s->groups);
    return rc;
}

int kvr_plot_shift(FILE *out, const struct kvr_drawn *of)
{
    static const struct kvr_grouping how = {
        .panel = KVR_TRAIT_OP | KVR_TRAIT_DIM | KVR_TRAIT_SITE | KVR_TRAIT_LAYOUT |
                 KVR_TRAIT_RESIDENCY | KVR_TRAIT_THREADS,
        .series = KVR_TRAIT_SHAPE,
        .slot = tokens_of, .order = kvr_op_rank, .least = LEAST_LENGTHS};
    struct shift s = {.sheet = kvr_sheet_of(out, of->records, of->count)};
    return kvr_groups_sheet(&s.sheet, &how, &s.groups, put_sheet, &s);
}
