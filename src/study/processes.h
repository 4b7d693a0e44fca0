/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Several processes that measured the same, as one result: a case's rounds tell which process they
 * are of.
 */
#ifndef KVR_PROCESSES_H
#define KVR_PROCESSES_H

#include "../report/record.h"

/* Moves the results of `parts` into `whole` (in the order of their first mention), part i as
 * process i; the caller still frees them. Figures and verdicts are computed again over
 * all rounds; the interval of ns_per_key is a t interval over processes. Ceilings, machine and
 * checks are those of the first part that has results; the check `processes` says how far they
 * differ. 0 or -ENOMEM. */
int kvr_processes_merge(struct kvr_run_record *whole, struct kvr_run_record *parts, size_t count);

/* The t interval of 95 % of `count` times' geometric mean. NAN below two. */
void kvr_process_interval(const double *ns, size_t count, double ci95[2]);

#endif
