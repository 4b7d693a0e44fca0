/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KVR_KMEANS_H
#define KVR_KMEANS_H

#include <stddef.h>
#include <stdint.h>

#include "../../kernels/wide.h"

/* k-means with k-means++ seeding (Arthur and Vassilvitskii, SODA 2007) and Lloyd iterations; an
 * empty cluster takes over the point that is farthest from its centroid.
 * points: float, point i at points + i * stride, dim floats each. centroids: [entries][dim].
 * Same seed, same result, on every host and with all loops (`wide`). Returns the mean squared error
 * of the last assignment in *error (may be NULL). 0, -EINVAL (count < entries, entries == 0,
 * dim == 0, a point that is not finite) or -ENOMEM. Fewer distinct points than entries: the surplus
 * centroids repeat points. */
int kvr_kmeans(const struct kvr_wide *wide, const float *points, size_t count, size_t stride,
               size_t dim, size_t entries, unsigned iterations, uint64_t seed, float *centroids,
               double *error);

/* A zeroed array whose vectors are aligned; NULL if it does not fit. The caller frees. */
void *kvr_zeroed(size_t items, size_t item_bytes);

#endif
