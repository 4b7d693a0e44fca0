/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KVR_KMEANS_H
#define KVR_KMEANS_H

#include <stddef.h>
#include <stdint.h>

/* k-means with k-means++ seeding (Arthur and Vassilvitskii, SODA 2007) and Lloyd iterations; an
 * empty cluster takes over the point that is farthest from its centroid.
 * points: float, point i at points + i * stride, dim floats each. centroids: [entries][dim].
 * Same seed, same result, on every host. Returns the mean squared error of the last assignment in
 * *error (may be NULL). 0, -EINVAL (count < entries, entries == 0, dim == 0, a point that is not
 * finite) or -ENOMEM. Fewer distinct points than entries: the surplus centroids repeat
 * points. */
int kvr_kmeans(const float *points, size_t count, size_t stride, size_t dim, size_t entries,
               unsigned iterations, uint64_t seed, float *centroids, double *error);

/* The nearest centroids of 16 points that lie side by side, [dim][16], 16-byte aligned; of equally
 * near ones the lowest. In float, of |c|^2 / 2 - point.c, so that points of about unit size near
 * the origin are meant. half_norms: |c|^2 / 2 of each; with an odd number of entries both arrays
 * have one more, infinite. nearest: [16]. A point's result does not depend on the others. */
void kvr_nearest16(const float *points, const float *centroids, const float *half_norms,
                   size_t entries, size_t dim, int32_t *nearest);

#endif
