/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The systems that are LOOKAT's scans with other codes: a rotation before it (opq), and two added
 * centroids for 8 channels (aqlm).
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
#include "support.h"

enum { D = 64, KEYS = 512, CALIBRATION = 4096, BOOK = 256 * 8 };

static double squared_error(const float *a, const float *b, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    return sum;
}

/* Squared error of the keys after coding, with a codebook of the calibration keys. */
static double coding_error(const char *name, uint32_t tables, const float *calibration,
                           const float *keys, size_t count)
{
    const struct kvr_codec *codec = kvr_codec_find(name);
    struct kvr_shape shape = {.head_dim = D, .tables = tables, .entries = 256};
    assert_non_null(codec);
    kvr_codec_set_tables(codec, &shape);
    struct test_encoded e = test_encode(codec, &shape, calibration, CALIBRATION, keys, count);
    float *decoded = test_memory(count * D * sizeof *decoded);
    codec->decode(&shape, e.side, e.codes, count, decoded);
    double error = squared_error(decoded, keys, count * D);
    free(decoded);
    free(e.side);
    free(e.codes);
    return error;
}

/* On the keys that it was fitted to, by what training promises; on others, where subspaces are wide
 * and a rotation has most to win. */
static void a_rotation_lowers_the_error(void **state)
{
    struct kvr_tensor calibration, keys;
    (void)state;
    test_load("calib_k.npy", &calibration);
    test_load("k.npy", &keys);
    const double on_fitted = coding_error("opq", 4, calibration.values, calibration.values, 4096);
    assert_true(on_fitted <= coding_error("lookat", 4, calibration.values, calibration.values,
                                          4096));
    assert_true(coding_error("opq", 4, calibration.values, keys.values, KEYS) <
                coding_error("lookat", 4, calibration.values, keys.values, KEYS));
    kvr_tensor_free(&calibration);
    kvr_tensor_free(&keys);
}

/* Rows are orthogonal and of length 1. */
static void the_rotation_is_one(void **state)
{
    const struct kvr_codec *opq = kvr_codec_find("opq");
    const struct kvr_shape shape = {.head_dim = D, .tables = 4, .entries = 16};
    float *keys = test_random(5, 1000 * D, 1.0f);
    (void)state;
    for (size_t i = 0; i < 1000 * D; i++) {
        if (i % 32 < 16) /* something to turn: channels of two subspaces move together */
            keys[i + 16] = keys[i] * .9f + keys[i + 16] * .1f;
    }
    float *side = test_memory(opq->side_bytes(&shape));
    assert_int_equal(opq->train(&shape, keys, 1000, 1, side), 0);
    for (size_t r = 0; r < D; r++) {
        for (size_t s = 0; s < D; s++) {
            double sum = 0.0;
            for (size_t c = 0; c < D; c++)
                sum += (double)side[r * D + c] * side[s * D + c];
            assert_true(fabs(sum - (r == s)) < 1e-5);
        }
    }
    assert_true(fabs((double)side[0]) < .999); /* and not the one that turns nothing */
    free(side);
    free(keys);
}

static void aqlm_by_hand(void **state)
{
    const struct kvr_codec *aqlm = kvr_codec_find("aqlm");
    struct kvr_shape shape = {.head_dim = 16};
    float *side = test_memory(2 * BOOK * sizeof *side), keys[16] = {0}, decoded[16];
    (void)state;
    kvr_codec_set_tables(aqlm, &shape);
    assert_int_equal(shape.tables, 4);
    assert_int_equal(shape.entries, 256);
    for (size_t i = 0; i < 2 * BOOK; i++)
        side[i] = 0.0f;
    for (size_t c = 0; c < 256; c++) { /* channel 0: whole parts; channel 0 and 1: the rest */
        side[c * 8] = (float)c;
        side[BOOK + c * 8] = (float)c / 256;
        side[BOOK + c * 8 + 1] = (float)c;
    }
    keys[0] = 37 + 5.0f / 256;
    keys[1] = 5;
    keys[8] = 200;
    uint8_t *codes = test_memory(4 * 64);
    assert_int_equal(aqlm->encode(&shape, side, keys, 1, codes), 0);
    assert_int_equal(codes[0], 37);
    assert_int_equal(codes[64], 5);
    assert_int_equal(codes[128], 200);
    assert_int_equal(codes[192], 0);
    aqlm->decode(&shape, side, codes, 1, decoded);
    assert_memory_equal(decoded, keys, sizeof keys);
    free(codes);
    free(side);
}

