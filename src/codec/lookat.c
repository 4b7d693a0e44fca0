/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * LOOKAT (arXiv 2601.10155): product quantization of keys, scored by look-ups in a table per
 * query. A key's sub-vector i is replaced by the index of the nearest of K centroids of subspace
 * i; side = float codebook [m][K][d/m]. K is 256 (a byte a code) or 16 (two codes a byte).
 */
#include "codecs.h"
#include "kmeans.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/formats.h"

enum { ENTRIES = 256, FEW_ENTRIES = 16, BLOCK_KEYS = 64, LLOYD_ITERATIONS = 25 };

/* Where the code of one subspace of one key lies (kernels/kernel.h): K = 256, a byte of
 * [block][m][64 keys]; K = 16, a nibble of [block][m/2][16 x 4 keys], `shift` bits up. */
struct place {
    size_t byte;
    unsigned shift, mask;
};

static struct place code_place(const struct kvr_shape *shape, size_t key, uint32_t subspace)
{
    const size_t block = key / BLOCK_KEYS, in_block = key % BLOCK_KEYS;
    if (shape->entries == ENTRIES)
        return (struct place){(block * shape->tables + subspace) * BLOCK_KEYS + in_block, 0, 255};
    const size_t line = block * (shape->tables / 2) + subspace / 2;
    return (struct place){line * BLOCK_KEYS + in_block % 16 * 4 + in_block / 16,
                          subspace % 2 * 4, 15};
}

const char *kvr_refuses_subspaces(const char *name, const struct kvr_shape *shape)
{
    uint32_t d = shape->head_dim, m = shape->tables;
    if (d == 0 || d > KVR_MAX_HEAD_DIM)
        return kvr_refusal("%s serves head dims (--head-dim) from 1 to %d, not %u", name,
                           KVR_MAX_HEAD_DIM, d);
    if (m == 0 || m > KVR_MAX_TABLES)
        return kvr_refusal("%s serves 1 to %d subspaces (--subspaces), not %u", name,
                           KVR_MAX_TABLES, m);
    if (d % m)
        return kvr_refusal("m = %u subspaces (--subspaces) do not divide d = %u channels "
                           "(--head-dim)",
                           m, d);
    if (shape->entries != ENTRIES && shape->entries != FEW_ENTRIES)
        return kvr_refusal("%s serves %d or %d entries per subspace (--entries), not %u", name,
                           FEW_ENTRIES, ENTRIES, shape->entries);
    if (shape->entries == FEW_ENTRIES && m % 2)
        return kvr_refusal("%s with %d entries (--entries) puts two codes into a byte: it serves "
                           "even numbers of subspaces (--subspaces), not %u",
                           name, FEW_ENTRIES, m);
    return kvr_refuses_group(name, shape);
}

static const char *lookat_refuses(const struct kvr_shape *shape)
{
    return kvr_refuses_subspaces("lookat", shape);
}

double kvr_subspaces_key_bytes(const struct kvr_shape *shape)
{
    return shape->entries == FEW_ENTRIES ? shape->tables / 2.0 : shape->tables;
}

static size_t lookat_side_bytes(const struct kvr_shape *shape)
{
    return (size_t)shape->entries * shape->head_dim * sizeof(float);
}

static int lookat_train(const struct kvr_shape *shape, const float *keys, size_t count,
                        uint64_t seed, void *side)
{
    uint32_t dim = shape->head_dim / shape->tables;
    float *codebook = side;
    int status = 0;
    for (uint32_t i = 0; i < shape->tables && !status; i++)
        status = kvr_kmeans(keys + i * dim, count, shape->head_dim, dim, shape->entries,
                            LLOYD_ITERATIONS, seed + i * UINT64_C(0x9e3779b97f4a7c15),
                            codebook + (size_t)i * shape->entries * dim, NULL);
    return status;
}

/* Index of the nearest centroid; of several equally near ones the lowest. In double, because
 * near ties decided in float would differ between summation orders. `columns` is the subspace's
 * codebook transposed to [dim][K], so that the inner loop runs over centroids. */
static uint8_t nearest(const double *columns, uint32_t entries, uint32_t dim, const float *vector)
{
    double distances[ENTRIES] = {0};
    for (uint32_t j = 0; j < dim; j++) {
        const double *column = columns + (size_t)j * entries;
        double value = vector[j];
        for (uint32_t c = 0; c < entries; c++)
            distances[c] += (value - column[c]) * (value - column[c]);
    }
    uint32_t best = 0;
    for (uint32_t c = 1; c < entries; c++) {
        if (distances[c] < distances[best])
            best = c;
    }
    return (uint8_t)best;
}

