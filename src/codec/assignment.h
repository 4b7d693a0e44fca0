/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside kmeans.c only: the nearest centroid of every point, again and again while centroids move.
 * Bounds on distances (Hamerly, SDM 2010) say of most points that the centroid they have is still
 * the nearest; they allow for what float rounds, so that codes are those of a full search.
 */
#ifndef KVR_ASSIGNMENT_H
#define KVR_ASSIGNMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../kernels/wide.h"

struct kvr_assignment {
    const struct kvr_wide *wide; /* borrowed, as are all arrays but those below */
    const float *points;         /* [blocks][dim][16] */
    size_t blocks, dim, entries;
    const float *centroids, *half_norms; /* as nearest16 wants them */
    int32_t *codes;                      /* [blocks * 16] */
    /* owned */
    double *norms;        /* [blocks * 16] squared */
    double *upper;        /* no less than the distance to the centroid of codes */
    double *lower;        /* no more than the distance to any other; 0: not known */
    float *previous;      /* the centroids of which those are bounds */
    double *moves;        /* [entries] how far centroids went since */
    float *gathered;      /* [dim][16] */
};

/* Opens what is owned; the other members are set. 0 or -ENOMEM. Free in any case. */
int kvr_assignment_open(struct kvr_assignment *a);
void kvr_assignment_free(struct kvr_assignment *a);
/* Finds codes; whether any is another than before. */
bool kvr_assign(struct kvr_assignment *a);
/* A point has been given another code. */
void kvr_assignment_forget(struct kvr_assignment *a, size_t point);

#endif
