/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What `compare` finds: one base, one result or program held against it, case by case. src/compare
 * fills it, the writers here print it. Ratios are new time over base time; above 1 is slower.
 */
#ifndef KVR_COMPARISON_H
#define KVR_COMPARISON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "writers.h"

enum kvr_outcome { KVR_INCONCLUSIVE, KVR_OK, KVR_IMPROVED, KVR_REGRESSED, KVR_OUTCOMES };
extern const char *const kvr_outcome_names[KVR_OUTCOMES];

/* How a change was judged: over pairs of processes; over the processes of two files (Welch); by a
 * fixed spread where a side has one process. */
enum kvr_comparing { KVR_BY_PAIRS, KVR_BY_WELCH, KVR_BY_SPREAD };

/* One change. Logarithms are natural; NAN: cannot be told from so few processes. */
struct kvr_change {
    enum kvr_comparing how;
    size_t base_count, new_count; /* processes; pairs: both their number */
    double log_ratio, low, high;  /* the interval's ends */
    double error;                 /* standard error of log_ratio */
    double spread;                /* standard deviation of one pair, or of one process */
    double freedom;               /* of the t distribution */
    double p, p_holm;             /* one-sided: no change, against one in the direction seen */
    double floor;                 /* what two equal programs may show with so many processes */
    enum kvr_outcome outcome;
    size_t needed;                /* pairs or processes a side that would decide; 0: none would */
};

struct kvr_compared_case {
    char name[KVR_NAME_BYTES], new_name[KVR_NAME_BYTES]; /* new_name "": the same */
    double base_ns, new_ns;       /* ns a key, medians over processes, as measured */
    bool normalised;              /* by the sentinel of each process */
    double threshold;             /* as a fraction: .05 */
    struct kvr_change change;
    char base_verdict[40], new_verdict[40]; /* "memory side, memory"; "" none */
};

/* A case that only one side has. */
struct kvr_lone_case { char name[KVR_NAME_BYTES]; char why[200]; };

struct kvr_comparison {
    char base[256], other[256];   /* what is compared, as the user named it */
    char notes[8][400];           /* sentences on what differs; unused "" */
    const struct kvr_run_record *newest; /* the first of the new side; not owned */
    char undecided[400];          /* why none of its cases may pass or fail; "": they may */
    bool pairs;                   /* from compare --run */
    double level;                 /* of one interval: .95, or what a look leaves */
    size_t looks, look;           /* planned, and which this one is; 0: one look */
    size_t base_processes, new_processes;
    bool sentinel_known, sentinel_changed;
    struct kvr_change sentinel;
    struct kvr_compared_case *cases; size_t case_count; /* owned */
    struct kvr_lone_case *missing, *added; size_t missing_count, added_count; /* owned */
    double floor, worst_floor;    /* median and largest over cases */
    enum kvr_outcome outcome;     /* regressed, inconclusive or ok */
};

void kvr_comparison_free(struct kvr_comparison *comparison);
/* Adds a sentence; when there is no room left it is dropped. */
void kvr_comparison_note(struct kvr_comparison *comparison, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Of several comparisons, or cases: regressed before inconclusive before ok. */
enum kvr_outcome kvr_worse_outcome(enum kvr_outcome a, enum kvr_outcome b);
/* "regressed 1, improved 0, inconclusive 2, ok 17" */
void kvr_outcome_counts(const struct kvr_comparison *comparison, char *text, size_t bytes);
bool kvr_verdict_changed(const struct kvr_compared_case *c);

/* Table, JSON (kvroof.compare/1), CSV, Markdown or JUnit (a suite each: regressed has failed; what
 * is inconclusive, or has one side only, is skipped) of `count` comparisons. 0 or -errno. */
int kvr_write_comparisons(FILE *out, enum kvr_output_format format,
                          const struct kvr_comparison *comparisons, size_t count,
                          const struct kvr_output_style *style);

#endif
