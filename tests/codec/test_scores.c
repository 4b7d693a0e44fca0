/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Codecs and formats together, on the built-in keys: what a format computes from codes and a
 * prepared query is the dot product of the decoded key with the query, and decoded keys lie as
 * near to the originals as the codes allow.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../kernels/formats.h"
#include "../../src/data/keyset.h"
#include "support.h"

enum { TOKENS = 203 }; /* no multiple of any block */

static int set_up(void **state)
{
    char data[4096];
    (void)state;
    test_data_path("k.npy", data, sizeof data);
    *strrchr(data, '/') = '\0';
    return setenv("KVROOF_DATA", data, 1);
}

static double dot(const float *a, const float *b, size_t dim)
{
    double sum = 0.0;
    for (size_t c = 0; c < dim; c++)
        sum += (double)a[c] * b[c];
    return sum;
}

static double sum_of_magnitudes(const float *a, size_t dim)
{
    double sum = 0.0;
    for (size_t c = 0; c < dim; c++)
        sum += fabs((double)a[c]);
    return sum;
}

static double largest_magnitude(const float *a, size_t count)
{
    double largest = 0.0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)a[i]));
    return largest;
}

static double magnitude_of_products(const float *a, const float *b, size_t dim)
{
    double sum = 0.0;
    for (size_t c = 0; c < dim; c++)
        sum += fabs((double)a[c] * b[c]);
    return sum;
}

/* What quantising the query or its tables, or rounding the key to float16, may add to the
 * difference of one score. largest: of all keys. */
static double quantised_query_error(const struct kvr_shape *shape, const struct kvr_format *format,
                                    const float *query, const float *decoded, double largest,
                                    const void *prepared)
{
    uint32_t d = shape->head_dim;
    if (format == &kvr_format_affine8g_q8 || format == &kvr_format_affine4g_q8) {
        double error = 0; /* half a step of a group, whose step is rounded to float16 */
        for (uint32_t g = 0; g < d; g += 32)
            error += sum_of_magnitudes(decoded + g, 32) * largest_magnitude(query + g, 32) *
                     (.5 / 127 + 0x1p-11) / sqrt(d);
        return error;
    }
    if (format == &kvr_format_affine8_q8 || format == &kvr_format_affine4_q8)
        return sum_of_magnitudes(decoded, d) * largest_magnitude(query, d) / 127 / 2 / sqrt(d);
    if (format == &kvr_format_affine8_f16 || format == &kvr_format_affine4_f16 ||
        format == &kvr_format_affine4g_f16)
        return (magnitude_of_products(query, decoded, d) * 0x1p-11 +
                sum_of_magnitudes(query, d) * 0x1p-25) / sqrt(d);
    /* half a step for each code; codes are apart by at most twice the largest key */
    if (format == &kvr_format_channel1_q8 || format == &kvr_format_channel2_q8 ||
        format == &kvr_format_channel4_q8)
        return d * largest_magnitude(query, d) * 2 * largest * .501 / 127 / sqrt(d);
    if (format == &kvr_format_lookup_u8 || format == &kvr_format_lookup4_u8)
        return shape->tables * .5 * ((const struct kvr_prepared_lookup_u8 *)prepared)->step;
    return 0.0;
}

/* Reference scores of one head for some queries, against decoded keys and, where `key_error` (the
 * largest error of one channel) is given, against the original keys. */
static void check_scores(const struct kvr_codec *codec, const struct kvr_shape *shape,
                         const struct kvr_keyset *set, const struct test_encoded *encoded,
                         double key_error)
{
    uint32_t d = shape->head_dim;
    float *decoded = test_memory(TOKENS * d * sizeof *decoded);
    double *scores = test_memory(TOKENS * sizeof *scores), root = sqrt(d);
    codec->decode(shape, encoded->side, encoded->codes, TOKENS, decoded);
    double largest = largest_magnitude(decoded, TOKENS * d);
    for (size_t f = 0; codec->formats[f]; f++) {
        const struct kvr_format *format = codec->formats[f];
        if (format->entries != shape->entries)
            continue; /* of other codes */
        for (size_t q = 0; q < set->query_tokens; q += 37) {
            const float *query = set->queries + q * d;
            void *prepared = test_prepare(codec, shape, format, encoded->side, query);
            format->reference(shape, TOKENS, encoded->codes, encoded->side, prepared, scores);
            double rounding = 2 * FLT_EPSILON * sum_of_magnitudes(query, d) * largest / root;
            for (size_t k = 0; k < TOKENS; k++) {
                double expected = dot(query, decoded + k * d, d) / root;
                double bound = rounding + quantised_query_error(shape, format, query,
                                                                decoded + k * d, largest, prepared);
                if (!(fabs(scores[k] - expected) <= bound))
                    fail_msg("%s %s d %u m %u query %zu key %zu: %.9g, decoded key gives %.9g, "
                             "bound %g",
                             codec->name, format->name, d, shape->tables, q, k, scores[k], expected,
                             bound);
                double original = dot(query, set->keys + k * d, d) / root;
                bound += key_error * sum_of_magnitudes(query, d) / root;
                if (!isnan(key_error) && !(fabs(scores[k] - original) <= bound))
                    fail_msg("%s %s d %u query %zu key %zu: %.9g, original key gives %.9g, bound "
                             "%g",
                             codec->name, format->name, d, q, k, scores[k], original, bound);
            }
            free(prepared);
        }
    }
    free(scores);
    free(decoded);
}

