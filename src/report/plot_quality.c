/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * quality: rank correlation of the attention weights over time a key and over bytes a key, with
 * the cases that no other beats in both.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fidelity.h"
#include "plotdata.h"
#include "quality.h"
#include "quality_cases.h"

enum { POINT_RADIUS = 6 };
/* Beyond this rho all is drawn as one: closer to 1 than any picture shows. */
#define MOST_RHO .9999

struct plot {
    struct kvr_sheet sheet;
    const struct kvr_fidelity_record *fidelity;
    struct kvr_quality quality;
    struct kvr_groups groups; /* series: kernels; panels: places */
    struct kvr_panel time, bytes;
};

/* A point of a panel. */
struct point {
    const struct kvr_mark *mark;
    double x, low, high;
    bool on_front, flagged;
};

/* ---- axes ---- */

/* The y axis is one of "nines": 0, .9, .99 and .999 are equally far apart. */
static double nines(double rho)
{
    return 1 / (1 - fmin(rho, MOST_RHO));
}

static double rho_of(double nines_value)
{
    return kvr_six_digits(1 - 1 / nines_value);
}

static double rho_of_mark(const struct kvr_mark *m)
{
    return m->result->closeness->mean[KVR_RHO];
}

static bool is_leaking(const struct kvr_mark *m)
{
    return m->result->closeness->leaking;
}

static double ns_of(const struct kvr_result *r)
{
    return r->result.ns_per_key;
}

static void widen(struct kvr_panel *a, double x, double rho)
{
    a->left = fmin(a->left, x);
    a->right = fmax(a->right, x);
    a->bottom = fmin(a->bottom, nines(rho));
    a->top = fmax(a->top, nines(rho));
}

/* Panels of time share one range, and all of them that of rho: they are there to be compared. */
static void set_axes(struct plot *p)
{
    const double none = kvr_quality_floor(p->fidelity)->mean[KVR_RHO];
    p->time.left = p->bytes.left = p->time.bottom = INFINITY;
    for (size_t i = 0; i < p->groups.count; i++) {
        const struct kvr_mark *m = &p->groups.marks[i];
        double value[3];
        kvr_median_interval(ns_of(m->result), m->result->result.ci95, value);
        widen(&p->time, value[1], none);
        widen(&p->time, value[2], rho_of_mark(m));
        widen(&p->bytes, m->result->key_bytes, none);
    }
    struct kvr_panel *both[] = {&p->time, &p->bytes};
    for (size_t i = 0; i < 2; i++) {
        both[i]->left = kvr_six_digits(both[i]->left / 1.7);
        both[i]->right = kvr_six_digits(both[i]->right * 1.7);
        both[i]->bottom = kvr_six_digits(p->time.bottom / (i ? 1 : 1.4));
        both[i]->top = kvr_six_digits(p->time.top * (i ? 1 : 1.8));
    }
}

/* ---- rows ---- */

static struct kvr_spot pixels_of(const struct kvr_panel *a, double x, double rho)
{
    return kvr_panel_pixels(a, x, nines(rho));
}

static int line(struct kvr_panel *a, struct kvr_spot from, struct kvr_spot to)
{
    if (from.x == to.x && nines(from.y) == nines(to.y))
        return 0;
    return kvr_panel_line(a, (struct kvr_spot){from.x, nines(from.y)},
                          (struct kvr_spot){to.x, nines(to.y)});
}

static int by_cost(const void *a, const void *b)
{
    const struct point *x = a, *y = b;
    if (x->x != y->x)
        return x->x < y->x ? -1 : 1;
    double rho_x = rho_of_mark(x->mark), rho_y = rho_of_mark(y->mark);
    return rho_x != rho_y ? (rho_x > rho_y) - (rho_x < rho_y)
                          : (x->mark > y->mark) - (x->mark < y->mark);
}

/* A staircase: up to a point of the front, what is bought is the rho of the point before it. */
static int put_front(const struct plot *p, struct kvr_panel *a, const struct point *points,
                     size_t count)
{
    struct kvr_spot last = {NAN, NAN};
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++) {
        struct kvr_spot at = {points[i].x, rho_of_mark(points[i].mark)};
        struct kvr_spot corner = {at.x, last.y};
        if (!points[i].on_front)
            continue;
        if (isfinite(last.x) && (last.x != at.x || last.y != at.y)) {
            kvr_sheet_put(&p->sheet, "front", 0, NULL, corner);
            rc = line(a, last, corner);
            rc = rc ? rc : line(a, corner, at);
        }
        kvr_sheet_put(&p->sheet, "front", 0, NULL, at);
        last = at;
    }
    return rc;
}

