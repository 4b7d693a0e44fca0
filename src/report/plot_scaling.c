/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * scaling: a panel for each level, with the cases that were measured at several numbers of threads.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot_sheet.h"
#include "plotdata.h"
#include "table.h"
#include "text.h"

enum { POINT_RADIUS = 6 };

/* A case at one number of threads. Points of one series have one number and follow each other. */
struct point {
    const struct kvr_plot_case *of;
    size_t series; /* from 1; numbered over all panels */
    double gb[3], roof; /* GB/s: median, low, high; of M, NAN unknown */
};

struct scaling {
    struct kvr_sheet sheet;
    struct kvr_plot_case *cases, *drawn; /* usable; of the points */
    struct kvr_traits traits;
    struct point *points;
    size_t case_count, point_count, series;
    struct kvr_names levels, names; /* of panels, of series */
    struct kvr_panel panel;
};

/* ---- series ---- */

/* Names of cases are unique; those of one series differ in the part "/2t/" alone. */
static bool same_series(const struct kvr_plot_case *a, const struct kvr_plot_case *b)
{
    char part_a[24], part_b[24];
    const struct kvr_result *x = a->result, *y = b->result;
    snprintf(part_a, sizeof part_a, "/%ut/", x->threads);
    snprintf(part_b, sizeof part_b, "/%ut/", y->threads);
    const char *cut_x = strstr(x->name, part_a), *cut_y = strstr(y->name, part_b);
    return a->record == b->record && cut_x && cut_y && !strcmp(x->level, y->level) &&
           cut_x - x->name == cut_y - y->name &&
           !strncmp(x->name, y->name, (size_t)(cut_x - x->name)) &&
           !strcmp(cut_x + strlen(part_a), cut_y + strlen(part_b));
}

static void add_point(struct scaling *s, const struct kvr_plot_case *c)
{
    const struct kvr_op_result *o = &c->result->result;
    struct point *p = &s->points[s->point_count++];
    *p = (struct point){.of = c, .series = s->series, .roof = NAN};
    kvr_rate_interval(o, o->gb_per_s, p->gb);
    if (o->m_ns_per_key > 0)
        p->roof = o->gb_per_s * o->ns_per_key / o->m_ns_per_key;
}

/* The case of a series with the next higher number of threads; NULL after the last. */
static const struct kvr_plot_case *next_case(const struct scaling *s,
                                             const struct kvr_plot_case *like, uint32_t above)
{
    const struct kvr_plot_case *next = NULL;
    for (size_t i = 0; i < s->case_count; i++) {
        const struct kvr_plot_case *c = &s->cases[i];
        if (c->result->threads > above && same_series(like, c) &&
            (!next || c->result->threads < next->result->threads))
            next = c;
    }
    return next;
}

static void take_series(struct scaling *s, size_t first)
{
    const struct kvr_plot_case *like = &s->cases[first], *c = NULL;
    size_t count = 0;
    for (size_t i = 0; i < first; i++)
        if (same_series(like, &s->cases[i]))
            return;
    for (uint32_t above = 0; (c = next_case(s, like, above)); count++)
        above = c->result->threads;
    if (count < 2)
        return;
    s->series++;
    for (uint32_t above = 0; (c = next_case(s, like, above)); above = c->result->threads)
        add_point(s, c);
}

static bool usable(const struct kvr_result *r)
{
    return r->result.gb_per_s > 0 && isfinite(r->result.gb_per_s) && r->level[0];
}

static int take_points(struct scaling *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->case_count; i++)
        if (usable(s->cases[i].result))
            s->cases[kept++] = s->cases[i];
    s->case_count = kept;
    s->points = kept ? malloc(kept * sizeof *s->points) : NULL;
    if (!kept)
        return -ENODATA;
    if (!s->points)
        return -ENOMEM;
    for (size_t i = 0; i < kept; i++)
        take_series(s, i);
    if (!s->point_count)
        return -ENODATA;
    /* What is drawn decides what its legend has to tell apart. */
    s->drawn = malloc(s->point_count * sizeof *s->drawn);
    if (!s->drawn)
        return -ENOMEM;
    for (size_t i = 0; i < s->point_count; i++)
        s->drawn[i] = *s->points[i].of;
    kvr_traits_of(s->drawn, s->point_count, &s->traits);
    return 0;
}

