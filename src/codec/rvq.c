/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * RVQ (arXiv 2410.15704): residual quantisation of depth 8. A key is divided by the standard
 * deviation of its channels (over d - 1, as the authors' code has it; 1 if that is 0) and split
 * into groups of 32 channels, d/32 apart. Stage r replaces what the stages before it left by the
 * nearest of 2048 rows; all groups share the rows. k-means of what is left, stage by stage, is
 * where the paper's training begins; the moving averages over a model's training that follow there
 * need that model and are not made.
 *
 * side = struct kvr_additive_books. Keys are coded with the rounded scale and rows, those that a
 * scan has.
 */
#include "codecs.h"
#include "kmeans.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/additive.h"

enum { STAGES = KVR_ADDITIVE_STAGES, ENTRIES = KVR_ADDITIVE_ENTRIES,
       CHANNELS = KVR_ADDITIVE_CHANNELS, LANES = 16, ITERATIONS = 8, FEW_ITERATIONS = 2,
       MOST_POINTS = 1 << 15,
       LAYER_HEADS = 8 /* KV heads: Llama 3 8B, Mistral 7B */ };

/* One stage as kvr_nearest16 wants it. */
struct stage {
    float rows[ENTRIES][CHANNELS], half_norms[ENTRIES];
};

/* Parts of up to 16 keys side by side: what the stages have left of them. */
struct lanes {
    _Alignas(64) float left[CHANNELS][LANES];
    int32_t codes[LANES];
};

static uint32_t groups_of(const struct kvr_shape *shape)
{
    return shape->head_dim / CHANNELS;
}

static void load_stage(const struct kvr_additive_books *books, size_t r, struct stage *stage)
{
    for (size_t c = 0; c < ENTRIES; c++) {
        double square = 0.0;
        for (size_t i = 0; i < CHANNELS; i++) {
            stage->rows[c][i] = kvr_half_to_float(books->rows[r][c][i]);
            square += (double)stage->rows[c][i] * stage->rows[c][i];
        }
        stage->half_norms[c] = (float)(square / 2);
    }
}

/* Codes of one stage, and what it leaves. */
static void code_lanes(const struct stage *stage, struct lanes *lanes)
{
    kvr_nearest16(lanes->left[0], stage->rows[0], stage->half_norms, ENTRIES, CHANNELS,
                  lanes->codes);
    for (size_t l = 0; l < LANES; l++) {
        for (size_t i = 0; i < CHANNELS; i++)
            lanes->left[i][l] -= stage->rows[lanes->codes[l]][i];
    }
}

/* A key's scale as it is stored; infinite where float16 does not hold it. */
static uint16_t scale_of(const float *key, size_t d)
{
    double sum = 0.0, squares = 0.0;
    for (size_t c = 0; c < d; c++)
        sum += key[c];
    for (size_t c = 0; c < d; c++)
        squares += (key[c] - sum / (double)d) * (key[c] - sum / (double)d);
    const uint16_t half = kvr_float_to_half((float)sqrt(squares / (double)(d - 1)));
    return half ? half : kvr_float_to_half(1.0f);
}

/* Channel i of a group of the key, divided by its scale. */
static float scaled(const struct kvr_shape *shape, const float *key, float scale, size_t group,
                    size_t i)
{
    return key[group + i * groups_of(shape)] / scale;
}

/* ---- training ---- */

/* Parts of keys as rows of 32 floats; of more than MOST_POINTS those of every n-th key. */
static int gather(const struct kvr_shape *shape, const float *keys, size_t count, float **points,
                  size_t *point_count)
{
    const size_t d = shape->head_dim, groups = groups_of(shape), most = MOST_POINTS / groups;
    const size_t step = count > most ? count / most : 1, used = (count + step - 1) / step;
    float *to = malloc((used ? used : 1) * d * sizeof *to);
    *points = to;
    *point_count = used * groups;
    for (size_t k = 0; to && k < used; k++) {
        const float *key = keys + k * step * d;
        const float scale = kvr_half_to_float(scale_of(key, d));
        for (size_t g = 0; g < groups; g++) {
            for (size_t i = 0; i < CHANNELS; i++)
                *to++ = scaled(shape, key, scale, g, i);
        }
    }
    return *points ? 0 : -ENOMEM;
}

static int round_rows(const struct stage *stage, size_t r, struct kvr_additive_books *books)
{
    books->largest[r] = 0.0f;
    for (size_t c = 0; c < ENTRIES; c++) {
        for (size_t i = 0; i < CHANNELS; i++) {
            books->rows[r][c][i] = kvr_float_to_half(stage->rows[c][i]);
            const float value = fabsf(kvr_half_to_float(books->rows[r][c][i]));
            if (!isfinite(value))
                return -ERANGE;
            books->largest[r] = fmaxf(books->largest[r], value);
        }
    }
    return 0;
}

/* Points become what the stage leaves of them. */
static void subtract(const struct stage *stage, float *points, size_t count)
{
    for (size_t first = 0; first < count; first += LANES) {
        const size_t n = count - first < LANES ? count - first : LANES;
        struct lanes lanes = {0};
        for (size_t l = 0; l < n; l++) {
            for (size_t i = 0; i < CHANNELS; i++)
                lanes.left[i][l] = points[(first + l) * CHANNELS + i];
        }
        code_lanes(stage, &lanes);
        for (size_t l = 0; l < n; l++) {
            for (size_t i = 0; i < CHANNELS; i++)
                points[(first + l) * CHANNELS + i] = lanes.left[i][l];
        }
    }
}

static int rvq_train(const struct kvr_shape *shape, const float *keys, size_t count, uint64_t seed,
                     void *side)
{
    struct kvr_additive_books *books = side;
    struct stage *stage = malloc(sizeof *stage);
    float *points = NULL;
    size_t n = 0;
    /* of a few points an entry the first means are almost the last */
    const size_t few = (size_t)ENTRIES * 4;
    int status = stage ? gather(shape, keys, count, &points, &n) : -ENOMEM;
    for (size_t r = 0; r < STAGES && !status; r++) {
        status = kvr_kmeans(points, n, CHANNELS, CHANNELS, ENTRIES,
                            n < few ? FEW_ITERATIONS : ITERATIONS, seed + r, stage->rows[0], NULL);
        if (!status)
            status = round_rows(stage, r, books);
        if (!status) {
            load_stage(books, r, stage);
            subtract(stage, points, n);
        }
    }
    free(points);
    free(stage);
    return status;
}

/* ---- coding ---- */

static void store_codes(const struct kvr_shape *shape, const struct lanes *lanes, size_t first,
                        size_t n, uint32_t table, uint8_t *bytes)
{
    const uint32_t r = table % STAGES;
    for (size_t l = 0; l < n; l++) {
        const uint32_t code = (uint32_t)lanes->codes[l], high = (code >> 8) << 3 * r;
        uint8_t *group = bytes + kvr_additive_group(shape, first + l, table / STAGES) +
                         (first + l) % KVR_ADDITIVE_KEYS;
        group[r * KVR_LINE_BYTES] = (uint8_t)code;
        for (size_t b = 0; b < 3; b++) {
            uint8_t *byte = group + (STAGES + b) * KVR_LINE_BYTES;
            *byte = (uint8_t)(*byte | high >> 8 * b);
        }
    }
}

/* Up to 16 keys from `first` on. */
static int encode_lanes(const struct kvr_shape *shape, const struct stage *stages,
                        const float *keys, size_t first, size_t n, uint8_t *bytes)
{
    const size_t d = shape->head_dim;
    float scales[LANES];
    for (size_t l = 0; l < n; l++) {
        const uint16_t half = scale_of(keys + (first + l) * d, d);
        scales[l] = kvr_half_to_float(half);
        if (!isfinite(scales[l]))
            return -ERANGE;
        memcpy(bytes + kvr_additive_scale(shape, first + l), &half, sizeof half);
    }
    for (uint32_t g = 0; g < groups_of(shape); g++) {
        struct lanes lanes = {0};
        for (size_t l = 0; l < n; l++) {
            for (size_t i = 0; i < CHANNELS; i++)
                lanes.left[i][l] = scaled(shape, keys + (first + l) * d, scales[l], g, i);
        }
        for (uint32_t r = 0; r < STAGES; r++) {
            code_lanes(&stages[r], &lanes);
            store_codes(shape, &lanes, first, n, g * STAGES + r, bytes);
        }
    }
    return 0;
}

static int rvq_encode(const struct kvr_shape *shape, const void *side, const float *keys,
                      size_t count, void *codes)
{
    struct stage *stages = malloc(STAGES * sizeof *stages);
    int status = stages ? 0 : -ENOMEM;
    if (status)
        return status;
    for (size_t r = 0; r < STAGES; r++)
        load_stage(side, r, &stages[r]);
    memset(codes, 0, kvr_format_additive_f32.segment_bytes(shape, (uint32_t)count));
    for (size_t k = 0; k < count && !status; k += LANES)
        status = encode_lanes(shape, stages, keys, k, count - k < LANES ? count - k : LANES,
                              codes);
    free(stages);
    return status;
}

static void rvq_decode(const struct kvr_shape *shape, const void *side, const void *codes,
                       size_t count, float *keys)
{
    const struct kvr_additive_books *books = side;
    const size_t d = shape->head_dim, groups = groups_of(shape);
    for (size_t k = 0; k < count; k++) {
        double sums[KVR_MAX_HEAD_DIM] = {0};
        uint16_t half;
        for (uint32_t t = 0; t < shape->tables; t++) {
            const uint16_t *row = books->rows[t % STAGES][kvr_additive_code(shape, codes, k, t)];
            for (size_t i = 0; i < CHANNELS; i++)
                sums[t / STAGES + i * groups] += kvr_half_to_float(row[i]);
        }
        memcpy(&half, (const uint8_t *)codes + kvr_additive_scale(shape, k), sizeof half);
        for (size_t c = 0; c < d; c++)
            keys[k * d + c] = (float)(sums[c] * kvr_half_to_float(half));
    }
}

/* ---- queries ---- */

/* 8 x 2048 x d multiply-adds; 64 KiB of tables a group. */
static void build_tables(const struct kvr_shape *shape, const struct kvr_additive_books *books,
                         const float *grouped, float *tables)
{
    for (size_t t = 0; t < shape->tables; t++) {
        const float *query = grouped + t / STAGES * CHANNELS;
        for (size_t c = 0; c < ENTRIES; c++) {
            double sum = 0.0;
            for (size_t i = 0; i < CHANNELS; i++)
                sum += (double)query[i] * kvr_half_to_float(books->rows[t % STAGES][c][i]);
            tables[t * ENTRIES + c] = (float)sum;
        }
    }
}

static void rvq_prepare(const struct kvr_shape *shape, const struct kvr_format *format,
                        const void *side, const float *query, void *prepared)
{
    const struct kvr_additive_books *books = side;
    const size_t groups = groups_of(shape);
    const double root = sqrt((double)shape->head_dim);
    struct kvr_prepared_rows rows = {.largest = 0.0f};
    for (size_t g = 0; g < groups; g++) {
        for (size_t i = 0; i < CHANNELS; i++)
            rows.query[g * CHANNELS + i] = (float)(query[g + i * groups] / root);
    }
    for (size_t r = 0; r < STAGES; r++)
        rows.largest += books->largest[r];
    if (format == &kvr_format_additive_rows)
        memcpy(prepared, &rows, sizeof rows);
    else
        build_tables(shape, books, rows.query, prepared);
}

/* ---- the codec ---- */

static void rvq_set_tables(struct kvr_shape *shape)
{
    shape->tables = groups_of(shape) * STAGES;
    shape->entries = ENTRIES;
}

static size_t rvq_fewest_keys(const struct kvr_shape *shape)
{
    const size_t groups = groups_of(shape);
    return groups ? (ENTRIES + groups - 1) / groups : ENTRIES;
}

static const char *rvq_refuses(const struct kvr_shape *shape)
{
    const uint32_t d = shape->head_dim;
    if (d == 0 || d % CHANNELS || d > KVR_MAX_HEAD_DIM)
        return kvr_refusal("rvq serves head dims (--head-dim) that are multiples of %d up to %d, "
                           "not %u",
                           CHANNELS, KVR_MAX_HEAD_DIM, d);
    return kvr_refuses_tables("rvq", shape, d / CHANNELS * STAGES, ENTRIES);
}

static size_t rvq_side_bytes(const struct kvr_shape *shape)
{
    (void)shape;
    return sizeof(struct kvr_additive_books);
}

/* Codes of 11 bits and a scale. */
static double rvq_key_bytes(const struct kvr_shape *shape)
{
    return shape->tables * 11 / 8.0 + sizeof(uint16_t);
}

static const struct kvr_format *const rvq_formats[] = {
    &kvr_format_additive_f32,
    &kvr_format_additive_rows,
    NULL,
};

const struct kvr_codec kvr_codec_rvq = {
    .name = "rvq",
    .source = "arXiv 2410.15704",
    .summary = "8 codes of 11 bits for 32 channels, whose rows are added; a scale per key",
    .formats = rvq_formats,
    .calibrated = 1,
    .book = KVR_BOOK_RESIDUAL,
    .book_heads = LAYER_HEADS,
    .slow_training = 1,
    .set_tables = rvq_set_tables,
    .fewest_keys = rvq_fewest_keys,
    .refuses = rvq_refuses,
    .key_bytes = rvq_key_bytes,
    .side_bytes = rvq_side_bytes,
    .train = rvq_train,
    .encode = rvq_encode,
    .decode = rvq_decode,
    .prepare = rvq_prepare,
};
