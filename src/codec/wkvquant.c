/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * wkvquant, after WKVQuant (arXiv 2402.12065): int4g32's codes of keys whose channels were made
 * alike first. Each is divided by a factor that is folded into the query, q.k = (q f).(k / f), so
 * that no channel of outliers sets the scale of its whole group. The paper learns its factors, and
 * shifts; here f is the square root of the channel's largest magnitude among the calibration keys,
 * SmoothQuant's rule (arXiv 2211.10438, equation 4, alpha = .5) for the keys alone.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "../../kernels/formats.h"
#include "groups.h"

static const char *refuses(const struct kvr_shape *shape)
{
    return kvr_refuses_groups("wkvquant", shape);
}

static double key_bytes(const struct kvr_shape *shape)
{
    return kvr_codec_int4g32.key_bytes(shape);
}

static size_t side_bytes(const struct kvr_shape *shape)
{
    return shape->head_dim * sizeof(float);
}

/* side: float [d], the factors. That of a channel of zeros, or of values so small that dividing by
 * it is of no use, is 1. */
static int train(const struct kvr_shape *shape, const float *keys, size_t count, uint64_t seed,
                 void *side)
{
    float *factors = side;
    int rc = kvr_group_train(shape, keys, count, seed, NULL);
    for (uint32_t c = 0; !rc && c < shape->head_dim; c++) {
        float largest = 0.0f;
        for (size_t k = 0; k < count; k++)
            largest = fmaxf(largest, fabsf(keys[k * shape->head_dim + c]));
        factors[c] = largest >= FLT_MIN ? sqrtf(largest) : 1.0f;
    }
    return rc;
}

static int encode(const struct kvr_shape *shape, const void *side, const float *keys, size_t count,
                  void *codes)
{
    const float *factors = side;
    const size_t d = shape->head_dim;
    float *alike = malloc((count ? count : 1) * d * sizeof *alike);
    if (!alike)
        return -ENOMEM;
    for (size_t i = 0; i < count * d; i++)
        alike[i] = keys[i] / factors[i % d];
    int rc = kvr_codec_int4g32.encode(shape, NULL, alike, count, codes);
    free(alike);
    return rc;
}

static void decode(const struct kvr_shape *shape, const void *side, const void *codes, size_t count,
                   float *keys)
{
    const float *factors = side;
    const size_t d = shape->head_dim;
    kvr_codec_int4g32.decode(shape, NULL, codes, count, keys);
    for (size_t i = 0; i < count * d; i++)
        keys[i] *= factors[i % d];
}

static void prepare(const struct kvr_shape *shape, const struct kvr_format *format,
                    const void *side, const float *query, void *prepared)
{
    const float *factors = side;
    float folded[KVR_MAX_HEAD_DIM];
    (void)format;
    for (uint32_t c = 0; c < shape->head_dim; c++)
        folded[c] = query[c] * factors[c];
    kvr_prepare_dense(shape, folded, prepared);
}

static const struct kvr_format *const formats[] = {&kvr_format_affine4g, NULL};

const struct kvr_codec kvr_codec_wkvquant = {
    .name = "wkvquant",
    .source = "after arXiv 2402.12065 (WKVQuant)",
    .summary = "int4g32 of keys whose channels are made alike by factors that the query takes; "
               "not learnt, no shifts",
    .formats = formats,
    .group = KVR_GROUP,
    .calibrated = 1,
    .book = KVR_BOOK_FACTORS,
    .refuses = refuses,
    .key_bytes = key_bytes,
    .side_bytes = side_bytes,
    .train = train,
    .encode = encode,
    .decode = decode,
    .prepare = prepare,
};