static int name_series(struct scaling *s)
{
    for (size_t i = 0; i < s->point_count; i++) {
        const struct kvr_plot_case *c = s->points[i].of;
        char text[KVR_SERIES_BYTES], full[KVR_SERIES_BYTES + 32], whose[32];
        if (!kvr_names_number(&s->levels, c->result->level))
            return -ENOMEM;
        if (i && s->points[i - 1].series == s->points[i].series)
            continue;
        kvr_kernel_text(c->result, text, sizeof text);
        kvr_traits_text(&s->traits, c->result,
                        KVR_TRAIT_KERNEL | KVR_TRAIT_PLACE | KVR_TRAIT_BYTES, text, sizeof text);
        kvr_sheet_ordinal(&s->sheet, c->record, whose, sizeof whose);
        snprintf(full, sizeof full, "%s%s", whose, text);
        /* Equal texts keep their own numbers: series are told apart by more than a legend says. */
        void *more = realloc(s->names.text, (s->names.count + 1) * sizeof *s->names.text);
        if (!more)
            return -ENOMEM;
        s->names.text = more;
        kvr_utf8_copy(s->names.text[s->names.count++], sizeof *s->names.text, full);
    }
    return 0;
}

/* ---- rows ---- */

static bool in_panel(const struct scaling *s, const struct point *p)
{
    return !strcmp(p->of->result->level, s->levels.text[s->sheet.panel - 1]);
}

static void set_axes(struct scaling *s)
{
    struct kvr_panel *a = &s->panel;
    double least = INFINITY, most = 0, bottom = INFINITY, top = 0;
    for (size_t i = 0; i < s->point_count; i++) {
        const struct point *p = &s->points[i];
        double threads = p->of->result->threads;
        least = fmin(least, threads);
        most = fmax(most, threads);
        if (!in_panel(s, p))
            continue;
        bottom = fmin(bottom, p->gb[1]);
        top = fmax(top, fmax(p->gb[2], p->roof)); /* a NAN is no maximum */
    }
    a->left = least / 1.25;
    /* Letters stand right of the last points. */
    a->right = kvr_six_digits(most * pow(most / least, .25) * 1.1);
    a->bottom = bottom / 1.5;
    a->top = top * 1.8;
}

/* The best M of the drawn cases of a record at this many threads; NAN if unknown. */
static double roof_at(const struct scaling *s, size_t record, uint32_t threads)
{
    double best = NAN;
    for (size_t i = 0; i < s->point_count; i++) {
        const struct point *p = &s->points[i];
        if (in_panel(s, p) && p->of->record == record && p->of->result->threads == threads)
            best = fmax(best, p->roof);
    }
    return best;
}

/* The next higher number of threads at which M of a record is known; 0 after the last. */
static uint32_t next_roof(const struct scaling *s, size_t record, uint32_t above)
{
    uint32_t next = 0;
    for (size_t i = 0; i < s->point_count; i++) {
        uint32_t t = s->points[i].of->result->threads;
        if (t > above && (!next || t < next) && isfinite(roof_at(s, record, t)))
            next = t;
    }
    return next;
}

static int put_roof(struct scaling *s, size_t record)
{
    char whose[32], name[KVR_SERIES_BYTES];
    struct kvr_spot last = {NAN, NAN}, first = {NAN, NAN}, centre = {0, 0};
    int rc = 0;
    kvr_sheet_ordinal(&s->sheet, record, whose, sizeof whose);
    snprintf(name, sizeof name, "%sbest reader", whose);
    for (uint32_t t = next_roof(s, record, 0); t && !rc; t = next_roof(s, record, t)) {
        struct kvr_spot at = {t, roof_at(s, record, t)};
        kvr_sheet_put(&s->sheet, "roof", record + 1, name, at);
        if (isfinite(last.x))
            rc = kvr_panel_line(&s->panel, last, at);
        else
            first = at;
        last = at;
    }
    if (rc || !isfinite(first.x))
        return rc;
    rc = kvr_place_beside(&s->panel, kvr_panel_pixels(&s->panel, first.x, first.y),
                          kvr_text_pixels(name), &centre);
    if (!rc)
        kvr_sheet_put(&s->sheet, "roof-name", record + 1, name,
                      kvr_panel_values(&s->panel, centre));
    return rc;
}

