/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * roofline: a panel for each kind of work, with its roofs and the cases that do it.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot_roofs.h"
#include "plotdata.h"
#include "table.h"
#include "text.h"

/* What a point takes, and how near another point shares its letter; pixels. */
enum { POINT_RADIUS = 6, SAME_LETTER = 15 };

static const struct {
    const char *title, *x, *y;
} works[KVR_WORK_KINDS] = {
    {"Floating-point operations", "FLOP per byte of keys", "GFLOP/s"},
    {"Table look-ups", "look-ups per byte of keys", "G look-ups/s"},
    {"Integer operations", "integer operations per byte of keys", "Gop/s"},
};

struct point {
    const struct kvr_result *result;
    size_t kernel, place;
    double intensity, rate[3]; /* 1e9/s: median, low, high */
    bool lettered;             /* a letter stands beside it */
};

struct roofline {
    struct kvr_sheet sheet;
    struct kvr_plot_case *cases;
    size_t case_count;
    struct kvr_traits traits;
    struct kvr_names kernels, places;
    struct kvr_roofs bandwidth, rates; /* rates: of the panel being written */
    struct point *points;              /* of the panel being written */
    size_t point_count, phased, workless; /* the last two: cases that no panel can show */
    struct kvr_panel panel;
};

/* ---- which case stands in which panel ---- */

static double operations(const struct kvr_result *r, enum kvr_work_kind work)
{
    double count = work == KVR_WORK_FLOPS     ? r->cost.executed_flops
                   : work == KVR_WORK_LOOKUPS ? r->cost.lookups
                                              : r->cost.int_ops;
    return isfinite(count) && count > 0 ? count : 0;
}

/* What is done in several phases has no one intensity: the time is that of all of them, operations
 * and bytes are those of the scan. */
static bool has_phases(const struct kvr_result *r)
{
    return strcmp(r->op, "scan") || (r->round_count && r->rounds[0].e_ns > 0);
}

/* A kind of work that is less than a tenth of what a case does says nothing about it, and integer
 * additions that only sum what was looked up are counted as look-ups. */
static bool does(const struct kvr_result *r, enum kvr_work_kind work)
{
    double most = 0, count = operations(r, work);
    if (has_phases(r))
        return false;
    for (int k = 0; k < KVR_WORK_KINDS; k++)
        most = fmax(most, operations(r, (enum kvr_work_kind)k));
    if (work == KVR_WORK_INTS && count <= r->cost.lookups)
        return false;
    return r->cost.stream_bytes > 0 && count > 0 && count >= most / 10;
}

static size_t cases_that_do(const struct roofline *f, enum kvr_work_kind work)
{
    size_t n = 0;
    for (size_t i = 0; i < f->case_count; i++)
        n += does(f->cases[i].result, work);
    return n;
}

static int name_case(struct roofline *f, const struct kvr_plot_case *c, bool counted,
                     struct point *p)
{
    char kernel[KVR_SERIES_BYTES], place[KVR_SERIES_BYTES];
    kvr_kernel_text(c->result, kernel, sizeof kernel);
    kvr_traits_text(&f->traits, c->result, KVR_TRAIT_KERNEL, kernel, sizeof kernel);
    *place = 0;
    kvr_traits_text(&f->traits, c->result, KVR_TRAIT_PLACE | KVR_TRAIT_THREADS, place,
                    sizeof place);
    char whose[32], full[KVR_SERIES_BYTES + 48];
    kvr_sheet_ordinal(&f->sheet, c->record, whose, sizeof whose);
    snprintf(full, sizeof full, "%s%s%s", whose, *place ? place : "measured",
             counted ? ", by counters" : "");
    p->kernel = kvr_names_number(&f->kernels, kernel);
    p->place = kvr_names_number(&f->places, full);
    return p->kernel && p->place ? 0 : -ENOMEM;
}

/* The same case by what was counted, a series of its own: other marks. */
static int take_counted(struct roofline *f, const struct kvr_plot_case *c)
{
    const struct kvr_counter_record *flops = kvr_result_counter(c->result, "flops");
    const struct kvr_counter_record *bytes = kvr_result_counter(c->result, "memory-bytes");
    if (!flops || !bytes || !(flops->value > 0) || !(bytes->value > 0))
        return 0;
    struct point *p = &f->points[f->point_count];
    *p = (struct point){.result = c->result, .intensity = flops->value / bytes->value};
    kvr_rate_interval(&c->result->result, flops->value / c->result->result.ns_per_key, p->rate);
    f->point_count++;
    return name_case(f, c, true, p);
}

