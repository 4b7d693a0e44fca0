/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * RVQ: codes and scales by another formula than the codec's, what both scans give of them, and that
 * every stage brings keys that were not trained with closer.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../kernels/additive.h"
#include "../../kernels/half_value.h"
#include "support.h"

enum { D = 64, GROUPS = 2, TABLES = 16, STAGES = 8, ENTRIES = 2048, WIDTH = 32, KEYS = 150,
       TRAINING = 2048, LINES = GROUPS * 11 + 2 };

static const struct kvr_shape shape = {.head_dim = D, .tokens = KEYS, .queries = 1,
                                       .tables = TABLES, .entries = ENTRIES};

/* Trained once: what the tests read of it. */
static struct kvr_additive_books *books;

/* Keys of which each lies near one of 16, as far off as its own size. */
static float *clustered(uint64_t seed, size_t count)
{
    float *keys = test_random(seed, count * D, 1.0f), *centres = test_random(1, 16 * D, 3.0f);
    for (size_t k = 0; k < count; k++) {
        for (size_t c = 0; c < D; c++)
            keys[k * D + c] = (float)(1 + k % 5) * (keys[k * D + c] + centres[k % 16 * D + c]);
    }
    free(centres);
    return keys;
}

static int set_up(void **state)
{
    float *keys = clustered(2, TRAINING);
    (void)state;
    books = test_memory(sizeof *books);
    int status = kvr_codec_find("rvq")->train(&shape, keys, TRAINING, 1, books);
    free(keys);
    return status;
}

static int tear_down(void **state)
{
    (void)state;
    free(books);
    return 0;
}

/* Code of a key's group and stage, from the layout in additive.h. */
static unsigned code_at(const uint8_t *codes, size_t key, size_t group, size_t stage)
{
    const uint8_t *lines = codes + (key / 64 * LINES + group * 11) * 64 + key % 64;
    unsigned code = lines[stage * 64];
    for (size_t b = 0; b < 3; b++) {
        size_t bit = 3 * stage + b;
        code |= (lines[(8 + bit / 8) * 64] >> bit % 8 & 1u) << (8 + b);
    }
    return code;
}

static double scale_at(const uint8_t *codes, size_t key)
{
    uint16_t half;
    memcpy(&half, codes + (key / 64 * LINES + LINES - 2) * 64 + key % 64 * 2, 2);
    return kvr_half_value(half);
}

static long double entry(size_t stage, size_t code, size_t i)
{
    return (long double)kvr_half_value(books->rows[stage][code][i]);
}

static long double square_left(const long double *left, size_t stage, size_t code)
{
    long double square = 0;
    for (size_t i = WIDTH; i-- > 0;)
        square += (left[i] - entry(stage, code, i)) * (left[i] - entry(stage, code, i));
    return square;
}

/* Each stage's code names a row as near as any is, but for rounding, to what is left of the key. */
static void check_group(const uint8_t *codes, const float *key, size_t k, size_t group)
{
    long double left[WIDTH];
    for (size_t i = 0; i < WIDTH; i++)
        left[i] = (long double)key[group + i * GROUPS] / (long double)scale_at(codes, k);
    for (size_t r = 0; r < STAGES; r++) {
        const unsigned code = code_at(codes, k, group, r);
        const long double found = square_left(left, r, code);
        for (size_t c = 0; c < ENTRIES; c++)
            assert_true(found <= square_left(left, r, c) + 2e-5L);
        for (size_t i = 0; i < WIDTH; i++)
            left[i] -= entry(r, code, i);
    }
}

static void codes_and_scales_by_their_definition(void **state)
{
    float *keys = clustered(3, KEYS);
    uint8_t *codes = test_memory(kvr_format_additive_f32.segment_bytes(&shape, KEYS));
    (void)state;
    assert_int_equal(kvr_codec_find("rvq")->encode(&shape, books, keys, KEYS, codes), 0);
    for (size_t k = 0; k < KEYS; k++) {
        long double squares = 0; /* of the differences of all pairs of channels */
        for (size_t c = 0; c < D; c++) {
            for (size_t e = 0; e < c; e++) {
                const long double apart = (long double)keys[k * D + c] - keys[k * D + e];
                squares += apart * apart;
            }
        }
        long double deviation = sqrtl(squares / D / (D - 1));
        assert_true(fabs(scale_at(codes, k) / (double)deviation - 1) < 0x1.01p-11);
        if (k % 10 == 0) {
            for (size_t g = 0; g < GROUPS; g++)
                check_group(codes, keys + k * D, k, g);
        }
    }
    for (size_t k = KEYS; k < 192; k++) /* padding */
        assert_true(scale_at(codes, k) == 0);
    free(codes);
    free(keys);
}

