/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A session without cases, for the commands that measure the machine itself: `roofs` and
 * `verify --verdict`.
 */
#ifndef KVR_BENCH_H
#define KVR_BENCH_H

#include <stdio.h>

#include "../study/session.h"
#include "signals.h"

struct kvr_bench {
    struct kvr_options options; /* set by the caller: cpus, pages, mem, max_mem_bytes, seed */
    struct kvr_machine machine;
    struct kvr_plan plan;
    struct kvr_run_record record;
    struct kvr_session session;
};

/* Loads the machine and opens a session with two arena halves of half_bytes (less where memory is
 * short). `points`: ladder points per octave. Catches SIGINT and SIGTERM. 0, or an exit code after
 * the error was printed. Close in any case. */
int kvr_bench_open(struct kvr_bench *bench, const char *command, uint64_t half_bytes,
                   uint32_t points);
void kvr_bench_close(struct kvr_bench *bench);

/* The ceilings of a record and the checks that bear on them, as a table. 0 or -errno. */
int kvr_roofs_print(const struct kvr_run_record *record, FILE *out);

/* The NUMA matrix of a record as tables, nothing where it has none. 0 or -errno. */
int kvr_numa_print(const struct kvr_run_record *record, FILE *out);

/* Tool, time, command line, machine and its checks, into a new record. */
void kvr_record_describe(struct kvr_run_record *record, const struct kvr_machine *machine,
                         const struct kvr_options *options, int argc, char **argv);

#endif
