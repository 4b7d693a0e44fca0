/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The ceilings of a roofline picture: one bandwidth per machine (or several that
 * are told apart by no digit of it), level and number of threads, and
 * the rates that bound one kind of operation. Only for src/report.
 */
#ifndef KVR_PLOT_ROOFS_H
#define KVR_PLOT_ROOFS_H

#include "plot_sheet.h"

enum kvr_work_kind { KVR_WORK_FLOPS, KVR_WORK_LOOKUPS, KVR_WORK_INTS, KVR_WORK_KINDS };

struct kvr_roof {
    double value;                /* GB/s, or 1e9 operations/s */
    uint32_t threads;
    char whose[40];              /* "1: ", "1, 3: " of machines that share it; "": of all */
    char what[KVR_SERIES_BYTES]; /* what stands at the line behind it */
    char how[KVR_SERIES_BYTES];  /* how a rate follows from its ceiling; "": it is the ceiling */
};
struct kvr_roofs {
    struct kvr_roof *roofs; /* owned, the highest first; freed by the caller */
    size_t count;
};

/* The best reader of the family chosen for a level (type read-family) or, where there is none, the
 * best point of the ladder in that level; of L1 the better of both. For each number of threads that
 * the machine's cases have, for all if no case is given. 0 or -ENOMEM. */
int kvr_roofs_bandwidth(const struct kvr_sheet *sheet, const struct kvr_plot_case *cases,
                        size_t count, struct kvr_roofs *roofs);
/* The best ceiling of each way to do this work. 0 or -ENOMEM. */
int kvr_roofs_rate(const struct kvr_sheet *sheet, enum kvr_work_kind work,
                   struct kvr_roofs *roofs);

#endif
