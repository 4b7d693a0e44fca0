/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * AQLM (arXiv 2401.06118) with 2 x 8 bits: 8 channels are the sum of two centroids, one of each of
 * two codebooks of 256, which all runs of 8 channels share. Codebooks start as k-means and k-means
 * of its residuals; then codes (a beam search) and centroids (means of what the other codebook
 * leaves) take turns. side = float [2][256][8].
 *
 * To a scan these are LOOKAT's byte codes with d/4 tables: two tables of each run of 8 channels.
 */
#include "codecs.h"
#include "kmeans.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/formats.h"

enum { BOOKS = KVR_ADDED_BOOKS, ENTRIES = 256, RUN = KVR_ADDED_RUN, BEAM = 8,
       LLOYD_ITERATIONS = 15, ROUNDS = 4, RUNS_PER_ENTRY = 64, BLOCK_KEYS = 64 };

typedef const float book[ENTRIES][RUN];

/* What encoding needs of both codebooks: half the squared norms, and products of each pair. */
struct search {
    book *books; /* [BOOKS] */
    float half_norms[BOOKS][ENTRIES];
    float products[ENTRIES][ENTRIES];
};

static float dot(const float *a, const float *b)
{
    float sum = 0.0f;
    for (size_t j = 0; j < RUN; j++)
        sum += a[j] * b[j];
    return sum;
}

static struct search *search_new(const float *side)
{
    struct search *s = malloc(sizeof *s);
    if (!s)
        return NULL;
    s->books = (book *)side;
    for (size_t m = 0; m < BOOKS; m++) {
        for (size_t c = 0; c < ENTRIES; c++)
            s->half_norms[m][c] = dot(s->books[m][c], s->books[m][c]) / 2;
    }
    for (size_t c = 0; c < ENTRIES; c++) {
        for (size_t e = 0; e < ENTRIES; e++)
            s->products[c][e] = dot(s->books[0][c], s->books[1][e]);
    }
    return s;
}

/* The BEAM smallest of `costs`, the smallest first; of equal ones the lowest index first. */
static void smallest(const float *costs, uint32_t *beam)
{
    size_t count = 0;
    for (uint32_t c = 0; c < ENTRIES; c++) {
        size_t at = count;
        while (at && costs[c] < costs[beam[at - 1]])
            at--;
        if (at == BEAM)
            continue;
        count += count < BEAM;
        for (size_t i = count - 1; i > at; i--)
            beam[i] = beam[i - 1];
        beam[at] = c;
    }
}

/* |x - a - b|^2 / 2 without |x|^2 / 2 is the sum of the costs of a and of b and of a.b: it is the
 * least over the BEAM best a and all b. */
static void search_codes(const struct search *s, const float *run, uint8_t codes[BOOKS])
{
    float costs[BOOKS][ENTRIES], least = INFINITY;
    uint32_t beam[BEAM];
    for (size_t m = 0; m < BOOKS; m++) {
        for (size_t c = 0; c < ENTRIES; c++)
            costs[m][c] = s->half_norms[m][c] - dot(run, s->books[m][c]);
    }
    smallest(costs[0], beam);
    codes[0] = codes[1] = 0;
    for (size_t i = 0; i < BEAM; i++) {
        const float *products = s->products[beam[i]];
        for (uint32_t c = 0; c < ENTRIES; c++) {
            float cost = costs[0][beam[i]] + (costs[1][c] + products[c]);
            if (cost < least) {
                least = cost;
                codes[0] = (uint8_t)beam[i];
                codes[1] = (uint8_t)c;
            }
        }
    }
}

/* Each centroid of book m becomes the mean of what the other book leaves of its runs. */
static void refit(const float *runs, size_t count, const uint8_t (*codes)[BOOKS], size_t m,
                  float *side)
{
    double sums[ENTRIES][RUN] = {{0}};
    size_t members[ENTRIES] = {0};
    const float *other = side + (1 - m) * ENTRIES * RUN;
    for (size_t i = 0; i < count; i++) {
        const float *left = other + (size_t)codes[i][1 - m] * RUN;
        members[codes[i][m]]++;
        for (size_t j = 0; j < RUN; j++)
            sums[codes[i][m]][j] += (double)runs[i * RUN + j] - left[j];
    }
    for (size_t c = 0; c < ENTRIES; c++) {
        for (size_t j = 0; j < RUN && members[c]; j++)
            side[(m * ENTRIES + c) * RUN + j] = (float)(sums[c][j] / (double)members[c]);
    }
}

