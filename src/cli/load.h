/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Stored results for commands that read several.
 */
#ifndef KVR_LOAD_H
#define KVR_LOAD_H

#include <argp.h>

#include "../report/fidelity.h"
#include "../report/record.h"
#include "args.h"

enum { KVR_MAX_RESULTS = 2048 };

/* The RESULT arguments of a command. */
struct kvr_paths {
    const char *of[KVR_MAX_RESULTS];
    size_t count;
};
/* Adds one for an argp parser; too many: its error. */
error_t kvr_paths_add(struct kvr_paths *paths, struct kvr_args *args, const char *path);

/* Reads `count` results, on several threads; *records is the caller's until kvr_free_results. The
 * exit code, after the error of the first that cannot be read was printed: *records is NULL. */
int kvr_load_results(const char *const *paths, size_t count, struct kvr_run_record **records);
/* The same for what a folder holds: what is no result by its schema is named on stderr and leaves
 * `paths`. *count, then that of the rest, may be 0. */
int kvr_load_folder(const char **paths, size_t *count, struct kvr_run_record **records);
/* The same for commands that take one fidelity result (kvroof.fidelity/1) among the results, which
 * is joined to them (quality.h) and leaves `paths`; codecs without a row are named on stderr. */
struct kvr_beside {
    struct kvr_run_record *records;
    struct kvr_fidelity_record fidelity; /* row_count 0: none was given */
};
int kvr_load_beside(struct kvr_paths *paths, struct kvr_beside *beside);
void kvr_free_beside(struct kvr_beside *beside, size_t count);
/* Both exist and are one. */
bool kvr_same_file(const char *one, const char *other);
/* Copies of a result go to the end, each with a note on stderr; how many are left. */
size_t kvr_drop_twins(struct kvr_run_record *records, const char **paths, size_t count);
/* NULL: nothing. */
void kvr_free_results(struct kvr_run_record *records, size_t count);

/* Files of runs that were killed, or of older versions, hold neither ledger nor crossings; both
 * follow from results. */
void kvr_add_conclusions(struct kvr_run_record *record);

/* Verdicts that do not follow from the stored rounds, a line each; "" if all do. NULL: out of
 * memory. The caller frees. */
char *kvr_verdict_doubts(const struct kvr_run_record *record);

#endif
