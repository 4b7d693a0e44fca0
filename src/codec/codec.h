/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A codec is a system: it encodes float keys into a format and prepares a query for it. It knows
 * no ISA and no timing; everything here is cold code, compiled with baseline flags.
 */
#ifndef KVR_CODEC_H
#define KVR_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "../../kernels/steps.h"

/* Of SQuat's encoder (squat.h); in what a user gave 0 is the default. */
struct kvr_squat_settings {
    uint32_t rank;   /* r: singular vectors of the queries that are kept, up to head_dim */
    double lambda;   /* of A = I + lambda Qr^T Qr */
    uint32_t block;  /* channels that are coded together; divides head_dim */
};

/* KIVI's R (struct kvr_shape): a multiple of the one, at most the other. */
enum { KVR_RESIDUAL_STEP = 32, KVR_MAX_RESIDUAL = 256 };

/* What queries have to teach an encoder. */
struct kvr_teaching {
    const float *queries; /* [count][head_dim], those of all heads that share the keys */
    size_t count;
    struct kvr_squat_settings squat;
};

struct kvr_codec {
    const char *name;    /* "lookat" */
    const char *source;  /* "arXiv 2601.10155" */
    const char *summary; /* one line for `list codecs` */
    /* NULL-terminated: scans it can be attended with. Those of one shape share one layout; see
     * kvr_codec_layout. */
    const struct kvr_format *const *formats;
    uint32_t group; /* what shape.group must be: channels, or keys, that share a scale; 0: none */
    int calibrated; /* 1: train() takes calibration keys; 0: it takes the keys to be encoded */
    enum kvr_book_kind book; /* what a query is prepared from; see kvr_codec_book */
    uint32_t book_heads; /* KV heads of a layer that share one; 0: each head has its own */
    /* 1: training with all keys takes long, and only closeness gains by it: what is timed or
     * checked is trained with kvr_codec_enough_keys. */
    int slow_training;
    /* NULL: tables and entries are free (--subspaces, --entries), or there are none. Else it sets
     * the ones that belong to shape->head_dim; see kvr_codec_set_tables. */
    void (*set_tables)(struct kvr_shape *);
    /* The fewest keys that train() takes of this shape; NULL: as many as entries, at least 1. */
    size_t (*fewest_keys)(const struct kvr_shape *);
    /* NULL, or why this shape cannot be coded ("m = 3 does not divide d = 64"): a static or
     * thread-local string. Checks head_dim, tables, entries, group. */
    const char *(*refuses)(const struct kvr_shape *);
    /* Physical bytes per key, without padding; of formats with a residual the mean over
     * shape->tokens, 0: without it. */
    double (*key_bytes)(const struct kvr_shape *);
    size_t (*side_bytes)(const struct kvr_shape *); /* size of `side` (scale, codebooks) */
    /* Offline. keys: float [count][head_dim]. Deterministic for a seed. 0 or -errno (-ENOMEM,
     * -EINVAL for count < entries or a key that is not finite). */
    int (*train)(const struct kvr_shape *, const float *keys, size_t count, uint64_t seed,
                 void *side);
    /* NULL, or: after train(), what the queries teach the encoder. Without it `side` is whole, and
     * as good as the keys alone make it. 0, -EINVAL (no query, one that is not finite, settings
     * that refuses_settings() names), -ENOMEM. */
    int (*train_queries)(const struct kvr_shape *, const struct kvr_teaching *, void *side);
    /* Of codecs with train_queries, else NULL: as refuses(), for what was given of the settings. */
    const char *(*refuses_settings)(const struct kvr_shape *, const struct kvr_squat_settings *);
    /* Encodes `count` keys into one padded segment of kvr_codec_layout(codec, shape), whose
     * segment_bytes(shape, count) bytes at `codes` are written. 0 or -errno
     * (-ENOMEM; -ERANGE for a key, or a scale, that has to be a float16 and is too large). */
    int (*encode)(const struct kvr_shape *, const void *side, const float *keys, size_t count,
                  void *codes);
    /* NULL: keys are coded one by one, and one more is encode() of it alone, put into its place.
     * Else adds a key to a segment of `count` keys and of bytes enough for one more; then it is
     * what encode() makes of all of them. 0, or as encode(), and nothing is changed. */
    int (*append)(const struct kvr_shape *, const void *side, const float *key, size_t count,
                  void *codes);
    /* Codes back to float [count][head_dim]. */
    void (*decode)(const struct kvr_shape *, const void *side, const void *codes, size_t count,
                   float *keys);
    /* query: float [head_dim], not pre-scaled. Writes format->prepared_bytes(shape) bytes. */
    void (*prepare)(const struct kvr_shape *, const struct kvr_format *, const void *side,
                    const float *query, void *prepared);
};