/* Codes of all runs; the squared error that they leave. */
static int code_all(const float *side, const float *runs, size_t count, uint8_t (*codes)[BOOKS],
                    double *error)
{
    struct search *s = search_new(side);
    if (!s)
        return -ENOMEM;
    *error = 0.0;
    for (size_t i = 0; i < count; i++) {
        search_codes(s, runs + i * RUN, codes[i]);
        for (size_t j = 0; j < RUN; j++) {
            double left = (double)runs[i * RUN + j] - s->books[0][codes[i][0]][j] -
                          s->books[1][codes[i][1]][j];
            *error += left * left;
        }
    }
    free(s);
    return 0;
}

/* k-means, then k-means of what it leaves: of two codes found one after the other. */
static int start(const struct kvr_wide *wide, const float *runs, size_t count, uint64_t seed,
                 float *residuals, float *side)
{
    float *second = side + (size_t)ENTRIES * RUN;
    int status = kvr_kmeans(wide, runs, count, RUN, RUN, ENTRIES, LLOYD_ITERATIONS, seed, side,
                            NULL);
    if (status)
        return status;
    memset(second, 0, (size_t)ENTRIES * RUN * sizeof *second);
    struct search *s = search_new(side);
    if (!s)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        uint8_t codes[BOOKS];
        search_codes(s, runs + i * RUN, codes);
        for (size_t j = 0; j < RUN; j++)
            residuals[i * RUN + j] = runs[i * RUN + j] - s->books[0][codes[0]][j];
    }
    free(s);
    return kvr_kmeans(wide, residuals, count, RUN, RUN, ENTRIES, LLOYD_ITERATIONS, seed + 1,
                      second, NULL);
}

/* Codes and centroids in turn; the codebooks of the least error are kept. */
static int refine(const float *runs, size_t count, uint8_t (*codes)[BOOKS], float *side)
{
    float best[BOOKS * ENTRIES * RUN];
    double least = INFINITY, error = 0.0;
    int status = 0;
    memcpy(best, side, sizeof best);
    for (int round = 0; round <= ROUNDS; round++) {
        status = code_all(side, runs, count, codes, &error);
        if (status)
            break;
        if (error < least) {
            least = error;
            memcpy(best, side, sizeof best);
        }
        for (size_t m = 0; m < BOOKS && round < ROUNDS; m++)
            refit(runs, count, (const uint8_t(*)[BOOKS])codes, m, side);
    }
    memcpy(side, best, sizeof best);
    return status;
}

static int aqlm_train(const struct kvr_shape *shape, const float *keys, size_t count, uint64_t seed,
                      void *side)
{
    const size_t d = shape->head_dim, wanted = (size_t)ENTRIES * RUNS_PER_ENTRY * RUN / d;
    const size_t step = count > wanted ? count / wanted : 1, used = (count + step - 1) / step;
    const size_t runs = used * (d / RUN), bytes = used * d * sizeof *keys;
    float *some = malloc(bytes ? bytes : 1), *residuals = malloc(bytes ? bytes : 1);
    uint8_t(*codes)[BOOKS] = malloc((runs ? runs : 1) * sizeof *codes);
    int status = some && residuals && codes ? 0 : -ENOMEM;
    for (size_t k = 0; !status && k < used; k++)
        memcpy(some + k * d, keys + k * step * d, d * sizeof *some);
    if (!status)
        status = start(kvr_wide(shape->vector_bytes), some, runs, seed, residuals, side);
    if (!status)
        status = refine(some, runs, codes, side);
    free(some);
    free(residuals);
    free(codes);
    return status;
}

static size_t code_at(const struct kvr_shape *shape, size_t key, size_t table)
{
    return (key / BLOCK_KEYS * shape->tables + table) * BLOCK_KEYS + key % BLOCK_KEYS;
}

