/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Scores of one KV head as a codec gives them: keys are trained on where nothing else was, encoded,
 * and scored by the format's reference from the prepared query, or, coded before rotation or as
 * plain 16-bit floats, decoded, rotated and multiplied. And the controls, which know less than any
 * codec should, and exact scores for values that are rounded.
 */
#ifndef KVR_SCORER_H
#define KVR_SCORER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../kernels/wide.h"
#include "../codec/codec.h"

/* One KV head of one text, with the query heads that attend to it. All borrowed. */
struct kvr_head {
    const struct kvr_wide *wide; /* loops; they change no result */
    uint32_t head_dim, tokens;
    uint32_t skip_sinks;      /* the first keys, which stay float16: exact */
    uint32_t query_heads;     /* that share the keys */
    uint32_t first_query;     /* queries before it are not looked at */
    const float *keys;        /* [tokens][head_dim] */
    const float *before_rope; /* the same before rotation, or NULL */
    const float *values;      /* [tokens][head_dim] */
    const float *queries;     /* [query_heads], query_stride apart, of [tokens][head_dim] */
    size_t query_stride;      /* floats */
    double rope_base;
    uint64_t seed;            /* of the controls */
};

enum kvr_control {
    KVR_CODED,
    KVR_UNIFORM,  /* every key scores 0 */
    KVR_SHUFFLED, /* the head's own keys, in a random order */
    KVR_RANDOM,   /* normally distributed keys, each channel with the mean and variance it has */
    KVR_VALUES_Q8 /* no control of keys: exact scores, values of 8 bits (--value-format) */
};

struct kvr_coding {
    enum kvr_control control;      /* all that follows is for KVR_CODED */
    const struct kvr_codec *codec;
    const struct kvr_format *format; /* of codec->formats */
    struct kvr_shape shape;        /* head_dim, tables, entries, group */
    bool before_rope;
    bool rope_pairs;  /* channels in the order 0, d/2, 1, d/2 + 1, ...: what rotates together */
    const void *side; /* trained, in that order; NULL: train on the head's own keys */
    uint64_t seed;    /* of that training */
    struct kvr_squat_settings squat; /* of codecs that queries teach */
};

struct kvr_scorer {
    const struct kvr_head *head;
    const struct kvr_coding *coding;
    struct kvr_shape shape;
    const struct kvr_scorer *sibling; /* NULL, or of another format: codes and side are its own */
    unsigned char *own_codes, *prepared, *own_side; /* owned */
    const void *codes, *side;
    double *columns;          /* owned: keys as [head_dim][tokens]; NULL: scored by codes */
    double *values;           /* owned: what the codes stand for, [head_dim][coded keys]; or NULL */
    double key_squared_error; /* mean over the coded keys of |key - decoded|^2; NAN for controls */
};

/* Prepares scoring. sibling: NULL, or an open scorer of the same head whose coding differs in its
 * format only (kvr_codings_share); it stays open as long, and scores each query before this one. 0
 * or -errno (-ENOMEM, or what train and encode return). Free in any case. */
int kvr_scorer_open(struct kvr_scorer *scorer, const struct kvr_head *head,
                    const struct kvr_coding *coding, const struct kvr_scorer *sibling);
/* Whether both have the same codes: they differ in the format alone. */
bool kvr_codings_share(const struct kvr_coding *a, const struct kvr_coding *b);
void kvr_scorer_free(struct kvr_scorer *scorer);

/* scores[i] of keys 0..n-1 for a query of head_dim floats; exact: the scores of the keys as they
 * are, taken over for the sinks. */
void kvr_scorer_score(const struct kvr_scorer *scorer, const float *query, size_t n,
                      const double *exact, double *scores);

/* Keys as double [head_dim][count], so that scores of all keys add up side by side. NULL: memory.
 * The caller frees. */
double *kvr_columns(const float *keys, size_t count, size_t head_dim);
/* scores[i] = q.k_i / sqrt(d) of the first n keys of columns. */
void kvr_dot_columns(const struct kvr_wide *wide, const double *columns, size_t count,
                     size_t head_dim, const float *query, size_t n, double *scores);

/* Channels of rows of keys or queries, reordered as rope_pairs says. out may not be in. */
void kvr_pair_channels(const float *in, size_t rows, size_t head_dim, float *out);
/* Rotary embedding (RoFormer, arXiv 2104.09864) in rotate-half order, in place: channels j and
 * j + d/2 of the key at position first + i turn by (first + i) * base^(-2j/d). */
void kvr_rotate(float *keys, size_t count, size_t head_dim, double base, size_t first);

#endif
