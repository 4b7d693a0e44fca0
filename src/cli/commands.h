/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The commands with their option tables: main() dispatches by them, and src/manual/ makes manual
 * pages and completions of them at build time.
 */
#ifndef KVR_COMMANDS_H
#define KVR_COMMANDS_H

#include <argp.h>
#include <stddef.h>

#include "cli.h"

extern const struct argp kvr_run_argp, kvr_roofs_argp, kvr_show_argp, kvr_verify_argp,
    kvr_fidelity_argp, kvr_plot_argp, kvr_compare_argp, kvr_report_argp, kvr_export_argp,
    kvr_doctor_argp, kvr_fleet_argp, kvr_list_argp;

/* A command gets argv from its own name on; returns the exit code. */
struct kvr_command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
    const struct argp *argp;
};
extern const struct kvr_command kvr_commands[];
extern const size_t kvr_command_count;

/* The predicate of a sentence about kvroof, in two lines. */
extern const char kvr_purpose[];

/* In a few words, and what the manual adds ("" for nothing). */
struct kvr_exit_meaning {
    int code;
    const char *meaning, *detail;
};
extern const struct kvr_exit_meaning kvr_exit_meanings[];
extern const size_t kvr_exit_meaning_count;

#endif
