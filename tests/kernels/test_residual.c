/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The preparing steps of RVQ, tables of residual codes and queries for its rows, and of WKVQuant,
 * queries folded with factors: how their codebooks are packed, and what each step makes of them
 * against the definitions in additive.h and steps.h, in double. Codebook and query end at guard
 * pages, the prepared query lies between canaries.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guarded.h"
#include "kernels/additive.h"
#include "kernels/formats.h"
#include "kernels/steps.h"
#include "problem.h"
#include "src/codec/codebook.h"
#include "src/codec/codec.h"
#include "src/machine/isa.h"

enum { CANARY = 0xa5, CANARY_BYTES = 64, STAGES = KVR_ADDITIVE_STAGES,
       ENTRIES = KVR_ADDITIVE_ENTRIES, CHANNELS = KVR_ADDITIVE_CHANNELS };
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const uint32_t dims[] = {32, 64, 96, 128, 160, 224, 256};
static struct kvr_isa_info isa;
static struct kvr_additive_books *books;

static float signed_unit(uint64_t *random)
{
    return (float)((double)(guarded_random(random) & 0xffffff) / 0x7fffff - 1);
}

/* Any float16 rows; the largest magnitudes are theirs. */
static int make_books(void **state)
{
    uint64_t random = 7;
    (void)state;
    kvr_isa_detect(&isa);
    books = aligned_bytes(sizeof *books);
    for (uint32_t r = 0; r < STAGES; r++) {
        books->largest[r] = 0;
        for (uint32_t c = 0; c < ENTRIES; c++)
            for (uint32_t i = 0; i < CHANNELS; i++) {
                const uint16_t half = kvr_float_to_half(signed_unit(&random) * 4 / (float)(r + 1));
                books->rows[r][c][i] = half;
                books->largest[r] = fmaxf(books->largest[r], fabsf(kvr_half_to_float(half)));
            }
    }
    return 0;
}

static int free_books(void **state)
{
    (void)state;
    free(books);
    return 0;
}

static const char *describe(const struct kvr_prepare_step *step, uint32_t d)
{
    static char text[120];
    snprintf(text, sizeof text, "%s@%s, codebook %d, d%u", step->format->name, step->isa_name,
             (int)step->codebook, d);
    return text;
}

static struct kvr_shape shape_of(const char *codec, uint32_t d)
{
    struct kvr_shape shape = {.head_dim = d, .tokens = 64, .heads = 1, .queries = 1};
    kvr_codec_set_tables(kvr_codec_find(codec), &shape);
    return shape;
}

/* One query, or a group at once, of which `stride` bytes each are returned; free(). What lies
 * behind a prepared query must stay. side: where there is no codebook. */
static unsigned char *run(const struct kvr_prepare_step *step, const struct kvr_shape *shape,
                          const void *side, const float *query, size_t count, size_t stride)
{
    const size_t floats = count * shape->head_dim;
    const size_t prepared_bytes = step->format->prepared_bytes(shape);
    const size_t bytes = kvr_codebook_bytes(shape, step->book, step->codebook);
    struct guarded book = guarded_map(bytes + 1), queries = guarded_map(floats * sizeof *query);
    unsigned char *packed = book.end - bytes;
    float *at = (float *)(void *)queries.end - floats;
    unsigned char *prepared = aligned_bytes(count * stride + CANARY_BYTES);
    memcpy(at, query, floats * sizeof *query);
    memset(prepared, CANARY, count * stride + CANARY_BYTES);
    if (step->codebook != KVR_CODEBOOK_NONE)
        assert_int_equal(kvr_codebook_pack(shape, step->book, side, step->codebook, packed), 0);
    else
        packed = (unsigned char *)(uintptr_t)side;
    if (count > 1)
        step->prepare_group(shape, packed, NULL, at, prepared, stride);
    else
        step->prepare(shape, packed, NULL, at, prepared);
    for (size_t q = 0; q < count; q++) {
        const size_t end = (q + 1) * stride + (q + 1 == count ? CANARY_BYTES : 0);
        for (size_t i = q * stride + prepared_bytes; i < end; i++)
            if (prepared[i] != CANARY)
                fail_msg("%s: wrote behind a prepared query", describe(step, shape->head_dim));
    }
    guarded_unmap(&book);
    guarded_unmap(&queries);
    return prepared;
}

/* <q_j, row> / sqrt(d): channels j, j + d/32, ... of the query. */
static double entry(const float *query, uint32_t d, uint32_t table, uint32_t c, double *magnitude)
{
    const uint32_t groups = d / CHANNELS;
    double sum = 0;
    *magnitude = 0;
    for (uint32_t i = 0; i < CHANNELS; i++) {
        const double term = (double)query[table / STAGES + i * groups] *
                            (double)kvr_half_to_float(books->rows[table % STAGES][c][i]) / sqrt(d);
        sum += term;
        *magnitude += fabs(term);
    }
    return sum;
}

