/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * QJL (arXiv 2406.03482): a key is the signs of m random projections and its norm. With rows s of S
 * drawn from a normal distribution, sqrt(pi/2)/m * |k| * sum_j sign(<s_j, k>) <s_j, q> has <q, k>
 * as its mean (Lemma 3.2). As there, the rows are made orthogonal, d at a time (each keeps the
 * length that it was drawn with, so that it stays normally distributed), and the channels with the
 * largest keys, the outliers, are a second sketch with a norm of its own; here they are chosen once
 * for a head, from the calibration keys, and not every 32 tokens.
 *
 * m = 2 d. side = float S [m][d], then float [d]: 1 for an outlier, 0 for others. Sign bits are
 * stored as nibbles, so that a scan is lookup4_u8's of two sketches, times norms.
 */
#include "codecs.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/formats.h"

enum { ENTRIES = 16, BITS = 4, SKETCHES = 2, CHANNELS_PER_OUTLIER = KVR_OUTLIER_PART,
       BLOCK_KEYS = 64, LINE_BYTES = 64, NORM_LINES = 2, MAX_ROWS = 2 * KVR_MAX_HEAD_DIM };

static uint32_t rows_of(const struct kvr_shape *shape)
{
    return 2 * shape->head_dim;
}

static const float *outliers_of(const struct kvr_shape *shape, const void *side)
{
    return (const float *)side + (size_t)rows_of(shape) * shape->head_dim;
}

/* splitmix64, upper bits: uniform in (0, 1]. */
static double uniform(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)(((z ^ (z >> 31)) >> 11) + 1) * 0x1p-53;
}

/* Box and Muller. */
static double normal(uint64_t *state)
{
    double radius = sqrt(-2 * log(uniform(state)));
    return radius * cos(2 * acos(-1.0) * uniform(state));
}

static double dot(const double *a, const double *b, size_t d)
{
    double sum = 0.0;
    for (size_t c = 0; c < d; c++)
        sum += a[c] * b[c];
    return sum;
}

/* d rows of S: Gram and Schmidt, each row with the length that it was drawn with. */
static int draw_rows(size_t d, uint64_t *state, float *rows)
{
    double *units = malloc(d * d * sizeof *units);
    if (!units)
        return -ENOMEM;
    for (size_t r = 0; r < d; r++) {
        double *row = units + r * d;
        for (size_t c = 0; c < d; c++)
            row[c] = normal(state);
        const double length = sqrt(dot(row, row, d));
        for (size_t again = 0; again < 2; again++) { /* once more for what rounding left */
            for (size_t p = 0; p < r; p++) {
                const double along = dot(row, units + p * d, d);
                for (size_t c = 0; c < d; c++)
                    row[c] -= along * units[p * d + c];
            }
        }
        const double left = sqrt(dot(row, row, d));
        for (size_t c = 0; c < d; c++) {
            row[c] /= left;
            rows[r * d + c] = (float)(row[c] * length);
        }
    }
    free(units);
    return 0;
}

/* The d / 16 channels of the largest mean magnitude. */
static int find_outliers(const float *keys, size_t count, size_t d, float *outliers)
{
    double sums[KVR_MAX_HEAD_DIM] = {0};
    for (size_t i = 0; i < count * d; i++) {
        if (!isfinite(keys[i]))
            return -EINVAL;
        sums[i % d] += fabs((double)keys[i]);
    }
    memset(outliers, 0, d * sizeof *outliers);
    for (size_t n = 0; n < d / CHANNELS_PER_OUTLIER; n++) {
        size_t most = 0;
        for (size_t c = 1; c < d; c++) {
            if (sums[c] > sums[most])
                most = c;
        }
        outliers[most] = 1.0f;
        sums[most] = -1.0;
    }
    return 0;
}

static int qjl_train(const struct kvr_shape *shape, const float *keys, size_t count, uint64_t seed,
                     void *side)
{
    const size_t d = shape->head_dim, rows = rows_of(shape);
    float *projection = side;
    int status = count ? find_outliers(keys, count, d, projection + rows * d) : -EINVAL;
    for (size_t r = 0; r < rows && !status; r += d)
        status = draw_rows(d, &seed, projection + r * d);
    return status;
}

