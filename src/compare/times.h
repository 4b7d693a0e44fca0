/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One process of a result as one time a case.
 */
#ifndef KVR_COMPARE_TIMES_H
#define KVR_COMPARE_TIMES_H

#include "../report/record.h"

/* NULL: the record, which may be NULL, has no such case. */
const struct kvr_result *kvr_find_case(const struct kvr_run_record *record, const char *name);

/* Natural logarithm of the median over the valid rounds of the process, ns a key; NAN: it has
 * none. */
double kvr_process_time(const struct kvr_run_record *record, uint32_t process, const char *name);

/* The same of the sentinel, ns a line. The sentinel is one read for all cases of a team: all that
 * its process has of it. NAN where the case itself has none, lying in a cache. */
double kvr_process_sentinel(const struct kvr_run_record *record, uint32_t process,
                            const char *name);

#endif
