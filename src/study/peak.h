/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KVR_STUDY_PEAK_H
#define KVR_STUDY_PEAK_H

#include "../report/record.h"

/* Once the record's ceilings are measured: adds the memory's theoretical bandwidth as a ceiling of
 * type "peak" and, in the check peak-percent, what share of it the best DRAM read has. From
 * --peak-gb-per-s (by_user; NAN: not given) or, without it, from what firmware told; where neither
 * tells, nothing is added. */
void kvr_peak_compare(struct kvr_run_record *record, double by_user_gb_per_s);

/* The theoretical bandwidth that the record has, in GB/s; NAN: none. */
double kvr_peak_of(const struct kvr_run_record *record);

#endif
