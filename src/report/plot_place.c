/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plot_place.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "text.h"

enum { LETTER_PIXELS = 6, TEXT_RADIUS = 7, BESIDE_LINE = 8, STEP_PIXELS = 6 };
enum { OUTSIDE = 1000, FAR_COST = 10 }; /* of a conflict, in pixels */
/* Pixels between the places beside a line that are tried on each side, and how many. */
enum { CLOSE_STEP = 3, CLOSE_PLACES = 4, FAR_STEP = 2 * TEXT_RADIUS, FAR_PLACES = 3 };

double kvr_text_pixels(const char *text)
{
    return (double)(kvr_utf8_columns(text) * LETTER_PIXELS);
}

struct kvr_spot kvr_panel_pixels(const struct kvr_panel *p, double x, double y)
{
    double across = p->linear_x ? (x - p->left) / (p->right - p->left)
                                : log(x / p->left) / log(p->right / p->left);
    return (struct kvr_spot){p->width * across,
                             p->height * log(y / p->bottom) / log(p->top / p->bottom)};
}

double kvr_six_digits(double value)
{
    char text[40];
    snprintf(text, sizeof text, "%.6g", value);
    return strtod(text, NULL);
}

struct kvr_spot kvr_panel_values(const struct kvr_panel *p, struct kvr_spot pixels)
{
    double across = pixels.x / p->width;
    double x = p->linear_x ? p->left + across * (p->right - p->left)
                           : p->left * pow(p->right / p->left, across);
    double y = p->bottom * pow(p->top / p->bottom, pixels.y / p->height);
    return (struct kvr_spot){kvr_six_digits(x), kvr_six_digits(y)};
}

double kvr_panel_angle(struct kvr_spot from, struct kvr_spot to)
{
    return round(atan2(to.y - from.y, to.x - from.x) * 180 / acos(-1));
}

static int occupy(struct kvr_panel *p, struct kvr_spot at, double radius)
{
    struct kvr_disc *more = realloc(p->discs, (p->disc_count + 1) * sizeof *more);
    if (!more)
        return -ENOMEM;
    p->discs = more;
    p->discs[p->disc_count++] = (struct kvr_disc){at, radius};
    return 0;
}

int kvr_panel_occupy(struct kvr_panel *p, double x, double y, double radius)
{
    return occupy(p, kvr_panel_pixels(p, x, y), radius);
}

int kvr_panel_line(struct kvr_panel *p, struct kvr_spot from, struct kvr_spot to)
{
    struct kvr_spot a = kvr_panel_pixels(p, from.x, from.y), b = kvr_panel_pixels(p, to.x, to.y);
    double length = hypot(b.x - a.x, b.y - a.y);
    int rc = 0;
    for (double t = 0; !rc && t <= length; t += STEP_PIXELS)
        rc = occupy(p, (struct kvr_spot){a.x + t / length * (b.x - a.x),
                                         a.y + t / length * (b.y - a.y)}, 1);
    return rc;
}

int kvr_panel_point(struct kvr_panel *p, double x, const double value[3], double radius)
{
    int rc = kvr_panel_occupy(p, x, value[0], radius);
    if (!rc && value[1] < value[2])
        rc = kvr_panel_line(p, (struct kvr_spot){x, value[1]}, (struct kvr_spot){x, value[2]});
    return rc;
}

/* By how many pixels a disc reaches into others; much if it leaves the panel. */
static double conflict(const struct kvr_panel *p, struct kvr_spot at, double radius)
{
    double sum = 0;
    if (at.x < radius || at.y < radius || at.x > p->width - radius || at.y > p->height - radius)
        sum += OUTSIDE;
    for (size_t i = 0; i < p->disc_count; i++) {
        const struct kvr_disc *d = &p->discs[i];
        double gap = hypot(at.x - d->at.x, at.y - d->at.y) - radius - d->radius;
        sum += gap < 0 ? -gap : 0;
    }
    return sum;
}

