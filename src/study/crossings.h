/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Crossings: where a ratio passes 1 along one axis of a sweep.
 *   balance-1           B = C/M: what is memory-bound becomes compute-bound, or the reverse
 *   prepare-equals-scan the tables cost as much as the scan that uses them
 *   faster-than-fp16    the speed-up over FP16
 * A series are the measured cases that differ in the axis alone: tokens, subspaces, head dim,
 * threads, batch or queries a KV head. They lie at the same level and stream as many bytes; with
 * --heads they have as many heads, whose bytes follow the axis; in a core's own cache as many bytes
 * a thread make a series, too. A series may be short of cases: one that has no such ratio is left
 * out, and so is one whose scores are wrong.
 *
 * Between the two neighbouring cases that bracket 1, log ratio is taken as linear in log axis. The
 * interval follows the ends of the ratios' own 95 % intervals and stays within the bracket; it
 * holds the error of measuring, not that of the straight line.
 */
#ifndef KVR_CROSSINGS_H
#define KVR_CROSSINGS_H

#include "../report/record.h"

/* Replaces record->crossings. A pure function of the record's results. 0 or -ENOMEM. */
int kvr_crossings_find(struct kvr_run_record *record);

#endif