/* S times the channels of one sketch. */
static void project(const struct kvr_shape *shape, const void *side, const float *vector,
                    int sketch, double *projected)
{
    const size_t d = shape->head_dim;
    const float *projection = side, *outliers = outliers_of(shape, side);
    double part[KVR_MAX_HEAD_DIM];
    for (size_t c = 0; c < d; c++)
        part[c] = (outliers[c] > 0) == sketch ? (double)vector[c] : 0.0;
    for (size_t r = 0; r < rows_of(shape); r++) {
        projected[r] = 0.0;
        for (size_t c = 0; c < d; c++)
            projected[r] += projection[r * d + c] * part[c];
    }
}

/* Where the code of a nibble lies, and how far up in its byte; where a norm lies. */
static size_t code_byte(const struct kvr_shape *shape, size_t key, int sketch, size_t nibble)
{
    const size_t half = shape->tables / 2, in_block = key % BLOCK_KEYS;
    const size_t line = key / BLOCK_KEYS * SKETCHES * (half + NORM_LINES) +
                        (size_t)sketch * half + nibble / 2;
    return line * LINE_BYTES + in_block % 16 * 4 + in_block / 16;
}

static size_t norm_byte(const struct kvr_shape *shape, size_t key, int sketch)
{
    const size_t half = shape->tables / 2;
    const size_t line = key / BLOCK_KEYS * SKETCHES * (half + NORM_LINES) + SKETCHES * half +
                        (size_t)sketch * NORM_LINES;
    return line * LINE_BYTES + key % BLOCK_KEYS * sizeof(uint16_t);
}

static int encode_sketch(const struct kvr_shape *shape, const void *side, const float *key,
                         size_t at, int sketch, uint8_t *bytes)
{
    const float *outliers = outliers_of(shape, side);
    double projected[MAX_ROWS], square = 0.0;
    for (size_t c = 0; c < shape->head_dim; c++)
        square += (outliers[c] > 0) == sketch ? (double)key[c] * key[c] : 0.0;
    const uint16_t norm = kvr_float_to_half((float)sqrt(square));
    if (!isfinite(kvr_half_to_float(norm)))
        return -ERANGE;
    memcpy(bytes + norm_byte(shape, at, sketch), &norm, sizeof norm);
    project(shape, side, key, sketch, projected);
    for (size_t i = 0; i < shape->tables; i++) {
        unsigned nibble = 0;
        for (unsigned b = 0; b < BITS; b++)
            nibble |= (projected[i * BITS + b] >= 0) << b;
        uint8_t *byte = bytes + code_byte(shape, at, sketch, i);
        *byte = (uint8_t)(*byte | nibble << i % 2 * BITS);
    }
    return 0;
}

static int qjl_encode(const struct kvr_shape *shape, const void *side, const float *keys,
                      size_t count, void *codes)
{
    int status = 0;
    memset(codes, 0, kvr_format_signs_u8.segment_bytes(shape, (uint32_t)count));
    for (size_t k = 0; k < count && !status; k++) {
        for (int sketch = 0; sketch < SKETCHES && !status; sketch++)
            status = encode_sketch(shape, side, keys + k * shape->head_dim, k, sketch, codes);
    }
    return status;
}

/* sqrt(pi/2) / m */
static double factor(const struct kvr_shape *shape)
{
    return sqrt(acos(0.0)) / rows_of(shape);
}

/* The vector whose product with any query is the estimate of the scan. */
static void qjl_decode(const struct kvr_shape *shape, const void *side, const void *codes,
                       size_t count, float *keys)
{
    const size_t d = shape->head_dim;
    const float *projection = side, *outliers = outliers_of(shape, side);
    const uint8_t *bytes = codes;
    for (size_t k = 0; k < count; k++) {
        double sums[SKETCHES][KVR_MAX_HEAD_DIM] = {{0}};
        for (int sketch = 0; sketch < SKETCHES; sketch++) {
            uint16_t norm;
            memcpy(&norm, bytes + norm_byte(shape, k, sketch), sizeof norm);
            const double size = factor(shape) * kvr_half_to_float(norm);
            for (size_t r = 0; r < rows_of(shape); r++) {
                const size_t nibble = r / BITS, bit = nibble % 2 * BITS + r % BITS;
                const int set = bytes[code_byte(shape, k, sketch, nibble)] >> bit & 1;
                for (size_t c = 0; c < d; c++)
                    sums[sketch][c] += (set ? size : -size) * projection[r * d + c];
            }
        }
        for (size_t c = 0; c < d; c++)
            keys[k * d + c] = (float)sums[outliers[c] > 0][c];
    }
}

