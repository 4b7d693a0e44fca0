/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * int4g32: scales, codes, layout and padding by hand, blocks that are coded one by one, what is
 * refused, and the prepared queries.
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
    const struct kvr_codec *found = kvr_codec_find("int4g32");
    assert_non_null(found);
    return found;
}

/* The layout of kernel.h, written a second time and from the reader's side. */
static const uint8_t *block_of(const uint8_t *codes, size_t d, size_t key)
{
    return codes + key / 16 * ((d + 63) / 64 * 64 + 8 * d); /* d bytes of scales: 2 d / 32 x 16 */
}

static float scale_at(const uint8_t *codes, size_t d, size_t key, size_t channel)
{
    uint16_t half;
    memcpy(&half, block_of(codes, d, key) + channel / 32 * 32 + key % 16 * 2, sizeof half);
    return kvr_half_to_float(half);
}

static int nibble_at(const uint8_t *codes, size_t d, size_t key, size_t channel)
{
    uint32_t dword;
    const uint8_t *lines = block_of(codes, d, key) + (d + 63) / 64 * 64;
    memcpy(&dword, lines + channel / 8 * 64 + key % 16 * 4, sizeof dword);
    return (int)(dword >> (channel % 8 * 4) & 15) - 8;
}

/* 21 keys of 96 channels, their groups of very different size: 3 groups are 96 bytes of scales in
 * two lines. */
static void layout_scales_and_padding(void **state)
{
    (void)state;
    enum { COUNT = 21, D = 96 };
    const struct kvr_shape shape = {.head_dim = D, .tokens = COUNT, .group = 32};
    float *keys = test_random(4, COUNT * D, 3.0f), decoded[COUNT * D];
    for (size_t i = 0; i < COUNT * D; i++)
        keys[i] *= (float)(i / 32 % 3 * 100 + i / D + 1);
    for (size_t c = 0; c < 32; c++)
        keys[5 * D + 32 + c] = 0.0f;
    struct test_encoded e = test_encode(codec(), &shape, keys, COUNT, keys, COUNT);
    assert_int_equal(codec()->side_bytes(&shape), 0);
    assert_int_equal(e.codes_bytes, 2 * (128 + 768));
    codec()->decode(&shape, e.side, e.codes, COUNT, decoded);
    for (size_t k = 0; k < 32; k++) {
        for (size_t c = 0; c < D; c++) {
            int code = nibble_at(e.codes, D, k, c);
            float scale = scale_at(e.codes, D, k, c), largest = 0;
            if (k >= COUNT) {
                assert_int_equal(code, 0);
                assert_true(scale == 0);
                continue;
            }
            for (size_t g = c / 32 * 32; g < c / 32 * 32 + 32; g++)
                largest = fmaxf(largest, fabsf(keys[k * D + g]));
            assert_true(scale == kvr_half_to_float(kvr_float_to_half(largest / 7)));
            if (scale != 0) /* the largest value may lie 7 x 2^-11 steps outside */
                assert_true(fabs((double)keys[k * D + c] / scale - code) <= .500001);
            assert_true(decoded[k * D + c] == (float)code * scale);
        }
    }
    for (size_t block = 0; block < 2; block++) /* behind the scales */
        for (size_t b = 96; b < 128; b++)
            assert_int_equal(((uint8_t *)e.codes)[block * 896 + b], 0);
    free(e.side);
    free(e.codes);
    free(keys);
}

/* Every key has its own scales: blocks that are coded one by one are those of the whole. */
static void blocks_stand_alone(void **state)
{
    (void)state;
    enum { COUNT = 39, D = 64 };
    const struct kvr_shape shape = {.head_dim = D, .tokens = COUNT, .group = 32};
    float *keys = test_random(9, COUNT * D, 2.0f);
    struct test_encoded all = test_encode(codec(), &shape, keys, COUNT, keys, COUNT);
    size_t block_bytes = kvr_format_affine4g.segment_bytes(&shape, 16);
    assert_int_equal(block_bytes, 16 * 36);
    assert_int_equal(all.codes_bytes, 3 * block_bytes);
    for (size_t first = 0; first < COUNT; first += 16) {
        size_t count = COUNT - first < 16 ? COUNT - first : 16;
        struct test_encoded one =
            test_encode(codec(), &shape, keys, COUNT, keys + first * D, count);
        assert_memory_equal(one.codes, (uint8_t *)all.codes + first / 16 * block_bytes,
                            block_bytes);
        free(one.side);
        free(one.codes);
    }
    free(all.side);
    free(all.codes);
    free(keys);
}