static int take_points(struct roofline *f, enum kvr_work_kind work)
{
    f->point_count = 0;
    for (size_t i = 0; i < f->case_count; i++) {
        const struct kvr_result *r = f->cases[i].result;
        if (!does(r, work))
            continue;
        struct point *p = &f->points[f->point_count];
        *p = (struct point){.result = r,
                            .intensity = operations(r, work) / r->cost.stream_bytes};
        double stored = work == KVR_WORK_FLOPS     ? r->result.flops_per_s
                        : work == KVR_WORK_LOOKUPS ? r->result.lookups_per_s
                                                   : NAN;
        double rate = isfinite(stored) ? stored / 1e9
                                       : operations(r, work) / r->tokens / r->result.ns_per_key;
        kvr_rate_interval(&r->result, rate, p->rate);
        if (name_case(f, &f->cases[i], false, p))
            return -ENOMEM;
        f->point_count++;
        if (work == KVR_WORK_FLOPS && take_counted(f, &f->cases[i]))
            return -ENOMEM;
    }
    return 0;
}

/* ---- axes ---- */

/* Room for every point, for the ridges, and left of them for the names of the diagonals. */
static void set_axes(struct roofline *f)
{
    struct kvr_panel *a = &f->panel;
    const struct kvr_roofs *b = &f->bandwidth, *r = &f->rates;
    double left = INFINITY, right = 0, bottom = INFINITY, top = 0;
    for (size_t i = 0; i < f->point_count; i++) {
        const struct point *p = &f->points[i];
        left = fmin(left, p->intensity);
        right = fmax(right, p->intensity);
        bottom = fmin(bottom, p->rate[1]);
        top = fmax(top, p->rate[2]);
    }
    double roof = r->count ? r->roofs[0].value : 0;
    if (roof > 0 && b->count) {
        left = fmin(left, roof / b->roofs[0].value);
        right = fmax(right, roof / b->roofs[b->count - 1].value);
    }
    if (!(right > 0))
        left = .5, right = 5;
    a->left = left / 5;
    a->right = right * 4;
    if (b->count)
        bottom = fmin(bottom, b->roofs[b->count - 1].value * a->left);
    if (!f->point_count && !b->count)
        bottom = roof / 100;
    a->bottom = bottom / 1.6;
    a->top = 2 * fmax(fmax(top, roof), a->bottom * 10);
}

/* ---- rows ---- */

static void put_line(struct roofline *f, const char *kind, const struct kvr_roof *roof,
                     size_t series, struct kvr_spot from, struct kvr_spot to)
{
    kvr_sheet_row(f->sheet.out, &(struct kvr_row){.kind = kind, .name = roof->what,
                  .panel = f->sheet.panel, .series = series, .x = from.x, .y = from.y, .low = to.x,
                  .high = to.y});
}

/* Lines of equal numbers of threads are dashed alike. */
static size_t rank_of_threads(const struct kvr_roofs *roofs, uint32_t threads)
{
    size_t rank = 1;
    for (size_t i = 0; i < roofs->count; i++) {
        bool seen = roofs->roofs[i].threads >= threads;
        for (size_t k = 0; !seen && k < i; k++)
            seen = roofs->roofs[k].threads == roofs->roofs[i].threads;
        rank += !seen;
    }
    return rank;
}

static int put_label(struct roofline *f, const char *kind, const struct kvr_roof *roof,
                     struct kvr_spot from, struct kvr_spot to)
{
    struct kvr_panel *a = &f->panel;
    struct kvr_spot centre = {0, 0};
    char name[KVR_SERIES_BYTES];
    snprintf(name, sizeof name, "%s%.300s", roof->whose, roof->what);
    int rc = kvr_place_along(a, kvr_panel_pixels(a, from.x, from.y),
                             kvr_panel_pixels(a, to.x, to.y), kvr_text_pixels(name), &centre);
    if (!rc)
        kvr_sheet_put(&f->sheet, kind, 0, name, kvr_panel_values(a, centre));
    return rc;
}

