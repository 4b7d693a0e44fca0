/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * q8_0 and q4_0: blocks worked out by hand, the rules of ggml's quantisation in double and as
 * comparisons, layout and padding, what is refused, and the prepared queries.
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
#include "../../kernels/half_value.h"
#include "ggml_blocks.h"
#include "support.h"

static const struct kvr_codec *codec(const char *name)
{
    const struct kvr_codec *found = kvr_codec_find(name);
    assert_non_null(found);
    return found;
}

/* Codes a key of 32 channels and compares it with a block. */
static void check_block(const char *name, int bits, const float *key, const uint8_t *expected)
{
    const struct kvr_shape shape = {.head_dim = 32, .tokens = 1, .group = 32};
    const size_t bytes = bits == 8 ? GGML_Q8_0_BYTES : GGML_Q4_0_BYTES;
    uint8_t block[GGML_Q8_0_BYTES];
    struct test_encoded e = test_encode(codec(name), &shape, key, 1, key, 1);
    ggml_block(bits, e.codes, 32, 0, 0, block);
    for (size_t i = 0; i < bytes; i++)
        if (block[i] != expected[i])
            fail_msg("%s: byte %zu is %#x, by hand %#x", name, i, block[i], expected[i]);
    free(e.side);
    free(e.codes);
}

/* amax = 127 / 8: scale 1/8 = 0x3000, codes 8 times the value, halves away from zero. */
static void q8_0_by_hand(void **state)
{
    (void)state;
    float key[32] = {-15.875f, .0625f, -.0625f, .1875f, .3125f, 15.875f};
    uint8_t block[GGML_Q8_0_BYTES] = {0x00, 0x30, 0x81, 1, 0xff, 2, 3, 127};
    key[31] = 1;
    block[2 + 31] = 8;
    check_block("q8_0", 8, key, block);
    /* The scale is rounded, the codes are made with what it was: amax = 127 (1 + 2^-12) has the
     * scale 1 as float16, and codes of 1 / (1 + 2^-12): 100.51 / 1.000244 = 100.4855. */
    memset(key, 0, sizeof key);
    memset(block, 0, sizeof block);
    key[7] = 127 * (1 + 0x1p-12f);
    key[8] = 100.51f;
    block[1] = 0x3c;
    block[2 + 7] = 127;
    block[2 + 8] = 100;
    check_block("q8_0", 8, key, block);
    memset(key, 0, sizeof key);
    memset(block, 0, sizeof block);
    check_block("q8_0", 8, key, block);
}

/* The largest magnitude becomes 0, its scale has the other sign. Byte j holds the channels j and
 * j + 16. */
static void q4_0_by_hand(void **state)
{
    (void)state;
    float key[32] = {4, -4, 1, -1, .25f, -.25f, .75f};
    uint8_t block[GGML_Q4_0_BYTES];
    memset(block + 2, 0x88, 16);
    key[16] = -3.5f;
    key[31] = 3.5f;
    /* max = 4: scale -1/2 = 0xb800; steps -8, 8, -2, 2, -.5, .5, -1.5; of 16 and 31: 7, -7 */
    block[0] = 0x00;
    block[1] = 0xb8;
    block[2] = 0xf0;
    block[3] = 0x8f; /* 8 + 8 = 16 is clipped */
    block[4] = 0x86;
    block[5] = 0x8a;
    block[6] = 0x88; /* -.5 + 8.5 = 8 */
    block[7] = 0x89;
    block[8] = 0x87; /* -1.5 + 8.5 = 7 */
    block[17] = 0x18;
    check_block("q4_0", 4, key, block);
    key[0] = 3; /* now -4 is the largest: all signs change, and 3.5 stays */
    memset(block + 2, 0x88, 16);
    block[1] = 0x38;
    block[2] = 0x1e;
    block[3] = 0x80;
    block[4] = 0x8a;
    block[5] = 0x86;
    block[6] = 0x89;
    block[7] = 0x88;
    block[8] = 0x8a; /* 1.5 + 8.5 = 10 */
    block[17] = 0xf8;
    check_block("q4_0", 4, key, block);
    memset(key, 0, sizeof key);
    memset(block, 0x88, sizeof block);
    block[0] = 0;
    block[1] = 0x80; /* 0 / -8 is -0 */
    check_block("q4_0", 4, key, block);
}

