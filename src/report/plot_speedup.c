/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * speedup: speed-up over FP16 against bytes a key, and what the bytes alone would promise.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot_sheet.h"
#include "plotdata.h"
#include "text.h"

/* What a point takes, how near another point shares its letter, pieces of a curve; pixels. */
enum { POINT_RADIUS = 6, SAME_LETTER = 15, CURVE_PIECES = 24 };

struct speedup {
    struct kvr_sheet sheet;
    struct kvr_groups groups; /* series: kernels */
    struct kvr_names places;
    size_t *place;   /* of each mark */
    bool *lettered;  /* a letter stands beside it */
    struct kvr_panel panel;
};

/* NAN: no FP16 beside it, or nobody knows its bytes. */
static double slot_of(const struct kvr_result *r)
{
    const struct kvr_op_result *o = &r->result;
    bool known = o->speedup_vs_fp16 > 0 && isfinite(o->speedup_vs_fp16);
    return known && isfinite(kvr_bytes_saved(r)) ? r->key_bytes : NAN;
}

/* By op, then by length: legends read better in order. */
static double order_of(const struct kvr_result *r)
{
    return kvr_op_rank(r) * 4e9 + r->tokens;
}

static int name_places(struct speedup *s)
{
    const struct kvr_groups *g = &s->groups;
    s->place = calloc(g->count, sizeof *s->place);
    s->lettered = calloc(g->count, sizeof *s->lettered);
    if (!s->place || !s->lettered)
        return -ENOMEM;
    for (size_t i = 0; i < g->count; i++) {
        char text[KVR_SERIES_BYTES] = "";
        kvr_traits_text(&g->traits, g->marks[i].result,
                        (KVR_TRAIT_PLACE & ~KVR_TRAIT_OP) | KVR_TRAIT_RESIDENCY |
                        KVR_TRAIT_THREADS, text, sizeof text);
        s->place[i] = kvr_names_number(&s->places, *text ? text : "measured");
        if (!s->place[i])
            return -ENOMEM;
    }
    return 0;
}

/* ---- rows ---- */

/* One range for all panels: what they are for is to be compared. */
static void set_axes(struct speedup *s)
{
    double left = INFINITY, right = 0, bottom = 1, top = 1;
    for (size_t i = 0; i < s->groups.count; i++) {
        const struct kvr_result *r = s->groups.marks[i].result;
        double value[3];
        kvr_median_interval(r->result.speedup_vs_fp16, r->result.speedup_ci95, value);
        left = fmin(left, r->key_bytes);
        right = fmax(right, fmax(r->key_bytes, 2. * r->head_dim));
        bottom = fmin(bottom, value[1]);
        top = fmax(top, fmax(value[2], kvr_bytes_saved(r)));
    }
    s->panel.left = kvr_six_digits(left / 2);
    s->panel.right = kvr_six_digits(right * 1.9);
    s->panel.bottom = kvr_six_digits(bottom / 2);
    s->panel.top = kvr_six_digits(top * 2);
}

static int put_name(struct speedup *s, const char *kind, const char *name, struct kvr_spot from,
                    struct kvr_spot to)
{
    struct kvr_panel *a = &s->panel;
    return kvr_sheet_put_along(&s->sheet, a, kind, 0, name, kvr_panel_pixels(a, from.x, from.y),
                               kvr_panel_pixels(a, to.x, to.y));
}

/* The speed-up of a kernel that only waits for its bytes, over bytes a key. Where all bytes are
 * keys it is a diagonal. */
static int put_promise(struct speedup *s, const struct kvr_result *like)
{
    const struct kvr_panel *a = &s->panel;
    bool values = !strcmp(like->op, "attention");
    const char *name = "bytes saved";
    struct kvr_result r = *like;
    struct kvr_spot at[CURVE_PIECES + 1];
    int rc = 0;
    for (size_t i = 0; i <= CURVE_PIECES; i++) {
        r.key_bytes = a->left * pow(a->right / a->left, (double)i / CURVE_PIECES);
        at[i] = (struct kvr_spot){kvr_six_digits(r.key_bytes),
                                  kvr_six_digits(kvr_bytes_saved(&r))};
        kvr_sheet_put(&s->sheet, "promise", 0, name, at[i]);
        if (i && !rc)
            rc = kvr_panel_line(&s->panel, at[i - 1], at[i]);
    }
    /* Named where it is straight: a curve is so at its ends, and most of all where it begins. */
    return rc ? rc : put_name(s, "promise-name", name, at[values ? 1 : 4],
                              at[values ? 2 * CURVE_PIECES / 3 : CURVE_PIECES - 4]);
}

