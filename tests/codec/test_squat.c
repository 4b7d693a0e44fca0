/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * squat2, squat4: the shifts of channels against the least squares that they are, computed another
 * way; and what they gain over KIVI in the scores of real queries. --verbose prints the errors.
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

#include "../../src/codec/squat.h"
#include "../../src/data/keyset.h"
#include "support.h"

static int verbose;

/* Solves the n equations of `a` (row-major, overwritten) for the right sides in `b`. */
static void eliminate(double *a, double *b, size_t n)
{
    for (size_t p = 0; p < n; p++) {
        size_t best = p;
        for (size_t r = p + 1; r < n; r++)
            best = fabs(a[r * n + p]) > fabs(a[best * n + p]) ? r : best;
        for (size_t c = 0; c < n; c++) {
            double kept = a[p * n + c];
            a[p * n + c] = a[best * n + c];
            a[best * n + c] = kept;
        }
        double kept = b[p];
        b[p] = b[best];
        b[best] = kept;
        for (size_t r = 0; r < n; r++) {
            double factor = r == p ? 0 : a[r * n + p] / a[p * n + p];
            for (size_t c = p; c < n; c++)
                a[r * n + c] -= factor * a[p * n + c];
            b[r] -= factor * b[p];
        }
    }
    for (size_t p = 0; p < n; p++)
        b[p] /= a[p * n + p];
}

/* With all singular vectors kept A is I + lambda Q^T Q, needs no decomposition, and the shift for
 * an error of 1 in channel b is the e2 with A22 e2 = -A21 e1: channels behind the block. */
static void shifts_are_least_squares(void **state)
{
    (void)state;
    enum { D = 32, COUNT = 50, BLOCK = 8 };
    const struct kvr_shape shape = {.head_dim = D, .group = 32};
    const struct kvr_squat_settings all = {.rank = D, .lambda = .03, .block = BLOCK};
    float *queries = test_random(8, COUNT * D, 2.0f), side[D * D + 1];
    double a[D][D];
    for (size_t i = 0; i < COUNT * D; i++)
        queries[i] *= (float)(i % D % 5 + 1);
    for (size_t i = 0; i < D; i++) {
        for (size_t j = 0; j < D; j++) {
            a[i][j] = i == j;
            for (size_t q = 0; q < COUNT; q++)
                a[i][j] += all.lambda * queries[q * D + i] * queries[q * D + j];
        }
    }
    assert_int_equal(kvr_squat_fit(&shape, queries, COUNT, &all, side), 0);
    for (size_t b = 0; b < D; b++) {
        const size_t first = (b / BLOCK + 1) * BLOCK, left = D - first;
        double left_side[D * D], shifts[D];
        for (size_t i = 0; i < left; i++) {
            shifts[i] = -a[first + i][b];
            for (size_t j = 0; j < left; j++)
                left_side[i * left + j] = a[first + i][first + j];
        }
        eliminate(left_side, shifts, left);
        for (size_t c = 0; c < D; c++) {
            double expected = c < first ? 0 : shifts[c - first];
            if (!(fabs(side[c * D + b] - expected) <= 1e-5 * (1 + fabs(expected))))
                fail_msg("channel %zu for %zu: %g, not %g", c, b, (double)side[c * D + b],
                         expected);
        }
    }
    free(queries);
}

/* One direction is kept of queries that lie along it: 2 channels, of which the second pays for the
 * first. A = I + lambda n [1 1; 1 1] gives e2 = -lambda n / (1 + lambda n) e1. */
static void one_direction_by_hand(void **state)
{
    (void)state;
    enum { D = 32 };
    const struct kvr_shape shape = {.head_dim = D, .group = 32};
    const struct kvr_squat_settings one = {.rank = 1, .lambda = .5, .block = 1};
    float queries[2 * D] = {0}, side[D * D + 1];
    queries[0] = queries[1] = queries[D] = queries[D + 1] = 1;
    assert_int_equal(kvr_squat_fit(&shape, queries, 2, &one, side), 0);
    assert_true(fabs(side[D] + .5) < 1e-6); /* lambda n = 1 */
    side[D] = 0;
    for (size_t i = 0; i < D * D; i++)
        assert_true(fabs((double)side[i]) < 1e-6);
    const struct kvr_squat_settings none = {.rank = 0, .lambda = .5, .block = 1};
    assert_int_equal(kvr_squat_fit(&shape, queries, 2, &none, side), 0);
    for (size_t i = 0; i < D * D; i++)
        assert_true(side[i] == 0); /* no subspace: KIVI */
    queries[3] = INFINITY;
    assert_int_equal(kvr_squat_fit(&shape, queries, 2, &one, side), -EINVAL);
    assert_int_equal(kvr_squat_fit(&shape, queries, 0, &one, side), -EINVAL);
    assert_int_equal(kvr_squat_fit(&shape, side, 1, &(struct kvr_squat_settings){.block = 5}, side),
                     -EINVAL);
}

