/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The hot steps around a scan: preparing a query (tables from a codebook), softmax, the product
 * with the values, and turning codes back into float16. Like score kernels they are pure, know
 * their ISA bits, are listed in steps.inc and are checked against a reference in double.
 *
 * One head of attention is: prepare, then for each tile of keys score, softmax and values, then a
 * division by the softmax' sum (Milakov and Gimelshein 2018, online softmax).
 */
#ifndef KVR_STEPS_H
#define KVR_STEPS_H

#include "kernel.h"

/* The type of a codebook's values; formats that look nothing up have none. */
enum kvr_codebook { KVR_CODEBOOK_NONE, KVR_CODEBOOK_F32, KVR_CODEBOOK_F16 };

/* What a codebook holds, as the preparing kernels read it: values of one channel are one run.
 *   NONE       there is none.
 *   SUBSPACES  [m][d/m][K]: centroids of each subspace (LOOKAT).
 *   ROTATED    [d][d], the columns of a rotation of the query, padded to whole lines
 *              (kvr_rotation_bytes); then as SUBSPACES, for the rotated query (OPQ).
 *   ADDED      [2][8][K]: two books of centroids of 8 channels, for every run of 8 (AQLM). Table
 *              2 r + b is of run r and book b.
 *   SIGNS      [d][2 d]: the columns of the projection, those of the d / 16 outlier channels last;
 *              then [d], the channels' numbers in that order, of which the whole part counts, so
 *              that marks in the last bits of a value (study/beside.c) change none (QJL).
 *   FACTORS    [d]: what each channel of a query is multiplied by (WKVQuant).
 *   RESIDUAL   [8][2048 / 256][32][256]: the rows of eight stages, in blocks of 256 of them, for
 *              every group of 32 channels (RVQ, additive.h). */
enum kvr_book_kind {
    KVR_BOOK_NONE, KVR_BOOK_SUBSPACES, KVR_BOOK_ROTATED, KVR_BOOK_ADDED, KVR_BOOK_SIGNS,
    KVR_BOOK_FACTORS, KVR_BOOK_RESIDUAL
};
enum {
    KVR_ADDED_BOOKS = 2, KVR_ADDED_RUN = 8, KVR_OUTLIER_PART = 16, KVR_RESIDUAL_BLOCK = 256
};

/* Of the rotation that begins a codebook; value_bytes: of one of its values. */
static inline size_t kvr_rotation_bytes(uint32_t head_dim, size_t value_bytes)
{
    const size_t bytes = (size_t)head_dim * head_dim * value_bytes;
    return (bytes + KVR_LINE_BYTES - 1) / KVR_LINE_BYTES * KVR_LINE_BYTES;
}

/* query: float [head_dim], not pre-scaled. Writes format->prepared_bytes(shape) bytes of the
 * layout in kernel.h; both are 64-byte aligned, as is a codebook. Any K, but at most 256 where
 * tables are bytes. With KVR_CODEBOOK_NONE `codebook` is the codec's `side`: one float, the
 * tensor's scale, for the affine formats; struct kvr_additive_books for additive_rows; the dense
 * formats and those with scales of groups (affine8g, affine4g, their _q8 and _f16) have none and do
 * not read it (NULL).
 * ahead: NULL, or a codebook that will be wanted soon: for every line of `codebook` that is read
 * from memory, the line at the same offset of `ahead` is prefetched into L2. Of a book of subspaces
 * with K = 256: smaller ones are a few lines, and of these and other books none is prefetched. */
struct kvr_prepare_step {
    const char *isa_name;
    const struct kvr_format *format;
    enum kvr_codebook codebook;
    enum kvr_book_kind book; /* NONE where `codebook` is */
    uint64_t isa;
    void (*prepare)(const struct kvr_shape *, const void *codebook, const void *ahead,
                    const float *query, void *prepared);
    /* The same bytes for KVR_PREPARE_GROUP queries ([query][head_dim]) from one pass over the
     * codebook; query q's go to prepared + q * stride_bytes (whole lines). NULL: one by one. */
    void (*prepare_group)(const struct kvr_shape *, const void *codebook, const void *ahead,
                          const float *queries, unsigned char *prepared, size_t stride_bytes);
};
enum { KVR_PREPARE_GROUP = 4 };

/* The state of an online softmax over the tiles of a head; starts as {-INFINITY, 0, 0}. */
struct kvr_softmax {
    float maximum, sum;
    float rescale; /* of what was accumulated before this tile: exp(old maximum - new maximum) */
};

/* Replaces scores[0, count) by exp(score - maximum) and updates the state; sum includes them.
 * Finite scores of any magnitude: nothing overflows, all equal to -FLT_MAX included. The weight of
 * the maximum is 1; weights that float cannot hold as normal numbers are 0. Relative error of a
 * weight: below 4e-7 as exp of x, the float nearest to score - maximum; that rounding is up to
 * 2^-24 |x| more (the weight then is e^x: never above 2.2e-8 of the maximum's). Tiles of 0 scores
 * change nothing. */
struct kvr_softmax_step {
    const char *isa_name;
    uint64_t isa;
    void (*softmax)(float *scores, uint32_t count, struct kvr_softmax *state);
};

/* output[c] = output[c] * rescale + sum_t weights[t] * values[t][c] over the tokens of segment i;
 * with rescale 0, as the first tile has it, output is not read and need not be set.
 * values: of `format`, dense_f16 or values_q8, a row for every token and padding to whole blocks; a
 * segment list like the keys' with look-ahead, streams and fold as kernel.h says. Only rows of
 * tokens are read (padding may hold anything; it is prefetched), weights[0, tokens) likewise.
 * head_dim: a multiple of 16, of values_q8 of 32.
 * output: float [head_dim], 64-byte aligned. */
struct kvr_values_step {
    const char *isa_name;
    const struct kvr_format *format;
    uint64_t isa;
    void (*values)(const struct kvr_shape *, const struct kvr_segments *, uint32_t i,
                   const float *weights, float rescale, float *output);
};

/* Segment i's codes -> float16 keys [token][head_dim] at `keys` (64-byte aligned, whole blocks),
 * each value the float (code - zero) * scale rounded to nearest even. non_temporal: with stores
 * past the caches (the caller fences); "scalar" has none and stores as ever. `scale`: of the
 * tensor; formats with scales of their own ignore it. Codes may be a fold; the keys go on. */
struct kvr_dequantise_step {
    const char *isa_name;
    const struct kvr_format *format; /* affine8, affine4, affine4g */
    uint64_t isa;
    void (*dequantise)(const struct kvr_shape *, const struct kvr_segments *, uint32_t i,
                       float scale, uint16_t *keys, int non_temporal);
};

/* All that were compiled in; *count receives their number. Const. */
const struct kvr_prepare_step *const *kvr_prepare_steps(size_t *count);
const struct kvr_softmax_step *const *kvr_softmax_steps(size_t *count);
const struct kvr_values_step *const *kvr_values_steps(size_t *count);
const struct kvr_dequantise_step *const *kvr_dequantise_steps(size_t *count);

#endif
