/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One row of attention (the weights of one query over its keys) in double, and how far another
 * row is from it. Pure functions; the metrics of arXiv 2601.10155 (4.1) and of INTERFACE.md.
 */
#ifndef KVR_METRICS_H
#define KVR_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "../../kernels/wide.h"
#include "../report/fidelity.h"

enum { KVR_TOP_MOST = 10 };

/* ranks[i] = rank of values[i] among n < 2^32, from 1, ties sharing their mean rank. work: 2 n. */
void kvr_ranks(const double *values, size_t n, double *ranks, uint64_t *work);
/* Pearson's correlation of two rows of ranks; 0 if either is constant. */
double kvr_rank_correlation(const double *a, const double *b, size_t n);
/* The `most` (<= KVR_TOP_MOST) largest of n values, largest first; returns their number, n if that
 * is less. */
size_t kvr_top(const double *values, size_t n, size_t most, double *top);
/* weights = softmax(scores), logs = their natural logarithms. */
void kvr_softmax(const double *scores, size_t n, double *weights, double *logs);
/* Cosine; 0 if either is 0. */
double kvr_cosine(const double *a, const double *b, size_t d);

/* Who is among the k largest of a row: keys above `value`, and each key that equals it by `share`,
 * since nothing says which of them: LOOKAT with few subspaces scores many keys alike. */
struct kvr_edge {
    double value, share;
};
enum { KVR_EDGES = 3 }; /* k = 1, 5, 10, or all keys if they are fewer */

/* An attention row with all that comparing needs. Arrays of `capacity` keys, owned. */
struct kvr_attention_row {
    size_t capacity, n, d;
    double *scores, *weights, *logs, *ranks;
    double output[KVR_MAX_HEAD_DIM];
    struct kvr_edge edges[KVR_EDGES];
    uint64_t *work;
};

/* 0 or -ENOMEM. Free with kvr_row_free. */
int kvr_row_open(struct kvr_attention_row *row, size_t capacity, size_t d);
void kvr_row_free(struct kvr_attention_row *row);
/* Everything from row->scores, row->n of them, and the values [n][d]. */
void kvr_row_fill(const struct kvr_wide *wide, struct kvr_attention_row *row,
                  const float *values);

/* The metrics of `row` against `exact`, which has the same keys. centre: uniform attention's
 * output, the mean of the values. A row whose output is the centre (within rounding) has centred
 * cosine 0. */
void kvr_row_compare(const struct kvr_attention_row *exact, const struct kvr_attention_row *row,
                     const double *centre, double metrics[KVR_METRICS]);

#endif
