/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Stored results of one machine over time: each case's steps, by pelt.h.
 */
#ifndef KVR_COMPARE_HISTORY_H
#define KVR_COMPARE_HISTORY_H

#include "../report/history.h"
#include "compare.h"

/* Fills history from `count` records, of which `paths` are the files, as they come in any order.
 * Those of the newest one's machine count. Everything must outlive the history. 0 (free it);
 * -ENOMEM; -EINVAL with a sentence: a result without a start, or no case. */
int kvr_history_make(const struct kvr_run_record *records, const char *const *paths, size_t count,
                     const struct kvr_compare_options *options, struct kvr_history *history,
                     char *error, size_t error_bytes);

#endif
