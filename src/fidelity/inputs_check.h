/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside src/fidelity only: do files belong together?
 */
#ifndef KVR_INPUTS_CHECK_H
#define KVR_INPUTS_CHECK_H

#include "inputs.h"

struct kvr_complaint {
    char *error;
    size_t bytes;
};
/* The sentence into the complaint; returns status. */
int kvr_complain(const struct kvr_complaint *complaint, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As many files of each kind as of keys. counts: by enum kvr_input. 0 or -EINVAL. */
int kvr_check_counts(const size_t *counts, const struct kvr_complaint *complaint);
/* Shapes and types within a text and against the first text, which sets the inputs' own; keys that
 * differ. paths: of keys, queries, values, keys before rotation (or NULL). 0 or -EINVAL. */
int kvr_check_text(struct kvr_inputs *inputs, const struct kvr_text *text,
                   const char *const *paths, const struct kvr_complaint *complaint);
int kvr_check_calibration(const struct kvr_inputs *inputs, const struct kvr_tensor *tensor,
                          enum kvr_input input, const char *path,
                          const struct kvr_complaint *complaint);
/* Marks the sets that hold 16 successive keys of a text in their order. Single equal keys prove
 * nothing: a token may well recur at its place. */
void kvr_find_leaks(struct kvr_inputs *inputs);

#endif
