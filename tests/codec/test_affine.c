/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fp16, bf16, int8 and int4 (and their variants with an 8-bit query): codes, layouts and prepared
 * queries by hand.
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

#include "../../kernels/formats.h"
#include "support.h"

static const struct kvr_codec *codec(const char *name)
{
    const struct kvr_codec *found = kvr_codec_find(name);
    assert_non_null(found);
    return found;
}

static void the_list(void **state)
{
    (void)state;
    static const char *const names[] = {"fp16",   "bf16",    "int8",   "int4",    "int8q8",
                                        "int4q8", "int4g32", "lookat", "q8_0",    "q4_0",
                                        "kivi2",  "kivi4",   "squat2", "squat4",  "asymkv1",
                                        "wkvquant", "opq",  "aqlm",   "qjl",     "rvq"};
    const size_t known = sizeof names / sizeof *names;
    const struct kvr_codec *const *codecs = kvr_codecs();
    size_t count = 0;
    for (; codecs[count]; count++) {
        assert_true(count < known);
        assert_string_equal(codecs[count]->name, names[count]);
        assert_ptr_equal(kvr_codec_find(names[count]), codecs[count]);
        assert_non_null(codecs[count]->formats[0]);
        assert_int_equal(codecs[count]->calibrated,
                         strstr("wkvquant lookat opq aqlm qjl rvq", names[count]) != NULL);
    }
    assert_int_equal(count, known);
    assert_null(kvr_codec_find("int"));
}

/* The layouts of kernel.h, written a second time and from the reader's side. */
static int byte_at(const uint8_t *codes, size_t d, size_t key, size_t channel)
{
    const uint8_t *line = codes + key / 16 * 16 * d + channel / 4 * 64;
    return line[key % 16 * 4 + channel % 4] - 128;
}

static int nibble_at(const uint8_t *codes, size_t d, size_t key, size_t channel)
{
    uint32_t dword;
    memcpy(&dword, codes + key / 16 * 8 * d + channel / 8 * 64 + key % 16 * 4, 4);
    return (int)(dword >> (channel % 8 * 4) & 15) - 8;
}

/* A scale of 1 makes codes the rounded values: half to even, clipped at both ends. */
static void codes_round_and_clip(void **state)
{
    (void)state;
    static const float values[] = {0,    .5f,   1.5f,  -.5f,    2.5f,   -6.6f, 6.5f,   7.4f,
                                   7.6f, -8.4f, -8.6f, -127.6f, 126.7f, 1e30f, -1e30f, -0.0f};
    static const int bytes[] = {0, 0, 2, 0, 2, -7, 6, 7, 8, -8, -9, -128, 127, 127, -128, 0};
    static const int nibbles[] = {0, 0, 2, 0, 2, -7, 6, 7, 7, -8, -8, -8, 7, 7, -8, 0};
    struct kvr_shape shape = {.head_dim = 16, .tokens = 1};
    float scale = 1.0f;
    uint8_t *codes = test_memory(256);
    assert_int_equal(codec("int8")->encode(&shape, &scale, values, 1, codes), 0);
    for (size_t c = 0; c < 16; c++)
        assert_int_equal(byte_at(codes, 16, 0, c), bytes[c]);
    assert_int_equal(codec("int4")->encode(&shape, &scale, values, 1, codes), 0);
    for (size_t c = 0; c < 16; c++)
        assert_int_equal(nibble_at(codes, 16, 0, c), nibbles[c]);
    free(codes);
}

/* 21 keys of 32 channels: every code in its place, padding holds the code of 0, the q8 variants
 * share keys and scale. */
static void layout_padding_and_scale(void **state)
{
    (void)state;
    enum { COUNT = 21, D = 32 };
    static const struct {
        const char *name, *same;
        int max;
        int (*at)(const uint8_t *, size_t, size_t, size_t);
        size_t bytes;
    } cases[] = {
        {"int8", "int8q8", 127, byte_at, 32 * D},
        {"int4", "int4q8", 7, nibble_at, 32 * D / 2},
    };
    struct kvr_shape shape = {.head_dim = D, .tokens = COUNT};
    float *keys = test_random(4, COUNT * D, 3.0f), decoded[COUNT * D];
    keys[100] = -3.5f; /* the largest magnitude */
    for (size_t i = 0; i < 2; i++) {
        struct test_encoded e = test_encode(codec(cases[i].name), &shape, keys, COUNT, keys, COUNT);
        struct test_encoded q8 =
            test_encode(codec(cases[i].same), &shape, keys, COUNT, keys, COUNT);
        float scale = *(float *)e.side;
        assert_int_equal(codec(cases[i].name)->side_bytes(&shape), sizeof scale);
        assert_true(scale == 3.5f / (float)cases[i].max);
        assert_int_equal(e.codes_bytes, cases[i].bytes);
        assert_int_equal(q8.codes_bytes, e.codes_bytes);
        assert_memory_equal(q8.codes, e.codes, e.codes_bytes);
        assert_true(*(float *)q8.side == scale);
        codec(cases[i].name)->decode(&shape, e.side, e.codes, COUNT, decoded);
        for (size_t k = 0; k < 32; k++) {
            for (size_t c = 0; c < D; c++) {
                int code = cases[i].at(e.codes, D, k, c);
                if (k >= COUNT) {
                    assert_int_equal(code, 0);
                    continue;
                }
                assert_true(fabs((double)keys[k * D + c] / scale - code) <= .500001);
                assert_true(decoded[k * D + c] == (float)code * scale);
            }
        }
        assert_int_equal(cases[i].at(e.codes, D, 100 / D, 100 % D), -cases[i].max);
        free(e.side);
        free(e.codes);
        free(q8.side);
        free(q8.codes);
    }
    free(keys);
}