static void put_points(const struct speedup *s, size_t first, size_t after)
{
    for (size_t i = first; i < after; i++) {
        const struct kvr_mark *m = &s->groups.marks[i];
        double value[3];
        const struct kvr_op_result *o = &m->result->result;
        kvr_median_interval(o->speedup_vs_fp16, o->speedup_ci95, value);
        kvr_sheet_put_point(&s->sheet, "point", s->place[i], m->result, m->slot, value);
    }
}

static struct kvr_spot pixels_of(const struct speedup *s, size_t i)
{
    const struct kvr_mark *m = &s->groups.marks[i];
    return kvr_panel_pixels(&s->panel, m->slot, m->result->result.speedup_vs_fp16);
}

/* Kernels are named by letters: one for points of a kernel that lie together. */
static int put_letter(struct speedup *s, size_t first, size_t i)
{
    struct kvr_spot at = pixels_of(s, i);
    for (size_t k = first; k < i; k++) {
        struct kvr_spot there = pixels_of(s, k);
        if (s->lettered[k] && s->groups.marks[k].series == s->groups.marks[i].series &&
            hypot(there.x - at.x, there.y - at.y) < SAME_LETTER)
            return 0;
    }
    s->lettered[i] = true;
    return kvr_sheet_put_letter(&s->sheet, &s->panel, s->groups.marks[i].series, at);
}

/* A point and its interval. */
static int occupy(struct kvr_panel *a, const struct kvr_mark *m)
{
    const struct kvr_op_result *o = &m->result->result;
    double value[3];
    kvr_median_interval(o->speedup_vs_fp16, o->speedup_ci95, value);
    return kvr_panel_point(a, m->slot, value, POINT_RADIUS);
}

static int put_panel(struct speedup *s)
{
    struct kvr_panel *a = &s->panel;
    const struct kvr_mark *marks = s->groups.marks, *end;
    size_t first = (size_t)(kvr_groups_begin_panel(&s->sheet, &s->groups, a, &end) - marks);
    size_t after = (size_t)(end - marks);
    int rc = 0;
    for (size_t i = first; !rc && i < after; i++)
        rc = occupy(a, &marks[i]);
    put_points(s, first, after);
    const struct kvr_spot from = {a->left, 1}, to = {a->right, 1};
    kvr_sheet_row(s->sheet.out, &(struct kvr_row){.kind = "even", .panel = s->sheet.panel,
                  .x = from.x, .y = from.y, .low = to.x, .high = to.y});
    if (!rc)
        rc = kvr_panel_line(a, from, to);
    for (size_t i = first; !rc && i < after; i++)
        rc = put_letter(s, first, i);
    if (!rc)
        rc = put_promise(s, marks[first].result);
    if (!rc)
        rc = put_name(s, "even-name", "as fast as FP16", from, to);
    free(a->discs);
    return rc;
}

static int put_sheet(void *context)
{
    struct speedup *s = context;
    const struct kvr_spot none = {NAN, NAN};
    int rc = name_places(s);
    kvr_sheet_header(&s->sheet);
    kvr_sheet_panel_size(s->groups.panels.count, &s->panel.width, &s->panel.height);
    kvr_sheet_put(&s->sheet, "size", s->groups.panels.count, NULL,
        (struct kvr_spot){s->panel.width, s->panel.height});
    set_axes(s);
    while (!rc && s->sheet.panel < s->groups.panels.count)
        rc = put_panel(s);
    s->sheet.panel = 0;
    for (size_t i = 0; !rc && i < s->places.count; i++)
        kvr_sheet_put(&s->sheet, "place", i + 1, s->places.text[i], none);
    if (!rc)
        kvr_groups_put_legend(&s->sheet, &s->groups);
    return rc;
}

int kvr_plot_speedup(FILE *out, const struct kvr_drawn *of)
{
    static const struct kvr_grouping how = {.panel = KVR_TRAIT_OP | KVR_TRAIT_DIM,
                                            .series = KVR_TRAIT_SHAPE, .slot = slot_of,
                                            .order = order_of, .least = 1};
    struct speedup s = {.sheet = kvr_sheet_of(out, of->records, of->count)};
    int rc = kvr_groups_sheet(&s.sheet, &how, &s.groups, put_sheet, &s);
    free(s.places.text);
    free(s.place);
    free(s.lettered);
    return rc;
}
