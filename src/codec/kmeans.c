/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * k-means for offline codebooks.
 *
 * The assignment minimises |c|^2/2 - x.c over centroids c, a product with one term less than the
 * distance. In float that form loses digits when the points lie far from the origin, so it runs on
 * a copy of the points that is centred and scaled (by a power of two) to [-1, 1]. The copy holds
 * 16 points side by side: lanes are points, so an argmin needs no reduction across lanes, ties go
 * to the lowest index, and the result does not depend on the vector width of the host.
 */
#include "kmeans.h"
#include "assignment.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = KVR_WIDE_POINTS };

struct rng {
    uint64_t state[4];
};

struct training {
    const struct kvr_wide *wide;
    const float *points;
    size_t count, stride, dim, entries;
    size_t blocks;      /* of 16 points; the last one is padded with zeros */
    float *lanes;       /* [blocks][dim][LANES] centred and scaled points */
    double *mean;       /* [dim] */
    double scale;       /* lanes = (point - mean) * scale */
    float *centred;     /* [entries, in whole groups][dim], as lanes */
    float *half_norms;  /* likewise; infinite for entries of padding */
    float *distances;   /* [blocks * LANES] squared, in the scaled space */
    double *block_sums; /* [blocks] of distances, while seeding */
    int32_t *codes;     /* [blocks * LANES] */
    double *sums;       /* [entries][dim] */
    size_t *members;    /* [entries] */
    float *centroids;   /* the caller's */
    struct kvr_assignment assignment; /* of lanes to centred: codes */
};

/* xoshiro256++ seeded by splitmix64 (Blackman and Vigna): the same numbers on every host. */
static void rng_seed(struct rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        rng->state[i] = z ^ (z >> 31);
    }
}

