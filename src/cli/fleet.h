/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside src/cli only: what fleet's command line says, and its two uses.
 */
#ifndef KVR_CLI_FLEET_H
#define KVR_CLI_FLEET_H

#include "../report/fleet.h"
#include "args.h"
#include "load.h"

struct kvr_fleet_arguments {
    struct kvr_args args; /* first: see args.h */
    struct kvr_paths paths;
    enum kvr_output_format format;
    double threshold;
    const char *folder; /* --folder; NULL: not given */
    double timeout_s;   /* NAN: not given */
    bool gate;
};

/* One process of a job that srun or mpirun started. */
struct kvr_rank {
    uint32_t rank, size;
    char job[64];   /* the same in all processes of the job, and in no other; "": not told */
    const char *by; /* the variable that told the rank */
};

/* From the environment. 1: it is one; 0: no launcher; -EINVAL with a sentence. */
int kvr_rank_find(struct kvr_rank *rank, char *why, size_t why_bytes);

/* What one process of a job does: measures with run's options (argv[0] is not one), writes into the
 * shared folder; the first one waits for the others and merges. The exit code. */
int kvr_fleet_launched(const struct kvr_fleet_arguments *arguments, const struct kvr_rank *rank,
                       int argc, char **argv);

/* What a process does whose options were refused, with exit code `refused`, which it returns: tells
 * the first one, so that it does not wait. */
int kvr_fleet_refused(const struct kvr_fleet_arguments *arguments, const struct kvr_rank *rank,
                      int refused);

/* Merges `count` results and prints; `missing`: sentences on nodes that left none. A second copy of
 * a result is left out with a note. Writes also to the file `also`, JSON, unless NULL. The exit
 * code; `records` and `paths` are reordered, not freed. */
int kvr_fleet_print(const struct kvr_fleet_arguments *arguments, struct kvr_run_record *records,
                    const char **paths, size_t count, const char *const *missing,
                    size_t missing_count, const char *also);

#endif
