/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What `compare --history` finds: results of one machine in the order of their start, and where a
 * case began to take another time. src/compare fills it, the writers here print it.
 */
#ifndef KVR_HISTORY_H
#define KVR_HISTORY_H

#include "comparison.h"

struct kvr_history_result {
    const char *file, *started, *commit; /* of paths and records; commit "": unknown */
};

struct kvr_history_change {
    size_t at;                    /* the first result of the new level */
    double log_ratio, low, high;  /* new over old; the 95 % interval's ends */
    double p;                     /* beside all places and cases */
    enum kvr_outcome outcome;
};

struct kvr_history_case {
    char name[KVR_NAME_BYTES];
    size_t count;                 /* results that have it */
    bool normalised;              /* by the sentinel of each process */
    double level_ns;              /* median of the last level, ns a key, as measured */
    double floor;                 /* logarithm of the least step that three results would show */
    double threshold;
    struct kvr_history_change *changes; size_t change_count; /* owned */
    enum kvr_outcome outcome;     /* of the last change */
};

struct kvr_history {
    const char *folder;
    struct kvr_history_result *results; size_t result_count; /* owned */
    size_t others;                /* results of other machines, left out */
    struct kvr_history_case *cases; size_t case_count; /* owned */
    enum kvr_outcome outcome;
};

void kvr_history_free(struct kvr_history *history);
/* Table, JSON (kvroof.history/1), CSV (a row a change) or Markdown. 0 or -errno. */
int kvr_write_history(FILE *out, enum kvr_output_format format, const struct kvr_history *history,
                      int width);
int kvr_put_history_json(FILE *out, const struct kvr_history *history);

#endif