static void put_series(const struct scaling *s, size_t first)
{
    const struct point *p = &s->points[first], *start = p;
    for (; p < s->points + s->point_count && p->series == start->series; p++)
        kvr_sheet_put_point(&s->sheet, "point", p->series, p->of->result, p->of->result->threads,
                            p->gb);
    for (p = start; p < s->points + s->point_count && p->series == start->series; p++) {
        double times = (double)p->of->result->threads / start->of->result->threads;
        struct kvr_spot at = {p->of->result->threads, start->gb[0] * times};
        kvr_sheet_put(&s->sheet, "linear", p->series, NULL, at);
    }
}

static int put_panel(struct scaling *s, double width, double height)
{
    int rc = 0;
    s->panel = (struct kvr_panel){.width = width, .height = height};
    s->sheet.panel++;
    set_axes(s);
    kvr_sheet_put_panel(&s->sheet, s->levels.text[s->sheet.panel - 1], &s->panel);
    for (size_t i = 0; !rc && i < s->point_count; i++) {
        const struct point *p = &s->points[i];
        if (!in_panel(s, p))
            continue;
        if (!i || p[-1].series != p->series)
            put_series(s, i);
        rc = kvr_panel_point(&s->panel, p->of->result->threads, p->gb, POINT_RADIUS);
    }
    for (size_t i = 0; !rc && i < s->sheet.count; i++)
        rc = put_roof(s, i);
    for (size_t i = 0; !rc && i < s->point_count; i++) {
        const struct point *p = &s->points[i];
        if (in_panel(s, p) && (i + 1 == s->point_count || p[1].series != p->series))
            rc = kvr_sheet_put_letter(&s->sheet, &s->panel, p->series, /* beside its last point */
                                      kvr_panel_pixels(&s->panel, p->of->result->threads,
                                                       p->gb[0]));
    }
    free(s->panel.discs);
    return rc;
}

static int put_sheet(struct scaling *s)
{
    char text[KVR_SERIES_BYTES + 32], letter[24];
    double width, height;
    int rc = name_series(s);
    kvr_sheet_header(&s->sheet);
    kvr_sheet_panel_size(s->levels.count, &width, &height);
    kvr_sheet_row(s->sheet.out, &(struct kvr_row){.kind = "size", .series = s->levels.count,
                  .x = width, .y = height, .low = NAN, .high = NAN});
    while (!rc && s->sheet.panel < s->levels.count)
        rc = put_panel(s, width, height);
    const struct kvr_spot none = {NAN, NAN};
    s->sheet.panel = 0; /* these rows belong to none */
    for (size_t i = 0; !rc && i < s->names.count; i++) {
        kvr_names_letter(i + 1, letter, sizeof letter);
        snprintf(text, sizeof text, "%s  %s", letter, s->names.text[i]);
        kvr_sheet_put(&s->sheet, "series", i + 1, text, none);
    }
    kvr_traits_common(&s->traits, s->drawn, s->point_count, text, sizeof text);
    if (!rc && *text)
        kvr_sheet_put(&s->sheet, "common", 0, text, none);
    return rc;
}

int kvr_plot_scaling(FILE *out, const struct kvr_drawn *of)
{
    struct scaling s = {.sheet = kvr_sheet_of(out, of->records, of->count)};
    struct kvr_numeric numeric = kvr_numeric_c();
    int rc;
    errno = 0;
    s.cases = kvr_plot_cases(&s.sheet, &s.case_count, &rc);
    if (!rc)
        rc = take_points(&s);
    if (!rc)
        rc = put_sheet(&s);
    if (!rc)
        rc = kvr_sheet_end(out);
    kvr_numeric_restore(numeric);
    free(s.cases);
    free(s.drawn);
    free(s.points);
    free(s.levels.text);
    free(s.names.text);
    return rc;
}
