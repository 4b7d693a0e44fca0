/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside src/cli only: what compare's command line says, and its two ways.
 */
#ifndef KVR_CLI_COMPARE_H
#define KVR_CLI_COMPARE_H

#include "../compare/compare.h"
#include "args.h"
#include "cli.h"

enum { KVR_COMPARED_RESULTS = 64 };

struct kvr_compare_arguments {
    struct kvr_args args; /* first: see args.h */
    const char *paths[KVR_COMPARED_RESULTS];
    size_t path_count;
    struct kvr_compare_options options;
    enum kvr_output_format format;
    struct kvr_output_style style;
    bool run, table, across, quiet;
    const char *order;     /* --sort; NULL: not given */
    const char *history;   /* --history; NULL: not given */
    const char *folder;    /* --output; NULL: not given */
    bool format_given;
    uint32_t least_pairs, most_pairs; /* 0: not given */
    double budget_s;       /* NAN: not given */
    char lists[4096];      /* texts that thresholds and globs point into */
    size_t lists_bytes;
    char **sides[2];       /* --run: [PROGRAM] RUN-OPTIONS..., not owned */
    int side_counts[2];
};

int kvr_compare_files(const struct kvr_compare_arguments *arguments);
int kvr_compare_runs(struct kvr_compare_arguments *arguments);
int kvr_compare_history(const struct kvr_compare_arguments *arguments);
int kvr_compare_exit_code(enum kvr_outcome outcome);

/* Prints to stdout, and says what came out: the exit code. */
int kvr_compare_print(const struct kvr_compare_arguments *arguments,
                      const struct kvr_comparison *comparisons, size_t count);

#endif