/* A rate begins at the fastest bandwidth, a bandwidth ends at the highest rate. */
static void ends_of(const struct roofline *f, const struct kvr_roof *roof, bool rate,
                    struct kvr_spot ends[2])
{
    const struct kvr_panel *a = &f->panel;
    const struct kvr_roofs *b = &f->bandwidth, *r = &f->rates;
    double v = roof->value;
    if (rate) {
        ends[0] = (struct kvr_spot){b->count ? fmax(v / b->roofs[0].value, a->left) : a->left, v};
        ends[1] = (struct kvr_spot){a->right, v};
    } else {
        double x = fmax(a->left, a->bottom / v);
        double end = fmin(a->right, (r->count ? r->roofs[0].value : a->top) / v);
        ends[0] = (struct kvr_spot){x, x * v};
        ends[1] = (struct kvr_spot){end, end * v};
    }
}

static int put_roofs(struct roofline *f)
{
    const struct kvr_roofs *b = &f->bandwidth, *r = &f->rates;
    struct kvr_spot ends[2];
    size_t n = r->count + b->count;
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++) { /* all lines first: no name hides one */
        bool rate = i < r->count;
        const struct kvr_roof *roof = rate ? &r->roofs[i] : &b->roofs[i - r->count];
        ends_of(f, roof, rate, ends);
        put_line(f, rate ? "rate" : "bandwidth", roof,
                 rank_of_threads(rate ? r : b, roof->threads), ends[0], ends[1]);
        rc = kvr_panel_line(&f->panel, ends[0], ends[1]);
    }
    for (size_t i = 0; !rc && i < n; i++) {
        bool rate = i < r->count;
        const struct kvr_roof *roof = rate ? &r->roofs[i] : &b->roofs[i - r->count];
        ends_of(f, roof, rate, ends);
        rc = put_label(f, rate ? "rate-name" : "bandwidth-name", roof, ends[rate], ends[!rate]);
    }
    return rc;
}

/* Kernels are named by letters: one for points of a kernel that lie together. */
static int put_letter(struct roofline *f, struct point *p)
{
    struct kvr_panel *a = &f->panel;
    struct kvr_spot at = kvr_panel_pixels(a, p->intensity, p->rate[0]);
    for (size_t i = 0; i < f->point_count; i++) {
        const struct point *o = &f->points[i];
        struct kvr_spot there = kvr_panel_pixels(a, o->intensity, o->rate[0]);
        if (o->lettered && o->kernel == p->kernel &&
            hypot(there.x - at.x, there.y - at.y) < SAME_LETTER)
            return 0;
    }
    p->lettered = true;
    return kvr_sheet_put_letter(&f->sheet, a, p->kernel, at);
}

static int put_points(struct roofline *f)
{
    int rc = 0;
    for (size_t i = 0; i < f->point_count; i++) {
        const struct point *p = &f->points[i];
        kvr_sheet_put_point(&f->sheet, "point", p->place, p->result, p->intensity, p->rate);
    }
    for (size_t i = 0; !rc && i < f->point_count; i++)
        rc = put_letter(f, &f->points[i]);
    return rc;
}

static int put_panel(struct roofline *f, enum kvr_work_kind work, const struct kvr_spot *size)
{
    int rc = take_points(f, work);
    if (rc)
        return rc;
    f->panel = (struct kvr_panel){.width = size->x, .height = size->y};
    f->sheet.panel++;
    set_axes(f);
    kvr_sheet_put_panel(&f->sheet, works[work].title, &f->panel);
    const struct kvr_spot none = {NAN, NAN};
    kvr_sheet_put(&f->sheet, "x", 0, works[work].x, none);
    kvr_sheet_put(&f->sheet, "y", 0, works[work].y, none);
    for (size_t i = 0; !rc && i < f->point_count; i++)
        rc = kvr_panel_point(&f->panel, f->points[i].intensity, f->points[i].rate, POINT_RADIUS);
    if (!rc)
        rc = put_roofs(f);
    if (!rc)
        rc = put_points(f);
    for (size_t i = 0; i < f->rates.count; i++) {
        const struct kvr_roof *roof = &f->rates.roofs[i];
        char note[KVR_SERIES_BYTES];
        snprintf(note, sizeof note, "%s%.300s", roof->whose, roof->how);
        if (roof->how[0])
            kvr_sheet_put(&f->sheet, "note", 0, note, none);
    }
    free(f->panel.discs);
    return rc;
}

/* ---- the sheet ---- */

