/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the symmetric codecs share: one scale per tensor, codes, and the prepared queries.
 */
#include "codecs.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

size_t kvr_affine_side_bytes(const struct kvr_shape *shape)
{
    (void)shape;
    return sizeof(float);
}

int kvr_affine_train(const struct kvr_shape *shape, const float *keys, size_t count, int max_code,
                     float *scale)
{
    size_t values = count * shape->head_dim;
    float largest = 0.0f;
    for (size_t i = 0; i < values; i++) {
        float magnitude = fabsf(keys[i]);
        if (!(magnitude <= FLT_MAX))
            return -EINVAL;
        if (magnitude > largest)
            largest = magnitude;
    }
    if (count == 0)
        return -EINVAL;
    /* A subnormal scale would be flushed to 0 by the measured threads' modes. */
    *scale = largest > 0.0f ? fmaxf(largest / (float)max_code, FLT_MIN) : 0.0f;
    return 0;
}

int kvr_affine_code(float value, float scale, int min_code, int max_code)
{
    if (scale == 0.0f)
        return 0;
    float steps = value / scale;
    if (steps <= (float)min_code)
        return min_code;
    if (steps >= (float)max_code)
        return max_code;
    return (int)lrintf(steps);
}

void kvr_affine_prepare(const struct kvr_shape *shape, float scale, int zero, const float *query,
                        struct kvr_prepared_affine *prepared)
{
    double factor = (double)scale / sqrt((double)shape->head_dim);
    double sum = 0.0;
    memset(prepared, 0, sizeof *prepared);
    for (uint32_t c = 0; c < shape->head_dim; c++) {
        prepared->query[c] = (float)(query[c] * factor);
        sum += prepared->query[c]; /* of the rounded values: what the scan multiplies with */
    }
    prepared->offset_sum = (float)(zero * sum);
}

void kvr_prepare_dense(const struct kvr_shape *shape, const float *query,
                       struct kvr_prepared_dense *prepared)
{
    double root = sqrt((double)shape->head_dim);
    memset(prepared, 0, sizeof *prepared);
    for (uint32_t c = 0; c < shape->head_dim; c++)
        prepared->query[c] = (float)(query[c] / root);
}

void kvr_affine_prepare_rounded(const struct kvr_shape *shape, float scale, const float *query,
                                struct kvr_prepared_rounded *prepared)
{
    struct kvr_prepared_dense dense;
    kvr_prepare_dense(shape, query, &dense);
    memset(prepared, 0, sizeof *prepared);
    memcpy(prepared->query, dense.query, sizeof prepared->query);
    prepared->scale = scale;
}

void kvr_affine_prepare_q8(const struct kvr_shape *shape, float scale, int zero, const float *query,
                           struct kvr_prepared_affine_q8 *prepared)
{
    float largest = 0.0f;
    int32_t sum = 0;
    memset(prepared, 0, sizeof *prepared);
    for (uint32_t c = 0; c < shape->head_dim; c++)
        largest = fmaxf(largest, fabsf(query[c]));
    if (largest == 0.0f)
        return; /* codes, sum and scale stay 0, and so does every score */
    float step = fmaxf(largest / 127.0f, FLT_MIN);
    for (uint32_t c = 0; c < shape->head_dim; c++) {
        int code = kvr_affine_code(query[c], step, -127, 127);
        prepared->query8[c] = (int8_t)code;
        sum += code;
    }
    prepared->offset_sum = zero * sum;
    prepared->scale = (float)((double)scale * step / sqrt((double)shape->head_dim));
}
