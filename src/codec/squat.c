/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * squat2, squat4 (arXiv 2503.24358, algorithm 1): the channels of a group of keys are coded block
 * by block from left to right; what a block's errors would add to the scores of the queries'
 * subspace, the channels not yet coded take back as far as they can. With A = I + lambda Qr^T Qr
 * the cost of an error e is e^T A e; given the errors e1 of all channels coded so far e2 = S21
 * S11^-1 e1 = -A22^-1 A21 e1, S = A^-1, makes it smallest, and as A22 stays that of the channels
 * left, each block's errors can be met when they are made (GPTQ's feedback with the Hessian A).
 * Qr^T Qr is V diag(s^2) V^T of the r largest singular values s of the queries, the square roots of
 * the eigenvalues of Q^T Q.
 */
#include "squat.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <gsl/gsl_blas.h>
#include <gsl/gsl_eigen.h>
#include <gsl/gsl_linalg.h>

#include "channel.h"

const struct kvr_squat_settings kvr_squat_defaults = {.rank = 20, .lambda = 0.001, .block = 16};

struct kvr_squat_settings kvr_squat_chosen(const struct kvr_squat_settings *given)
{
    struct kvr_squat_settings chosen = *given;
    chosen.rank = chosen.rank ? chosen.rank : kvr_squat_defaults.rank;
    chosen.lambda = chosen.lambda > 0 ? chosen.lambda : kvr_squat_defaults.lambda;
    chosen.block = chosen.block ? chosen.block : kvr_squat_defaults.block;
    return chosen;
}

static const char *refuses_settings(const struct kvr_shape *shape,
                                    const struct kvr_squat_settings *given)
{
    const struct kvr_squat_settings chosen = kvr_squat_chosen(given);
    if (chosen.rank > shape->head_dim)
        return kvr_refusal("queries of d = %u channels (--head-dim) have no more singular vectors, "
                           "so %u cannot be kept (--squat-rank)",
                           shape->head_dim, chosen.rank);
    if (shape->head_dim % chosen.block)
        return kvr_refusal("blocks of %u channels (--squat-block) do not divide d = %u "
                           "(--head-dim)",
                           chosen.block, shape->head_dim);
    return NULL;
}

void kvr_squat_text(const struct kvr_squat_settings *given, char *text, size_t bytes)
{
    const struct kvr_squat_settings chosen = kvr_squat_chosen(given);
    snprintf(text, bytes, "r%u/lambda%g/block%u", chosen.rank, chosen.lambda, chosen.block);
}

/* Q^T Q in double. */
static void gram(const float *queries, size_t count, uint32_t d, gsl_matrix *out)
{
    gsl_matrix_set_zero(out);
    for (size_t q = 0; q < count; q++, queries += d)
        for (uint32_t a = 0; a < d; a++)
            for (uint32_t b = 0; b <= a; b++)
                *gsl_matrix_ptr(out, a, b) += (double)queries[a] * queries[b];
    for (uint32_t a = 0; a < d; a++)
        for (uint32_t b = 0; b < a; b++)
            gsl_matrix_set(out, b, a, gsl_matrix_get(out, a, b));
}

/* A = I + lambda * sum over r of s^2 v v^T. */
static void weight(const gsl_vector *squares, const gsl_matrix *vectors,
                   const struct kvr_squat_settings *settings, gsl_matrix *a)
{
    gsl_matrix_set_identity(a);
    for (uint32_t r = 0; r < settings->rank; r++) {
        gsl_vector_const_view v = gsl_matrix_const_column(vectors, r);
        gsl_blas_dsyr(CblasLower, settings->lambda * fmax(gsl_vector_get(squares, r), 0),
                      &v.vector, a);
    }
}

/* -A22^-1 A21 for the channels from `next` on and the block before it. Only A's lower half. */
static void regress(const gsl_matrix *a, uint32_t next, uint32_t block, gsl_matrix *factors,
                    gsl_vector *columns, float *side)
{
    const size_t d = a->size1, left = d - next;
    gsl_matrix_const_view a22 = gsl_matrix_const_submatrix(a, next, next, left, left);
    gsl_matrix_view factor = gsl_matrix_submatrix(factors, 0, 0, left, left);
    gsl_vector_view column = gsl_vector_subvector(columns, 0, left);
    gsl_matrix_memcpy(&factor.matrix, &a22.matrix);
    gsl_linalg_cholesky_decomp1(&factor.matrix); /* A is positive definite: I and squares */
    for (size_t b = next - block; b < next; b++) {
        for (size_t c = 0; c < left; c++)
            gsl_vector_set(&column.vector, c, -gsl_matrix_get(a, next + c, b));
        gsl_linalg_cholesky_svx(&factor.matrix, &column.vector);
        for (size_t c = 0; c < left; c++)
            side[(next + c) * d + b] = (float)gsl_vector_get(&column.vector, c);
    }
}