static int put_points(const struct plot *p, struct kvr_panel *a, const struct point *points,
                      size_t count)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++) {
        const struct kvr_result *r = points[i].mark->result;
        struct kvr_spot low = {points[i].low, rho_of_mark(points[i].mark)};
        kvr_sheet_row(p->sheet.out, &(struct kvr_row){
            .kind = "point", .name = r->name, .panel = p->sheet.panel,
            .series = points[i].on_front, .x = points[i].x, .y = low.y, .low = low.x,
            .high = points[i].high, .flagged = points[i].flagged});
        rc = kvr_panel_occupy(a, points[i].x, nines(low.y), POINT_RADIUS);
        rc = rc ? rc : line(a, low, (struct kvr_spot){points[i].high, low.y});
    }
    return rc;
}

/* A text that stands where nothing is in its way. */
static int put_letter(const struct plot *p, struct kvr_panel *a, const struct point *point)
{
    struct kvr_spot at = pixels_of(a, point->x, rho_of_mark(point->mark)), centre = {0, 0};
    char letter[24];
    kvr_names_letter(point->mark->series, letter, sizeof letter);
    int rc = kvr_place_beside(a, at, kvr_text_pixels(letter), &centre);
    struct kvr_spot values = kvr_panel_values(a, centre);
    values.y = rho_of(values.y);
    if (!rc)
        kvr_sheet_put(&p->sheet, "letter", point->mark->series, letter, values);
    return rc;
}

static int put_floor(const struct plot *p, struct kvr_panel *a)
{
    const char *name = "uniform attention: the floor";
    double rho = kvr_quality_floor(p->fidelity)->mean[KVR_RHO];
    const struct kvr_spot from = {a->left, rho}, to = {a->right, rho};
    struct kvr_spot centre = {0, 0};
    kvr_sheet_row(p->sheet.out, &(struct kvr_row){.kind = "floor", .panel = p->sheet.panel,
                  .x = from.x, .y = rho, .low = to.x, .high = rho});
    int rc = line(a, from, to);
    if (!rc)
        rc = kvr_place_along(a, pixels_of(a, from.x, rho), pixels_of(a, to.x, rho),
                             kvr_text_pixels(name), &centre);
    struct kvr_spot at = kvr_panel_values(a, centre);
    at.y = rho_of(at.y);
    if (!rc)
        kvr_sheet_put(&p->sheet, "floor-name", 0, name, at);
    return rc;
}

static int put_panel(const struct plot *p, struct kvr_panel *a, struct point *points,
                     size_t count)
{
    qsort(points, count, sizeof *points, by_cost);
    int rc = put_points(p, a, points, count);
    if (!rc)
        rc = put_front(p, a, points, count);
    for (size_t i = 0; !rc && i < count; i++)
        rc = put_letter(p, a, &points[i]);
    if (!rc)
        rc = put_floor(p, a);
    free(a->discs);
    a->discs = NULL;
    a->disc_count = 0;
    return rc;
}

/* Whether the front of a place (quality_cases.h) holds the case of a mark. */
static bool on_front(const struct plot *p, const bool *front, const struct kvr_mark *m)
{
    for (size_t i = 0; i < p->quality.count; i++)
        if (front[i] && !strcmp(p->quality.cases[i].result->name, m->result->name) &&
            p->quality.cases[i].record == m->record)
            return true;
    return false;
}

static void put_axis(const struct plot *p, const char *name, double base)
{
    kvr_sheet_put(&p->sheet, "axis", 0, name, (struct kvr_spot){base, NAN});
}

static int put_time(struct plot *p, struct point *points, bool *front)
{
    const struct kvr_mark *end, *m;
    size_t count = 0;
    for (m = kvr_groups_begin_panel(&p->sheet, &p->groups, &p->time, &end); m < end; m++) {
        double value[3];
        kvr_median_interval(ns_of(m->result), m->result->result.ci95, value);
        points[count++] = (struct point){m, value[0], value[1], value[2], false,
                                         m->result->flags[0][0] || is_leaking(m)};
    }
    put_axis(p, "time a key (ns)", 10);
    size_t place = 0;
    for (size_t i = 0; i < p->quality.count && !place; i++)
        if (!strcmp(p->quality.cases[i].result->name, points[0].mark->result->name))
            place = p->quality.place[i];
    int rc = kvr_quality_front(&p->quality, place, front);
    for (size_t i = 0; !rc && i < count; i++)
        points[i].on_front = on_front(p, front, points[i].mark);
    return rc ? rc : put_panel(p, &p->time, points, count);
}

