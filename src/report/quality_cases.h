/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The cases that the picture and the table of quality hold against each other, and which of them
 * nothing beats in both speed and closeness. Only for src/report.
 */
#ifndef KVR_QUALITY_CASES_H
#define KVR_QUALITY_CASES_H

#include "plot_sheet.h"

/* on[i]: no other point costs at most as much and is worth at least as much, and is better in one
 * of the two. Equal points are on the front together, a point without a figure (NAN) never is. */
void kvr_pareto_front(const double *cost, const double *worth, size_t count, bool *on);

/* The cases that are held against each other, of a sheet whose records were attached. Of each op
 * and level they are those of one setting (tokens, threads, layout ...): the one in which most
 * formats were measured, of equals that with fewer threads, then the longer context, then the
 * usual layout, heads. Of a kernel that was measured there at several working sets the largest
 * is taken. */
struct kvr_quality {
    struct kvr_plot_case *cases; /* owned; by op, then from DRAM to L1 */
    size_t *place;               /* owned; of each case, the number (from 1) of its place */
    size_t count;
    struct kvr_names places;     /* owned; "scan, DRAM, n 4096, 1t": only what differs */
};
/* 0; -ENODATA: there are none; -ENOMEM. Free in every case. */
int kvr_quality_make(const struct kvr_sheet *sheet, struct kvr_quality *quality);
void kvr_quality_free(struct kvr_quality *quality);

/* Codec and shape, whatever kernel. */
bool kvr_same_format(const struct kvr_result *a, const struct kvr_result *b);
/* The order of places: by op, then from DRAM to L1. */
double kvr_place_rank(const struct kvr_result *result);

/* Which cases of a place are on the front by time a key and rho; place 0: of all cases, by bytes a
 * key. 0; -ENOMEM. */
int kvr_quality_front(const struct kvr_quality *quality, size_t place, bool *on);

#endif
