/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From rounds to figures: pure functions of what is stored, so that `show` can compute them again.
 */
#ifndef KVR_BALANCE_H
#define KVR_BALANCE_H

#include "../measure/stats.h"
#include "../report/record.h"

/* The FMA ceiling of `threads` cores, flops a second, from the record's rates; NAN: none. */
double kvr_peak_flops(const struct kvr_run_record *record, unsigned threads);

/* Fills result->result (and flags ceiling-raised, ceiling-bug, noisy) from result->rounds, cost,
 * tokens, clock. `peak_flops` is the FMA ceiling of one core times threads, NAN if unknown.
 * Valid rounds only; with fewer than 6 no interval is given, and is named as unavailable. */
void kvr_balance(struct kvr_result *result, double peak_flops);

/* Names under `unavailable` an interval that a figure lacks, or no longer. */
void kvr_name_interval(struct kvr_result *result, const char *name,
                       const struct kvr_estimate *figure);

#endif
