/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Codebooks: how they are packed; what steps make of OPQ's, AQLM's and QJL's against the codec,
 * which works in double from its own layout; and several queries at once against each alone. Those
 * of RVQ and WKVQuant: test_residual.c. Codebook and queries end at guard pages, prepared queries
 * lie between canaries.
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
#include "kernels/formats.h"
#include "kernels/steps.h"
#include "problem.h"
#include "src/codec/codebook.h"
#include "src/codec/codec.h"
#include "src/machine/isa.h"

enum { CANARY = 0xa5, CANARY_BYTES = 64, MOST_QUERIES = KVR_PREPARE_GROUP };
#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct kvr_isa_info isa;

static float signed_unit(uint64_t *random)
{
    return (float)((double)(guarded_random(random) & 0xffffff) / 0x7fffff - 1);
}

/* The first codec whose queries are prepared from this kind; they are one each. */
static const struct kvr_codec *codec_of(enum kvr_book_kind book)
{
    const struct kvr_codec *const *codec = kvr_codecs();
    while (!(*codec)->calibrated || (*codec)->book != book)
        codec++;
    return *codec;
}

/* As train() leaves one, of any values that float16 holds exactly where the step has those; of sign
 * bits every sixteenth channel is an outlier. */
static float *make_side(const struct kvr_prepare_step *step, const struct kvr_shape *shape,
                        uint64_t *random)
{
    const size_t values = codec_of(step->book)->side_bytes(shape) / sizeof(float);
    float *side = aligned_bytes(values * sizeof *side);
    for (size_t i = 0; i < values; i++) {
        side[i] = signed_unit(random) * 4;
        if (step->codebook == KVR_CODEBOOK_F16)
            side[i] = kvr_half_to_float(kvr_float_to_half(side[i]));
    }
    for (size_t c = 0; step->book == KVR_BOOK_SIGNS && c < shape->head_dim; c++)
        side[values - shape->head_dim + c] = c % KVR_OUTLIER_PART == 5;
    return side;
}

/* One query, or a whole group at once, with everything at guard pages and between canaries:
 * count * stride bytes, of which prepared_bytes each are written. free(). */
static unsigned char *run(const struct kvr_prepare_step *step, const struct kvr_shape *shape,
                          const float *side, const float *query, size_t count, size_t stride)
{
    const size_t floats = count * shape->head_dim;
    const size_t bytes = kvr_codebook_bytes(shape, step->book, step->codebook);
    struct guarded book = guarded_map(bytes), queries = guarded_map(floats * sizeof *query);
    unsigned char *packed = book.end - bytes;
    float *at = (float *)queries.end - floats;
    unsigned char *prepared = aligned_bytes(count * stride);
    memcpy(at, query, floats * sizeof *query);
    memset(prepared, CANARY, count * stride);
    assert_int_equal(kvr_codebook_pack(shape, step->book, side, step->codebook, packed), 0);
    if (count > 1)
        step->prepare_group(shape, packed, NULL, at, prepared, stride);
    else
        step->prepare(shape, packed, NULL, at, prepared);
    guarded_unmap(&book);
    guarded_unmap(&queries);
    return prepared;
}

static const char *describe(const struct kvr_prepare_step *step, const struct kvr_shape *shape)
{
    static char text[160];
    snprintf(text, sizeof text, "%s@%s, book %d, codebook %d, d%u m%u K%u", step->format->name,
             step->isa_name, (int)step->book, (int)step->codebook, shape->head_dim, shape->tables,
             shape->entries);
    return text;
}

/* The sums of the magnitudes of all terms of each entry of tables of floats, as the codec adds
 * them; free(). */
static float *terms_of(const struct kvr_prepare_step *step, const struct kvr_shape *shape,
                       const float *side, const float *query)
{
    const struct kvr_codec *codec = codec_of(step->book);
    const size_t values = codec->side_bytes(shape) / sizeof *side;
    float *sizes = aligned_bytes(values * sizeof *sizes), positive[KVR_MAX_HEAD_DIM];
    float *terms = aligned_bytes((size_t)shape->tables * shape->entries * sizeof *terms);
    for (size_t i = 0; i < values; i++)
        sizes[i] = fabsf(side[i]);
    for (uint32_t c = 0; c < shape->head_dim; c++)
        positive[c] = fabsf(query[c]);
    codec->prepare(shape, &kvr_format_lookup_f32, sizes, positive, terms);
    free(sizes);
    return terms;
}

/* What a sum of such terms may be off by in float: products with a matrix, then with centroids. */
static double allowed_of(const struct kvr_shape *shape, double terms)
{
    return (2 * shape->head_dim + 8) * 0x1p-24 * terms + 1e-44;
}