static void check_tables(const struct kvr_prepare_step *step, const struct kvr_shape *shape,
                         const float *query, const float *tables)
{
    for (uint32_t t = 0; t < shape->tables; t++)
        for (uint32_t c = 0; c < ENTRIES; c++) {
            double magnitude, expected = entry(query, shape->head_dim, t, c, &magnitude);
            const double is = (double)tables[(size_t)t * ENTRIES + c];
            /* the query is scaled in float before the sum of 32 products */
            if (!(fabs(is - expected) <= (CHANNELS + 4) * 0x1p-24 * magnitude + 1e-44))
                fail_msg("%s: entry %u of table %u is %.9g, not %.9g",
                         describe(step, shape->head_dim), c, t, is, expected);
        }
}

static void check_rows(const struct kvr_prepare_step *step, uint32_t d, const float *query,
                       const struct kvr_prepared_rows *rows)
{
    double largest = 0;
    for (uint32_t r = 0; r < STAGES; r++)
        largest += (double)books->largest[r];
    for (uint32_t c = 0; c < KVR_MAX_HEAD_DIM; c++) {
        const uint32_t group = c / CHANNELS, i = c % CHANNELS;
        const double expected = c < d ? (double)query[group + i * (d / CHANNELS)] / sqrt(d) : 0;
        if (!(fabs((double)rows->query[c] - expected) <= 0x1p-22 * fabs(expected) + 1e-44))
            fail_msg("%s: channel %u is %.9g, not %.9g", describe(step, d), c,
                     (double)rows->query[c], expected);
    }
    assert_true(fabs((double)rows->largest - largest) <= 0x1p-20 * largest);
}

static void check_factors(const struct kvr_prepare_step *step, uint32_t d, const float *query,
                          const float *factors, const struct kvr_prepared_dense *dense)
{
    for (uint32_t c = 0; c < KVR_MAX_HEAD_DIM; c++) {
        float factor = c < d ? factors[c] : 0;
        if (step->codebook == KVR_CODEBOOK_F16)
            factor = kvr_half_to_float(kvr_float_to_half(factor));
        const double expected = c < d ? (double)query[c] * (double)factor / sqrt(d) : 0;
        if (!(fabs((double)dense->query[c] - expected) <= 0x1p-22 * fabs(expected) + 1e-43))
            fail_msg("%s: channel %u is %.9g, not %.9g", describe(step, d), c,
                     (double)dense->query[c], expected);
    }
}

/* Queries as they come, of none, and near the ends of float's range. */
static void check_step(const struct kvr_prepare_step *step, uint32_t d)
{
    static const float sizes[] = {1, 0, 1e30f, 1e-30f};
    const int folds = step->book == KVR_BOOK_FACTORS;
    const struct kvr_shape shape = shape_of(folds ? "wkvquant" : "rvq", d);
    const size_t bytes = step->format->prepared_bytes(&shape);
    float query[KVR_MAX_HEAD_DIM], factors[KVR_MAX_HEAD_DIM];
    uint64_t random = d;
    for (uint32_t c = 0; c < KVR_MAX_HEAD_DIM; c++)
        factors[c] = .1f + fabsf(signed_unit(&random)) * 9;
    for (size_t kind = 0; kind < COUNT(sizes); kind++) {
        for (uint32_t c = 0; c < d; c++)
            query[c] = signed_unit(&random) * sizes[kind];
        unsigned char *prepared = run(step, &shape, folds ? (void *)factors : (void *)books, query,
                                      1, bytes);
        if (folds)
            check_factors(step, d, query, factors, (const void *)prepared);
        else if (step->book == KVR_BOOK_RESIDUAL)
            check_tables(step, &shape, query, (const void *)prepared);
        else
            check_rows(step, d, query, (const void *)prepared);
        free(prepared);
    }
}

static int is_ours(const struct kvr_prepare_step *step)
{
    return step->book == KVR_BOOK_FACTORS || step->book == KVR_BOOK_RESIDUAL ||
           step->format == &kvr_format_additive_rows;
}

static void test_steps(void **state)
{
    size_t count, found = 0;
    const struct kvr_prepare_step *const *steps = kvr_prepare_steps(&count);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        if (!is_ours(steps[i]))
            continue;
        if (steps[i]->isa & ~isa.usable) {
            printf("# %s: not usable on this host, not tested\n", describe(steps[i], 0));
            continue;
        }
        found++;
        for (size_t n = 0; n < COUNT(dims); n++)
            check_step(steps[i], dims[n]);
    }
    assert_true(found >= 5); /* the scalar ones */
}