static void zero_and_bad_keys(void **state)
{
    (void)state;
    struct kvr_shape shape = {.head_dim = 16, .tokens = 1};
    float keys[16] = {0}, decoded[16], scale = 5.0f;
    static const char *const names[] = {"int8", "int4"};
    for (size_t i = 0; i < 2; i++) {
        memset(keys, 0, sizeof keys);
        struct test_encoded e = test_encode(codec(names[i]), &shape, keys, 1, keys, 1);
        codec(names[i])->decode(&shape, e.side, e.codes, 1, decoded);
        assert_memory_equal(decoded, keys, sizeof keys);
        uint8_t zero = i ? 0x88 : 0x80;
        for (size_t b = 0; b < e.codes_bytes; b++)
            assert_int_equal(((uint8_t *)e.codes)[b], zero);
        free(e.side);
        free(e.codes);

        keys[3] = 1e-38f; /* its scale would be subnormal */
        assert_int_equal(codec(names[i])->train(&shape, keys, 1, 1, &scale), 0);
        assert_true(scale == FLT_MIN);
        keys[3] = INFINITY;
        assert_int_equal(codec(names[i])->train(&shape, keys, 1, 1, &scale), -EINVAL);
        keys[3] = NAN;
        assert_int_equal(codec(names[i])->train(&shape, keys, 1, 1, &scale), -EINVAL);
        assert_int_equal(codec(names[i])->train(&shape, keys, 0, 1, &scale), -EINVAL);
    }
}

/* d = 16: 1 / sqrt(d) = 1/4. */
static void float_queries(void **state)
{
    (void)state;
    struct kvr_shape shape = {.head_dim = 16};
    float query[16], scale = .5f;
    double sum = 0.0;
    for (int c = 0; c < 16; c++) {
        query[c] = (float)(c - 4);
        sum += (c - 4) / 8.0;
    }
    struct kvr_prepared_affine *bytes =
        test_prepare(codec("int8"), &shape, &kvr_format_affine8, &scale, query);
    struct kvr_prepared_affine *nibbles =
        test_prepare(codec("int4"), &shape, &kvr_format_affine4, &scale, query);
    struct kvr_prepared_dense *dense =
        test_prepare(codec("fp16"), &shape, &kvr_format_dense_f16, NULL, query);
    struct kvr_prepared_dense *upper =
        test_prepare(codec("bf16"), &shape, &kvr_format_dense_bf16, NULL, query);
    struct kvr_prepared_rounded *rounded8 =
        test_prepare(codec("int8"), &shape, &kvr_format_affine8_f16, &scale, query);
    struct kvr_prepared_rounded *rounded4 =
        test_prepare(codec("int4"), &shape, &kvr_format_affine4_f16, &scale, query);
    for (int c = 0; c < KVR_MAX_HEAD_DIM; c++) {
        float expected = c < 16 ? (float)(c - 4) : 0.0f;
        assert_true(bytes->query[c] == expected / 8);
        assert_true(nibbles->query[c] == expected / 8);
        assert_true(dense->query[c] == expected / 4);
        assert_true(upper->query[c] == expected / 4);
        assert_true(rounded8->query[c] == expected / 4);
        assert_true(rounded4->query[c] == expected / 4);
    }
    assert_true(rounded8->scale == .5f);
    assert_true(rounded4->scale == .5f);
    assert_true(bytes->offset_sum == (float)(128 * sum));
    assert_true(nibbles->offset_sum == (float)(8 * sum));
    free(bytes);
    free(nibbles);
    free(dense);
    free(upper);
    free(rounded8);
    free(rounded4);
}