int kvr_squat_fit(const struct kvr_shape *shape, const float *queries, size_t count,
                  const struct kvr_squat_settings *settings, float *side)
{
    const uint32_t d = shape->head_dim, block = settings->block;
    if (!block || d % block || settings->rank > d || !(settings->lambda >= 0))
        return -EINVAL;
    int rc = kvr_channel_check(shape, queries, count);
    if (rc)
        return rc;
    gsl_matrix *a = gsl_matrix_alloc(d, d), *vectors = gsl_matrix_alloc(d, d);
    gsl_vector *squares = gsl_vector_alloc(d);
    gsl_eigen_symmv_workspace *workspace = gsl_eigen_symmv_alloc(d);
    rc = -ENOMEM;
    if (!a || !vectors || !squares || !workspace)
        goto out;
    gram(queries, count, d, a);
    gsl_eigen_symmv(a, squares, vectors, workspace);
    gsl_eigen_symmv_sort(squares, vectors, GSL_EIGEN_SORT_VAL_DESC);
    weight(squares, vectors, settings, a);
    memset(side, 0, (size_t)d * d * sizeof *side);
    for (uint32_t next = block; next < d; next += block)
        regress(a, next, block, vectors, squares, side); /* both have done their part */
    side[(size_t)d * d] = (float)block;
    rc = 0;
out:
    if (workspace)
        gsl_eigen_symmv_free(workspace);
    gsl_vector_free(squares);
    gsl_matrix_free(vectors);
    gsl_matrix_free(a);
    return rc;
}

static size_t side_bytes(const struct kvr_shape *shape)
{
    return ((size_t)shape->head_dim * shape->head_dim + 1) * sizeof(float);
}

/* Until it knows the queries, no channel is shifted: KIVI. */
static int train(const struct kvr_shape *shape, const float *keys, size_t count, uint64_t seed,
                 void *side)
{
    (void)seed;
    memset(side, 0, side_bytes(shape));
    ((float *)side)[(size_t)shape->head_dim * shape->head_dim] = (float)kvr_squat_defaults.block;
    return kvr_channel_check(shape, keys, count);
}

static int train_queries(const struct kvr_shape *shape, const struct kvr_teaching *teaching,
                         void *side)
{
    const struct kvr_squat_settings settings = kvr_squat_chosen(&teaching->squat);
    return kvr_squat_fit(shape, teaching->queries, teaching->count, &settings, side);
}

/* The channels from `first` on take back the errors of the `block` channels before them. */
static void shift(const float *gains, uint32_t d, uint32_t first, uint32_t block,
                  const double *errors, float *key)
{
    for (uint32_t c = first; c < d; c++) {
        double sum = 0;
        for (uint32_t b = 0; b < block; b++)
            sum += gains[(size_t)c * d + first - block + b] * errors[b];
        key[c] = (float)(key[c] + sum);
    }
}

static int encode_group(const struct kvr_shape *shape, int bits, const void *side,
                        const float *keys, unsigned char *group)
{
    const float *gains = side;
    const uint32_t d = shape->head_dim, block = (uint32_t)gains[(size_t)d * d];
    float shifted[KVR_GROUP_KEYS * KVR_MAX_HEAD_DIM];
    double errors[KVR_GROUP_KEYS][KVR_MAX_HEAD_DIM];
    struct kvr_channel_codes codes;
    memcpy(shifted, keys, sizeof *shifted * KVR_GROUP_KEYS * d);
    for (uint32_t first = 0; first < d; first += block) {
        for (uint32_t c = first; c < first + block; c++) {
            int rc = kvr_channel_quantise(shifted + c, d, bits, &codes);
            if (rc)
                return rc;
            kvr_channel_put(shape, bits, c, &codes, group);
            for (size_t k = 0; k < KVR_GROUP_KEYS; k++)
                errors[k][c - first] = (double)codes.values[k] - shifted[k * d + c];
        }
        for (size_t k = 0; k < KVR_GROUP_KEYS; k++)
            shift(gains, d, first + block, block, errors[k], shifted + k * d);
    }
    return 0;
}

KVR_CHANNEL_CODEC(squat2, 2, "arXiv 2503.24358 (SQuat)",
                  "kivi2's format; errors moved out of the queries' subspace (r 20, lambda .001, "
                  "blocks of 16 channels, or --squat-rank, -lambda, -block)",
                  train_queries, refuses_settings)
KVR_CHANNEL_CODEC(squat4, 4, "arXiv 2503.24358 (SQuat)", "squat2 with 4 bits", train_queries,
                  refuses_settings)