/* Values of 8 bits (--value-format q8): of no keys, so it prepares no query and is in no list. */
extern const struct kvr_codec kvr_codec_value_q8;

/* All codecs, NULL-terminated, in the order of the names table. */
const struct kvr_codec *const *kvr_codecs(void);
const struct kvr_codec *kvr_codec_find(const char *name); /* NULL if unknown */
/* train(), then train_queries() if the codec has it and there are queries. 0 or what they return.
 */
int kvr_codec_train(const struct kvr_codec *codec, const struct kvr_shape *shape,
                    const float *keys, size_t count, const struct kvr_teaching *teaching,
                    uint64_t seed, void *side);

/* What SQuat's encoder uses unless told otherwise: r = 20, lambda = .001, blocks of 16 channels. */
extern const struct kvr_squat_settings kvr_squat_defaults;
/* With defaults for what is 0. */
struct kvr_squat_settings kvr_squat_chosen(const struct kvr_squat_settings *given);
/* "r20/lambda0.001/block16", of what was given. */
void kvr_squat_text(const struct kvr_squat_settings *given, char *text, size_t bytes);
/* How a codec's encoder is set: kvr_squat_text, an R that is not the default ("R128"), or both with
 * a slash; "" if it has no settings. */
void kvr_encoder_text(const struct kvr_codec *codec, const struct kvr_shape *shape,
                      const struct kvr_squat_settings *squat, char *text, size_t bytes);
/* The format in whose layout `codec` writes keys of this shape: the first of its formats, except
 * that codes for few entries may be shorter (kvr_format.entries). Never NULL. */
static inline const struct kvr_format *kvr_codec_layout(const struct kvr_codec *codec,
                                                        const struct kvr_shape *shape)
{
    for (size_t i = 0; codec->formats[i]; i++) {
        if (shape->entries && codec->formats[i]->entries == shape->entries)
            return codec->formats[i];
    }
    return codec->formats[0];
}

/* The tables and entries of codecs whose format fixes them; others keep what the shape has. */
static inline void kvr_codec_set_tables(const struct kvr_codec *codec, struct kvr_shape *shape)
{
    if (codec->set_tables)
        codec->set_tables(shape);
}

/* What a query is prepared from for one of the codec's formats: NONE where the scan reads it. */
static inline enum kvr_book_kind kvr_codec_book(const struct kvr_codec *codec,
                                                const struct kvr_format *format)
{
    return format->scans_side ? KVR_BOOK_NONE : codec->book;
}

static inline size_t kvr_codec_fewest_keys(const struct kvr_codec *codec,
                                           const struct kvr_shape *shape)
{
    if (codec->fewest_keys)
        return codec->fewest_keys(shape);
    return shape->entries ? shape->entries : 1;
}

/* The tables [m][K] of floats of all the shape's subspaces, the prepared query of lookup_f32, as
 * that of lookup_u8. */
void kvr_quantise_tables(const struct kvr_shape *shape, const float *tables,
                         struct kvr_prepared_lookup_u8 *prepared);

/* Of `count` calibration keys as many as codebooks need whose closeness does not matter. */
static inline size_t kvr_codec_enough_keys(const struct kvr_codec *codec,
                                           const struct kvr_shape *shape, size_t count)
{
    const size_t enough = 2 * kvr_codec_fewest_keys(codec, shape);
    return codec->slow_training && count > enough ? enough : count;
}

/* ---- float16 (IEEE binary16), independent of the host's ISA ---- */
float kvr_half_to_float(uint16_t half);
uint16_t kvr_float_to_half(float value); /* round to nearest even, overflow to infinity */

/* ---- bfloat16, the upper half of a float, likewise ---- */
float kvr_bf16_to_float(uint16_t bits); /* exact; a NaN is made quiet */
/* Round to nearest even, overflow to infinity, a NaN stays one. A subnormal float is 0 of its sign,
 * as for the instruction vcvtneps2bf16: measured threads take subnormal floats as 0. */
uint16_t kvr_float_to_bf16(float value);

#endif
