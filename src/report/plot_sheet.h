/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the pictures share: fields and rows of a TSV, captions, the cases of several records, and
 * how a case is named among others. Only for src/report; callers have set the numeric locale.
 */
#ifndef KVR_PLOT_SHEET_H
#define KVR_PLOT_SHEET_H

#include <stdio.h>

#include "plot_place.h"
#include "record.h"

enum { KVR_SERIES_BYTES = 400 };

enum { KVR_SHEET_RESULTS = 4, KVR_SHEET_CAPTIONS = 16 }; /* at most */

struct kvr_sheet {
    FILE *out;
    const struct kvr_run_record *records;
    size_t count, left_out; /* records after these are not drawn */
    size_t panel; /* that rows are of, from 1; 0: of none */
};

/* A sheet of the first KVR_SHEET_RESULTS records: a legend of more helps nobody. */
struct kvr_sheet kvr_sheet_of(FILE *out, const struct kvr_run_record *records, size_t count);
/* "and 988 more results, which are not drawn"; "" if there are none. */
void kvr_sheet_left_out_text(const struct kvr_sheet *sheet, char *text, size_t bytes);

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
/* A row of the sheet's panel that is a place alone; NULL: no name. */
void kvr_sheet_put(const struct kvr_sheet *sheet, const char *kind, size_t series, const char *name,
                   struct kvr_spot at);
/* A row of kind "point", or another: a result at x, hollow where it is flagged; y, low, high. */
void kvr_sheet_put_point(const struct kvr_sheet *sheet, const char *kind, size_t series,
                         const struct kvr_result *result, double x, const double value[3]);
/* A row of kind "panel": the sheet's panel and its axes. */
void kvr_sheet_put_panel(const struct kvr_sheet *sheet, const char *title,
                         const struct kvr_panel *panel);
/* The letter of a series beside a point that is occupied already (pixels). 0 or -ENOMEM. */
int kvr_sheet_put_letter(const struct kvr_sheet *sheet, struct kvr_panel *panel, size_t series,
                         struct kvr_spot pixels);
/* A name along a line (pixels), as near to `from` as is free; low: its angle. 0 or -ENOMEM. */
int kvr_sheet_put_along(const struct kvr_sheet *sheet, struct kvr_panel *panel, const char *kind,
                        size_t series, const char *name, struct kvr_spot from, struct kvr_spot to);
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

/* Whatever tells cases apart, in the groups by which legends and panels name them. */
enum kvr_trait_group {
    KVR_TRAIT_SHAPE = 1, /* tables, codebook, groups of a format */
    KVR_TRAIT_DIM = 2,
    KVR_TRAIT_RESIDENCY = 4,
    KVR_TRAIT_OP = 8,
    KVR_TRAIT_TOKENS = 16,
    KVR_TRAIT_LAYOUT = 32, /* and what is evicted */
    KVR_TRAIT_SITE = 64,   /* level, memory, pages, batch, queries */
    KVR_TRAIT_BYTES = 128, /* working set */
    KVR_TRAIT_THREADS = 256,
    KVR_TRAIT_KERNEL = KVR_TRAIT_SHAPE | KVR_TRAIT_DIM | KVR_TRAIT_RESIDENCY,
    KVR_TRAIT_PLACE = KVR_TRAIT_OP | KVR_TRAIT_TOKENS | KVR_TRAIT_LAYOUT | KVR_TRAIT_SITE
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

/* Cases in panels and series, ordered by panel, series, slot: what a picture of lines draws. */
struct kvr_mark {
    const struct kvr_result *result;
    size_t record, panel, series; /* panel and series from 1 */
    double slot;
    size_t order; /* of the case */
};
struct kvr_groups {
    struct kvr_result *copies;   /* shallow; see kvr_grouping */
    struct kvr_plot_case *cases; /* those that are drawn */
    struct kvr_mark *marks;      /* one a case */
    size_t count;
    struct kvr_traits traits;
    struct kvr_names panels, series;
};
struct kvr_grouping {
    /* The traits that name them. A series is of one kernel and record, and of whichever ISA ran,
     * unless cases differ in nothing else. Where a panel is of one residency of codebooks, formats
     * without one stand in every such panel of their op. */
    unsigned panel, series;
    double (*slot)(const struct kvr_result *result);  /* where on the x axis; NAN: not drawn */
    double (*order)(const struct kvr_result *result); /* panels with the least of it come first */
    /* A series with fewer different slots in a panel is left out of it. 1: points, no lines. */
    size_t least;
};
/* 0; -ENODATA: nothing to draw; -ENOMEM. Free in every case. */
int kvr_groups_make(const struct kvr_sheet *sheet, const struct kvr_grouping *how,
                    struct kvr_groups *groups);
void kvr_groups_free(struct kvr_groups *groups);
/* A whole sheet: makes its groups, calls draw(context), ends the sheet and frees the groups. 0;
 * -ENODATA: nothing to draw; -ENOMEM; -errno of the write; what draw says. */
int kvr_groups_sheet(const struct kvr_sheet *sheet, const struct kvr_grouping *how,
                     struct kvr_groups *groups, int (*draw)(void *context), void *context);
/* Begins the sheet's next panel: its row, and axes without anything on them. Its first mark, and
 * the one after its last. */
const struct kvr_mark *kvr_groups_begin_panel(struct kvr_sheet *sheet,
                                              const struct kvr_groups *groups,
                                              struct kvr_panel *panel,
                                              const struct kvr_mark **after);
/* The first of the marks after `mark` that is of another panel or series. */
const struct kvr_mark *kvr_groups_line_end(const struct kvr_groups *groups,
                                           const struct kvr_mark *mark);
/* The rows that belong to no panel: the legend of the series, and what all cases have in common. */
void kvr_groups_put_legend(const struct kvr_sheet *sheet, const struct kvr_groups *groups);

/* How often the bytes that a head streams under FP16 hold those of this format: keys, and for an
 * attention the FP16 values that no format makes smaller. NAN: unknown. */
double kvr_bytes_saved(const struct kvr_result *result);
/* "scan", "step", "attention" in this order. */
double kvr_op_rank(const struct kvr_result *result);

/* A median and its 95 % interval, which is the median's own where there is none. */
void kvr_median_interval(double median, const double ci95[2], double value[3]);
/* Median and 95 % interval of a rate whose time a key the result holds. */
void kvr_rate_interval(const struct kvr_op_result *op, double rate, double value[3]);

#endif