/* Between the least and the greatest of all channels; and what rounding the zero may add. */
static double key_range(const struct kvr_keyset *set)
{
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < TOKENS * (size_t)set->head_dim; i++) {
        least = fmin(least, (double)set->keys[i]);
        most = fmax(most, (double)set->keys[i]);
    }
    return most - least;
}

static int kivi_bits(const struct kvr_codec *codec)
{
    return codec->formats[0] == &kvr_format_channel4   ? 4
           : codec->formats[0] == &kvr_format_channel2 ? 2
                                                       : 1;
}

static void check_entries(const char *name, uint32_t head_dim, uint32_t tables, uint32_t entries)
{
    struct kvr_keyset_paths mini = {NULL, NULL, NULL, NULL};
    struct kvr_keyset set;
    char error[256] = "";
    const struct kvr_codec *codec = kvr_codec_find(name);
    struct kvr_shape shape = {.head_dim = head_dim,
                              .tokens = TOKENS,
                              .heads = 1,
                              .queries = 1,
                              .group = codec ? codec->group : 0,
                              .tables = tables,
                              .entries = entries};
    assert_non_null(codec);
    kvr_codec_set_tables(codec, &shape);
    if (kvr_keyset_load(&mini, head_dim, &set, error, sizeof error))
        fail_msg("%s", error);
    const size_t fewest = kvr_codec_fewest_keys(codec, &shape);
    struct test_encoded e =
        test_encode(codec, &shape, codec->calibrated ? set.calibration : set.keys,
                    !codec->calibrated ? TOKENS
                    : fewest > 1000    ? fewest
                                       : 1000,
                    set.keys, TOKENS);
    double key_error = NAN; /* product quantization gives no bound */
    if (strcmp(name, "fp16") == 0)
        key_error = 0.0; /* the built-in keys are float16 already */
    else if (codec->append) /* half a step of kivi's largest; squat's keys are shifted besides */
        key_error = codec->train_queries ? NAN
                                         : key_range(&set) / ((1 << kivi_bits(codec)) - 1) * .502;
    else if (strcmp(name, "q8_0") == 0) /* half a step, and the rounding of the step to float16 */
        key_error = largest_magnitude(set.keys, (size_t)TOKENS * head_dim) * (.501 / 127 + 0x1p-11);
    else if (strcmp(name, "q4_0") == 0) /* a whole step where +8 is clipped to +7 */
        key_error = largest_magnitude(set.keys, (size_t)TOKENS * head_dim) * (1.001 / 8 + 0x1p-11);
    else if (codec->group) /* the largest scale any group may have, itself rounded */
        key_error = largest_magnitude(set.keys, (size_t)TOKENS * head_dim) / 7 * .501;
    else if (!tables)
        key_error = *(float *)e.side * .500001;
    check_scores(codec, &shape, &set, &e, key_error);
    free(e.side);
    free(e.codes);
    kvr_keyset_free(&set);
}

static void check_codec(const char *name, uint32_t head_dim, uint32_t tables)
{
    check_entries(name, head_dim, tables, tables ? 256 : 0);
}

static const uint32_t head_dims[] = {16, 64, 80, 96, 128, 256};

static void dense_and_affine(void **state)
{
    (void)state;
    static const char *const names[] = {"fp16", "int8", "int4", "int8q8", "int4q8"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (size_t k = 0; k < sizeof head_dims / sizeof head_dims[0]; k++)
            check_codec(names[i], head_dims[k], 0);
    }
}

static void grouped(void **state)
{
    (void)state;
    static const char *const names[] = {"int4g32", "q8_0",    "q4_0",   "kivi2",
                                        "kivi4",   "asymkv1", "squat2", "squat4", "wkvquant"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (uint32_t d = 32; d <= 256; d += 32)
            check_codec(names[i], d, 0);
}

static void lookup(void **state)
{
    (void)state;
    for (uint32_t m = 2; m <= 16; m *= 2)
        check_codec("lookat", 64, m);
    check_codec("lookat", 64, 1);
    check_codec("lookat", 64, 64);
    check_codec("lookat", 80, 5);
    check_codec("lookat", 128, 4);
    for (uint32_t m = 2; m <= 64; m *= 2)
        check_entries("lookat", 64, m, 16);
    check_entries("lookat", 80, 10, 16);
    check_entries("lookat", 128, 64, 16);
}

/* An orthogonal matrix in float leaves its own rounding in every product. */
static void rotated_and_added(void **state)
{
    (void)state;
    check_codec("opq", 64, 4);
    check_entries("opq", 80, 10, 16);
    for (uint32_t d = 64; d <= 256; d *= 2)
        check_codec("aqlm", d, 1);
    for (uint32_t d = 32; d <= 128; d += 32)
        check_codec("rvq", d, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_and_affine),
        cmocka_unit_test(grouped),
        cmocka_unit_test(lookup),
        cmocka_unit_test(rotated_and_added),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
