/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "codebook.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "../../kernels/additive.h"

enum { RESIDUAL_VALUES = KVR_ADDITIVE_STAGES * KVR_ADDITIVE_ENTRIES * KVR_ADDITIVE_CHANNELS };

static size_t value_bytes(enum kvr_codebook type)
{
    return type == KVR_CODEBOOK_F32 ? sizeof(float) : sizeof(uint16_t);
}

size_t kvr_codebook_bytes(const struct kvr_shape *shape, enum kvr_book_kind book,
                          enum kvr_codebook type)
{
    const size_t d = shape->head_dim, centroids = shape->entries * d * value_bytes(type);
    if (type == KVR_CODEBOOK_NONE)
        return 0;
    switch (book) {
    case KVR_BOOK_NONE:
        return 0;
    case KVR_BOOK_ROTATED:
        return kvr_rotation_bytes(shape->head_dim, value_bytes(type)) + centroids;
    case KVR_BOOK_ADDED:
        return (size_t)KVR_ADDED_BOOKS * KVR_ADDED_RUN * shape->entries * value_bytes(type);
    case KVR_BOOK_SIGNS:
        return (2 * d + 1) * d * value_bytes(type);
    case KVR_BOOK_FACTORS:
        return d * value_bytes(type);
    case KVR_BOOK_RESIDUAL:
        return RESIDUAL_VALUES * value_bytes(type);
    case KVR_BOOK_SUBSPACES:
        break;
    }
    return centroids;
}

double kvr_codebook_multiplies(const struct kvr_shape *shape, enum kvr_book_kind book)
{
    const double d = shape->head_dim, centroids = shape->entries * d;
    switch (book) {
    case KVR_BOOK_NONE:
        return 0;
    case KVR_BOOK_ROTATED:
        return d * d + centroids;
    case KVR_BOOK_ADDED:
        return KVR_ADDED_BOOKS * centroids;
    case KVR_BOOK_SIGNS: /* each channel is in one of the sketches */
        return 2 * d * d;
    case KVR_BOOK_FACTORS:
        return d;
    case KVR_BOOK_RESIDUAL:
        return KVR_ADDITIVE_STAGES * centroids;
    case KVR_BOOK_SUBSPACES:
        break;
    }
    return centroids;
}

/* Where packed values go. */
struct packing {
    enum kvr_codebook type;
    unsigned char *out;
};

/* 0, or -ERANGE for what float16 cannot hold. */
static int put(const struct packing *p, size_t at, float value)
{
    if (p->type == KVR_CODEBOOK_F32) {
        memcpy(p->out + at * sizeof value, &value, sizeof value);
        return 0;
    }
    const uint16_t half = kvr_float_to_half(value);
    memcpy(p->out + at * sizeof half, &half, sizeof half);
    return isfinite(kvr_half_to_float(half)) ? 0 : -ERANGE;
}

/* [rows][columns] as [columns][rows], from the at-th value on. */
static int put_transposed(const struct packing *p, size_t at, const float *matrix, size_t rows,
                          size_t columns)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c++) {
            const int status = put(p, at + c * rows + r, matrix[r * columns + c]);
            if (status)
                return status;
        }
    }
    return 0;
}

static int put_subspaces(const struct packing *p, const struct kvr_shape *shape, const float *side)
{
    const size_t dim = shape->head_dim / shape->tables, values = shape->entries * dim;
    int status = 0;
    for (size_t i = 0; i < shape->tables && !status; i++)
        status = put_transposed(p, i * values, side + i * values, shape->entries, dim);
    return status;
}

static int put_rotated(const struct packing *p, const struct kvr_shape *shape, const float *side)
{
    const size_t d = shape->head_dim, bytes = kvr_rotation_bytes(shape->head_dim,
                                                                 value_bytes(p->type));
    const struct packing behind = {p->type, p->out + bytes};
    memset(p->out, 0, bytes);
    const int status = put_transposed(p, 0, side, d, d);
    return status ? status : put_subspaces(&behind, shape, side + d * d);
}

static int put_added(const struct packing *p, const struct kvr_shape *shape, const float *side)
{
    const size_t values = (size_t)shape->entries * KVR_ADDED_RUN;
    int status = 0;
    for (size_t b = 0; b < KVR_ADDED_BOOKS && !status; b++)
        status = put_transposed(p, b * values, side + b * values, shape->entries, KVR_ADDED_RUN);
    return status;
}

/* side: the projection [2 d][d], then for each channel whether it is an outlier. */
static int put_signs(const struct packing *p, const struct kvr_shape *shape, const float *side)
{
    const size_t d = shape->head_dim, rows = 2 * d;
    const float *outliers = side + rows * d;
    size_t to = 0;
    int status = 0;
    for (int outlier = 0; outlier < 2; outlier++) {
        for (size_t c = 0; c < d; c++) {
            if ((outliers[c] > 0) != outlier)
                continue;
            for (size_t r = 0; r < rows && !status; r++)
                status = put(p, to * rows + r, side[r * d + c]);
            if (!status)
                status = put(p, rows * d + to, (float)c);
            to++;
        }
    }
    return status;
}

static int put_factors(const struct packing *p, const struct kvr_shape *shape, const float *side)
{
    return put_transposed(p, 0, side, shape->head_dim, 1);
}

static int put_residual(const struct packing *p, const struct kvr_additive_books *books)
{
    enum { BLOCK = KVR_RESIDUAL_BLOCK };
    const uint16_t(*row)[KVR_ADDITIVE_CHANNELS] = books->rows[0];
    int status = 0;
    for (size_t at = 0; at < RESIDUAL_VALUES; row += BLOCK) {
        for (size_t i = 0; i < KVR_ADDITIVE_CHANNELS; i++) {
            for (size_t c = 0; c < BLOCK && !status; c++)
                status = put(p, at++, kvr_half_to_float(row[c][i]));
        }
        if (status)
            break;
    }
    return status;
}

int kvr_codebook_pack(const struct kvr_shape *shape, enum kvr_book_kind book, const void *side,
                      enum kvr_codebook type, void *out)
{
    const struct packing p = {type, out};
    if (type == KVR_CODEBOOK_NONE)
        return -EINVAL;
    switch (book) {
    case KVR_BOOK_NONE:
        return -EINVAL;
    case KVR_BOOK_ROTATED:
        return put_rotated(&p, shape, side);
    case KVR_BOOK_ADDED:
        return put_added(&p, shape, side);
    case KVR_BOOK_SIGNS:
        return put_signs(&p, shape, side);
    case KVR_BOOK_FACTORS:
        return put_factors(&p, shape, side);
    case KVR_BOOK_RESIDUAL:
        return put_residual(&p, side);
    case KVR_BOOK_SUBSPACES:
        break;
    }
    return put_subspaces(&p, shape, side);
}