/* max|query| = 254: step 2; channels hold -254, 254, 3 (rounds to 2), 1 (0.5: 0), ... */
static void eight_bit_queries(void **state)
{
    (void)state;
    static const float query[16] = {-254, 254, 3,  1,  5,  -3,  10, 20,
                                    -30,  40,  50, 60, 70, -80, 90, 0};
    static const int expected[16] = {-127, 127, 2,  0,  2,  -2,  5,  10,
                                     -15,  20,  25, 30, 35, -40, 45, 0};
    struct kvr_shape shape = {.head_dim = 16};
    float scale = .25f;
    int sum = 0;
    struct kvr_prepared_affine_q8 *bytes =
        test_prepare(codec("int8q8"), &shape, &kvr_format_affine8_q8, &scale, query);
    struct kvr_prepared_affine_q8 *nibbles =
        test_prepare(codec("int4q8"), &shape, &kvr_format_affine4_q8, &scale, query);
    for (int c = 0; c < 16; c++) {
        sum += expected[c];
        assert_int_equal(bytes->query8[c], expected[c]);
        assert_int_equal(nibbles->query8[c], expected[c]);
    }
    assert_int_equal(bytes->offset_sum, 128 * sum);
    assert_int_equal(nibbles->offset_sum, 8 * sum);
    assert_true(bytes->scale == .25f * 2 / 4);
    assert_true(nibbles->scale == .25f * 2 / 4);
    for (int i = 0; i < KVR_MAX_HEAD_DIM / 4; i++) {
        const int8_t *got8 = (const int8_t *)&bytes->dwords[i];
        const int8_t *got4 = (const int8_t *)&nibbles->dwords[i];
        for (int j = 0; j < 4; j++) {
            assert_int_equal(got8[j], i < 4 ? expected[4 * i + j] : 0);
            /* even dwords hold even channels, odd dwords odd ones */
            assert_int_equal(got4[j], i < 4 ? expected[i / 2 * 8 + 2 * j + i % 2] : 0);
        }
    }
    free(bytes);
    free(nibbles);
}

static void zero_queries(void **state)
{
    (void)state;
    static const struct kvr_prepared_affine_q8 nothing;
    struct kvr_shape shape = {.head_dim = 16};
    const float query[16] = {0};
    float scale = .25f;
    void *prepared = test_prepare(codec("int8q8"), &shape, &kvr_format_affine8_q8, &scale, query);
    assert_memory_equal(prepared, &nothing, sizeof nothing);
    free(prepared);
    prepared = test_prepare(codec("int4q8"), &shape, &kvr_format_affine4_q8, &scale, query);
    assert_memory_equal(prepared, &nothing, sizeof nothing);
    free(prepared);
}

static void check_dense_keys(const char *name, uint16_t (*narrow)(float), float relative,
                             float too_large, float largest)
{
    struct kvr_shape shape = {.head_dim = 16, .tokens = 3};
    float *keys = test_random(8, 3 * 16, 9.0f), decoded[3 * 16];
    struct test_encoded e = test_encode(codec(name), &shape, keys, 3, keys, 3);
    const uint16_t *halves = e.codes;
    assert_int_equal(codec(name)->side_bytes(&shape), 0);
    codec(name)->decode(&shape, NULL, e.codes, 3, decoded);
    for (size_t i = 0; i < 3 * 16; i++) {
        assert_int_equal(halves[i], narrow(keys[i]));
        assert_true(fabsf(decoded[i] - keys[i]) <= fabsf(keys[i]) * relative);
    }
    for (size_t b = 3 * 32; b < e.codes_bytes; b++)
        assert_int_equal(((uint8_t *)e.codes)[b], 0);
    keys[5] = too_large;
    assert_int_equal(codec(name)->encode(&shape, NULL, keys, 3, e.codes), -ERANGE);
    keys[5] = largest;
    assert_int_equal(codec(name)->encode(&shape, NULL, keys, 3, e.codes), 0);
    free(e.side);
    free(e.codes);
    free(keys);
}

static void dense_keys(void **state)
{
    (void)state;
    check_dense_keys("fp16", kvr_float_to_half, 0x1p-11f, 65520.0f, 65519.0f);
    check_dense_keys("bf16", kvr_float_to_bf16, 0x1p-8f, 0x1.ffp127f, 0x1.fefffep127f);
    check_dense_keys("bf16", kvr_float_to_bf16, 0x1p-8f, NAN, 0x1p-140f);
}

static void refuses_with_a_reason(void **state)
{
    (void)state;
    static const char *const names[] = {"fp16", "bf16", "int8", "int4", "int8q8", "int4q8"};
    static const double key_bytes[] = {128, 128, 64, 32, 64, 32};
    for (size_t i = 0; i < 6; i++) {
        for (uint32_t d = 0; d <= 300; d++) {
            struct kvr_shape shape = {.head_dim = d};
            const char *reason = codec(names[i])->refuses(&shape);
            assert_int_equal(reason == NULL, d > 0 && d % 16 == 0 && d <= 256);
            assert_true(!reason || (strstr(reason, names[i]) && strstr(reason, "--head-dim")));
        }
        struct kvr_shape shape = {.head_dim = 64, .group = 32};
        assert_non_null(strstr(codec(names[i])->refuses(&shape), "no scale groups"));
        assert_true(codec(names[i])->key_bytes(&shape) == key_bytes[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list),
        cmocka_unit_test(codes_round_and_clip),
        cmocka_unit_test(layout_padding_and_scale),
        cmocka_unit_test(zero_and_bad_keys),
        cmocka_unit_test(float_queries),
        cmocka_unit_test(eight_bit_queries),
        cmocka_unit_test(zero_queries),
        cmocka_unit_test(dense_keys),
        cmocka_unit_test(refuses_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
