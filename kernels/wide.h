/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The loops in which training codebooks and comparing attention spend their time, none of which is
 * measured: one body, built for each width of vectors. Lanes are points, keys or channels, each
 * with its own sums in one order and without fused multiply-adds, so that every width gives the
 * same bits.
 */
#ifndef KVR_WIDE_H
#define KVR_WIDE_H

#include <stddef.h>
#include <stdint.h>

/* Points side by side; arrays of centroids end in whole groups of KVR_WIDE_CENTROIDS. */
enum { KVR_WIDE_POINTS = 16, KVR_WIDE_CENTROIDS = 8 };

struct kvr_wide {
    uint32_t vector_bytes; /* 16, 32 (AVX2), 64 (AVX-512) */

    /* The nearest centroids of 16 points that lie side by side, [dim][16], 64-byte aligned; of
     * equally near ones the lowest. In float, of |c|^2 / 2 - point.c, so that points of about unit
     * size near the origin are meant. half_norms: |c|^2 / 2 of each; both arrays are padded to
     * whole groups, half_norms by infinities. nearest: [16]. scores: NULL, or [2][16], the least of
     * each point and the next, FLT_MAX if there is none. A point's result does not depend on the
     * others. */
    void (*nearest16)(const float *points, const float *centroids, const float *half_norms,
                      size_t entries, size_t dim, int32_t *nearest, float *scores);

    /* distances[i] of points in `blocks` of 16, [dim][16] each: lowered to the squared distance
     * from a point where that is less, whose channels are source[0], source[16], ... sums[block]
     * is the sum over a block, in the order of points, where one was lowered. */
    void (*lower_distances)(const float *points, size_t blocks, size_t dim, const float *source,
                            float *distances, double *sums);

    /* The centroid nearest to `vector`, the lowest of equally near ones. columns: [dim][entries],
     * entries a multiple of 8. */
    size_t (*nearest_column)(const double *columns, size_t entries, size_t dim,
                             const float *vector);

    /* scores[i] = sum over channels of factors[c] * columns[c * stride + i], in the order of
     * channels, for i < n. */
    void (*add_columns)(const double *columns, size_t stride, size_t channels,
                        const double *factors, size_t n, double *scores);

    /* out[c] = sum over i of weights[i] * values[i][c]; values: float [n][d]. Four keys are added
     * up before they are added to the sum. */
    void (*weighted_sum)(const double *weights, const float *values, size_t n, size_t d,
                         double *out);
};

/* The widest vectors that a host with these enum kvr_isa bits has loops for: 16 at least. */
uint32_t kvr_wide_bytes(uint64_t isa);
/* The loops for vectors of at most so many bytes; below 32 those of the baseline. */
const struct kvr_wide *kvr_wide(uint32_t vector_bytes);

#endif
