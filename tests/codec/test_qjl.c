/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * QJL: signs and norms by another formula than the codec's, what a scan gives of them, and that the
 * estimate has no bias.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../kernels/formats.h"
#include "../../kernels/half_value.h"
#include "support.h"

enum { D = 64, ROWS = 128, KEYS = 100, OUTLIERS = 4, TABLES = 32, LINES = TABLES + 4 };

static const struct kvr_shape shape = {.head_dim = D, .tokens = KEYS, .queries = 1,
                                       .tables = TABLES, .entries = 16};

/* Keys whose channels 3, 20, 40 and 63 are much larger than the others. */
static float *keys_with_outliers(uint64_t seed, size_t count)
{
    float *keys = test_random(seed, count * D, 1.0f);
    for (size_t k = 0; k < count; k++) {
        keys[k * D + 3] = 8 + keys[k * D + 3];
        keys[k * D + 20] *= 9;
        keys[k * D + 40] -= 6;
        keys[k * D + 63] *= 7;
    }
    return keys;
}

static int is_outlier(size_t channel)
{
    return channel == 3 || channel == 20 || channel == 40 || channel == 63;
}

/* Bit `row` of sketch `sketch` of a key, from the layout in kernel.h. */
static int bit_at(const uint8_t *codes, size_t key, size_t sketch, size_t row)
{
    const uint8_t *block = codes + key / 64 * LINES * 64, in_block = (uint8_t)(key % 64);
    uint8_t byte = block[(sketch * TABLES / 2 + row / 8) * 64 + in_block % 16 * 4 + in_block / 16];
    return byte >> row % 8 & 1;
}

static double norm_at(const uint8_t *codes, size_t key, size_t sketch)
{
    uint16_t half;
    memcpy(&half, codes + key / 64 * LINES * 64 + (TABLES + sketch * 2) * 64 + key % 64 * 2, 2);
    return kvr_half_value(half);
}

static void signs_and_norms_by_their_definition(void **state)
{
    const struct kvr_codec *qjl = kvr_codec_find("qjl");
    float *keys = keys_with_outliers(1, KEYS);
    struct test_encoded e = test_encode(qjl, &shape, keys, KEYS, keys, KEYS);
    const float *projection = e.side;
    (void)state;
    assert_int_equal(e.codes_bytes, 2 * LINES * 64);
    for (size_t c = 0; c < D; c++)
        assert_true(projection[ROWS * D + c] == (is_outlier(c) ? 1 : 0));
    for (size_t k = 0; k < KEYS; k++) {
        for (size_t s = 0; s < 2; s++) {
            long double square = 0;
            for (size_t c = 0; c < D; c++)
                square += is_outlier(c) == (int)s ? (long double)keys[k * D + c] * keys[k * D + c]
                                                  : 0;
            assert_true(fabs(norm_at(e.codes, k, s) / (double)sqrtl(square) - 1) < 0x1.01p-11);
            for (size_t r = 0; r < ROWS; r++) {
                long double sum = 0;
                for (size_t c = D; c-- > 0;)
                    sum += is_outlier(c) == (int)s
                               ? (long double)projection[r * D + c] * keys[k * D + c]
                               : 0;
                if (fabsl(sum) > 1e-9L)
                    assert_int_equal(bit_at(e.codes, k, s, r), sum > 0);
            }
        }
    }
    free(e.side);
    free(e.codes);
    free(keys);
}

/* Score = <query, decoded key> / sqrt(d), but for half a step of each table times the norm. */
static void scores_are_those_of_decoded_keys(void **state)
{
    const struct kvr_codec *qjl = kvr_codec_find("qjl");
    float *keys = keys_with_outliers(1, KEYS), *queries = test_random(7, 5 * D, 2.0f);
    struct test_encoded e = test_encode(qjl, &shape, keys, KEYS, keys, KEYS);
    float decoded[KEYS * D];
    double scores[KEYS];
    (void)state;
    qjl->decode(&shape, e.side, e.codes, KEYS, decoded);
    for (size_t q = 0; q < 5; q++) {
        const float *query = queries + q * D;
        struct kvr_prepared_signs_u8 *p =
            test_prepare(qjl, &shape, &kvr_format_signs_u8, e.side, query);
        kvr_format_signs_u8.reference(&shape, KEYS, e.codes, NULL, p, scores);
        for (size_t k = 0; k < KEYS; k++) {
            double expected = 0, bound = 1e-5;
            for (size_t c = 0; c < D; c++)
                expected += (double)query[c] * decoded[k * D + c] / sqrt(D);
            for (size_t s = 0; s < 2; s++)
                bound += TABLES * .5 * (double)p->step[s] * norm_at(e.codes, k, s);
            assert_true(fabs(scores[k] - expected) <= bound);
        }
        free(p);
    }
    free(e.side);
    free(e.codes);
    free(keys);
    free(queries);
}

