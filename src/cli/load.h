/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Stored results for commands that read several.
 */
#ifndef KVR_LOAD_H
#define KVR_LOAD_H

#include "../report/record.h"

/* Reads `count` results; *records is the caller's until kvr_free_results. The exit code, after the
 * error was printed: then *records is NULL. */
int kvr_load_results(const char *const *paths, size_t count, struct kvr_run_record **records);
/* Both exist and are one. */
bool kvr_same_file(const char *one, const char *other);
/* NULL: nothing. */
void kvr_free_results(struct kvr_run_record *records, size_t count);

/* Files of runs that were killed, or of older versions, hold neither ledger nor crossings; both
 * follow from results. */
void kvr_add_conclusions(struct kvr_run_record *record);

#endif