/* The search is never behind two codes found one after the other, nor ahead of all pairs. */
static void aqlm_searches_beyond_greedy(void **state)
{
    const struct kvr_codec *aqlm = kvr_codec_find("aqlm");
    struct kvr_shape shape = {.head_dim = 8};
    float *calibration = test_random(1, 4096 * 8, 1.0f), *keys = test_random(2, 64 * 8, 1.0f);
    float *decoded = test_memory(64 * 8 * sizeof *decoded);
    size_t ahead = 0;
    (void)state;
    kvr_codec_set_tables(aqlm, &shape);
    struct test_encoded e = test_encode(aqlm, &shape, calibration, 4096, keys, 64);
    const float *first = e.side, *second = first + BOOK;
    aqlm->decode(&shape, e.side, e.codes, 64, decoded);
    for (size_t k = 0; k < 64; k++) {
        const float *key = keys + k * 8;
        double least = INFINITY, greedy = INFINITY, nearest = INFINITY;
        for (size_t a = 0; a < 256; a++) {
            double alone = squared_error(key, first + a * 8, 8), with = INFINITY;
            for (size_t b = 0; b < 256; b++) {
                float both[8];
                for (size_t j = 0; j < 8; j++)
                    both[j] = first[a * 8 + j] + second[b * 8 + j];
                with = fmin(with, squared_error(key, both, 8));
            }
            least = fmin(least, with);
            if (alone < nearest) {
                nearest = alone;
                greedy = with;
            }
        }
        double found = squared_error(key, decoded + k * 8, 8);
        assert_true(found <= greedy + 1e-5 && found >= least - 1e-5);
        ahead += found < greedy - 1e-3;
    }
    assert_true(ahead > 0);
    free(e.side);
    free(e.codes);
    free(decoded);
    free(keys);
    free(calibration);
}

/* Beside LOOKAT with as many bytes, whose one code of 8 bits has 4 channels. */
static void bytes_and_refusals(void **state)
{
    const struct kvr_codec *aqlm = kvr_codec_find("aqlm"), *opq = kvr_codec_find("opq");
    struct kvr_shape shape = {.head_dim = 128};
    (void)state;
    kvr_codec_set_tables(aqlm, &shape);
    assert_null(aqlm->refuses(&shape));
    assert_true(aqlm->key_bytes(&shape) == 32);
    assert_int_equal(kvr_codec_fewest_keys(aqlm, &shape), 16);
    shape.tables = 4;
    assert_non_null(strstr(aqlm->refuses(&shape), "32 tables of 256"));
    assert_null(opq->refuses(&shape));
    assert_true(opq->key_bytes(&shape) == 4);
    shape.tables = 3;
    assert_non_null(strstr(opq->refuses(&shape), "do not divide"));
    shape.head_dim = 12;
    assert_non_null(strstr(aqlm->refuses(&shape), "multiples of 8"));
    float keys[64] = {NAN}, side[2 * BOOK];
    shape = (struct kvr_shape){.head_dim = 8, .tables = 2, .entries = 256};
    assert_int_equal(aqlm->train(&shape, keys, 8, 1, side), -EINVAL);
    assert_int_equal(opq->train(&shape, keys, 8, 1, side), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rotation_lowers_the_error),
        cmocka_unit_test(the_rotation_is_one),
        cmocka_unit_test(aqlm_by_hand),
        cmocka_unit_test(aqlm_searches_beyond_greedy),
        cmocka_unit_test(bytes_and_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