static void put_left_out(struct roofline *f, size_t count, const char *why)
{
    char text[KVR_SERIES_BYTES];
    snprintf(text, sizeof text, "not drawn: %zu case%s: %s", count, count == 1 ? "" : "s", why);
    if (count)
        kvr_sheet_put(&f->sheet, "note", 0, text, (struct kvr_spot){NAN, NAN});
}

static void put_names(struct roofline *f)
{
    const struct kvr_spot none = {NAN, NAN};
    char letter[24], text[KVR_SERIES_BYTES + 32];
    f->sheet.panel = 0; /* these rows belong to none */
    for (size_t i = 0; i < f->kernels.count; i++) {
        kvr_names_letter(i + 1, letter, sizeof letter);
        snprintf(text, sizeof text, "%s  %s", letter, f->kernels.text[i]);
        kvr_sheet_put(&f->sheet, "kernel", i + 1, text, none);
    }
    for (size_t i = 0; i < f->places.count; i++)
        kvr_sheet_put(&f->sheet, "place", i + 1, f->places.text[i], none);
    kvr_traits_common(&f->traits, f->cases, f->case_count, text, sizeof text);
    if (*text)
        kvr_sheet_put(&f->sheet, "common", 0, text, none);
    put_left_out(f, f->phased, "a step, an attention and a scan of keys that are copied first run "
                 "in phases, which share no one intensity");
    put_left_out(f, f->workless, "its operations and bytes are not known");
}

static int put_sheet(struct roofline *f, bool any)
{
    struct kvr_spot size;
    bool shown[KVR_WORK_KINDS];
    size_t count = 0;
    int rc = 0;
    kvr_sheet_header(&f->sheet);
    for (int k = 0; !rc && k < KVR_WORK_KINDS; k++) {
        /* Roofs alone are a picture of the machine. */
        rc = any ? 0 : kvr_roofs_rate(&f->sheet, (enum kvr_work_kind)k, &f->rates);
        shown[k] = any ? cases_that_do(f, (enum kvr_work_kind)k) > 0 : f->rates.count || !k;
        count += shown[k];
        f->rates.count = 0;
    }
    kvr_sheet_panel_size(count, &size.x, &size.y);
    kvr_sheet_row(f->sheet.out, &(struct kvr_row){.kind = "size", .series = count, .x = size.x,
                  .y = size.y, .low = NAN, .high = NAN});
    for (int k = 0; !rc && k < KVR_WORK_KINDS; k++) {
        f->rates.count = 0;
        rc = shown[k] ? kvr_roofs_rate(&f->sheet, (enum kvr_work_kind)k, &f->rates) : 0;
        if (!rc && shown[k])
            rc = put_panel(f, (enum kvr_work_kind)k, &size);
    }
    if (!rc)
        put_names(f);
    return rc;
}

int kvr_plot_roofline(FILE *out, const struct kvr_drawn *of)
{
    struct roofline f = {.sheet = kvr_sheet_of(out, of->records, of->count)};
    bool any = false;
    int rc;
    struct kvr_numeric numeric = kvr_numeric_c();
    errno = 0;
    f.cases = kvr_plot_cases(&f.sheet, &f.case_count, &rc);
    size_t kept = 0;
    for (size_t i = 0; i < f.case_count; i++) {
        bool kinds = false;
        for (int k = 0; k < KVR_WORK_KINDS; k++)
            kinds |= does(f.cases[i].result, (enum kvr_work_kind)k);
        f.phased += has_phases(f.cases[i].result);
        f.workless += !kinds && !has_phases(f.cases[i].result);
        f.cases[kept] = f.cases[i];
        kept += kinds;
    }
    f.case_count = kept;
    any = kept > 0;
    kvr_traits_of(f.cases, kept, &f.traits);
    f.points = kept ? malloc(2 * kept * sizeof *f.points) : NULL; /* a case may be counted, too */
    if (kept && !f.points)
        rc = -ENOMEM;
    if (!rc)
        rc = kvr_roofs_bandwidth(&f.sheet, f.cases, kept, &f.bandwidth);
    if (!rc && !any && !f.bandwidth.count)
        rc = -ENODATA;
    if (!rc)
        rc = put_sheet(&f, any);
    if (!rc)
        rc = kvr_sheet_end(out);
    kvr_numeric_restore(numeric);
    free(f.cases);
    free(f.points);
    free(f.kernels.text);
    free(f.places.text);
    free(f.bandwidth.roofs);
    free(f.rates.roofs);
    return rc;
}
