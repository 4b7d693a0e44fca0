/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "assignment.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kmeans.h"

enum { LANES = KVR_WIDE_POINTS };

/* Of bounds: far above what their own arithmetic in double rounds. */
#define SLACK 1e-12

/* The points that have to be searched, up to 16. */
struct batch {
    size_t points[LANES], count;
};

/* What float may be wrong by in a score |c|^2 / 2 - x.c (Higham 2002, 3.1): its half norm, dim
 * products and dim differences are rounded, of terms that add up to at most half_norm + |x| |c|. */
struct rounding {
    double unit, largest_norm; /* |c| */
};

int kvr_assignment_open(struct kvr_assignment *a)
{
    const size_t points = a->blocks * LANES, values = a->entries * a->dim;
    a->norms = kvr_zeroed(points, sizeof *a->norms);
    a->upper = kvr_zeroed(points, sizeof *a->upper);
    a->lower = kvr_zeroed(points, sizeof *a->lower);
    a->previous = kvr_zeroed(values, sizeof *a->previous);
    a->moves = kvr_zeroed(a->entries, sizeof *a->moves);
    a->gathered = kvr_zeroed(a->dim, LANES * sizeof *a->gathered);
    if (!a->norms || !a->upper || !a->lower || !a->previous || !a->moves || !a->gathered)
        return -ENOMEM;
    for (size_t i = 0; i < points * a->dim; i++)
        a->norms[i / LANES / a->dim * LANES + i % LANES] += (double)a->points[i] * a->points[i];
    return 0;
}

void kvr_assignment_free(struct kvr_assignment *a)
{
    free(a->norms);
    free(a->upper);
    free(a->lower);
    free(a->previous);
    free(a->moves);
    free(a->gathered);
}

void kvr_assignment_forget(struct kvr_assignment *a, size_t point)
{
    a->lower[point] = 0.0;
}

/* The channels of a point, LANES apart. */
static const float *channels_of(const struct kvr_assignment *a, size_t point)
{
    return a->points + point / LANES * a->dim * LANES + point % LANES;
}

static double distance(const float *x, size_t step, const float *y, size_t dim)
{
    double sum = 0.0;
    for (size_t j = 0; j < dim; j++)
        sum += ((double)x[j * step] - y[j]) * ((double)x[j * step] - y[j]);
    return sqrt(sum);
}

/* Moves since the last call; the centroid that went farthest, and how far the others went. */
static size_t note_moves(struct kvr_assignment *a, double *others)
{
    size_t farthest = 0;
    *others = 0.0;
    for (size_t c = 0; c < a->entries; c++) {
        const float *now = a->centroids + c * a->dim;
        a->moves[c] = distance(now, 1, a->previous + c * a->dim, a->dim);
        if (a->moves[c] > a->moves[farthest]) {
            *others = a->moves[farthest];
            farthest = c;
        } else if (c != farthest && a->moves[c] > *others) {
            *others = a->moves[c];
        }
    }
    memcpy(a->previous, a->centroids, a->entries * a->dim * sizeof *a->previous);
    return farthest;
}

static double score_error(const struct kvr_assignment *a, const struct rounding *r, size_t point)
{
    const double norm = r->largest_norm;
    return r->unit * (norm * norm / 2 + sqrt(a->norms[point]) * norm) + (double)a->dim * FLT_MIN;
}

/* Whether float cannot take another centroid than `upper` is of: distances squared are twice the
 * scores and |x|^2, and two scores may be wrong. */
static bool apart(double upper, double lower, double error)
{
    return lower > upper && (lower - upper) * (lower + upper) > 4 * error + SLACK * lower * lower;
}

/* Whether any has another code than before. */
static bool search(struct kvr_assignment *a, const struct rounding *r, struct batch *batch)
{
    bool changed = false;
    int32_t codes[LANES];
    float scores[2 * LANES];
    for (size_t l = 0; l < batch->count; l++) {
        const float *x = channels_of(a, batch->points[l]);
        for (size_t j = 0; j < a->dim; j++)
            a->gathered[j * LANES + l] = x[j * LANES];
    }
    a->wide->nearest16(a->gathered, a->centroids, a->half_norms, a->entries, a->dim, codes,
                       scores);
    for (size_t l = 0; l < batch->count; l++) {
        const size_t point = batch->points[l];
        const double error = 2 * score_error(a, r, point), norm = a->norms[point];
        if (a->codes[point] != codes[l])
            changed = true;
        a->codes[point] = codes[l];
        a->upper[point] = sqrt(fmax(norm + 2.0 * scores[l] + error, 0.0));
        a->lower[point] = sqrt(fmax(norm + 2.0 * scores[LANES + l] - error, 0.0));
    }
    batch->count = 0;
    return changed;
}

/* Bounds after the moves; whether they say that the point's code is still right. */
static bool still_nearest(struct kvr_assignment *a, const struct rounding *r, size_t point,
                          double other_move)
{
    const size_t code = (size_t)a->codes[point];
    const double error = score_error(a, r, point);
    a->upper[point] += a->moves[code] * (1 + SLACK);
    a->lower[point] -= other_move * (1 + SLACK);
    if (apart(a->upper[point], a->lower[point], error))
        return true;
    if (!(a->lower[point] > 0.0))
        return false;
    a->upper[point] = distance(channels_of(a, point), LANES, a->centroids + code * a->dim, a->dim);
    return apart(a->upper[point], a->lower[point], error);
}

bool kvr_assign(struct kvr_assignment *a)
{
    struct rounding r = {((double)a->dim + 3) * FLT_EPSILON, 0.0};
    struct batch batch = {.count = 0};
    double others, largest = 0.0;
    bool changed = false;
    const size_t farthest = note_moves(a, &others), points = a->blocks * LANES;
    for (size_t c = 0; c < a->entries; c++)
        if (a->half_norms[c] > largest) /* not fmax: gcc 12 for Arm fails on its reduction */
            largest = a->half_norms[c];
    r.largest_norm = sqrt(2.0 * largest);
    for (size_t i = 0; i < points; i++) {
        const size_t code = (size_t)a->codes[i];
        if (!still_nearest(a, &r, i, code == farthest ? others : a->moves[farthest]))
            batch.points[batch.count++] = i;
        if ((batch.count == LANES || (batch.count && i + 1 == points)) && search(a, &r, &batch))
            changed = true;
    }
    return changed;
}
