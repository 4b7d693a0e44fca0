/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Texts (keys, queries and values of a model, one set of .npy files each) and sets of calibration
 * keys: named by patterns, read, and checked to belong together.
 */
#ifndef KVR_INPUTS_H
#define KVR_INPUTS_H

#include <stdbool.h>
#include <stddef.h>

#include "../data/npy.h"

enum kvr_input {
    KVR_INPUT_KEYS,
    KVR_INPUT_QUERIES,
    KVR_INPUT_VALUES,
    KVR_INPUT_KEYS_PREROPE,
    KVR_INPUT_CALIBRATION, /* [LABEL=]PATTERN: sets of one label are one */
    KVR_INPUT_CALIBRATION_PREROPE,
    KVR_INPUTS
};
enum { KVR_MAX_PATTERNS = 64 };

/* Paths or glob(7) patterns, in the order in which they were given. */
struct kvr_patterns {
    const char *items[KVR_INPUTS][KVR_MAX_PATTERNS];
    size_t counts[KVR_INPUTS];
};
extern const char *const kvr_input_options[KVR_INPUTS]; /* "--keys", ... */

/* Tensors [layers][heads][tokens][channels]. */
struct kvr_text {
    char *name, *path; /* of the keys: without folder, ".npy" and "_k"; owned */
    struct kvr_tensor keys, queries, values, before_rope; /* before_rope.values NULL: none */
};

struct kvr_calibration {
    char *label; /* "" without; owned */
    struct kvr_tensor *tensors, *before_rope;
    size_t count, before_rope_count;
    bool leaking; /* holds a stretch of a text's own keys */
};

struct kvr_inputs {
    struct kvr_text *texts;
    struct kvr_calibration *sets;
    size_t text_count, set_count;
    size_t layers, kv_heads, query_heads, head_dim;
    char **files, **calibration_files; /* every path read; owned */
    size_t file_count, calibration_file_count;
};

/* Without any pattern: the built-in set. 0, -errno, or -EINVAL with a sentence in error that names
 * file and option. Free with kvr_inputs_free in any case. */
int kvr_inputs_load(const struct kvr_patterns *patterns, struct kvr_inputs *inputs, char *error,
                    size_t error_bytes);
void kvr_inputs_free(struct kvr_inputs *inputs);

/* Appends a copy to a growing list of owned texts. 0 or -ENOMEM. */
int kvr_keep_text(char ***texts, size_t *count, const char *text);

/* Values of one head: layer and head are indices into the tensor. */
const float *kvr_head_of(const struct kvr_tensor *tensor, size_t layer, size_t head);
/* Keys of a set for one layer and KV head, without the first `skip` of each file: rows of *keys,
 * which the caller frees. Returns their number; 0 with *keys NULL: no memory. */
size_t kvr_calibration_gather(const struct kvr_calibration *set, bool before_rope, size_t layer,
                              size_t head, size_t skip, float **keys);
/* The number that gather would return. */
size_t kvr_calibration_keys(const struct kvr_calibration *set, bool before_rope, size_t skip);

#endif
