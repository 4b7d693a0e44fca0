/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The report: one or several results as one HTML page that needs nothing else.
 */
#ifndef KVR_REPORT_H
#define KVR_REPORT_H

#include <stdio.h>

#include "plotdata.h"
#include "record.h"

enum { KVR_REPORT_RESULTS = 16, KVR_REPORT_BYTES = 2 << 20, KVR_REPORT_ROWS = 400 };

/* A result with its pictures. The caller owns everything. */
struct kvr_report_result {
    const struct kvr_run_record *record;
    const char *name;             /* of its file, without the folder */
    const char *doubts;           /* verdicts that do not follow from the rounds, lines; "": none */
    const char *svg[KVR_PICTURES]; /* of kvr_pictures[i]; NULL: why not */
    char why[KVR_PICTURES][600];
};

struct kvr_report {
    const struct kvr_report_result *results;
    size_t count;
    const char *compare, *compare_why; /* the picture over all results; NULL: why not */
};

/* Writes the page, smaller than KVR_REPORT_BYTES: several results side by side, then, of at most
 * KVR_REPORT_RESULTS, each by itself. Of all tables of cases together it holds at most
 * KVR_REPORT_ROWS rows each; pictures and result files that have no room are left out, and the page
 * says so. 0; -E2BIG: it does not fit; -ENOMEM; -errno. */
int kvr_write_report(FILE *out, const struct kvr_report *report);

#endif
