/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * wkvquant: factors, codes and the folded query by hand, and what smoothing is for.
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

static const struct kvr_codec *codec(void)
{
    const struct kvr_codec *found = kvr_codec_find("wkvquant");
    assert_non_null(found);
    return found;
}

/* Channel 0 up to 36, channel 1 up to 4, channel 2 of zeros: factors 6, 2 and 1. The key 7 x 6, 3 x
 * 2, 5 x 1 is 7, 3, 5 when smoothed, all other channels 0: scale 1, and these codes. */
static void by_hand(void **state)
{
    (void)state;
    enum { D = 32 };
    const struct kvr_shape shape = {.head_dim = D, .tokens = 1, .group = 32};
    const float training[2 * D] = {-36, 1, 0, [D] = 9, 4, 0}, key[D] = {42, -6, 5};
    float decoded[D], query[D] = {1, 8, -2};
    struct test_encoded e = test_encode(codec(), &shape, training, 2, key, 1);
    const float *factors = e.side;
    const uint8_t *codes = e.codes;
    assert_int_equal(codec()->side_bytes(&shape), D * sizeof(float));
    assert_true(factors[0] == 6 && factors[1] == 2 && factors[2] == 1 && factors[D - 1] == 1);
    assert_true(codes[64] == (15 | 5 << 4) && codes[65] == (13 | 8 << 4)); /* after the scales */
    codec()->decode(&shape, e.side, e.codes, 1, decoded);
    assert_memory_equal(decoded, key, sizeof key);
    struct kvr_prepared_dense *p =
        test_prepare(codec(), &shape, &kvr_format_affine4g, e.side, query);
    const double root = sqrt(D);
    assert_true(fabs(p->query[0] * root - 6) < 1e-6 && fabs(p->query[1] * root - 16) < 1e-5 &&
                fabs(p->query[2] * root + 2) < 1e-6 && p->query[3] == 0);
    double score;
    kvr_format_affine4g.reference(&shape, 1, e.codes, e.side, p, &score);
    assert_true(fabs(score * root - (42 - 48 - 10)) < 1e-5);
    free(p);
    free(e.side);
    free(e.codes);
}

static double squared_error(const char *name, const float *keys, size_t count, size_t d)
{
    const struct kvr_codec *c = kvr_codec_find(name);
    const struct kvr_shape shape = {.head_dim = (uint32_t)d, .tokens = (uint32_t)count,
                                    .group = 32};
    float *decoded = malloc(count * d * sizeof *decoded);
    struct test_encoded e = test_encode(c, &shape, keys, count, keys, count);
    double sum = 0;
    c->decode(&shape, e.side, e.codes, count, decoded);
    for (size_t i = 0; i < count * d; i++)
        sum += ((double)keys[i] - decoded[i]) * ((double)keys[i] - decoded[i]);
    free(decoded);
    free(e.side);
    free(e.codes);
    return sum;
}

/* A channel of outliers sets every key's scale; smoothed it does so less. */
static void outliers(void **state)
{
    (void)state;
    enum { COUNT = 200, D = 64 };
    float *keys = test_random(5, COUNT * D, 1);
    for (size_t k = 0; k < COUNT; k++)
        keys[k * D + 40] *= 100;
    const double plain = squared_error("int4g32", keys, COUNT, D);
    const double smoothed = squared_error("wkvquant", keys, COUNT, D);
    assert_true(smoothed < plain / 2);
    free(keys);
}

static void refusals(void **state)
{
    (void)state;
    struct kvr_shape shape = {.head_dim = 64, .group = 32};
    float keys[64] = {0}, side[64];
    uint8_t codes[16 * 36];
    assert_null(codec()->refuses(&shape));
    assert_true(codec()->key_bytes(&shape) == 36);
    shape.head_dim = 80;
    assert_non_null(strstr(codec()->refuses(&shape), "wkvquant"));
    shape.head_dim = 64;
    assert_int_equal(codec()->train(&shape, keys, 0, 1, side), -EINVAL);
    keys[3] = INFINITY;
    assert_int_equal(codec()->train(&shape, keys, 1, 1, side), -EINVAL);
    keys[3] = 0;
    assert_int_equal(codec()->train(&shape, keys, 1, 1, side), 0);
    keys[3] = 1e9f; /* far beyond what was seen: 1e9 / 7 is no float16 */
    assert_int_equal(codec()->encode(&shape, side, keys, 1, codes), -ERANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(outliers),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
