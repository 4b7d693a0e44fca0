/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the pictures share: fields and rows of a TSV, captions, the cases of several records, and
 * how a case is named among others. Only for src/report; callers have set the numeric locale.
 */
#ifndef KVR_PLOT_SHEET_H
#define KVR_PLOT_SHEET_H

#include <stdio.h>

#include "record.h"

enum { KVR_SERIES_BYTES = 400 };

struct kvr_sheet {
    FILE *out;
    const struct kvr_run_record *records;
    size_t count;
};

/* A field without what gnuplot would take for a quote; a tab and a number. */
void kvr_sheet_field(FILE *out, const char *text);
void kvr_sheet_number(FILE *out, double value);
/* Which record something belongs to: "2: ", its place among the captions; "" where there is only
 * one. A label could be too long for a panel. */
void kvr_sheet_ordinal(const struct kvr_sheet *sheet, size_t index, char *text, size_t bytes);
/* Flushes. 0 or -errno; errno was 0 when the sheet was begun. */
int kvr_sheet_end(FILE *out);
/* The first record of the same machine: records of one machine share its roofs and caches. */
size_t kvr_sheet_machine(const struct kvr_sheet *sheet, size_t index);
/* The ordinal of a machine; "" where there is only one. */
void kvr_sheet_machine_prefix(const struct kvr_sheet *sheet, size_t machine, char *text,
                              size_t bytes);

/* A row of the pictures that have panels; their scripts say what a kind means by x, y, low and
 * high. NAN is an empty field. */
struct kvr_row {
    const char *kind, *name;
    size_t panel, series;
    double x, y, low, high;
    bool flagged;
};
void kvr_sheet_header(const struct kvr_sheet *sheet); /* heading and captions */
void kvr_sheet_row(FILE *out, const struct kvr_row *row);
/* Pixels of a panel's axes where a picture has this many. */
void kvr_sheet_panel_size(size_t panels, double *width, double *height);

/* A measured case and the record that holds it. */
struct kvr_plot_case {
    const struct kvr_result *result;
    size_t record;
};

/* All measured cases with a time, in their order. NULL and *count 0: none, or (rc -ENOMEM) no
 * memory. The caller frees. */
struct kvr_plot_case *kvr_plot_cases(const struct kvr_sheet *sheet, size_t *count, int *rc);

/* Whatever tells cases apart, by the groups that the pictures' legends have. */
enum kvr_trait_group {
    KVR_TRAIT_KERNEL = 1, /* shape of a key and its tables */
    KVR_TRAIT_PLACE = 2,
    KVR_TRAIT_BYTES = 4,  /* working set */
    KVR_TRAIT_THREADS = 8
};
enum { KVR_MAX_TRAITS = 24 };
struct kvr_traits { bool varies[KVR_MAX_TRAITS]; };
void kvr_traits_of(const struct kvr_plot_case *cases, size_t count, struct kvr_traits *traits);
/* Appends ", n 512, m 4": the traits of these groups that vary. */
void kvr_traits_text(const struct kvr_traits *traits, const struct kvr_result *result,
                     unsigned groups, char *text, size_t bytes);
/* The traits that do not vary, whatever their group; "" if there are none. */
void kvr_traits_common(const struct kvr_traits *traits, const struct kvr_plot_case *cases,
                       size_t count, char *text, size_t bytes);

/* Different texts, numbered from 1 in the order in which they came. */
struct kvr_names {
    char (*text)[KVR_SERIES_BYTES]; /* owned; freed by the caller */
    size_t count;
};
/* The number of a text, which is added if it is new; 0: out of memory. */
size_t kvr_names_number(struct kvr_names *names, const char *text);
/* "A" to "Z", "a" to "z", "A2" ...: what stands beside a point for the name of that number. */
void kvr_names_letter(size_t number, char *text, size_t bytes);

/* Median and 95 % interval of a rate whose time a key the result holds. */
void kvr_rate_interval(const struct kvr_op_result *op, double rate, double value[3]);

#endif