static int lookat_encode(const struct kvr_shape *shape, const void *side, const float *keys,
                         size_t count, void *codes)
{
    const uint32_t d = shape->head_dim, m = shape->tables, dim = d / m, entries = shape->entries;
    const float *codebook = side;
    uint8_t *bytes = codes;
    double *columns = malloc((size_t)d * entries * sizeof *columns);
    if (!columns)
        return -ENOMEM;
    for (uint32_t i = 0; i < m; i++) {
        for (uint32_t c = 0; c < entries; c++) {
            for (uint32_t j = 0; j < dim; j++)
                columns[(size_t)(i * dim + j) * entries + c] =
                    codebook[((size_t)i * entries + c) * dim + j];
        }
    }
    memset(codes, 0, kvr_codec_layout(&kvr_codec_lookat, shape)->segment_bytes(shape,
                                                                              (uint32_t)count));
    for (size_t k = 0; k < count; k++) {
        for (uint32_t i = 0; i < m; i++) {
            const struct place at = code_place(shape, k, i);
            unsigned code = nearest(columns + (size_t)i * dim * entries, entries, dim,
                                    keys + k * d + i * dim);
            bytes[at.byte] = (uint8_t)(bytes[at.byte] | code << at.shift);
        }
    }
    free(columns);
    return 0;
}

static void lookat_decode(const struct kvr_shape *shape, const void *side, const void *codes,
                          size_t count, float *keys)
{
    uint32_t d = shape->head_dim, m = shape->tables, dim = d / m;
    const float *codebook = side;
    const uint8_t *bytes = codes;
    for (size_t k = 0; k < count; k++) {
        for (uint32_t i = 0; i < m; i++) {
            const struct place at = code_place(shape, k, i);
            size_t centroid =
                (size_t)i * shape->entries + (bytes[at.byte] >> at.shift & at.mask);
            memcpy(keys + k * d + i * dim, codebook + centroid * dim, dim * sizeof *keys);
        }
    }
}

/* tables[i][c] = <q_i, C_i[c]> / sqrt(d) */
static void build_tables(const struct kvr_shape *shape, const float *codebook, const float *query,
                         float *tables)
{
    uint32_t dim = shape->head_dim / shape->tables;
    double root = sqrt((double)shape->head_dim);
    for (uint32_t i = 0; i < shape->tables; i++) {
        for (uint32_t c = 0; c < shape->entries; c++) {
            size_t entry = (size_t)i * shape->entries + c;
            double sum = 0.0;
            for (uint32_t j = 0; j < dim; j++)
                sum += (double)query[i * dim + j] * codebook[entry * dim + j];
            tables[entry] = (float)(sum / root);
        }
    }
}

/* One step for all tables, set by the widest of them, so that the scan adds integers. */
void kvr_quantise_tables(const struct kvr_shape *shape, const float *tables,
                         struct kvr_prepared_lookup_u8 *prepared)
{
    float lowest[KVR_MAX_TABLES];
    double width = 0.0, bias = 0.0;
    for (uint32_t i = 0; i < shape->tables; i++) {
        const float *table = tables + (size_t)i * shape->entries;
        float low = table[0], high = table[0];
        for (uint32_t c = 1; c < shape->entries; c++) {
            low = fminf(low, table[c]);
            high = fmaxf(high, table[c]);
        }
        lowest[i] = low;
        bias += low;
        width = fmax(width, (double)high - low);
    }
    width = fmin(width, 255 * KVR_MAX_LOOKUP_STEP);
    memset(prepared, 0, sizeof *prepared);
    prepared->bias = (float)bias;
    /* A subnormal step would be flushed to 0 by the measured threads' modes. */
    prepared->step = width / 255.0 >= FLT_MIN ? (float)(width / 255.0) : 0.0f;
    for (uint32_t i = 0; i < shape->tables; i++) {
        for (uint32_t c = 0; c < shape->entries; c++) {
            size_t entry = (size_t)i * shape->entries + c;
            double offset = (double)tables[entry] - lowest[i];
            double steps = prepared->step > 0.0f ? offset / prepared->step : 0.0;
            prepared->tables[entry] = (uint8_t)lrint(fmin(steps, 255.0));
        }
    }
}

static void lookat_prepare(const struct kvr_shape *shape, const struct kvr_format *format,
                           const void *side, const float *query, void *prepared)
{
    if (format != &kvr_format_lookup_u8 && format != &kvr_format_lookup4_u8) {
        build_tables(shape, side, query, prepared);
    } else {
        float tables[KVR_MAX_TABLES * ENTRIES];
        build_tables(shape, side, query, tables);
        kvr_quantise_tables(shape, tables, prepared);
    }
}

const struct kvr_format *const kvr_lookup_formats[] = {
    &kvr_format_lookup_f32,
    &kvr_format_lookup_u8,
    &kvr_format_lookup4_f32,
    &kvr_format_lookup4_u8,
    NULL,
};

const struct kvr_codec kvr_codec_lookat = {
    .name = "lookat",
    .source = "arXiv 2601.10155",
    .summary = "product quantization; scores by look-ups in a table per query",
    .formats = kvr_lookup_formats,
    .calibrated = 1,
    .book = KVR_BOOK_SUBSPACES,
    .refuses = lookat_refuses,
    .key_bytes = kvr_subspaces_key_bytes,
    .side_bytes = lookat_side_bytes,
    .train = lookat_train,
    .encode = lookat_encode,
    .decode = lookat_decode,
    .prepare = lookat_prepare,
};