/* Both scans give the product with the decoded key, but for their floats. */
static void scores_are_those_of_decoded_keys(void **state)
{
    const struct kvr_codec *rvq = kvr_codec_find("rvq");
    const struct kvr_format *const formats[] = {&kvr_format_additive_f32,
                                                &kvr_format_additive_rows};
    float *keys = clustered(3, KEYS), *queries = test_random(7, 3 * D, 2.0f), decoded[KEYS * D];
    uint8_t *codes = test_memory(kvr_format_additive_f32.segment_bytes(&shape, KEYS));
    double scores[KEYS];
    (void)state;
    assert_int_equal(rvq->encode(&shape, books, keys, KEYS, codes), 0);
    rvq->decode(&shape, books, codes, KEYS, decoded);
    for (size_t q = 0; q < 3; q++) {
        for (size_t f = 0; f < 2; f++) {
            void *p = test_prepare(rvq, &shape, formats[f], books, queries + q * D);
            formats[f]->reference(&shape, KEYS, codes, books, p, scores);
            for (size_t k = 0; k < KEYS; k++) {
                double expected = 0, sizes = 0;
                for (size_t c = 0; c < D; c++) {
                    expected += (double)queries[q * D + c] * decoded[k * D + c] / sqrt(D);
                    sizes += fabs((double)queries[q * D + c]) * scale_at(codes, k) * 8;
                }
                assert_true(fabs(scores[k] - expected) <= 2 * FLT_EPSILON * sizes);
            }
            free(p);
        }
    }
    free(codes);
    free(keys);
    free(queries);
}

/* The mean square of what the first so many stages leave of keys that were not trained with. */
static void every_stage_brings_other_keys_closer(void **state)
{
    enum { OTHERS = 512 };
    const struct kvr_codec *rvq = kvr_codec_find("rvq");
    float *keys = clustered(11, OTHERS), *decoded = malloc(OTHERS * D * sizeof *decoded);
    uint8_t *codes = test_memory(kvr_format_additive_f32.segment_bytes(&shape, OTHERS));
    double errors[STAGES + 1] = {0}, squares = 0;
    (void)state;
    assert_non_null(decoded);
    assert_int_equal(rvq->encode(&shape, books, keys, OTHERS, codes), 0);
    rvq->decode(&shape, books, codes, OTHERS, decoded);
    for (size_t at = 0; at < OTHERS * D; at++) {
        const size_t k = at / D, group = at % D % GROUPS, i = at % D / GROUPS;
        double left = (double)keys[at] / scale_at(codes, k);
        for (size_t r = 0; r <= STAGES; r++) {
            errors[r] += left * left / OTHERS;
            if (r < STAGES)
                left -= (double)entry(r, code_at(codes, k, group, r), i);
        }
        squares += ((double)keys[at] - decoded[at]) * ((double)keys[at] - decoded[at]) /
                   scale_at(codes, k) / scale_at(codes, k) / OTHERS;
    }
    for (size_t r = 0; r < STAGES; r++)
        assert_true(errors[r + 1] < errors[r]);
    assert_true(errors[1] < errors[0] / 4 && errors[STAGES] < errors[1] / 2);
    assert_true(fabs(squares / errors[STAGES] - 1) < 1e-3);
    free(decoded);
    free(codes);
    free(keys);
}

/* Rows of which all but a few are far off: the codes and bytes of one key, worked out. */
static void a_key_by_hand(void **state)
{
    const struct kvr_codec *rvq = kvr_codec_find("rvq");
    struct kvr_shape small = {.head_dim = 32, .tokens = 1, .queries = 1, .tables = 8,
                              .entries = ENTRIES};
    struct kvr_additive_books *own = test_memory(sizeof *own);
    uint16_t *rows = (void *)own->rows;
    uint8_t *codes = test_memory(13 * 64);
    float key[32], decoded[32], query[32] = {0}, *tables;
    double score;
    (void)state;
    for (size_t at = 0; at < sizeof own->rows / sizeof *rows; at++)
        rows[at] = 0x5640; /* 100 */
    /* 31 times 0.5 and once -15.5: the mean is 0, the standard deviation sqrt(248 / 31) */
    for (size_t c = 0; c < 32; c++) {
        key[c] = c == 5 ? -15.5f : 0.5f;
        for (size_t r = 0; r < STAGES; r++) /* 0.25 a channel from stage 0, else 0 */
            own->rows[r][300 + r][c] = r == 0 ? 0x3400 : 0;
        own->rows[7][2047][c] = c == 5 ? 0xc500 : 0; /* -5 */
    }
    for (size_t r = 0; r < STAGES; r++)
        own->largest[r] = 100;
    assert_int_equal(rvq->encode(&small, own, key, 1, codes), 0);
    /* scale: 2.828427 is float16 2 + 424 / 512 */
    assert_true(codes[11 * 64] == 0xa8 && codes[11 * 64 + 1] == 0x41);
    for (size_t r = 0; r < 7; r++)
        assert_int_equal(codes[r * 64], 300 + r - 256);
    assert_int_equal(codes[7 * 64], 255);
    /* seven times 001, then 111 */
    assert_int_equal(codes[8 * 64], 0111);
    assert_int_equal(codes[9 * 64], 0x92);
    assert_int_equal(codes[10 * 64], 0xe4);
    rvq->decode(&small, own, codes, 1, decoded);
    assert_true(decoded[0] == 0.25f * 2.828125f && decoded[5] == -4.75f * 2.828125f);
    query[5] = 2;
    tables = test_prepare(rvq, &small, &kvr_format_additive_f32, own, query);
    assert_true(fabs((double)tables[7 * ENTRIES + 2047] + 10 / sqrt(32)) < 1e-6);
    kvr_format_additive_f32.reference(&small, 1, codes, own, tables, &score);
    assert_true(fabs(score + 2 * 4.75 * 2.828125 / sqrt(32)) < 1e-5);
    free(tables);
    free(codes);
    free(own);
}