static void check_floats(const struct kvr_prepare_step *step, const struct kvr_shape *shape,
                         const float *side, const float *query, const float *tables)
{
    const size_t entries = (size_t)shape->tables * shape->entries;
    float *terms = terms_of(step, shape, side, query);
    float *expected = aligned_bytes(entries * sizeof *expected);
    codec_of(step->book)->prepare(shape, step->format, side, query, expected);
    for (size_t i = 0; i < entries; i++) {
        if (!(fabs((double)tables[i] - (double)expected[i]) <=
              allowed_of(shape, (double)terms[i])))
            fail_msg("%s: entry %zu is %.9g, the codec's %.9g", describe(step, shape), i,
                     (double)tables[i], (double)expected[i]);
    }
    free(expected);
    free(terms);
}

/* A bias is the sum of every table's lowest entry. Those of sign bits are as far below 0 as their
 * highest are above, and no wider than the widest. */
static double allowed_bias(const struct kvr_prepare_step *step, const struct kvr_shape *shape,
                           const float *side, const float *query, double table_step)
{
    double sum = 0;
    if (step->book == KVR_BOOK_SIGNS)
        return 255 * table_step * shape->tables * 1e-5 + 1e-36;
    float *terms = terms_of(step, shape, side, query);
    for (uint32_t i = 0; i < shape->tables; i++) {
        float most = 0;
        for (uint32_t c = 0; c < shape->entries; c++)
            most = fmaxf(most, terms[(size_t)i * shape->entries + c]);
        sum += (double)most;
    }
    free(terms);
    return allowed_of(shape, sum);
}

static void check_near(const struct kvr_prepare_step *step, const struct kvr_shape *shape,
                       const char *what, float is, float expected, double allowed)
{
    if (!(fabs((double)is - (double)expected) <= allowed))
        fail_msg("%s: %s is %.9g, the codec's %.9g", describe(step, shape), what, (double)is,
                 (double)expected);
}

/* Tables of bytes: at most one step off, as near ties may fall either way. A header of 64 bytes
 * holds one step and bias, or those of two sketches; the rest of it is 0. */
static void check_bytes(const struct kvr_prepare_step *step, const struct kvr_shape *shape,
                        const float *side, const float *query, const unsigned char *prepared)
{
    const struct kvr_prepared_lookup_u8 *one = (const void *)prepared;
    const struct kvr_prepared_signs_u8 *two = (const void *)prepared;
    const size_t sketches = step->book == KVR_BOOK_SIGNS ? 2 : 1;
    const size_t bytes = step->format->prepared_bytes(shape);
    unsigned char *theirs = aligned_bytes(bytes);
    const struct kvr_prepared_lookup_u8 *their_one = (const void *)theirs;
    const struct kvr_prepared_signs_u8 *their_two = (const void *)theirs;
    codec_of(step->book)->prepare(shape, step->format, side, query, theirs);
    for (size_t s = 0; s < sketches; s++) {
        const float expected = sketches > 1 ? their_two->step[s] : their_one->step;
        check_near(step, shape, "a step", sketches > 1 ? two->step[s] : one->step, expected,
                   1e-5 * (double)expected);
        check_near(step, shape, "a bias", sketches > 1 ? two->bias[s] : one->bias,
                   sketches > 1 ? their_two->bias[s] : their_one->bias,
                   allowed_bias(step, shape, side, query, (double)expected));
    }
    for (size_t i = sketches * 2 * sizeof(float); i < sizeof *one; i++)
        assert_int_equal(prepared[i], 0);
    for (size_t i = sizeof *one; i < bytes; i++) {
        if (abs(prepared[i] - theirs[i]) > 1)
            fail_msg("%s: byte %zu is %d, the codec's %d", describe(step, shape), i, prepared[i],
                     theirs[i]);
    }
    free(theirs);
}

/* Queries as they come, of equal channels, of one, of none, and so large and so small that sums
 * are near the ends of float's range: a step that would be subnormal is 0. */
static void check_queries(const struct kvr_prepare_step *step, const struct kvr_shape *shape)
{
    static const float factors[] = {1, 0, 1e30f, 1e-38f};
    uint64_t random = shape->head_dim * 1000 + shape->tables;
    float *side = make_side(step, shape, &random), query[KVR_MAX_HEAD_DIM];
    const size_t bytes = step->format->prepared_bytes(shape);
    const int floats = strstr(step->format->name, "f32") != NULL;
    for (size_t kind = 0; kind < COUNT(factors) + 2; kind++) {
        for (uint32_t c = 0; c < shape->head_dim; c++)
            query[c] = kind < COUNT(factors)    ? signed_unit(&random) * factors[kind]
                       : kind == COUNT(factors) ? 1
                                                : c == 5;
        unsigned char *prepared = run(step, shape, side, query, 1, bytes + CANARY_BYTES);
        if (floats)
            check_floats(step, shape, side, query, (const float *)(const void *)prepared);
        else
            check_bytes(step, shape, side, query, prepared);
        for (size_t i = 0; i < CANARY_BYTES; i++)
            if (prepared[bytes + i] != CANARY)
                fail_msg("%s: wrote behind the prepared query", describe(step, shape));
        free(prepared);
    }
    free(side);
}