static uint64_t rotate_left(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

/* Uniform in [0, 1). */
static double rng_uniform(struct rng *rng)
{
    uint64_t *s = rng->state;
    uint64_t result = rotate_left(s[0] + s[3], 23) + s[0], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return (double)(result >> 11) * 0x1p-53;
}

void *kvr_zeroed(size_t items, size_t item_bytes)
{
    size_t bytes;
    if (__builtin_mul_overflow(items, item_bytes, &bytes) || bytes > PTRDIFF_MAX - 64)
        return NULL;
    bytes = (bytes + 63) / 64 * 64;
    void *memory = aligned_alloc(64, bytes);
    if (memory)
        memset(memory, 0, bytes);
    return memory;
}

static int training_allocate(struct training *t)
{
    const size_t group = KVR_WIDE_CENTROIDS, padded = (t->entries + group - 1) / group * group;
    size_t products[2];
    if (__builtin_mul_overflow(t->blocks, t->dim, &products[0]) ||
        __builtin_mul_overflow(padded, t->dim, &products[1]))
        return -ENOMEM;
    t->lanes = kvr_zeroed(products[0], LANES * sizeof *t->lanes);
    t->mean = kvr_zeroed(t->dim, sizeof *t->mean);
    t->centred = kvr_zeroed(products[1], sizeof *t->centred);
    t->half_norms = kvr_zeroed(padded, sizeof *t->half_norms);
    t->distances = kvr_zeroed(t->blocks, LANES * sizeof *t->distances);
    t->block_sums = kvr_zeroed(t->blocks, sizeof *t->block_sums);
    t->codes = kvr_zeroed(t->blocks, LANES * sizeof *t->codes);
    t->sums = kvr_zeroed(products[1], sizeof *t->sums);
    t->members = kvr_zeroed(t->entries, sizeof *t->members);
    if (!t->lanes || !t->mean || !t->centred || !t->half_norms || !t->distances || !t->block_sums ||
        !t->codes || !t->sums || !t->members)
        return -ENOMEM;
    for (size_t c = t->entries; c < padded; c++)
        t->half_norms[c] = INFINITY;
    return 0;
}

static void training_free(struct training *t)
{
    free(t->lanes);
    free(t->mean);
    free(t->centred);
    free(t->half_norms);
    free(t->distances);
    free(t->block_sums);
    free(t->codes);
    free(t->sums);
    free(t->members);
    kvr_assignment_free(&t->assignment);
}

/* Mean, scale and lanes of the points. */
static int centre(struct training *t)
{
    double largest = 0.0;
    for (size_t i = 0; i < t->count; i++) {
        for (size_t j = 0; j < t->dim; j++) {
            float value = t->points[i * t->stride + j];
            if (!isfinite(value))
                return -EINVAL;
            t->mean[j] += value;
        }
    }
    for (size_t j = 0; j < t->dim; j++)
        t->mean[j] /= (double)t->count;
    for (size_t i = 0; i < t->count; i++) {
        for (size_t j = 0; j < t->dim; j++) {
            double offset = fabs(t->points[i * t->stride + j] - t->mean[j]);
            largest = offset > largest ? offset : largest; /* gcc 12 for Arm fails at fmax here */
        }
    }
    int exponent;
    frexp(largest, &exponent);
    t->scale = ldexp(1.0, -exponent);
    for (size_t i = 0; i < t->count; i++) {
        float *block = t->lanes + i / LANES * t->dim * LANES;
        for (size_t j = 0; j < t->dim; j++)
            block[j * LANES + i % LANES] =
                (float)((t->points[i * t->stride + j] - t->mean[j]) * t->scale);
    }
    return 0;
}

/* Lowers distances to those from point `chosen` where it is nearer than all seeds before it. */
static double seed_distances(struct training *t, size_t chosen)
{
    const float *source = t->lanes + chosen / LANES * t->dim * LANES + chosen % LANES;
    double total = 0.0;
    t->wide->lower_distances(t->lanes, t->blocks, t->dim, source, t->distances, t->block_sums);
    for (size_t b = 0; b < t->blocks; b++)
        total += t->block_sums[b];
    return total;
}

/* A point with probability proportional to its distance; any point if all distances are 0. */
static size_t draw(const struct training *t, struct rng *rng, double total)
{
    double uniform = rng_uniform(rng);
    if (!(total > 0.0))
        return (size_t)(uniform * (double)t->count);
    double rest = uniform * total;
    size_t block = 0, point = 0;
    for (size_t b = 0; b < t->blocks; b++) {
        if (t->block_sums[b] > 0.0) {
            block = b;
            if (rest < t->block_sums[b])
                break;
            rest -= t->block_sums[b];
        }
    }
    for (size_t l = 0; l < LANES; l++) {
        float distance = t->distances[block * LANES + l];
        if (distance > 0.0f) {
            point = block * LANES + l;
            if (rest < distance)
                break;
            rest -= distance;
        }
    }
    return point;
}

/* Centroids as the assignment wants them: centred, scaled, and half their squared norms. */
static void centre_centroids(struct training *t)
{
    for (size_t c = 0; c < t->entries; c++) {
        double norm = 0.0;
        for (size_t j = 0; j < t->dim; j++) {
            float value = (float)((t->centroids[c * t->dim + j] - t->mean[j]) * t->scale);
            t->centred[c * t->dim + j] = value;
            norm += (double)value * value;
        }
        t->half_norms[c] = (float)(norm / 2.0);
    }
}

static void seed_centroids(struct training *t, uint64_t seed)
{
    struct rng rng;
    double total = 0.0;
    rng_seed(&rng, seed);
    for (size_t i = 0; i < t->count; i++)
        t->distances[i] = FLT_MAX; /* padding keeps 0: it is never drawn */
    for (size_t c = 0; c < t->entries; c++) {
        size_t point = draw(t, &rng, total);
        memcpy(t->centroids + c * t->dim, t->points + point * t->stride,
               t->dim * sizeof *t->centroids);
        total = seed_distances(t, point);
    }
    centre_centroids(t);
}

static void move_point(struct training *t, size_t point, size_t to)
{
    const float *values = t->points + point * t->stride;
    size_t from = (size_t)t->codes[point];
    for (size_t j = 0; j < t->dim; j++) {
        t->sums[from * t->dim + j] -= values[j];
        t->sums[to * t->dim + j] = values[j];
    }
    t->members[from]--;
    t->members[to] = 1;
    t->codes[point] = (int32_t)to;
    t->distances[point] = 0.0f;
    kvr_assignment_forget(&t->assignment, point);
}

/* Gives each empty cluster the point farthest from its centroid. Fewer distinct points than
 * clusters: the rest stay empty and keep their centroid. */
static void repair_empty(struct training *t)
{
    for (size_t i = 0; i < t->count; i++) {
        const float *block = t->lanes + i / LANES * t->dim * LANES;
        const float *centroid = t->centred + (size_t)t->codes[i] * t->dim;
        float square = 0.0f;
        for (size_t j = 0; j < t->dim; j++) {
            float offset = block[j * LANES + i % LANES] - centroid[j];
            square += offset * offset;
        }
        t->distances[i] = square;
    }
    for (size_t c = 0; c < t->entries; c++) {
        size_t farthest = t->count;
        float distance = 0.0f;
        if (t->members[c])
            continue;
        for (size_t i = 0; i < t->count; i++) {
            if (t->distances[i] > distance && t->members[t->codes[i]] > 1) {
                farthest = i;
                distance = t->distances[i];
            }
        }
        if (farthest == t->count)
            return;
        move_point(t, farthest, c);
    }
}

/* Centroids become the means of their points. */
static void update(struct training *t)
{
    size_t empty = t->entries;
    memset(t->sums, 0, t->entries * t->dim * sizeof *t->sums);
    memset(t->members, 0, t->entries * sizeof *t->members);
    for (size_t i = 0; i < t->count; i++) {
        double *sum = t->sums + (size_t)t->codes[i] * t->dim;
        for (size_t j = 0; j < t->dim; j++)
            sum[j] += t->points[i * t->stride + j];
        empty -= t->members[t->codes[i]]++ == 0;
    }
    if (empty)
        repair_empty(t);
    for (size_t c = 0; c < t->entries; c++) {
        for (size_t j = 0; j < t->dim && t->members[c]; j++)
            t->centroids[c * t->dim + j] = (float)(t->sums[c * t->dim + j] / (double)t->members[c]);
    }
    centre_centroids(t);
}

static double mean_squared_error(const struct training *t)
{
    double sum = 0.0;
    for (size_t i = 0; i < t->count; i++) {
        const float *centroid = t->centroids + (size_t)t->codes[i] * t->dim;
        for (size_t j = 0; j < t->dim; j++) {
            double offset = (double)t->points[i * t->stride + j] - centroid[j];
            sum += offset * offset;
        }
    }
    return sum / (double)t->count;
}

int kvr_kmeans(const struct kvr_wide *wide, const float *points, size_t count, size_t stride,
               size_t dim, size_t entries, unsigned iterations, uint64_t seed, float *centroids,
               double *error)
{
    if (entries == 0 || dim == 0 || count < entries || entries >= INT32_MAX)
        return -EINVAL;
    struct training t = {.wide = wide,
                         .points = points,
                         .count = count,
                         .stride = stride,
                         .dim = dim,
                         .entries = entries,
                         .blocks = (count - 1) / LANES + 1,
                         .centroids = centroids};
    int status = training_allocate(&t);
    if (status)
        goto out;
    status = centre(&t);
    if (status)
        goto out;
    t.assignment = (struct kvr_assignment){.wide = wide, .points = t.lanes, .blocks = t.blocks,
                                           .dim = dim, .entries = entries,
                                           .centroids = t.centred, .half_norms = t.half_norms,
                                           .codes = t.codes};
    status = kvr_assignment_open(&t.assignment);
    if (status)
        goto out;
    seed_centroids(&t, seed);
    for (unsigned i = 0; i < iterations; i++) {
        if (!kvr_assign(&t.assignment) && i > 0)
            break; /* a fixed point: further iterations would repeat it */
        update(&t);
    }
    if (error) {
        kvr_assign(&t.assignment);
        *error = mean_squared_error(&t);
    }
out:
    training_free(&t);
    return status;
}
