/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KVR_CLI_H
#define KVR_CLI_H

#include <stddef.h>

#include "../study/plan.h"

/* Exit codes (INTERFACE.md). */
enum kvr_exit { KVR_EXIT_OK = 0, KVR_EXIT_NO = 1, KVR_EXIT_USAGE = 2, KVR_EXIT_IMPOSSIBLE = 3,
                KVR_EXIT_INCONCLUSIVE = 4, KVR_EXIT_IO = 5, KVR_EXIT_INTERRUPTED = 130 };

int kvr_cmd_run(int argc, char **argv);
int kvr_cmd_roofs(int argc, char **argv);
int kvr_cmd_show(int argc, char **argv);
int kvr_cmd_verify(int argc, char **argv);
int kvr_cmd_fidelity(int argc, char **argv);
int kvr_cmd_compare(int argc, char **argv);
int kvr_cmd_plot(int argc, char **argv);
int kvr_cmd_report(int argc, char **argv);
int kvr_cmd_export(int argc, char **argv);
int kvr_cmd_fleet(int argc, char **argv);
int kvr_cmd_doctor(int argc, char **argv);
int kvr_cmd_list(int argc, char **argv);

/* Parses run's options with argp. Returns 0, or an exit code after printing the error
 * ("kvroof: run: ..." to stderr); *done is set when --help was printed. `machine` is needed for
 * -c. */
int kvr_options_parse(int argc, char **argv, struct kvr_options *options, int *done);

/* "kvroof: " + text to stderr; returns `code`. */
int kvr_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