/* The bytes of each query alone, and no others. */
static void check_group(const struct kvr_prepare_step *step, const struct kvr_shape *shape)
{
    const size_t bytes = step->format->prepared_bytes(shape), d = shape->head_dim;
    const size_t stride = (bytes + 63) / 64 * 64 + CANARY_BYTES;
    float queries[MOST_QUERIES * KVR_MAX_HEAD_DIM];
    uint64_t random = d * 7 + shape->entries;
    float *side = make_side(step, shape, &random);
    for (size_t i = 0; i < MOST_QUERIES * d; i++) /* the third is all 0 */
        queries[i] = i / d == 2 ? 0 : signed_unit(&random);
    unsigned char *together = run(step, shape, side, queries, MOST_QUERIES, stride);
    for (size_t q = 0; q < MOST_QUERIES; q++) {
        unsigned char *alone = run(step, shape, side, queries + q * d, 1, stride);
        if (memcmp(together + q * stride, alone, stride))
            fail_msg("%s: four queries are not prepared as one by one", describe(step, shape));
        free(alone);
    }
    free(together);
    free(side);
}

/* Calls the check with every shape that the step's codec serves. */
static size_t each_shape(const struct kvr_prepare_step *step,
                         void (*check)(const struct kvr_prepare_step *, const struct kvr_shape *))
{
    static const uint32_t dims[] = {16, 64, 80, 96, 128, 256}, tables[] = {1, 4, 16, 64};
    static const uint32_t any_entries[] = {256, 255, 100, 48, 16, 1};
    const struct kvr_codec *codec = codec_of(step->book);
    size_t checked = 0;
    for (size_t n = 0; n < COUNT(dims) * COUNT(tables) * COUNT(any_entries); n++) {
        struct kvr_shape shape = {.head_dim = dims[n % COUNT(dims)],
                                  .tables = tables[n / COUNT(dims) % COUNT(tables)],
                                  .entries = any_entries[n / COUNT(dims) / COUNT(tables)]};
        if (codec->set_tables && n >= COUNT(dims)) /* once each */
            continue;
        kvr_codec_set_tables(codec, &shape);
        if (codec->set_tables ? codec->refuses(&shape) != NULL : shape.head_dim % shape.tables)
            continue;
        check(step, &shape);
        checked++;
    }
    return checked;
}

/* Usable, and of a codebook that no other test is for. */
static int is_here(const struct kvr_prepare_step *step)
{
    return step->book != KVR_BOOK_NONE && step->book != KVR_BOOK_FACTORS &&
           step->book != KVR_BOOK_RESIDUAL && !(step->isa & ~isa.usable);
}

static void test_books(void **state)
{
    size_t count, found = 0, kinds = 0;
    const struct kvr_prepare_step *const *steps = kvr_prepare_steps(&count);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        if (!is_here(steps[i]) || steps[i]->book == KVR_BOOK_SUBSPACES)
            continue;
        kinds |= (size_t)1 << steps[i]->book;
        found += each_shape(steps[i], check_queries);
    }
    assert_int_equal(kinds, 1 << KVR_BOOK_ROTATED | 1 << KVR_BOOK_ADDED | 1 << KVR_BOOK_SIGNS);
    printf("# %zu shapes of steps\n", found);
}

static void test_groups(void **state)
{
    size_t count, found = 0;
    const struct kvr_prepare_step *const *steps = kvr_prepare_steps(&count);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        if (!steps[i]->prepare_group || !is_here(steps[i]))
            continue;
        found++;
        assert_true(each_shape(steps[i], check_group) > 0);
    }
    assert_true(found > 0);
    printf("# %zu steps prepare several queries at once here\n", found);
}

