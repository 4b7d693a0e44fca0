/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The series in which crossings are looked for. Only for crossings.c.
 */
#ifndef KVR_CROSSINGS_SERIES_H
#define KVR_CROSSINGS_SERIES_H

#include "../measure/stats.h"
#include "../report/record.h"

enum { KVR_AXES = 7, KVR_CROSSING_KINDS = 3 };

/* Which working sets are the same place in memory. */
enum kvr_place { KVR_PLACE_EQUAL, KVR_PLACE_PER_THREAD };

struct kvr_axis {
    const char *name; /* the field of a result */
    size_t offset;
    const char *before, *after;           /* of a value in a sentence */
    const char *name_before, *name_after; /* of the value in a case's name */
    enum kvr_place place;
};
extern const struct kvr_axis kvr_axes[KVR_AXES];

struct kvr_crossing_kind {
    const char *what, *ratio; /* stored; in a sentence */
    /* False: this case has no such ratio. */
    bool (*take)(const struct kvr_result *result, struct kvr_estimate *ratio);
    bool of_verdict; /* an undecided verdict makes it doubtful */
};
extern const struct kvr_crossing_kind kvr_crossing_kinds[KVR_CROSSING_KINDS];

struct kvr_point {
    double x;
    struct kvr_estimate ratio; /* above 0, and so is its interval */
    const struct kvr_result *of;
};

/* A measured case with a value on the axis. */
bool kvr_series_counts(const struct kvr_result *result, const struct kvr_axis *axis);

/* The cases of first's series with such a ratio, by their value on the axis; 0 if an earlier case
 * is in it, too. `points` has room for every result of the record. */
size_t kvr_series_collect(const struct kvr_run_record *record, size_t first,
                          const struct kvr_axis *axis, const struct kvr_crossing_kind *kind,
                          struct kvr_point *points);

/* The name of its last case with * in the part of the axis, and in that of the working set where it
 * varies. */
void kvr_series_name(const struct kvr_axis *axis, const struct kvr_point *points, size_t count,
                     char *name, size_t bytes);

#endif
