/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * run --processes N: the run, N times in processes of its own, one after another.
 */
#ifndef KVR_RUN_PROCESSES_H
#define KVR_RUN_PROCESSES_H

#include "../report/record.h"
#include "cli.h"

/* Starts `run` again options->processes times with the same arguments and merges what they measured
 * into `record` (described already). --budget is what all of them take together. Returns the exit
 * code after errors were printed: impossible when a process ended early, interrupted; the record
 * holds what was measured in any case. */
int kvr_run_processes(const struct kvr_options *options, int argc, char **argv, double started_s,
                      struct kvr_run_record *record);

#endif
