/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where texts stand in a panel (log-log, or log over places) so that they hide neither points nor
 * each other. Positions are in pixels from the lower left corner; everything that takes room is a
 * chain of discs, which makes texts of any angle comparable. Only for src/report.
 */
#ifndef KVR_PLOT_PLACE_H
#define KVR_PLOT_PLACE_H

#include <stdbool.h>
#include <stddef.h>

struct kvr_spot { double x, y; };
struct kvr_disc { struct kvr_spot at; double radius; };

struct kvr_panel {
    double left, right, bottom, top; /* of the axes, all above 0 */
    bool linear_x;                   /* for an x axis of places instead of figures */
    double width, height;            /* pixels; a script may scale both alike */
    struct kvr_disc *discs;          /* owned; freed by the caller */
    size_t disc_count;
};

/* Pixels that a text takes in the script's small font. */
double kvr_text_pixels(const char *text);

struct kvr_spot kvr_panel_pixels(const struct kvr_panel *panel, double x, double y);
/* Six digits of a value: where a text stands does not depend on a mathematical library's last. */
double kvr_six_digits(double value);
/* The way back: the axes' values at a pixel, in six digits. */
struct kvr_spot kvr_panel_values(const struct kvr_panel *panel, struct kvr_spot pixels);

/* Whole degrees of a line between two pixels. */
double kvr_panel_angle(struct kvr_spot from, struct kvr_spot to);

/* Something that texts must not hide. 0 or -ENOMEM. */
int kvr_panel_occupy(struct kvr_panel *panel, double x, double y, double radius);

/* The same of a point (its value, low, high) and the bar of its interval. */
int kvr_panel_point(struct kvr_panel *panel, double x, const double value[3], double radius);

/* The same of a line between two places of the axes. */
int kvr_panel_line(struct kvr_panel *panel, struct kvr_spot from, struct kvr_spot to);

/* A text of `length` pixels along the line from `from` to `to` (pixels), close above it or, where
 * that is less in the way, below: as near to `from` as is free. 0 or -ENOMEM. */
int kvr_place_along(struct kvr_panel *panel, struct kvr_spot from, struct kvr_spot to,
                    double length, struct kvr_spot *centre);

/* The same, but not only just above and below: for a line that many points stand around. */
int kvr_place_near(struct kvr_panel *panel, struct kvr_spot from, struct kvr_spot to,
                   double length, struct kvr_spot *centre);

/* A letter or two beside a point that is occupied already. 0 or -ENOMEM. */
int kvr_place_beside(struct kvr_panel *panel, struct kvr_spot point, double length,
                     struct kvr_spot *centre);

#endif