/* Mean squared error of all scores of a KV head's queries and keys, of fp16 groups only. */
static double score_error(const struct kvr_codec *codec, const struct kvr_shape *shape,
                          const void *side, const struct kvr_keyset *set, size_t head)
{
    const size_t d = set->head_dim, keys = set->tokens / 32 * 32;
    const size_t queries = set->query_heads / set->kv_heads * set->query_tokens;
    const float *k = set->keys + head * set->tokens * d, *q = set->queries + head * queries * d;
    uint8_t *codes = test_memory(codec->formats[0]->segment_bytes(shape, (uint32_t)keys));
    float *decoded = malloc(keys * d * sizeof *decoded);
    double sum = 0;
    assert_int_equal(codec->encode(shape, side, k, keys, codes), 0);
    codec->decode(shape, side, codes, keys, decoded);
    for (size_t i = 0; i < queries; i += 3) {
        for (size_t j = 0; j < keys; j++) {
            double error = 0;
            for (size_t c = 0; c < d; c++)
                error += (double)q[i * d + c] * (decoded[j * d + c] - k[j * d + c]);
            sum += error * error / (double)d;
        }
    }
    free(decoded);
    free(codes);
    return sum / (double)((queries + 2) / 3 * keys);
}

static double squat_error(const struct kvr_codec *codec, const struct kvr_keyset *set, size_t head,
                          uint32_t rank, uint32_t block)
{
    const struct kvr_shape shape = {.head_dim = 64, .group = 32};
    const struct kvr_squat_settings settings = {.rank = rank, .lambda = .001, .block = block};
    const size_t queries = set->query_heads / set->kv_heads * set->query_tokens;
    float *side = test_memory(codec->side_bytes(&shape));
    assert_int_equal(codec->train(&shape, set->keys, set->tokens, 1, side), 0);
    assert_int_equal(kvr_squat_fit(&shape, set->queries + head * queries * set->head_dim, queries,
                                   &settings, side),
                     0);
    double error = score_error(codec, &shape, side, set, head);
    free(side);
    return error;
}

/* A block of all channels has none behind it: KIVI to the bit. Smaller ones do better. */
static void scores_of_real_queries(void **state)
{
    static const char *const names[][2] = {{"kivi2", "squat2"}, {"kivi4", "squat4"}};
    static const uint32_t ranks[] = {5, 20, 60};
    const struct kvr_shape shape = {.head_dim = 64, .group = 32};
    const struct kvr_keyset_paths mini = {.keys = NULL};
    struct kvr_keyset set;
    char error[256] = "", data[4096];
    (void)state;
    test_data_path("k.npy", data, sizeof data);
    *strrchr(data, '/') = '\0';
    assert_int_equal(setenv("KVROOF_DATA", data, 1), 0);
    if (kvr_keyset_load(&mini, 64, &set, error, sizeof error))
        fail_msg("%s", error);
    for (size_t n = 0; n < 2; n++) {
        const struct kvr_codec *kivi = kvr_codec_find(names[n][0]);
        const struct kvr_codec *squat = kvr_codec_find(names[n][1]);
        for (size_t head = 0; head < set.kv_heads; head++) {
            const double plain = score_error(kivi, &shape, NULL, &set, head);
            for (size_t r = 0; r < 3; r++) {
                const double by_16 = squat_error(squat, &set, head, ranks[r], 16) / plain;
                const double by_32 = squat_error(squat, &set, head, ranks[r], 32) / plain;
                const double by_64 = squat_error(squat, &set, head, ranks[r], 64) / plain;
                if (verbose)
                    printf("%s head %zu r %u: %s %.5f; squared error x %.3f, %.3f, %.3f with "
                           "blocks of 16, 32, 64\n",
                           names[n][1], head, ranks[r], names[n][0], plain, by_16, by_32, by_64);
                assert_true(by_16 < 1);
                assert_true(by_32 < 1);
                assert_true(by_64 == 1);
            }
        }
    }
    kvr_keyset_free(&set);
}

/* What was not given is the default; what was given comes to the encoder. */
static void settings(void **state)
{
    (void)state;
    enum { D = 64, COUNT = 70 };
    const struct kvr_shape shape = {.head_dim = D, .tokens = COUNT, .group = 32};
    const struct kvr_codec *codec = kvr_codec_find("squat2");
    struct kvr_squat_settings given = {.block = 32};
    char text[64];
    kvr_squat_text(&given, text, sizeof text);
    assert_string_equal(text, "r20/lambda0.001/block32");
    assert_null(codec->refuses_settings(&shape, &given));
    given.block = 24;
    assert_non_null(strstr(codec->refuses_settings(&shape, &given), "--squat-block"));
    given = (struct kvr_squat_settings){.rank = D + 1};
    assert_non_null(strstr(codec->refuses_settings(&shape, &given), "--squat-rank"));
    given = (struct kvr_squat_settings){.rank = 3, .lambda = .5, .block = 32};
    float *keys = test_random(1, COUNT * D, 2), *queries = test_random(2, COUNT * D, 2);
    const size_t bytes = codec->side_bytes(&shape);
    float *expected = test_memory(bytes), *side = test_memory(bytes);
    struct kvr_teaching teaching = {queries, COUNT, given};
    assert_int_equal(kvr_squat_fit(&shape, queries, COUNT, &given, expected), 0);
    assert_int_equal(kvr_codec_train(codec, &shape, keys, COUNT, &teaching, 1, side), 0);
    assert_memory_equal(side, expected, bytes);
    teaching.squat = (struct kvr_squat_settings){0};
    assert_int_equal(kvr_codec_train(codec, &shape, keys, COUNT, &teaching, 1, side), 0);
    assert_int_equal(side[D * D], 16);
    assert_memory_not_equal(side, expected, bytes);
    free(keys);
    free(queries);
    free(expected);
    free(side);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shifts_are_least_squares),
        cmocka_unit_test(one_direction_by_hand),
        cmocka_unit_test(scores_of_real_queries),
        cmocka_unit_test(settings),
    };
    verbose = argc > 1 && strcmp(argv[1], "--verbose") == 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