/* tables[i][n] = sum over 4 bits of n of +-(S q) * sqrt(pi/2) / m / sqrt(d) */
static void build_tables(const struct kvr_shape *shape, const double *projected, float *tables)
{
    const double size = factor(shape) / sqrt((double)shape->head_dim);
    for (size_t i = 0; i < shape->tables; i++) {
        for (unsigned n = 0; n < ENTRIES; n++) {
            double sum = 0.0;
            for (unsigned b = 0; b < BITS; b++)
                sum += n >> b & 1 ? projected[i * BITS + b] : -projected[i * BITS + b];
            tables[i * ENTRIES + n] = (float)(sum * size);
        }
    }
}

static void qjl_prepare(const struct kvr_shape *shape, const struct kvr_format *format,
                        const void *side, const float *query, void *prepared)
{
    enum { TABLE_BYTES = KVR_MAX_TABLES * ENTRIES };
    struct kvr_prepared_signs_u8 *p = prepared;
    const size_t table_bytes = (size_t)shape->tables * ENTRIES;
    memset(p, 0, format->prepared_bytes(shape));
    for (int sketch = 0; sketch < SKETCHES; sketch++) {
        _Alignas(LINE_BYTES) unsigned char memory[sizeof(struct kvr_prepared_lookup_u8) +
                                                  TABLE_BYTES];
        struct kvr_prepared_lookup_u8 *one = (void *)memory;
        double projected[MAX_ROWS];
        float tables[TABLE_BYTES];
        project(shape, side, query, sketch, projected);
        build_tables(shape, projected, tables);
        kvr_quantise_tables(shape, tables, one);
        p->step[sketch] = one->step;
        p->bias[sketch] = one->bias;
        memcpy(p->tables + (size_t)sketch * table_bytes, one->tables, table_bytes);
    }
}

static void qjl_set_tables(struct kvr_shape *shape)
{
    shape->tables = rows_of(shape) / BITS;
    shape->entries = ENTRIES;
}

static size_t qjl_fewest_keys(const struct kvr_shape *shape)
{
    (void)shape;
    return 1;
}

static const char *qjl_refuses(const struct kvr_shape *shape)
{
    const uint32_t d = shape->head_dim, most = KVR_MAX_TABLES * BITS / 2;
    if (d == 0 || d % CHANNELS_PER_OUTLIER || d > most)
        return kvr_refusal("qjl serves head dims (--head-dim) that are multiples of %d up to %u, "
                           "not %u",
                           CHANNELS_PER_OUTLIER, most, d);
    return kvr_refuses_tables("qjl", shape, 2 * d / BITS, ENTRIES);
}

static size_t qjl_side_bytes(const struct kvr_shape *shape)
{
    return sizeof(float) * ((size_t)rows_of(shape) + 1) * shape->head_dim;
}

/* Two sketches of a bit per row, two norms. */
static double qjl_key_bytes(const struct kvr_shape *shape)
{
    return SKETCHES * (rows_of(shape) / 8.0 + sizeof(uint16_t));
}

static const struct kvr_format *const qjl_formats[] = {&kvr_format_signs_u8, NULL};

const struct kvr_codec kvr_codec_qjl = {
    .name = "qjl",
    .source = "arXiv 2406.03482",
    .summary = "signs of 2d random projections and norms, of outlier channels and of the others",
    .formats = qjl_formats,
    .calibrated = 1,
    .book = KVR_BOOK_SIGNS,
    .set_tables = qjl_set_tables,
    .fewest_keys = qjl_fewest_keys,
    .refuses = qjl_refuses,
    .key_bytes = qjl_key_bytes,
    .side_bytes = qjl_side_bytes,
    .train = qjl_train,
    .encode = qjl_encode,
    .decode = qjl_decode,
    .prepare = qjl_prepare,
};
