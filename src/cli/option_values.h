/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside src/cli only: the values of run's options.
 */
#ifndef KVR_OPTION_VALUES_H
#define KVR_OPTION_VALUES_H

#include <stdbool.h>

#include "args.h"
#include "cli.h"

/* Keys of the options that have no short form. */
enum {
    KEY_ISA = 0x100, KEY_HEADS, KEY_BYTES, KEY_ENTRIES, KEY_LAYOUT, KEY_KEYS, KEY_QUERIES,
    KEY_OP, KEY_CODEBOOK, KEY_RESIDENCY, KEY_VALUE_FORMAT, KEY_BATCH, KEY_GROUP_QUERIES, KEY_EVICT,
    KEY_VALUES, KEY_CALIBRATION, KEY_MEM, KEY_PAGES, KEY_MAX_MEM, KEY_MIN_TIME, KEY_BUDGET,
    KEY_SEED, KEY_DRY_RUN, KEY_FORMAT, KEY_LABEL, KEY_TAG, KEY_PEAK, KEY_STRICT, KEY_PROGRESS,
    KEY_COLOR, KEY_ROOFS, KEY_DEEP, KEY_PROVE,
    KEY_COUNTERS, KEY_STEP_SUMMARY, KEY_PROCESSES, KEY_PROCESS_PART, KEY_SQUAT_RANK,
    KEY_SQUAT_LAMBDA, KEY_SQUAT_BLOCK, KEY_KIVI_RESIDUAL
};

/* Rows of an option table. */
#define KVR_ENCODER_OPTIONS                                                                        \
    {"kivi-residual", KEY_KIVI_RESIDUAL, "N", 0,                                                   \
     "keys that KIVI, SQuat and AsymKV keep in FP16 until so many are there [32]", 0},             \
    {"squat-rank", KEY_SQUAT_RANK, "N", 0,                                                         \
     "singular vectors of the queries that SQuat keeps [20]", 0},                                  \
    {"squat-lambda", KEY_SQUAT_LAMBDA, "X", 0,                                                     \
     "weight of their subspace in the encoder [.001]", 0},                                     \
    {"squat-block", KEY_SQUAT_BLOCK, "N", 0, "channels that SQuat codes together [16]", 0}

struct option_state {
    struct kvr_args args; /* first: see args.h */
    struct kvr_options *options;
    struct kvr_machine *machine; /* loaded by the options that need it; owned */
    bool format_given;
};

/* Parses one option's text into state->options. 0; ARGP_ERR_UNKNOWN for another key; else an errno
 * after the error was printed. */
error_t kvr_option_set(struct option_state *state, int key, const char *text);
/* The same for the options that take a comma list (option_lists.c). */
error_t kvr_option_list(struct option_state *state, int key, const char *text);
/* "--option: 'text' why"; text: the element at fault. */
error_t kvr_option_refuse(struct option_state *state, int code, const char *option,
                          const char *text, const char *why);
error_t kvr_option_too_many(struct option_state *state, const char *option, size_t most);
void kvr_option_state_free(struct option_state *state);

#endif