/* A query's bytes are the same alone and in a group, whose queries lie one behind the other or
 * apart. */
static void test_groups(void **state)
{
    size_t count, found = 0;
    const struct kvr_prepare_step *const *steps = kvr_prepare_steps(&count);
    float queries[KVR_PREPARE_GROUP * KVR_MAX_HEAD_DIM];
    uint64_t random = 3;
    (void)state;
    for (size_t i = 0; i < COUNT(queries); i++)
        queries[i] = signed_unit(&random);
    for (size_t n = 0; n < count * COUNT(dims); n++) {
        const struct kvr_prepare_step *step = steps[n / COUNT(dims)];
        const struct kvr_shape shape = shape_of("rvq", dims[n % COUNT(dims)]);
        if (step->book != KVR_BOOK_RESIDUAL || step->isa & ~isa.usable)
            continue;
        const size_t bytes = step->format->prepared_bytes(&shape);
        for (size_t apart = 0; apart <= CANARY_BYTES; apart += CANARY_BYTES) {
            unsigned char *all = run(step, &shape, books, queries, KVR_PREPARE_GROUP,
                                     bytes + apart);
            for (size_t q = 0; q < KVR_PREPARE_GROUP; q++) {
                unsigned char *one = run(step, &shape, books, queries + q * shape.head_dim, 1,
                                         bytes);
                if (memcmp(all + q * (bytes + apart), one, bytes))
                    fail_msg("%s: a group is not prepared as one by one",
                             describe(step, shape.head_dim));
                free(one);
            }
            free(all);
        }
        found++;
    }
    assert_true(found >= 2 * COUNT(dims));
}

static void test_packing(void **state)
{
    const struct kvr_shape shape = shape_of("rvq", 128), folded = {.head_dim = 64};
    const size_t values = (size_t)STAGES * ENTRIES * CHANNELS;
    float *packed = aligned_bytes(values * sizeof *packed), factors[64];
    uint16_t *halves = aligned_bytes(values * sizeof *halves), few[64];
    (void)state;
    assert_int_equal(kvr_codebook_bytes(&shape, KVR_BOOK_RESIDUAL, KVR_CODEBOOK_F16), 1 << 20);
    assert_int_equal(kvr_codebook_bytes(&shape, KVR_BOOK_RESIDUAL, KVR_CODEBOOK_F32), 2 << 20);
    assert_int_equal(
        kvr_codebook_pack(&shape, KVR_BOOK_RESIDUAL, books, KVR_CODEBOOK_F32, packed), 0);
    assert_int_equal(
        kvr_codebook_pack(&shape, KVR_BOOK_RESIDUAL, books, KVR_CODEBOOK_F16, halves), 0);
    for (uint32_t r = 0; r < STAGES; r++)
        for (uint32_t c = 0; c < ENTRIES; c += 77)
            for (uint32_t i = 0; i < CHANNELS; i++) {
                const size_t at = (((size_t)r * 8 + c / 256) * CHANNELS + i) * 256 + c % 256;
                assert_int_equal(halves[at], books->rows[r][c][i]);
                assert_true(packed[at] == kvr_half_to_float(halves[at]));
            }
    assert_true(kvr_codebook_multiplies(&shape, KVR_BOOK_RESIDUAL) == 8. * 2048 * 128);
    for (int c = 0; c < 64; c++)
        factors[c] = 1 + (float)c / 64;
    assert_int_equal(kvr_codebook_bytes(&folded, KVR_BOOK_FACTORS, KVR_CODEBOOK_F32), 256);
    assert_int_equal(kvr_codebook_pack(&folded, KVR_BOOK_FACTORS, factors, KVR_CODEBOOK_F16, few),
                     0);
    assert_true(kvr_half_to_float(few[63]) == factors[63] && kvr_half_to_float(few[0]) == 1);
    factors[5] = 65536;
    assert_int_equal(kvr_codebook_pack(&folded, KVR_BOOK_FACTORS, factors, KVR_CODEBOOK_F16, few),
                     -ERANGE);
    assert_true(kvr_codebook_multiplies(&folded, KVR_BOOK_FACTORS) == 64);
    assert_int_equal(kvr_codebook_bytes(&folded, KVR_BOOK_NONE, KVR_CODEBOOK_F32), 0);
    assert_int_equal(kvr_codebook_pack(&folded, KVR_BOOK_NONE, factors, KVR_CODEBOOK_F32, packed),
                     -EINVAL);
    free(packed);
    free(halves);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_packing), cmocka_unit_test(test_steps),
                                       cmocka_unit_test(test_groups)};
    return cmocka_run_group_tests(tests, make_books, free_books);
}
