/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * argp as the commands use it: messages start with "kvroof COMMAND:", every usage error is exit
 * code 2, an unknown option is answered with the nearest one, and nothing exits by itself.
 */
#ifndef KVR_ARGS_H
#define KVR_ARGS_H

#include <argp.h>

enum { KVR_KEY_HELP = 0x7f00 };

/* In every argp_option table. */
#define KVR_HELP_OPTION {"help", KVR_KEY_HELP, NULL, 0, "print this help", -1}

/* The first member of what a command passes to its argp parser as input. */
struct kvr_args {
    const char *command;     /* "kvroof run" */
    const struct argp *argp;
    int exit_code;           /* set with an error */
    int done;                /* help was printed */
};

/* Parses argv (argv[0] is not an option). Returns 0, or the exit code after the error was printed;
 * `args` is passed to argp's parser as input. */
int kvr_args_parse(const struct argp *argp, struct kvr_args *args, int argc, char **argv);

/* Whether the word after this one is its argument: 1, 0; -1: not an option that argp knows (short
 * ones are not looked up). */
int kvr_args_takes_next(const struct argp *argp, const char *word);

/* What a command's parser returns for keys that are not its own: help, arguments, start. */
error_t kvr_args_key(int key, char *text, struct argp_state *state);

/* Takes the one RESULT of a command that reads one: *path is NULL until then. */
error_t kvr_args_result(struct kvr_args *args, const char **path, const char *text);

/* Prints "COMMAND: " + text, sets the exit code; returns the errno that ends argp's parsing. */
error_t kvr_args_fail(struct kvr_args *args, int exit_code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