static int aqlm_encode(const struct kvr_shape *shape, const void *side, const float *keys,
                       size_t count, void *codes)
{
    uint8_t *bytes = codes, pair[BOOKS];
    struct search *s = search_new(side);
    if (!s)
        return -ENOMEM;
    memset(codes, 0, kvr_format_lookup_f32.segment_bytes(shape, (uint32_t)count));
    for (size_t k = 0; k < count; k++) {
        for (size_t r = 0; r < shape->head_dim / RUN; r++) {
            search_codes(s, keys + k * shape->head_dim + r * RUN, pair);
            for (size_t m = 0; m < BOOKS; m++)
                bytes[code_at(shape, k, r * BOOKS + m)] = pair[m];
        }
    }
    free(s);
    return 0;
}

static void aqlm_decode(const struct kvr_shape *shape, const void *side, const void *codes,
                        size_t count, float *keys)
{
    book *books = side;
    const uint8_t *bytes = codes;
    for (size_t k = 0; k < count; k++) {
        for (size_t c = 0; c < shape->head_dim; c++) {
            size_t table = c / RUN * BOOKS;
            keys[k * shape->head_dim + c] = books[0][bytes[code_at(shape, k, table)]][c % RUN] +
                                            books[1][bytes[code_at(shape, k, table + 1)]][c % RUN];
        }
    }
}

static void aqlm_prepare(const struct kvr_shape *shape, const struct kvr_format *format,
                         const void *side, const float *query, void *prepared)
{
    float tables[KVR_MAX_TABLES * ENTRIES], *to = tables;
    const float *books = side;
    const double root = sqrt((double)shape->head_dim);
    if (format != &kvr_format_lookup_u8)
        to = prepared;
    for (size_t t = 0; t < shape->tables; t++) {
        for (size_t c = 0; c < ENTRIES; c++) {
            double sum = 0.0;
            for (size_t j = 0; j < RUN; j++)
                sum += (double)query[t / BOOKS * RUN + j] *
                       books[(t % BOOKS * ENTRIES + c) * RUN + j];
            to[t * ENTRIES + c] = (float)(sum / root);
        }
    }
    if (to == tables)
        kvr_quantise_tables(shape, tables, prepared);
}

static void aqlm_set_tables(struct kvr_shape *shape)
{
    shape->tables = shape->head_dim / RUN * BOOKS;
    shape->entries = ENTRIES;
}

static size_t aqlm_fewest_keys(const struct kvr_shape *shape)
{
    const size_t runs = shape->head_dim / RUN;
    return runs ? (ENTRIES + runs - 1) / runs : ENTRIES;
}

static const char *aqlm_refuses(const struct kvr_shape *shape)
{
    const uint32_t d = shape->head_dim;
    if (d == 0 || d % RUN || d > KVR_MAX_HEAD_DIM)
        return kvr_refusal("aqlm serves head dims (--head-dim) that are multiples of %d up to %d, "
                           "not %u",
                           RUN, KVR_MAX_HEAD_DIM, d);
    return kvr_refuses_tables("aqlm", shape, d / RUN * BOOKS, ENTRIES);
}

static size_t aqlm_side_bytes(const struct kvr_shape *shape)
{
    (void)shape;
    return sizeof(float) * BOOKS * ENTRIES * RUN;
}

static double aqlm_key_bytes(const struct kvr_shape *shape)
{
    return (double)shape->head_dim / RUN * BOOKS;
}

static const struct kvr_format *const aqlm_formats[] = {
    &kvr_format_lookup_f32,
    &kvr_format_lookup_u8,
    NULL,
};

const struct kvr_codec kvr_codec_aqlm = {
    .name = "aqlm",
    .source = "arXiv 2401.06118",
    .summary = "two codes of 8 bits for 8 channels, whose centroids are added",
    .formats = aqlm_formats,
    .calibrated = 1,
    .book = KVR_BOOK_ADDED,
    .set_tables = aqlm_set_tables,
    .fewest_keys = aqlm_fewest_keys,
    .refuses = aqlm_refuses,
    .key_bytes = aqlm_key_bytes,
    .side_bytes = aqlm_side_bytes,
    .train = aqlm_train,
    .encode = aqlm_encode,
    .decode = aqlm_decode,
    .prepare = aqlm_prepare,
};