/* Over many projections the mean of decoded keys is the key (Lemma 3.2). */
static void the_estimate_has_no_bias(void **state)
{
    const struct kvr_codec *qjl = kvr_codec_find("qjl");
    enum { SEEDS = 400 };
    float *key = keys_with_outliers(5, 1), decoded[D];
    double means[D] = {0}, squares[D] = {0};
    float *side = test_memory(qjl->side_bytes(&shape));
    uint8_t *codes = test_memory(kvr_format_signs_u8.segment_bytes(&shape, 1));
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        assert_int_equal(qjl->train(&shape, key, 1, seed * 1000003, side), 0);
        assert_int_equal(qjl->encode(&shape, side, key, 1, codes), 0);
        qjl->decode(&shape, side, codes, 1, decoded);
        for (size_t c = 0; c < D; c++) {
            means[c] += (double)decoded[c] / SEEDS;
            squares[c] += (double)decoded[c] * decoded[c] / SEEDS;
        }
    }
    for (size_t c = 0; c < D; c++) { /* five standard errors, and the norm's rounding */
        double spread = sqrt((squares[c] - means[c] * means[c]) / SEEDS);
        assert_true(fabs(means[c] - (double)key[c]) <= 5 * spread + 1e-2);
    }
    free(codes);
    free(side);
    free(key);
}

/* Rows of one block of d are orthogonal; their lengths are those of normal vectors. */
static void rows_are_orthogonal(void **state)
{
    const struct kvr_codec *qjl = kvr_codec_find("qjl");
    float *keys = test_random(1, D, 1.0f), *side = test_memory(qjl->side_bytes(&shape));
    double squares = 0;
    (void)state;
    assert_int_equal(qjl->train(&shape, keys, 1, 3, side), 0);
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t s = r / D * D; s <= r; s++) {
            double sum = 0;
            for (size_t c = 0; c < D; c++)
                sum += (double)side[r * D + c] * side[s * D + c];
            if (s < r)
                assert_true(fabs(sum) < 1e-3);
            else
                squares += sum;
        }
    }
    /* a sum of 8192 squares of normal values: its standard deviation is 128 */
    assert_true(fabs(squares - ROWS * D) < 5 * 128);
    free(side);
    free(keys);
}

/* SYSTEMS: 68.25 bytes at d = 128 with the channels of outliers stored every 32 tokens (.25). */
static void bytes_and_refusals(void **state)
{
    const struct kvr_codec *qjl = kvr_codec_find("qjl");
    struct kvr_shape other = {.head_dim = 128};
    float keys[D] = {NAN}, *side = test_memory(qjl->side_bytes(&shape));
    uint8_t *codes = test_memory(kvr_format_signs_u8.segment_bytes(&shape, 1));
    (void)state;
    kvr_codec_set_tables(qjl, &other);
    assert_null(qjl->refuses(&other));
    assert_true(qjl->key_bytes(&other) == 68);
    assert_int_equal(kvr_format_signs_u8.segment_bytes(&other, 64), 64 * 68);
    assert_true(qjl->key_bytes(&shape) == 36);
    other.head_dim = 256;
    assert_non_null(strstr(qjl->refuses(&other), "up to 128"));
    assert_int_equal(qjl->train(&shape, keys, 1, 1, side), -EINVAL);
    assert_int_equal(qjl->train(&shape, keys, 0, 1, side), -EINVAL);
    for (size_t c = 0; c < D; c++)
        keys[c] = 6e4f; /* of 60 channels: a norm beyond float16 */
    assert_int_equal(qjl->train(&shape, keys, 1, 1, side), 0);
    assert_int_equal(qjl->encode(&shape, side, keys, 1, codes), -ERANGE);
    free(codes);
    free(side);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_and_norms_by_their_definition),
        cmocka_unit_test(scores_are_those_of_decoded_keys),
        cmocka_unit_test(the_estimate_has_no_bias),
        cmocka_unit_test(rows_are_orthogonal),
        cmocka_unit_test(bytes_and_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
