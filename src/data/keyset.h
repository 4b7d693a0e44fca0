/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Real queries and keys for a head dim: the built-in mini set (keys of SmolLM2-135M, Apache-2.0)
 * or the user's .npy files, joined across heads where d asks for it.
 */
#ifndef KVR_KEYSET_H
#define KVR_KEYSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kvr_keyset_paths {
    const char *keys, *queries, *values, *calibration; /* NULL: not given */
};

/* Per KV head contiguous: keys[h][t][d]. All owned. */
struct kvr_keyset {
    uint32_t head_dim, kv_heads, query_heads;
    size_t tokens, calibration_tokens; /* calibration_tokens per KV head; 0: none */
    float *keys;        /* [kv_heads][tokens][head_dim] */
    float *queries;     /* [query_heads][query_tokens][head_dim]; NULL: none */
    float *values;      /* [kv_heads][tokens][head_dim]; NULL: none */
    float *calibration; /* [kv_heads][calibration_tokens][head_dim]; NULL: none */
    size_t query_tokens;
    bool reshaped;      /* d differs from the files' own: channels of several KV heads joined */
    bool leaking;       /* keys given without a calibration set: codebooks are fitted to the keys */
    char source[256];   /* "mini", or the keys' path */
};

/* Folder of the built-in set: $KVROOF_DATA, the installed ones (places.h), profiles/data below
 * the working folder; the first that holds k.npy. NULL if none; the buffer is the caller's. */
const char *kvr_data_folder(char *buffer, size_t bytes);

/* Loads for head_dim d. paths->keys == NULL: the mini set. Layers count as heads. Joining rule for
 * d other than the files' own (INTERFACE.md, --keys): KV heads' channels are laid side by side,
 * repeated cyclically where d needs more, and cut at d; query heads i, i + Hq/Hk, ... are joined
 * the same way. 0, -errno, or -EINVAL with a sentence in error naming file and option. */
int kvr_keyset_load(const struct kvr_keyset_paths *paths, uint32_t head_dim,
                    struct kvr_keyset *set, char *error, size_t error_bytes);
void kvr_keyset_free(struct kvr_keyset *set);

#endif
