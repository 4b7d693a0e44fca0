/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * OPQ (Ge, He, Ke and Sun, CVPR 2013, "Optimized Product Quantization"): a learned rotation before
 * LOOKAT. Rotating key and query alike leaves their product as it is, and lets subspaces be
 * directions that quantise well. side = float rotation [d][d], then LOOKAT's codebook; codes, scans
 * and tables are LOOKAT's. A query is rotated first: d^2 multiply-adds.
 */
#include "codecs.h"

#include <errno.h>
#include <gsl/gsl_linalg.h>
#include <stdlib.h>
#include <string.h>

/* A rotation has few parameters beside a codebook: it is fitted to some of the keys. */
enum { ROUNDS = 6, KEYS_PER_ENTRY = 8 };

static size_t rotation_values(const struct kvr_shape *shape)
{
    return (size_t)shape->head_dim * shape->head_dim;
}

static const float *codebook_of(const struct kvr_shape *shape, const void *side)
{
    return (const float *)side + rotation_values(shape);
}

/* out[r] = sum over c of rotation[r][c] * vector[c], in double; transposed: [c][r], the inverse. */
static void rotate(const float *rotation, size_t d, const float *vector, int transposed, float *out)
{
    for (size_t r = 0; r < d; r++) {
        double sum = 0.0;
        for (size_t c = 0; c < d; c++)
            sum += (double)rotation[transposed ? c * d + r : r * d + c] * vector[c];
        out[r] = (float)sum;
    }
}

static float *rotate_all(const float *rotation, size_t d, const float *keys, size_t count)
{
    float *rotated = malloc((count ? count : 1) * d * sizeof *rotated);
    for (size_t k = 0; rotated && k < count; k++)
        rotate(rotation, d, keys + k * d, 0, rotated + k * d);
    return rotated;
}

/* What training works on; one owner of all of it. */
struct fit {
    const struct kvr_shape *shape;
    const float *keys;
    size_t count, step; /* every step-th of them is looked at */
    uint64_t seed;
    float *rotation, *codebook; /* of this round */
    float *rotated, *decoded;   /* [at most count][d] */
    void *codes;
};

static size_t used_keys(const struct fit *f)
{
    return (f->count - 1) / f->step + 1;
}

/* A codebook for the keys as they are rotated now, and what it makes of them. */
static int quantise(struct fit *f, double *error)
{
    const struct kvr_codec *pq = &kvr_codec_lookat;
    const size_t d = f->shape->head_dim;
    const size_t used = used_keys(f);
    for (size_t k = 0; k < used; k++)
        rotate(f->rotation, d, f->keys + k * f->step * d, 0, f->rotated + k * d);
    int status = pq->train(f->shape, f->rotated, used, f->seed, f->codebook);
    if (!status)
        status = pq->encode(f->shape, f->codebook, f->rotated, used, f->codes);
    if (status)
        return status;
    pq->decode(f->shape, f->codebook, f->codes, used, f->decoded);
    *error = 0.0;
    for (size_t i = 0; i < used * d; i++) {
        double difference = (double)f->rotated[i] - f->decoded[i];
        *error += difference * difference;
    }
    return 0;
}

/* The rotation that brings the keys nearest to the decoded ones (orthogonal Procrustes): with
 * sum of decoded x key^T = U S V^T it is U V^T. */
static int procrustes(struct fit *f)
{
    const size_t d = f->shape->head_dim;
    int status = -ENOMEM;
    gsl_matrix *u = gsl_matrix_calloc(d, d), *v = gsl_matrix_alloc(d, d);
    gsl_vector *s = gsl_vector_alloc(d), *work = gsl_vector_alloc(d);
    if (!u || !v || !s || !work)
        goto out;
    for (size_t k = 0; k < used_keys(f); k++) {
        const float *key = f->keys + k * f->step * d, *decoded = f->decoded + k * d;
        for (size_t r = 0; r < d; r++) {
            double *row = gsl_matrix_ptr(u, r, 0);
            for (size_t c = 0; c < d; c++)
                row[c] += (double)decoded[r] * key[c];
        }
    }
    status = gsl_linalg_SV_decomp(u, v, s, work) ? -EDOM : 0;
    for (size_t r = 0; r < d && !status; r++) {
        for (size_t c = 0; c < d; c++) {
            double sum = 0.0;
            for (size_t i = 0; i < d; i++)
                sum += gsl_matrix_get(u, r, i) * gsl_matrix_get(v, c, i);
            f->rotation[r * d + c] = (float)sum;
        }
    }
out:
    gsl_matrix_free(u);
    gsl_matrix_free(v);
    gsl_vector_free(s);
    gsl_vector_free(work);
    return status;
}