/* Neither bytes nor rho depend on the kernel and on where it ran: a format is one point. */
static int put_bytes(struct plot *p, struct point *points, bool *front)
{
    size_t count = 0;
    int rc = kvr_quality_front(&p->quality, 0, front);
    p->sheet.panel++;
    kvr_sheet_put_panel(&p->sheet, "one kernel of each format", &p->bytes);
    put_axis(p, "bytes a key", 2);
    for (size_t i = 0; i < p->groups.count; i++) {
        const struct kvr_mark *m = &p->groups.marks[i];
        double bytes = m->result->key_bytes;
        size_t k = 0;
        while (k < count && points[k].mark->result->closeness != m->result->closeness)
            k++;
        if (k == count)
            points[count++] = (struct point){m, bytes, bytes, bytes, on_front(p, front, m),
                                             is_leaking(m)};
    }
    return rc ? rc : put_panel(p, &p->bytes, points, count);
}

static int put_panels(struct plot *p)
{
    struct point *points = calloc(p->groups.count, sizeof *points);
    bool *front = calloc(p->quality.count, sizeof *front);
    int rc = points && front ? 0 : -ENOMEM;
    while (!rc && p->sheet.panel < p->groups.panels.count)
        rc = put_time(p, points, front);
    if (!rc)
        rc = put_bytes(p, points, front);
    free(points);
    free(front);
    return rc;
}

static int put_sheet(void *context)
{
    struct plot *p = context;
    const struct kvr_spot none = {NAN, NAN};
    size_t panels = p->groups.panels.count + 1;
    char text[KVR_SERIES_BYTES];
    kvr_sheet_header(&p->sheet);
    kvr_quality_source_text(p->fidelity, text, sizeof text);
    kvr_sheet_put(&p->sheet, "caption", 0, text, none);
    kvr_sheet_panel_size(panels, &p->time.width, &p->time.height);
    kvr_sheet_put(&p->sheet, "size", panels, NULL,
                  (struct kvr_spot){p->time.width, p->time.height});
    p->bytes.width = p->time.width;
    p->bytes.height = p->time.height;
    set_axes(p);
    int rc = put_panels(p);
    p->sheet.panel = 0;
    if (!rc)
        kvr_groups_put_legend(&p->sheet, &p->groups);
    return rc;
}

/* Records that hold the chosen cases alone, so that these are what is grouped. */
static int make_views(const struct plot *p, struct kvr_run_record *views)
{
    for (size_t i = 0; i < p->sheet.count; i++) {
        views[i] = p->sheet.records[i];
        views[i].results = calloc(p->quality.count, sizeof *views[i].results);
        views[i].result_count = 0;
        if (!views[i].results)
            return -ENOMEM;
        for (size_t k = 0; k < p->quality.count; k++)
            if (p->quality.cases[k].record == i)
                views[i].results[views[i].result_count++] = *p->quality.cases[k].result;
    }
    return 0;
}

static int draw(struct plot *p)
{
    static const struct kvr_grouping how = {
        .panel = KVR_TRAIT_PLACE | KVR_TRAIT_THREADS, .least = 1, .slot = ns_of,
        .series = KVR_TRAIT_SHAPE | KVR_TRAIT_RESIDENCY, .order = kvr_place_rank};
    const struct kvr_run_record *records = p->sheet.records;
    struct kvr_run_record views[KVR_SHEET_RESULTS] = {{0}};
    int rc = make_views(p, views);
    p->sheet.records = views;
    if (!rc)
        rc = kvr_groups_sheet(&p->sheet, &how, &p->groups, put_sheet, p);
    p->sheet.records = records;
    for (size_t i = 0; i < p->sheet.count; i++)
        free(views[i].results);
    return rc;
}

int kvr_plot_quality(FILE *out, const struct kvr_drawn *of)
{
    struct plot p = {.sheet = kvr_sheet_of(out, of->records, of->count)};
    for (size_t i = 0; i < p.sheet.count; i++)
        if (kvr_sheet_machine(&p.sheet, i))
            return -EXDEV;
    p.fidelity = of->count ? of->records[0].fidelity : NULL;
    if (!p.fidelity)
        return -ENODATA;
    int rc = kvr_quality_make(&p.sheet, &p.quality);
    if (!rc)
        rc = draw(&p);
    kvr_quality_free(&p.quality);
    return rc;
}