static void extreme_keys(void **state)
{
    (void)state;
    const struct kvr_shape shape = {.head_dim = 32, .tokens = 1, .group = 32};
    float keys[32] = {0}, decoded[32];
    struct test_encoded e = test_encode(codec(), &shape, keys, 1, keys, 1);
    keys[0] = 1e-9f; /* its scale is below every float16 */
    assert_int_equal(codec()->encode(&shape, e.side, keys, 1, e.codes), 0);
    codec()->decode(&shape, e.side, e.codes, 1, decoded);
    for (size_t c = 0; c < 32; c++)
        assert_true(decoded[c] == 0);
    keys[0] = 10 * 0x1p-24f; /* amax / 7 rounds down to 2^-24: clipped at both ends */
    keys[1] = -10 * 0x1p-24f;
    assert_int_equal(codec()->encode(&shape, e.side, keys, 1, e.codes), 0);
    codec()->decode(&shape, e.side, e.codes, 1, decoded);
    assert_true(decoded[0] == 7 * 0x1p-24f);
    assert_true(decoded[1] == -8 * 0x1p-24f);
    keys[0] = 7 * 65504.0f;
    assert_int_equal(codec()->encode(&shape, e.side, keys, 1, e.codes), 0);
    codec()->decode(&shape, e.side, e.codes, 1, decoded);
    assert_true(decoded[0] == keys[0]);
    keys[0] = 7 * 65520.0f;
    assert_int_equal(codec()->encode(&shape, e.side, keys, 1, e.codes), -ERANGE);
    assert_int_equal(codec()->train(&shape, keys, 1, 1, e.side), 0);
    assert_int_equal(codec()->train(&shape, keys, 0, 1, e.side), -EINVAL);
    keys[31] = NAN;
    assert_int_equal(codec()->train(&shape, keys, 1, 1, e.side), -EINVAL);
    keys[31] = INFINITY;
    assert_int_equal(codec()->train(&shape, keys, 1, 1, e.side), -EINVAL);
    free(e.side);
    free(e.codes);
}

/* d = 64: 1 / sqrt(d) = 1/8. */
static void queries(void **state)
{
    (void)state;
    const struct kvr_shape shape = {.head_dim = 64, .group = 32};
    float query[64];
    for (int c = 0; c < 64; c++)
        query[c] = (float)(c - 20);
    struct kvr_prepared_dense *fused =
        test_prepare(codec(), &shape, &kvr_format_affine4g, NULL, query);
    struct kvr_prepared_rounded *rounded =
        test_prepare(codec(), &shape, &kvr_format_affine4g_f16, NULL, query);
    for (int c = 0; c < KVR_MAX_HEAD_DIM; c++) {
        float expected = c < 64 ? (float)(c - 20) / 8 : 0.0f;
        assert_true(fused->query[c] == expected);
        assert_true(rounded->query[c] == expected);
    }
    free(fused);
    free(rounded);
}

static void refuses_with_a_reason(void **state)
{
    (void)state;
    for (uint32_t d = 0; d <= 300; d++) {
        struct kvr_shape shape = {.head_dim = d, .group = codec()->group};
        const char *reason = codec()->refuses(&shape);
        assert_int_equal(reason == NULL, d > 0 && d % 32 == 0 && d <= 256);
        assert_true(!reason || (strstr(reason, "int4g32") && strstr(reason, "--head-dim")));
    }
    struct kvr_shape shape = {.head_dim = 64, .group = 16};
    assert_int_equal(codec()->group, 32);
    assert_non_null(strstr(codec()->refuses(&shape), "groups of 32 channels, not of 16"));
    assert_true(codec()->key_bytes(&shape) == 36);
    shape.head_dim = 96;
    assert_true(codec()->key_bytes(&shape) == 54);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout_scales_and_padding), cmocka_unit_test(blocks_stand_alone),
        cmocka_unit_test(extreme_keys), cmocka_unit_test(queries),
        cmocka_unit_test(refuses_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
