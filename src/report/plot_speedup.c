/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * speedup: speed-up over FP16 against bytes a key, and what the bytes alone would promise.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot_place.h"
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
    size_t panels;
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

static void put(const struct speedup *s, const char *kind, size_t series, const char *name,
                struct kvr_spot at)
{
    kvr_sheet_row(s->sheet.out, &(struct kvr_row){.kind = kind, .name = name, .panel = s->panels,
                  .series = series, .x = at.x, .y = at.y, .low = NAN, .high = NAN});
}

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
    struct kvr_spot centre = {0, 0}, p = kvr_panel_pixels(a, from.x, from.y);
    struct kvr_spot q = kvr_panel_pixels(a, to.x, to.y);
    int rc = kvr_place_along(a, p, q, kvr_text_pixels(name), &centre);
    struct kvr_spot at = kvr_panel_values(a, centre);
    if (!rc)
        kvr_sheet_row(s->sheet.out, &(struct kvr_row){.kind = kind, .name = name,
                      .panel = s->panels, .x = at.x, .y = at.y, .low = kvr_panel_angle(p, q),
                      .high = NAN});
    return rc;
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
        put(s, "promise", 0, name, at[i]);
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
        kvr_sheet_row(s->sheet.out, &(struct kvr_row){.kind = "point", .name = m->result->name,
                      .panel = s->panels, .series = s->place[i], .x = m->slot, .y = value[0],
                      .low = value[1], .high = value[2],
                      .flagged = m->result->flags[0][0] != 0});
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
    struct kvr_spot at = pixels_of(s, i), centre = {0, 0};
    char letter[24];
    for (size_t k = first; k < i; k++) {
        struct kvr_spot there = pixels_of(s, k);
        if (s->lettered[k] && s->groups.marks[k].series == s->groups.marks[i].series &&
            hypot(there.x - at.x, there.y - at.y) < SAME_LETTER)
            return 0;
    }
    s->lettered[i] = true;
    kvr_names_letter(s->groups.marks[i].series, letter, sizeof letter);
    int rc = kvr_place_beside(&s->panel, at, kvr_text_pixels(letter), &centre);
    if (!rc)
        put(s, "letter", s->groups.marks[i].series, letter, kvr_panel_values(&s->panel, centre));
    return rc;
}

static int put_panel(struct speedup *s)
{
    const struct kvr_groups *g = &s->groups;
    struct kvr_panel *a = &s->panel;
    size_t first = 0, after;
    int rc = 0;
    s->panels++;
    a->discs = NULL;
    a->disc_count = 0;
    while (g->marks[first].panel != s->panels)
        first++;
    for (after = first; !rc && after < g->count && g->marks[after].panel == s->panels; after++)
        rc = kvr_panel_occupy(a, g->marks[after].slot,
                              g->marks[after].result->result.speedup_vs_fp16, POINT_RADIUS);
    kvr_sheet_row(s->sheet.out, &(struct kvr_row){.kind = "panel", .panel = s->panels,
                  .name = g->panels.text[s->panels - 1], .x = a->left, .y = a->right,
                  .low = a->bottom, .high = a->top});
    put_points(s, first, after);
    const struct kvr_spot from = {a->left, 1}, to = {a->right, 1};
    kvr_sheet_row(s->sheet.out, &(struct kvr_row){.kind = "even", .panel = s->panels,
                  .x = from.x, .y = from.y, .low = to.x, .high = to.y});
    if (!rc)
        rc = kvr_panel_line(a, from, to);
    for (size_t i = first; !rc && i < after; i++)
        rc = put_letter(s, first, i);
    if (!rc)
        rc = put_promise(s, g->marks[first].result);
    if (!rc)
        rc = put_name(s, "even-name", "as fast as FP16", from, to);
    free(a->discs);
    return rc;
}

static int put_sheet(struct speedup *s)
{
    const struct kvr_spot none = {NAN, NAN};
    int rc = name_places(s);
    kvr_sheet_header(&s->sheet);
    kvr_sheet_panel_size(s->groups.panels.count, &s->panel.width, &s->panel.height);
    put(s, "size", s->groups.panels.count, NULL,
        (struct kvr_spot){s->panel.width, s->panel.height});
    set_axes(s);
    while (!rc && s->panels < s->groups.panels.count)
        rc = put_panel(s);
    s->panels = 0;
    for (size_t i = 0; !rc && i < s->places.count; i++)
        put(s, "place", i + 1, s->places.text[i], none);
    if (!rc)
        kvr_groups_put_legend(&s->sheet, &s->groups);
    return rc;
}

int kvr_plot_speedup(FILE *out, const struct kvr_run_record *records, size_t count)
{
    static const struct kvr_grouping how = {.panel = KVR_TRAIT_OP | KVR_TRAIT_DIM,
                                            .series = KVR_TRAIT_SHAPE, .slot = slot_of,
                                            .order = order_of, .least = 1};
    struct speedup s = {.sheet = {.out = out, .records = records, .count = count}};
    struct kvr_numeric numeric = kvr_numeric_c();
    errno = 0;
    int rc = kvr_groups_make(&s.sheet, &how, &s.groups);
    if (!rc)
        rc = put_sheet(&s);
    if (!rc)
        rc = kvr_sheet_end(out);
    kvr_numeric_restore(numeric);
    kvr_groups_free(&s.groups);
    free(s.places.text);
    free(s.place);
    free(s.lettered);
    return rc;
}