/* Of random keys by their definition: scales in double, and codes next to the exact quotient. */
static void check_random(const char *name, int bits, size_t d, size_t count)
{
    const struct kvr_shape shape = {.head_dim = (uint32_t)d, .tokens = (uint32_t)count,
                                    .group = 32};
    float *keys = test_random(d, count * d, 3.0f);
    float *decoded = test_memory(count * d * sizeof *decoded);
    for (size_t i = 0; i < count * d; i++)
        keys[i] *= (float)(i / 32 % 5 * 100 + i / d + 1);
    struct test_encoded e = test_encode(codec(name), &shape, keys, count, keys, count);
    codec(name)->decode(&shape, e.side, e.codes, count, decoded);
    for (size_t i = 0; i < count * d; i++) {
        const float *group = keys + i / 32 * 32;
        double extreme = 0;
        for (int c = 0; c < 32; c++)
            if (fabs((double)group[c]) > fabs(extreme))
                extreme = (double)group[c];
        const double scale = bits == 8 ? fabs(extreme) / 127 : extreme / -8;
        uint8_t block[GGML_Q8_0_BYTES];
        uint16_t half;
        ggml_block(bits, e.codes, d, i / d, i % d / 32, block);
        memcpy(&half, block, sizeof half);
        assert_true(kvr_half_value(half) == kvr_nearest_half((double)(float)scale));
        int code = (int8_t)block[2 + i % 32];
        if (bits == 4)
            code = (block[2 + i % 16] >> (i % 32 / 16 * 4) & 15) - 8;
        const double exact = (double)keys[i] / scale;
        const double most = bits == 8 ? 127 : 7; /* of 4 bits up to 8 is clipped */
        if (!(fabs(fmin(exact, most) - code) <= .5 + 1e-4))
            fail_msg("%s: value %zu of %zu channels is %d, not %.4f", name, i, d, code, exact);
        assert_true((double)decoded[i] == code * kvr_half_value(half));
    }
    free(e.side);
    free(e.codes);
    free(keys);
    free(decoded);
}

static void random_keys(void **state)
{
    (void)state;
    for (size_t d = 32; d <= 256; d += 32) {
        check_random("q8_0", 8, d, 37);
        check_random("q4_0", 4, d, 37);
    }
}

/* Keys behind the last one are those of value 0, and what fills the lines of scales is 0. */
static void padding(void **state)
{
    (void)state;
    enum { D = 96, COUNT = 5 };
    static const char *const names[] = {"q8_0", "q4_0"};
    const struct kvr_shape shape = {.head_dim = D, .tokens = COUNT, .group = 32};
    float *keys = test_random(3, COUNT * D, 3.0f);
    for (int i = 0; i < 2; i++) {
        const int bits = i ? 4 : 8;
        struct test_encoded e = test_encode(codec(names[i]), &shape, keys, COUNT, keys, COUNT);
        const uint8_t *bytes = e.codes, zeros[2] = {0, 0};
        assert_int_equal(e.codes_bytes, 128 + 16 * D * bits / 8);
        for (size_t k = COUNT; k < 16; k++) {
            for (size_t g = 0; g < D / 32; g++) {
                uint8_t block[GGML_Q8_0_BYTES];
                ggml_block(bits, bytes, D, k, g, block);
                assert_memory_equal(block, zeros, 2);
                for (size_t n = 2; n < (bits == 8 ? 34 : 18); n++)
                    assert_int_equal(block[n], bits == 8 ? 0 : 0x88);
            }
        }
        for (size_t b = 96; b < 128; b++)
            assert_int_equal(bytes[b], 0);
        free(e.side);
        free(e.codes);
    }
    free(keys);
}

static void extreme_keys(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        float steps; /* the largest value in scales */
    } codecs[] = {{"q8_0", 127}, {"q4_0", 8}};
    const struct kvr_shape shape = {.head_dim = 32, .tokens = 1, .group = 32};
    for (int i = 0; i < 2; i++) {
        const struct kvr_codec *c = codec(codecs[i].name);
        float key[32] = {0}, decoded[32];
        struct test_encoded e = test_encode(c, &shape, key, 1, key, 1);
        static const float tiny[] = {FLT_TRUE_MIN, FLT_MIN, 1e-9f}; /* scales of 0 as float16 */
        for (int t = 0; t < 3; t++) {
            key[3] = tiny[t];
            assert_int_equal(c->encode(&shape, e.side, key, 1, e.codes), 0);
            c->decode(&shape, e.side, e.codes, 1, decoded);
            for (int n = 0; n < 32; n++)
                assert_true(decoded[n] == 0);
        }
        key[3] = -codecs[i].steps * 65504.0f;
        assert_int_equal(c->encode(&shape, e.side, key, 1, e.codes), 0);
        c->decode(&shape, e.side, e.codes, 1, decoded);
        assert_true(decoded[3] == key[3]);
        key[3] = -codecs[i].steps * 65520.0f;
        assert_int_equal(c->encode(&shape, e.side, key, 1, e.codes), -ERANGE);
        assert_int_equal(c->train(&shape, key, 1, 1, e.side), 0);
        assert_int_equal(c->train(&shape, key, 0, 1, e.side), -EINVAL);
        key[31] = NAN;
        assert_int_equal(c->train(&shape, key, 1, 1, e.side), -EINVAL);
        key[31] = INFINITY;
        assert_int_equal(c->train(&shape, key, 1, 1, e.side), -EINVAL);
        free(e.side);
        free(e.codes);
    }
}