/* Rotations and codebooks in turn, from no rotation on; the one of the least error to `best`. */
static int alternate(struct fit *f, float *best)
{
    double least = 0.0, error = 0.0;
    int status = 0;
    for (int round = 0; round < ROUNDS; round++) {
        status = round ? procrustes(f) : 0;
        if (!status)
            status = quantise(f, &error);
        if (status)
            return status;
        if (!round || error < least) {
            least = error;
            memcpy(best, f->rotation, rotation_values(f->shape) * sizeof *best);
        }
    }
    return 0;
}

static void set_identity(float *rotation, size_t d)
{
    memset(rotation, 0, d * d * sizeof *rotation);
    for (size_t c = 0; c < d; c++)
        rotation[c * d + c] = 1.0f;
}

/* The codebook of all keys with that rotation and without: never worse on them than LOOKAT. */
static int finish(struct fit *f, float *side)
{
    const size_t rotation_bytes = rotation_values(f->shape) * sizeof *side;
    const size_t codebook_bytes = kvr_codec_lookat.side_bytes(f->shape);
    float *codebook = side + rotation_values(f->shape);
    double rotated = 0.0, plain = 0.0;
    f->step = 1;
    memcpy(f->rotation, side, rotation_bytes);
    int status = quantise(f, &rotated);
    memcpy(codebook, f->codebook, codebook_bytes);
    set_identity(f->rotation, f->shape->head_dim);
    if (!status)
        status = quantise(f, &plain);
    if (!status && plain < rotated) {
        memcpy(side, f->rotation, rotation_bytes);
        memcpy(codebook, f->codebook, codebook_bytes);
    }
    return status;
}

static int opq_train(const struct kvr_shape *shape, const float *keys, size_t count, uint64_t seed,
                     void *side)
{
    const size_t d = shape->head_dim;
    if (count < shape->entries || count > UINT32_MAX)
        return -EINVAL;
    const struct kvr_format *layout = kvr_codec_layout(&kvr_codec_lookat, shape);
    const size_t wanted = (size_t)shape->entries * KEYS_PER_ENTRY;
    struct fit f = {.shape = shape, .keys = keys, .count = count, .seed = seed,
                    .step = count > wanted ? count / wanted : 1};
    f.rotation = calloc(d * d, sizeof *f.rotation);
    f.codebook = malloc(kvr_codec_lookat.side_bytes(shape));
    f.rotated = malloc(count * d * sizeof *f.rotated);
    f.decoded = malloc(count * d * sizeof *f.decoded);
    f.codes = malloc(layout->segment_bytes(shape, (uint32_t)count));
    int status = -ENOMEM;
    if (f.rotation && f.codebook && f.rotated && f.decoded && f.codes) {
        set_identity(f.rotation, d);
        status = alternate(&f, side);
        if (!status)
            status = finish(&f, side);
    }
    free(f.rotation);
    free(f.codebook);
    free(f.rotated);
    free(f.decoded);
    free(f.codes);
    return status;
}

static int opq_encode(const struct kvr_shape *shape, const void *side, const float *keys,
                      size_t count, void *codes)
{
    float *rotated = rotate_all(side, shape->head_dim, keys, count);
    int status = -ENOMEM;
    if (rotated)
        status = kvr_codec_lookat.encode(shape, codebook_of(shape, side), rotated, count, codes);
    free(rotated);
    return status;
}

static void opq_decode(const struct kvr_shape *shape, const void *side, const void *codes,
                       size_t count, float *keys)
{
    const size_t d = shape->head_dim;
    float rotated[KVR_MAX_HEAD_DIM];
    kvr_codec_lookat.decode(shape, codebook_of(shape, side), codes, count, keys);
    for (size_t k = 0; k < count; k++) {
        memcpy(rotated, keys + k * d, d * sizeof *rotated);
        rotate(side, d, rotated, 1, keys + k * d);
    }
}

static void opq_prepare(const struct kvr_shape *shape, const struct kvr_format *format,
                        const void *side, const float *query, void *prepared)
{
    float rotated[KVR_MAX_HEAD_DIM];
    rotate(side, shape->head_dim, query, 0, rotated);
    kvr_codec_lookat.prepare(shape, format, codebook_of(shape, side), rotated, prepared);
}

static size_t opq_side_bytes(const struct kvr_shape *shape)
{
    return rotation_values(shape) * sizeof(float) + kvr_codec_lookat.side_bytes(shape);
}

static const char *opq_refuses(const struct kvr_shape *shape)
{
    return kvr_refuses_subspaces("opq", shape);
}

const struct kvr_codec kvr_codec_opq = {
    .name = "opq",
    .source = "Ge et al., CVPR 2013",
    .summary = "a learned rotation before lookat",
    .formats = kvr_lookup_formats,
    .calibrated = 1,
    .book = KVR_BOOK_ROTATED,
    .refuses = opq_refuses,
    .key_bytes = kvr_subspaces_key_bytes,
    .side_bytes = opq_side_bytes,
    .train = opq_train,
    .encode = opq_encode,
    .decode = opq_decode,
    .prepare = opq_prepare,
};