/* The k-th disc of a text of this length and direction around its centre. */
static struct kvr_spot text_disc(struct kvr_spot centre, double length, struct kvr_spot direction,
                                 size_t k, size_t count)
{
    double along = count < 2 ? 0 : length * ((double)k / (double)(count - 1) - .5);
    return (struct kvr_spot){centre.x + along * direction.x, centre.y + along * direction.y};
}

static size_t text_discs(double length)
{
    return length < 2 * TEXT_RADIUS ? 1 : 2 + (size_t)(length / TEXT_RADIUS);
}

static double text_conflict(const struct kvr_panel *p, struct kvr_spot centre, double length,
                            struct kvr_spot direction)
{
    size_t n = text_discs(length);
    double sum = 0;
    for (size_t k = 0; k < n; k++)
        sum += conflict(p, text_disc(centre, length, direction, k, n), TEXT_RADIUS);
    return sum;
}

static int occupy_text(struct kvr_panel *p, struct kvr_spot centre, double length,
                       struct kvr_spot direction)
{
    size_t n = text_discs(length);
    int rc = 0;
    for (size_t k = 0; !rc && k < n; k++)
        rc = occupy(p, text_disc(centre, length, direction, k, n), TEXT_RADIUS);
    return rc;
}

static int place_along(struct kvr_panel *p, struct kvr_spot from, struct kvr_spot to,
                       double length, int step, int places, struct kvr_spot *centre)
{
    double line = hypot(to.x - from.x, to.y - from.y), least = INFINITY;
    struct kvr_spot d = {1, 0};
    if (line > 0)
        d = (struct kvr_spot){(to.x - from.x) / line, (to.y - from.y) / line};
    /* "Above" is up, whichever way the line is walked. */
    struct kvr_spot up = d.x < 0 ? (struct kvr_spot){d.y, -d.x} : (struct kvr_spot){-d.y, d.x};
    double first = length / 2 + TEXT_RADIUS, last = fmax(line - first, first);
    for (double along = first; along <= last; along += STEP_PIXELS)
        for (int k = 0; k < 2 * places; k++) {
            double far = k / 2 * (double)step;
            double side = (BESIDE_LINE + far) * (k % 2 ? -1 : 1);
            struct kvr_spot at = {from.x + along * d.x + side * up.x,
                                  from.y + along * d.y + side * up.y};
            double sum = text_conflict(p, at, length, d) + far * FAR_COST / FAR_STEP;
            if (sum < least) {
                least = sum;
                *centre = at;
            }
        }
    /* A line may be shorter than its name, the panel is not. */
    double half_x = fabs(d.x) * length / 2, half_y = fabs(d.y) * length / 2;
    centre->x = fmax(fmin(centre->x, p->width - half_x), half_x);
    centre->y = fmax(fmin(centre->y, p->height - half_y), half_y);
    return occupy_text(p, *centre, length, d);
}

int kvr_place_along(struct kvr_panel *p, struct kvr_spot from, struct kvr_spot to, double length,
                    struct kvr_spot *centre)
{
    return place_along(p, from, to, length, CLOSE_STEP, CLOSE_PLACES, centre);
}

int kvr_place_near(struct kvr_panel *p, struct kvr_spot from, struct kvr_spot to, double length,
                   struct kvr_spot *centre)
{
    return place_along(p, from, to, length, FAR_STEP, FAR_PLACES, centre);
}

int kvr_place_beside(struct kvr_panel *p, struct kvr_spot point, double length,
                     struct kvr_spot *centre)
{
    static const struct kvr_spot sides[] = {{1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}};
    const struct kvr_spot level = {1, 0};
    double least = INFINITY;
    for (double far = 1; far < 3; far += .5)
        for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
            double reach = far * (TEXT_RADIUS + 6 + (length > 2 * TEXT_RADIUS ? length / 2 : 0));
            struct kvr_spot at = {point.x + sides[i].x * reach,
                                  point.y + sides[i].y * far * 2 * TEXT_RADIUS};
            /* A letter far from its point would be taken for another's. */
            double sum = text_conflict(p, at, length, level) + FAR_COST * (far - 1);
            if (sum < least) {
                least = sum;
                *centre = at;
            }
        }
    return occupy_text(p, *centre, length, level);
}