/* SYSTEMS: 46 bytes at d = 128, 24 at d = 64. */
static void bytes_and_refusals(void **state)
{
    const struct kvr_codec *rvq = kvr_codec_find("rvq");
    struct kvr_shape other = {.head_dim = 128};
    float *keys = test_random(5, TRAINING * D, 1.0f), decoded[D];
    uint8_t *codes = test_memory(LINES * 64);
    (void)state;
    kvr_codec_set_tables(rvq, &other);
    assert_null(rvq->refuses(&other));
    assert_true(rvq->key_bytes(&other) == 46 && rvq->key_bytes(&shape) == 24);
    assert_int_equal(kvr_format_additive_f32.segment_bytes(&other, 64), 64 * 46);
    assert_int_equal(kvr_format_additive_rows.segment_bytes(&shape, 65), 2 * 64 * 24);
    assert_int_equal(rvq->fewest_keys(&other), 512);
    other.head_dim = 80;
    assert_non_null(strstr(rvq->refuses(&other), "multiples of 32"));
    other.head_dim = 288;
    assert_non_null(strstr(rvq->refuses(&other), "up to 256"));
    struct kvr_additive_books *own = test_memory(sizeof *own);
    assert_int_equal(rvq->train(&shape, keys, 1023, 1, own), -EINVAL);
    assert_int_equal(rvq->train(&shape, keys, 0, 1, own), -EINVAL);
    keys[7 * D + 3] = NAN;
    assert_int_equal(rvq->train(&shape, keys, 1024, 1, own), -EINVAL);
    for (size_t c = 0; c < D; c++)
        keys[c] = c % 2 ? 7e4f : -7e4f; /* a scale beyond float16 */
    assert_int_equal(rvq->encode(&shape, books, keys, 1, codes), -ERANGE);
    for (size_t c = 0; c < D; c++)
        keys[c] = 1; /* no deviation: a scale of 1 */
    assert_int_equal(rvq->encode(&shape, books, keys, 1, codes), 0);
    assert_true(scale_at(codes, 0) == 1);
    rvq->decode(&shape, books, codes, 1, decoded);
    assert_true(isfinite(decoded[0]));
    free(own);
    free(codes);
    free(keys);
}

/* 100 keys, 2 blocks; two queries. */
static void costs(void **state)
{
    const struct kvr_shape two = {.head_dim = D, .tokens = 100, .heads = 3, .queries = 2,
                                  .tables = TABLES, .entries = ENTRIES};
    struct kvr_cost cost, expected = {.stream_bytes = 128 * 24, .side_bytes = 2 * 16 * 8192,
                                      .score_bytes = 800, .useful_flops = 200 * 128,
                                      .executed_flops = 200 * (16 + 1), .lookups = 200 * 16,
                                      .converts = 200};
    (void)state;
    memset(&cost, 0xff, sizeof cost);
    kvr_format_additive_f32.cost(&two, &cost);
    assert_memory_equal(&cost, &expected, sizeof cost);
    /* codebooks of 1 MiB and a query; of each channel 7 additions and a product, 8 conversions */
    expected.side_bytes = 2 * (1048608 + 1028);
    expected.executed_flops = 200 * (64 * 9 + 1);
    expected.converts = 200 * (64 * 8 + 1);
    kvr_format_additive_rows.cost(&two, &cost);
    assert_memory_equal(&cost, &expected, sizeof cost);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_and_scales_by_their_definition),
        cmocka_unit_test(scores_are_those_of_decoded_keys),
        cmocka_unit_test(every_stage_brings_other_keys_closer),
        cmocka_unit_test(a_key_by_hand),
        cmocka_unit_test(bytes_and_refusals),
        cmocka_unit_test(costs),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