/* d = 64: 1 / sqrt(d) = 1/8. Group 0: amax 127, step 1; group 1: amax 127 (1 + 2^-12), which has
 * the same step as float16 and other codes; halves to even. */
static void check_query(const char *name, const struct kvr_format *format, int zero)
{
    const struct kvr_shape shape = {.head_dim = 64, .group = 32};
    float query[64] = {-127, 2.5f, 3.5f, -2.5f};
    query[33] = 127 * (1 + 0x1p-12f);
    query[34] = 100.51f;
    struct kvr_prepared_group_q8 *p = test_prepare(codec(name), &shape, format, NULL, query);
    int8_t expected[KVR_MAX_HEAD_DIM] = {-127, 2, 4, -2};
    expected[33] = 127;
    expected[34] = 100;
    assert_memory_equal(p->query8, expected, sizeof expected);
    for (size_t g = 0; g < KVR_MAX_GROUPS; g++) {
        assert_true(p->steps[g] == (g < 2 ? .125f : 0.0f));
        assert_int_equal(p->offset_sums[g], g == 0 ? zero * -123 : g == 1 ? zero * 227 : 0);
    }
    for (size_t c = 0; c < KVR_MAX_HEAD_DIM; c++) {
        size_t dword = c / 4, byte = c % 4;
        if (zero == 8) {
            dword = c / 8 * 2 + c % 2;
            byte = c % 8 / 2;
        }
        assert_int_equal((int8_t)((uint32_t)p->dwords[dword] >> 8 * byte & 255), expected[c]);
    }
    free(p);
    memset(query, 0, sizeof query);
    query[0] = 1e-9f; /* a step of 0: no codes */
    query[40] = 127 * 65536.0f; /* a step that float16 does not hold */
    p = test_prepare(codec(name), &shape, format, NULL, query);
    assert_int_equal(p->query8[0], 0);
    assert_true(p->steps[0] == 0);
    assert_int_equal(p->query8[40], 127);
    assert_true(p->steps[1] == 8192);
    free(p);
}

static void queries(void **state)
{
    (void)state;
    const struct kvr_shape shape = {.head_dim = 64, .group = 32};
    float query[64];
    for (int c = 0; c < 64; c++)
        query[c] = (float)(c - 20);
    struct kvr_prepared_dense *q8_0 =
        test_prepare(codec("q8_0"), &shape, &kvr_format_affine8g, NULL, query);
    struct kvr_prepared_dense *q4_0 =
        test_prepare(codec("q4_0"), &shape, &kvr_format_affine4g, NULL, query);
    for (int c = 0; c < KVR_MAX_HEAD_DIM; c++) {
        assert_true(q8_0->query[c] == (c < 64 ? (float)(c - 20) / 8 : 0.0f));
        assert_true(q4_0->query[c] == q8_0->query[c]);
    }
    free(q8_0);
    free(q4_0);
    check_query("q8_0", &kvr_format_affine8g_q8, 128);
    check_query("q4_0", &kvr_format_affine4g_q8, 8);
}

static void refuses_with_a_reason(void **state)
{
    (void)state;
    static const char *const names[] = {"q8_0", "q4_0"};
    for (int i = 0; i < 2; i++) {
        const struct kvr_codec *c = codec(names[i]);
        for (uint32_t d = 0; d <= 300; d++) {
            struct kvr_shape shape = {.head_dim = d, .group = c->group};
            const char *reason = c->refuses(&shape);
            assert_int_equal(reason == NULL, d > 0 && d % 32 == 0 && d <= 256);
            assert_true(!reason || (strstr(reason, names[i]) && strstr(reason, "--head-dim")));
        }
        struct kvr_shape shape = {.head_dim = 64, .group = 16};
        assert_non_null(strstr(c->refuses(&shape), "groups of 32 channels, not of 16"));
        assert_true(c->key_bytes(&shape) == (i ? 36 : 68));
        assert_int_equal(c->side_bytes(&shape), 0);
        assert_int_equal(c->formats[0]->segment_bytes(&shape, 32), 32 * (i ? 36 : 68));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(q8_0_by_hand), cmocka_unit_test(q4_0_by_hand),
        cmocka_unit_test(random_keys), cmocka_unit_test(padding),
        cmocka_unit_test(extreme_keys), cmocka_unit_test(queries),
        cmocka_unit_test(refuses_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