static void subspaces_are_packed(void **state)
{
    const enum kvr_book_kind book = KVR_BOOK_SUBSPACES;
    const struct kvr_shape shape = {.head_dim = 4, .tables = 2, .entries = 3};
    float natural[12], packed[12];
    uint16_t halves[12];
    (void)state;
    for (int i = 0; i < 12; i++)
        natural[i] = (float)i; /* [2][3][2] -> [2][2][3] */
    const float expected[12] = {0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11};
    assert_int_equal(kvr_codebook_bytes(&shape, book, KVR_CODEBOOK_F32), sizeof packed);
    assert_int_equal(kvr_codebook_bytes(&shape, book, KVR_CODEBOOK_F16), sizeof halves);
    assert_int_equal(kvr_codebook_bytes(&shape, book, KVR_CODEBOOK_NONE), 0);
    assert_int_equal(kvr_codebook_pack(&shape, book, natural, KVR_CODEBOOK_F32, packed), 0);
    assert_memory_equal(packed, expected, sizeof packed);
    assert_int_equal(kvr_codebook_pack(&shape, book, natural, KVR_CODEBOOK_F16, halves), 0);
    for (int i = 0; i < 12; i++)
        assert_true(kvr_half_to_float(halves[i]) == expected[i]);
    assert_int_equal(kvr_codebook_pack(&shape, book, natural, KVR_CODEBOOK_NONE, packed), -EINVAL);
    natural[5] = 65536;
    assert_int_equal(kvr_codebook_pack(&shape, book, natural, KVR_CODEBOOK_F16, halves), -ERANGE);
    assert_int_equal(kvr_codebook_pack(&shape, book, natural, KVR_CODEBOOK_F32, packed), 0);
    assert_true(kvr_codebook_multiplies(&shape, book) == 12);
}

/* Value i of each side is i; where some of them go. */
static void others_are_packed(void **state)
{
    static float side[2048], packed[2048];
    const struct kvr_shape four = {.head_dim = 4, .tables = 2, .entries = 3};
    const struct kvr_shape eight = {.head_dim = 16, .tables = 4, .entries = 3};
    const struct kvr_shape bits = {.head_dim = 16, .tables = 8, .entries = 16};
    (void)state;
    for (int i = 0; i < 2048; i++)
        side[i] = (float)i;
    /* a rotation of 64 bytes, [4][4], then [2][2][3]; of float16 half a line, padded */
    assert_int_equal(kvr_codebook_bytes(&four, KVR_BOOK_ROTATED, KVR_CODEBOOK_F32), 64 + 48);
    assert_int_equal(kvr_codebook_bytes(&four, KVR_BOOK_ROTATED, KVR_CODEBOOK_F16), 64 + 24);
    assert_int_equal(kvr_codebook_pack(&four, KVR_BOOK_ROTATED, side, KVR_CODEBOOK_F32, packed), 0);
    assert_true(packed[1] == 4 && packed[4] == 1 && packed[16] == 16 && packed[17] == 18);
    assert_true(kvr_codebook_multiplies(&four, KVR_BOOK_ROTATED) == 28);
    /* [2][3][8] -> [2][8][3] */
    assert_int_equal(kvr_codebook_bytes(&eight, KVR_BOOK_ADDED, KVR_CODEBOOK_F16), 96);
    assert_int_equal(kvr_codebook_pack(&eight, KVR_BOOK_ADDED, side, KVR_CODEBOOK_F32, packed), 0);
    assert_true(packed[1] == 8 && packed[3] == 1 && packed[24] == 24 && packed[25] == 32);
    assert_true(kvr_codebook_multiplies(&eight, KVR_BOOK_ADDED) == 96);
    /* [32][16] -> [16][32], with channel 3 last; then which channel each is */
    for (int c = 0; c < 16; c++)
        side[512 + c] = c == 3;
    assert_int_equal(kvr_codebook_bytes(&bits, KVR_BOOK_SIGNS, KVR_CODEBOOK_F16), 1056);
    assert_int_equal(kvr_codebook_pack(&bits, KVR_BOOK_SIGNS, side, KVR_CODEBOOK_F32, packed), 0);
    assert_true(packed[1] == 16 && packed[2 * 32] == 2 && packed[3 * 32] == 4 &&
                packed[15 * 32] == 3 && packed[15 * 32 + 1] == 19);
    assert_true(packed[512] == 0 && packed[512 + 3] == 4 && packed[512 + 15] == 3);
    assert_true(kvr_codebook_multiplies(&bits, KVR_BOOK_SIGNS) == 512);
}

/* The marks that keep pages apart change the last four bits of a value: no channel's number. */
static void marks_change_no_channel(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 128; c++) {
        uint16_t half = kvr_float_to_half((float)c);
        half |= 15;
        assert_int_equal((uint32_t)kvr_half_to_float(half), c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subspaces_are_packed), cmocka_unit_test(others_are_packed),
        cmocka_unit_test(marks_change_no_channel), cmocka_unit_test(test_books),
        cmocka_unit_test(test_groups)};
    kvr_isa_detect(&isa);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
