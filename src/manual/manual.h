/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Texts that are made at build time of the tables that the program itself parses by: kvroof(1),
 * completions, and the fields of a result file with their units. All print to stdout.
 */
#ifndef KVR_MANUAL_H
#define KVR_MANUAL_H

#include <stdbool.h>

#include "../cli/commands.h"

void kvr_manual_page(void);
void kvr_manual_bash(void);
void kvr_manual_zsh(void);
void kvr_manual_fish(void);
/* Lines "path TAB unit": results[].scan.ns_per_key, ns/key. */
void kvr_manual_fields(void);

/* What completes an option's argument. */
enum kvr_values {
    KVR_VALUES_NONE,     /* a number, or free text */
    KVR_VALUES_WORDS,    /* words[] */
    KVR_VALUES_FILE,
    KVR_VALUES_FOLDER,
    KVR_VALUES_KERNELS,  /* what `kvroof list kernels` names */
    KVR_VALUES_PROFILES, /* what `kvroof list profiles` names, or a file */
};
struct kvr_argument {
    enum kvr_values values;
    const char *const *words; /* NULL-terminated */
    bool list;                /* elements joined with commas */
    bool file;                /* of KVR_VALUES_WORDS: or a file */
};
/* Of an option of a command that takes an argument. */
struct kvr_argument kvr_argument_of(const struct kvr_command *command,
                                    const struct argp_option *option);
/* Of a command's words that are no options. */
struct kvr_argument kvr_operand_of(const struct kvr_command *command);

/* True for a row that stands for an option, and not for a heading or the table's end. */
bool kvr_is_option(const struct argp_option *option);
bool kvr_is_end(const struct argp_option *option);
/* True if the option has a short form, which is its key. */
bool kvr_has_letter(const struct argp_option *option);

#endif
